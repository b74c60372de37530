import { createRequire } from 'node:module'
import { afterAll, beforeAll, expect, it } from 'vitest'
import Redis from '../../drivers/Redis.js'
import { DriverError } from '../../lib/index.js'
import { readOptions } from '../../lib/options.js'
import { driverSuite } from '../suite/driver.js'
import { startNode } from '../support/child.js'
import { type RedisCluster, startRedisCluster } from '../support/redis-cluster.js'
import { until } from '../support/redis-nodes.js'
import { describeWith } from '../support/requirements.js'

/** What the tests use of the clients' clusters. */
interface LiveCluster {
  connect(): Promise<unknown>
  disconnect(): void
  destroy(): void
}

const requirePackage = createRequire(import.meta.url)

const number = (record: Uint8Array | undefined): number => Number(Buffer.from(record!).toString())

describeWith('redis', 'Redis cluster', () => {
  let cluster: RedisCluster
  let prefixes = 0

  beforeAll(async () => {
    cluster = await startRedisCluster()
  }, 60_000)

  afterAll(() => cluster.stop())

  const redis = (options: object): Redis => {
    const where = 'cache' in options ? {} : cluster.options
    const all = { ...where, timeout: 5000, ...options }
    return new Redis(readOptions(Redis.options, all as Record<string, unknown>))
  }

  const newPrefix = (): string => `c${++prefixes}:`

  const clients: Record<string, () => Promise<{ options: object; end: () => void }>> = {
    'its own connection': async () => ({ options: {}, end: () => undefined }),
    'a live cluster of ioredis': async () => {
      const { Cluster } = requirePackage('ioredis') as {
        Cluster: new (nodes: object[], options: object) => LiveCluster
      }
      const nodes = cluster.nodes.map(({ settings: { host, port } }) => ({ host, port }))
      const redisOptions = { password: cluster.options.password }
      const live = new Cluster(nodes, { redisOptions, keyPrefix: 'app:' })
      return { options: { cache: live }, end: () => live.disconnect() }
    },
    'a live cluster of node-redis': async () => {
      const { createCluster } = requirePackage('redis') as { createCluster(options: object): LiveCluster }
      const rootNodes = cluster.nodes.map(({ settings: { host, port } }) => ({ socket: { host, port } }))
      const live = createCluster({ rootNodes, defaults: { password: cluster.options.password } })
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
          end()
        }
        return { driver, close, peer: async () => redis({ ...options, prefix }) }
      },
    })
  }

  it('a script that forgets close() ends', async () => {
    const options = { ...cluster.options, prefix: newPrefix() }
    const child = await startNode('t/support/forgetful-worker.ts', ['Redis', JSON.stringify(options)])
    expect(await child.done).toBe('stored')
  })

  it('a server of the cluster alone says how to name the cluster', async () => {
    const { port } = cluster.nodes[0]!.settings
    const driver = redis({ dataSource: `redis://127.0.0.1:${port}`, prefix: newPrefix() })
    const all = Promise.all(Array.from({ length: 20 }, (_, index) => driver.retrieve(`id${index}`)))
    await expect(all).rejects.toThrow(/part of a cluster: write dataSource as redis\+cluster:.*MOVED/)
    await driver.close()
  })

  it('a wrong password is told at once', async () => {
    const driver = redis({ password: 'hunter2hunter2' })
    const begun = Date.now()
    await expect(driver.retrieve('one')).rejects.toThrow(/refuses the user or the password.*WRONGPASS/)
    expect(Date.now() - begun).toBeLessThan(4000)
    await driver.close()
  })

  it('sessions whose slot is moved between servers lose no update', async () => {
    // All in one slot.
    const prefix = `{${newPrefix()}}`
    const drivers = [redis({ prefix }), redis({ prefix })]
    const ids = Array.from({ length: 8 }, (_, index) => `moved${index}`)
    await Promise.all(ids.map((id) => drivers[0]!.store(id, Buffer.from('0'))))
    const begun = await cluster.ownerOf(prefix)
    let isMoving = true
    const counts = await Promise.all(
      ids
        .flatMap((id) =>
          drivers.map(async (driver) => {
            let count = 0
            while (isMoving || count < 20) {
              const current = (await driver.retrieve(id))!
              const next = Buffer.from(String(number(current) + 1))
              if ((await driver.store(id, next, { expect: current, ttl: 1000 })) === 'stored') count++
            }
            return { id, count }
          }),
        )
        .concat(
          (async () => {
            for (const step of [1, 2, 3]) await cluster.move(prefix, (begun + step) % 3)
            isMoving = false
            return { id: '', count: 0 }
          })(),
        ),
    )
    for (const id of ids) {
      const written = counts.filter((one) => one.id === id).reduce((sum, one) => sum + one.count, 0)
      expect(number(await drivers[0]!.retrieve(id))).toBe(written)
    }
    await Promise.all(drivers.map((driver) => driver.close()))
  })

  it('a server that is killed and comes back loses nothing that was acknowledged, and the others go on', async () => {
    const prefix = newPrefix()
    const driver = redis({ prefix, timeout: 1000 })
    const ids = Array.from({ length: 60 }, (_, index) => `k${index}`)
    const owners = await Promise.all(ids.map((id) => cluster.ownerOf(prefix + id)))
    const victim = owners[0]!
    const last = new Map<string, number>()
    const othersWhileDown = new Set<string>()
    let phase: 'before' | 'down' | 'after' = 'before'
    let failures = 0
    const write = async (id: string, index: number): Promise<void> => {
      let after = 0
      for (let round = 1; after < 3; round++) {
        const during = phase
        try {
          await driver.store(id, Buffer.from(String(round)))
          last.set(id, round)
          if (during === 'after') after++
          if (during === 'down' && owners[index] !== victim) othersWhileDown.add(id)
        } catch (error) {
          expect(error).toBeInstanceOf(DriverError)
          failures++
        }
      }
    }
    const load = Promise.all(ids.map(write))
    const incident = (async () => {
      while (last.size < ids.length) await new Promise((resolve) => setTimeout(resolve, 5))
      phase = 'down'
      await cluster.nodes[victim]!.kill({ staysDown: true })
      const others = owners.filter((owner) => owner !== victim).length
      while (othersWhileDown.size < others || failures === 0) await new Promise((resolve) => setTimeout(resolve, 5))
      await cluster.nodes[victim]!.start()
      while (true) {
        try {
          await driver.store(ids[0]!, Buffer.from('0'))
          break
        } catch {
          // Not yet.
        }
      }
      phase = 'after'
    })()
    await Promise.all([load, incident])
    expect(failures).toBeGreaterThan(0)
    for (const id of ids) expect(number(await driver.retrieve(id))).toBe(last.get(id))
    await driver.close()
  })

  it('a listing outlasts a server that is killed on the way and comes back', async () => {
    const prefix = newPrefix()
    const driver = redis({ prefix, timeout: 20_000 })
    const ids = Array.from({ length: 9000 }, (_, index) => `l${index}`)
    await Promise.all(ids.map((id) => driver.store(id, Buffer.from('x'))))
    for (const victim of [0, 1, 2]) {
      const found = new Set<string>()
      let killed = 0
      for await (const id of driver.ids()) {
        // In the middle of one server, which may be this one, or come later, or be done.
        if (found.size === 4000 && killed++ === 0) await cluster.nodes[victim]!.kill()
        found.add(id)
      }
      expect(killed).toBe(1)
      expect(ids.filter((id) => !found.has(id))).toEqual([])
    }
    await driver.close()
  }, 60_000)

  it('a listing of a cluster that lacks a server is an error, and not a part of the sessions', async () => {
    const driver = redis({ prefix: newPrefix(), timeout: 1500 })
    // The cluster may have a server in it that has just come back.
    await until(async () => {
      await Promise.all(Array.from({ length: 30 }, (_, index) => driver.store(`l${index}`, Buffer.from('x'))))
    })
    await cluster.nodes[2]!.kill({ staysDown: true })
    try {
      const list = async () => {
        for await (const id of driver.ids()) expect(id).toMatch(/^l/)
      }
      await expect(list()).rejects.toThrow(/cannot list: .*(?:is the server running|longer than|no answer)/)
    } finally {
      await cluster.nodes[2]!.start()
    }
    await driver.close()
  })

  it('a write that a moving slot sends to another server asks the replicas of that one', async () => {
    const driver = redis({ prefix: `{${newPrefix()}}`, replicas: 1, timeout: 2000 })
    const key = `{c${prefixes}:}`
    const from = await cluster.ownerOf(key)
    await cluster.addReplica(from)
    expect(await driver.store('there', Buffer.from('record'), { expect: null })).toBe('stored')
    // The new one has no replica.
    await cluster.beginToMove(key, (from + 1) % 3)
    await expect(driver.store('moving', Buffer.from('record'), { expect: null })).rejects.toThrow(
      /0 of 1 replicas have it/,
    )
    expect(Buffer.from((await driver.retrieve('moving'))!).toString()).toBe('record')
    await driver.close()
  }, 60_000)
})
