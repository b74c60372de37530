import { createRequire } from 'node:module'
import { afterAll, beforeAll, expect, it } from 'vitest'
import Redis from '../../drivers/Redis.js'
import { DriverError, type ManagerOptions, SessionManager } from '../../lib/index.js'
import { readOptions } from '../../lib/options.js'
import { driverSuite } from '../suite/driver.js'
import { startNode } from '../support/child.js'
import { startRedisNode, until } from '../support/redis-nodes.js'
import { PRIMARY, type RedisSentinels, startRedisSentinels, startSentinel } from '../support/redis-sentinels.js'
import { Relay } from '../support/relay.js'
import { describeWith } from '../support/requirements.js'
import { freePort } from '../support/server.js'

/** What the tests use of the clients. */
interface LiveClient {
  connect(): Promise<unknown>
  disconnect(): void
  destroy(): unknown
}

interface LiveSentinel extends LiveClient {
  on(event: 'error', listener: () => void): unknown
}

const requirePackage = createRequire(import.meta.url)

describeWith('redis', 'Redis behind sentinels', () => {
  let sentinels: RedisSentinels
  let prefixes = 0

  beforeAll(async () => {
    sentinels = await startRedisSentinels()
  }, 60_000)

  afterAll(() => sentinels.stop())

  const redis = (options: object): Redis => {
    const where = 'cache' in options ? {} : sentinels.options
    const all = { ...where, timeout: 5000, ...options }
    return new Redis(readOptions(Redis.options, all as Record<string, unknown>))
  }

  const newPrefix = (): string => `s${++prefixes}:`

  const clients: Record<string, () => Promise<{ options: object; end: () => unknown }>> = {
    'its own connection': async () => ({ options: {}, end: () => undefined }),
    'its own connection, with a replica': async () => ({ options: { replicas: 1 }, end: () => undefined }),
    'a live ioredis': async () => {
      const { Redis: Client } = requirePackage('ioredis') as { Redis: new (options: object) => LiveClient }
      const where = sentinels.ports.map((port) => ({ host: '127.0.0.1', port }))
      const live = new Client({ sentinels: where, name: PRIMARY, password: sentinels.options.password })
      return { options: { cache: live }, end: () => live.disconnect() }
    },
    'a live node-redis': async () => {
      const { createSentinel } = requirePackage('redis') as { createSentinel(options: object): LiveClient }
      const live = createSentinel({
        name: PRIMARY,
        sentinelRootNodes: sentinels.ports.map((port) => ({ host: '127.0.0.1', port })),
        nodeClientOptions: { password: sentinels.options.password },
        replicaPoolSize: 1,
      })
      await live.connect()
      return { options: { cache: live }, end: () => live.destroy() }
    },
  }

  for (const [kind, clientOf] of Object.entries(clients)) {
    driverSuite({
      describe: (_title, body) => body(),
      it: (title, body) => it(`${kind}: ${title}`, body),
      name: 'Redis',
      open: async () => {
        const { options, end } = await clientOf()
        const prefix = newPrefix()
        const driver = redis({ ...options, prefix })
        const close = async () => {
          await driver.close()
          await end()
        }
        return { driver, close, peer: async () => redis({ ...options, prefix }) }
      },
    })
  }

  it('a script that forgets close() ends', async () => {
    const options = { ...sentinels.options, prefix: newPrefix() }
    const child = await startNode('t/support/forgetful-worker.ts', ['Redis', JSON.stringify(options)])
    expect(await child.done).toBe('stored')
  })

  it('sentinels that do not answer, or do not know the primary, are told within the timeout', async () => {
    const nobody = redis({ dataSource: `redis+sentinel://127.0.0.1:${await freePort()}/${PRIMARY}`, timeout: 500 })
    await expect(nobody.retrieve('one')).rejects.toThrow(/no sentinel answers, or none knows the primary/)
    const unknown = redis({ dataSource: `redis+sentinel://127.0.0.1:${sentinels.ports[0]}/others`, timeout: 500 })
    await expect(unknown.retrieve('one')).rejects.toThrow(/no sentinel answers, or none knows the primary/)
    await Promise.all([nobody.close(), unknown.close()])
  })

  it('a live sentinel of node-redis sends no write a second time when the connection ends', async () => {
    const server = await startRedisNode()
    const relay = await Relay.to(server.settings.port)
    const sentinel = await startSentinel(relay.port)
    const { createSentinel } = requirePackage('redis') as { createSentinel(options: object): LiveSentinel }
    const live = createSentinel({
      name: PRIMARY,
      sentinelRootNodes: [{ host: '127.0.0.1', port: sentinel.settings }],
      nodeClientOptions: { password: sentinels.options.password },
    })
    live.on('error', () => undefined)
    await live.connect()
    const driver = redis({ cache: live, prefix: newPrefix() })
    const said = /connection ended before the answer came; a write may have taken place/
    const bytes = (text: string) => Buffer.from(text)
    try {
      await driver.store('warm', bytes('0'))
      await driver.store('warm', bytes('1'), { expect: bytes('0') })
      await driver.remove('none', { expect: bytes('0') })
      const attempts = [
        () => driver.store('one', bytes('1'), { expect: null }),
        () => driver.store('one', bytes('2'), { expect: bytes('1') }),
        () => driver.remove('one', { expect: bytes('2') }),
      ]
      for (const [index, attempt] of attempts.entries()) {
        relay.mode = 'cut'
        const attempted = attempt().catch((error: unknown) => error)
        await until(async () => (await server.ask('get', `s${prefixes}:one`)) === (['1', '2', null] as const)[index])
        relay.mode = 'pass'
        expect(await attempted).toMatchObject({ message: expect.stringMatching(said) })
        await until(async () => (await driver.retrieve('warm')) !== undefined)
      }
    } finally {
      await driver.close()
      await live.destroy()
      await Promise.all([sentinel.stop(), server.stop()])
      await relay.close()
    }
  })

  it('a primary that is lost takes no acknowledged session with it, and writes go on', async () => {
    const options: ManagerOptions = { ...sentinels.options, type: 'driver:Redis', prefix: newPrefix(), replicas: 1 }
    await using sessions = await SessionManager.create({ ...options, timeout: 1000 })
    const open = await Promise.all(Array.from({ length: 30 }, () => sessions.open()))
    const last = new Array<number>(open.length).fill(0)
    let phase: 'before' | 'lost' | 'after' = 'before'
    let failures = 0
    const write = async (index: number): Promise<void> => {
      let after = 0
      for (let round = 1; after < 3; round++) {
        const during = phase
        try {
          await open[index]!.param('round', round).flush()
          last[index] = round
          if (during === 'after') after++
        } catch (error) {
          expect(error).toBeInstanceOf(DriverError)
          failures++
        }
      }
    }
    const [first, second] = sentinels.servers
    const incident = async (): Promise<void> => {
      await until(() => last.every((round) => round > 0))
      phase = 'lost'
      await first.kill({ staysDown: true })
      await until(async () => (await sentinels.primary()) === second.settings.port)
      // What the lost primary acknowledged, the new one has.
      const acknowledged = [...last]
      await using reader = await SessionManager.create({ ...options, replicas: 0, timeout: 20_000 })
      const found = await Promise.all(open.map((one) => reader.open({ clientId: one.id() })))
      const lost = found.filter((one, index) => one.isNew() || (one.param('round') as number) < acknowledged[index]!)
      expect(lost).toEqual([])
      await first.start()
      await until(async () => String(await second.ask('info', 'replication')).includes('state=online'))
      phase = 'after'
    }
    await Promise.all([...open.map((_, index) => write(index)), incident()])
    expect(failures).toBeGreaterThan(0)
    const found = await Promise.all(open.map((one) => sessions.open({ clientId: one.id() })))
    for (const [index, one] of found.entries()) expect(one.param('round')).toBe(last[index])
  }, 60_000)
})
