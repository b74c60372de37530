import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { connect, createServer, type Socket } from 'node:net'
import { inspect } from 'node:util'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { failure } from '../../drivers/keyed/failure.js'
import Redis from '../../drivers/Redis.js'
import { advice } from '../../drivers/redis/advice.js'
import { DriverError, OptionError, SessionManager } from '../../lib/index.js'
import { readOptions } from '../../lib/options.js'
import { driverSuite } from '../suite/driver.js'
import { makeCertificate } from '../support/certificate.js'
import { startNode } from '../support/child.js'
import { countTogether, raceToCreate } from '../support/driver-processes.js'
import { newPrefix } from '../support/keyed.js'
import { askServer, type RedisNode, startRedisNode, until } from '../support/redis-nodes.js'
import { startPrivateRedis } from '../support/redis-server.js'
import { describeWith } from '../support/requirements.js'
import { freePort } from '../support/server.js'

/** What the tests use of ioredis. */
interface Ioredis {
  call(...command: (string | Buffer)[]): Promise<unknown>
  scanBuffer(...args: (string | Buffer)[]): Promise<unknown>
  disconnect(): void
  listenerCount(event: string): number
  readonly options: object
  readonly status: string
}

/** What the tests use of node-redis. */
interface NodeRedis {
  connect(): Promise<NodeRedis>
  destroy(): void
  readonly isReady: boolean
}

const requirePackage = createRequire(import.meta.url)
const ioredis = () => requirePackage('ioredis') as { Redis: new (settings: object) => Ioredis }
const nodeRedis = () =>
  requirePackage('redis') as Record<'createClient' | 'createClientPool', (settings: object) => NodeRedis>

/** A driver with these options. */
function redis(options: object): Redis {
  return new Redis(readOptions(Redis.options, options as Record<string, unknown>))
}

const id = '0123456789abcdef0123456789abcdef'
const record = Buffer.from("$D = {'n' => 1};;$D")
const other = Buffer.from("$D = {'n' => 2};;$D")

const opened: (() => unknown)[] = []

afterEach(async () => {
  for (const close of opened.splice(0)) await close()
})

/** Closed when the test ends. */
function closing<T>(one: T, close: (one: T) => unknown): T {
  opened.push(() => close(one))
  return one
}

/** A driver that is closed when the test ends. */
const closed = (options: object): Redis => closing(redis(options), (driver) => driver.close())

/** Where the server of the run is, as clients of each package want it. */
async function server(): Promise<{ host: string; port: number; username?: string; password: string; prefix: string }> {
  const { dataSource, password, prefix } = await newPrefix()
  const { hostname, port, username } = new URL(dataSource)
  return { host: hostname, port: Number(port), ...(username && { username }), password, prefix }
}

async function liveIoredis(settings: object = {}): Promise<{ client: Ioredis; prefix: string }> {
  const { prefix, ...where } = await server()
  const client = new (ioredis().Redis)({ ...where, ...settings })
  return { client: closing(client, () => client.disconnect()), prefix }
}

async function liveNodeRedis(settings: object = {}, make: 'createClient' | 'createClientPool' = 'createClient') {
  const { prefix, host, port, ...login } = await server()
  const client = nodeRedis()[make]({ socket: { host, port }, ...login, ...settings })
  await client.connect()
  return { client: closing(client, () => client.destroy()), prefix }
}

const kinds: Record<string, () => Promise<object>> = {
  'its own connection': newPrefix,
  'a live ioredis': async () => {
    const { client, prefix } = await liveIoredis()
    return { cache: client, prefix }
  },
  'a live ioredis with a keyPrefix': async () => {
    const { client, prefix } = await liveIoredis({ keyPrefix: 'app*[é]:' })
    return { cache: client, prefix }
  },
  'a live ioredis that makes pipelines of what is asked': async () => {
    const { client, prefix } = await liveIoredis({ enableAutoPipelining: true, keyPrefix: 'app:' })
    return { cache: client, prefix }
  },
  'a live node-redis': async () => {
    const { client, prefix } = await liveNodeRedis()
    return { cache: client, prefix }
  },
  'a live node-redis with a keyPrefix': async () => {
    const { client, prefix } = await liveNodeRedis({ keyPrefix: 'app:' })
    return { cache: client, prefix }
  },
  'a live pool of node-redis': async () => {
    const { client, prefix } = await liveNodeRedis({}, 'createClientPool')
    return { cache: client, prefix }
  },
  'a function that gives a client': async () => {
    const { client, prefix } = await liveIoredis()
    return { cache: async () => client, prefix }
  },
}

for (const [kind, optionsOf] of Object.entries(kinds)) {
  describeWith('redis', `Redis, ${kind}`, () => {
    driverSuite({
      describe: (_title, body) => body(),
      it,
      name: 'Redis',
      open: async () => {
        const options = await optionsOf()
        const driver = redis(options)
        return { driver, close: () => driver.close(), peer: async () => redis(options) }
      },
    })
  })
}

async function listed(driver: Redis): Promise<string[]> {
  const ids: string[] = []
  for await (const one of driver.ids()) ids.push(one)
  return ids.sort()
}

/** The error that this ends with. */
async function failureOf(attempt: Promise<unknown>): Promise<DriverError> {
  const error = await attempt.then(
    (value) => new Error(`it should have failed, and gave ${inspect(value)}`),
    (reason) => reason,
  )
  expect(error).toBeInstanceOf(DriverError)
  return error
}

describeWith('redis', 'Redis: keys', () => {
  it('each prefix has its own sessions, whatever signs are in it', async () => {
    const options = await newPrefix()
    const prefixes = ['a', 'a*', 'a?', 'a[b]', '[^a]', 'a\\', 'ab', 'é', '*', '\\*', 'a[b', 'b]', '{tag}'].map(
      (one) => `${options.prefix}${one}:`,
    )
    const drivers = prefixes.map((prefix) => closed({ ...options, prefix }))
    await Promise.all(drivers.map((driver, index) => driver.store(`id${index}`, record)))
    for (const [index, driver] of drivers.entries()) expect(await listed(driver)).toEqual([`id${index}`])
  })

  it('a set or a hash under the prefix is not listed, read or overwritten', async () => {
    const { client, prefix } = await liveIoredis()
    const driver = closed({ cache: client, prefix })
    await client.call('sadd', `${prefix}members`, `${prefix}${id}`)
    await driver.store(id, record)
    expect(await listed(driver)).toEqual([id])
    const said = /cannot \w+ session #17373ca1.*something else than a session.*prefix.*WRONGTYPE/
    expect((await failureOf(driver.retrieve('members'))).message).toMatch(said)
    expect((await failureOf(driver.store('members', other, { expect: record }))).message).toMatch(said)
    expect((await failureOf(driver.remove('members', { expect: record }))).message).toMatch(said)
    expect(await driver.store('members', other, { expect: null })).toBe('exists')
    expect(await client.call('scard', `${prefix}members`)).toBe(1)
  })

  it('what is under the prefix and cannot be an id is not listed', async () => {
    const { client, prefix } = await liveIoredis()
    const longest = 'x'.repeat(250)
    for (const one of ['', `${longest}x`, longest, id]) await client.call('set', prefix + one, record)
    expect(await listed(closed({ cache: client, prefix }))).toEqual([id, longest])
  })

  it('a listing gives each session once, also when the server repeats keys because its table shrinks', async () => {
    const server = closing(await startPrivateRedis(() => ['--hz', '200']), ({ stop }) => stop())
    const { host, port, password } = server.settings
    const live = new (ioredis().Redis)({ host, port, password })
    closing(live, () => live.disconnect())
    const given: string[] = []
    const cache = {
      scanBuffer: async (...args: (string | Buffer)[]) => {
        const reply = await live.scanBuffer(...args)
        for (const key of (reply as [Buffer, Buffer[]])[1]) given.push(key.toString())
        return reply
      },
    }
    const driver = closed({ cache })
    const fill = "for i = 1, 20000 do redis.call('SET', 'session:' .. ARGV[1] .. i, 'x') end"
    const purge = "for i = 1, 20000 do if i % 20 > 0 then redis.call('DEL', 'session:' .. ARGV[1] .. i) end end"
    const tableSize = async () =>
      Number(
        ((await live.call('memory', 'stats')) as [string, [string, number]][]).flatMap((part, index, all) =>
          String(part) === 'db.0' ? [all[index + 1]![1]] : [],
        )[0],
      )
    let repeated = 0
    for (let trial = 0; repeated === 0 && trial < 100; trial++) {
      given.length = 0
      // Other keys, other places in the table.
      const name = `trial${trial}-`
      await live.call('flushall')
      await live.call('eval', fill, '0', name)
      const ids: string[] = []
      for await (const one of driver.ids()) {
        ids.push(one)
        if (ids.length !== 10_000) continue
        const before = await tableSize()
        await live.call('eval', purge, '0', name)
        await until(async () => (await tableSize()) < before / 10)
      }
      expect(new Set(ids).size).toBe(ids.length)
      const kept = Array.from({ length: 1000 }, (_, index) => name + (index + 1) * 20)
      expect(kept.filter((one) => !ids.includes(one))).toEqual([])
      repeated = given.length - new Set(given).size
    }
    expect(repeated).toBeGreaterThan(0)
  })
})

describeWith('redis', 'Redis: what CGI::Session has', () => {
  it('the default keys are those of its redis driver, whose set of keys is left alone', async () => {
    const server = closing(await startPrivateRedis(), ({ stop }) => stop())
    const { host, port, password } = server.settings
    const perl =
      "$D = {'_SESSION_ID' => '0123456789abcdef0123456789abcdef','_SESSION_CTIME' => 1,'_SESSION_ATIME' => 1,'n' => 7};;$D"
    await askServer(port, ['set', `session:${id}`, perl])
    await askServer(port, ['sadd', 'session:members', `session:${id}`])
    const dataSource = `redis://${host}:${port}`
    await using sessions = await SessionManager.create({ type: 'driver:Redis', dataSource, password })
    const session = await sessions.open({ clientId: id })
    expect([session.isNew(), session.param('n')]).toEqual([false, 7])
    await session.param('n', 8).flush()
    expect(await askServer(port, ['get', `session:${id}`])).toContain("'n' => 8")
    expect(await askServer(port, ['smembers', 'session:members'])).toEqual([`session:${id}`])
    const ids: string[] = []
    await sessions.traverse((one) => ids.push(one))
    expect(ids).toEqual([id])
  })
})

describeWith('redis', 'Redis: expiry', () => {
  it('a record has just the time to live that was asked for', async () => {
    const { client, prefix } = await liveIoredis()
    const driver = closed({ cache: client, prefix })
    const left = async () => Number(await client.call('pttl', prefix + id))
    for (const seconds of [1, 3600, 31 * 86_400, 40 * 365 * 86_400]) {
      await driver.store(id, record, { ttl: seconds })
      expect(await left()).toBeGreaterThan(seconds * 1000 - 900)
      expect(await left()).toBeLessThanOrEqual(seconds * 1000)
      await driver.store(id, other, { ttl: seconds + 50, expect: record })
      expect(await left()).toBeGreaterThan(seconds * 1000 + 49_000)
      expect(await left()).toBeLessThanOrEqual(seconds * 1000 + 50_000)
    }
    await driver.store(id, record, { expect: other })
    expect(await left()).toBe(-1)
    await driver.store(id, record, { ttl: 100 })
    await driver.store(id, record)
    expect(await left()).toBe(-1)
    await driver.store('new', record, { ttl: 100, expect: null })
    expect(Number(await client.call('pttl', `${prefix}new`))).toBeGreaterThan(99_000)
  })

  it('a session dies at the time that its own rules say, also when touchAfter saves writes', async () => {
    const { client, prefix } = await liveIoredis()
    let now = 1_700_000_000
    const options = { type: 'driver:Redis', cache: client, prefix, clock: () => now * 1000, touchAfter: 600 } as const
    await using sessions = await SessionManager.create(options)
    const session = await sessions.open()
    session.expire('1h')
    await session.param('a', 1).flush()
    const left = async () => Math.ceil(Number(await client.call('pttl', prefix + session.id())) / 1000)
    const isFull = (seconds: number) => seconds > 3540 && seconds <= 3601
    expect(await left()).toSatisfy(isFull)
    for (const [later, isWritten] of [
      [300, false],
      [299, false],
      [2, true],
      [599, false],
      [600, true],
    ] as const) {
      now += later
      // What no write of a session would come to.
      await client.call('pexpire', prefix + session.id(), '7200000')
      const again = await sessions.open({ clientId: session.id() })
      expect(again.isNew()).toBe(false)
      await again.flush()
      // What was not written has its time from the last write, by the store's clock and by the session's own rules.
      expect(await left()).toSatisfy(isWritten ? isFull : (seconds: number) => seconds > 7140 && seconds <= 7200)
      if (isWritten) expect(again.atime()).toBe(now)
    }
  })

  it('a session that is opened again and again lives on, and then dies by itself', async () => {
    const options = { ...(await newPrefix()), type: 'driver:Redis', touchAfter: 1 } as const
    await using sessions = await SessionManager.create(options)
    const session = await sessions.open()
    session.expire('3s')
    await session.param('a', 1).flush()
    const begun = Date.now()
    while (Date.now() - begun < 5000) {
      const again = await sessions.open({ clientId: session.id() })
      expect(again.isNew()).toBe(false)
      await again.flush()
      await new Promise((resolve) => setTimeout(resolve, 250))
    }
    const driver = closed(options)
    await until(async () => (await driver.retrieve(session.id())) === undefined)
    expect((await sessions.open({ clientId: session.id() })).isNew()).toBe(true)
  })
})

describeWith('redis', 'Redis: several processes', () => {
  it('that create the same sessions at once', async () => {
    const outcomes = await raceToCreate({ driver: 'Redis', options: await newPrefix() }, 3, 40)
    expect(outcomes).toEqual(Array.from({ length: 40 }, () => ['exists', 'exists', 'stored']))
  })

  it('that count together lose nothing', async () => {
    const options = await newPrefix()
    const driver = closed(options)
    await driver.store('counter', Buffer.from('0'))
    await countTogether({ driver: 'Redis', options }, 3, 'counter', 100)
    expect(Buffer.from((await driver.retrieve('counter'))!).toString()).toBe('300')
  })

  it('one of which forgets close(), and ends all the same', async () => {
    const child = await startNode('t/support/forgetful-worker.ts', ['Redis', JSON.stringify(await newPrefix())])
    expect(await child.done).toBe('stored')
  })

  it('one of which forgets close() while the server is down, and ends with the reason', async () => {
    const options = { dataSource: `redis://127.0.0.1:${await freePort()}` }
    const child = await startNode('t/support/forgetful-worker.ts', ['Redis', JSON.stringify(options)])
    await expect(child.done).rejects.toThrow(/cannot store session #43a9a399.*is the server running.*ECONNREFUSED/)
  })
})

describeWith('redis', 'Redis: a live client', () => {
  it('is not changed, and stays open', async () => {
    const { client, prefix } = await liveIoredis()
    const events = ['error', 'ready', 'end', 'close', 'connect', 'reconnecting']
    const state = () => [JSON.stringify(client.options), ...events.map((event) => client.listenerCount(event))]
    await client.call('ping')
    const before = state()
    const driver = redis({ cache: client, prefix })
    await driver.store(id, record, { expect: null })
    await driver.store(id, other, { expect: record })
    await listed(driver)
    await driver.close()
    expect(state()).toEqual(before)
    expect(await client.call('get', prefix + id)).toBe(other.toString())
  })

  it('of ioredis that connects at first use connects', async () => {
    const { client, prefix } = await liveIoredis({ lazyConnect: true })
    expect(client.status).toBe('wait')
    expect(await closed({ cache: client, prefix }).store(id, record)).toBe('stored')
  })

  it('of ioredis that was closed, or is subscribed, is a clear error', async () => {
    const { client, prefix } = await liveIoredis({ protocol: 2 })
    await client.call('subscribe', prefix)
    const driver = closed({ cache: client, prefix })
    expect((await failureOf(driver.retrieve(id))).message).toMatch(/subscribed to channels.*hand over another/)
    client.disconnect()
    await until(() => client.status === 'end')
    expect((await failureOf(driver.retrieve(id))).message).toMatch(/connection ended/)
  })

  it('in which the program has a transaction open is a clear error, and no answer', async () => {
    const { client, prefix } = await liveIoredis()
    const driver = closed({ cache: client, prefix })
    await driver.store(id, record)
    await client.call('multi')
    const attempts = [
      () => driver.retrieve(id),
      () => driver.store('new', record, { expect: null }),
      () => driver.store(id, other, { expect: record }),
      () => driver.remove(id),
      () => driver.remove(id, { expect: record }),
    ]
    for (const attempt of attempts) expect((await failureOf(attempt())).message).toMatch(/transaction open.*MULTI/)
    await client.call('discard')
    expect(Buffer.from((await driver.retrieve(id))!)).toEqual(record)
    expect(await driver.retrieve('new')).toBeUndefined()
  })

  it('of node-redis that nobody connected is a clear error', async () => {
    const client = nodeRedis().createClient({ socket: { host: '127.0.0.1', port: 1 } })
    const driver = closed({ cache: client })
    const said = /is not connected: await its connect\(\) first/
    expect((await failureOf(driver.retrieve(id))).message).toMatch(said)
    expect((await failureOf(listed(driver))).message).toMatch(said)
    expect(client.isReady).toBe(false)
  })

  it('of another kind is refused', async () => {
    for (const cache of [{}, new Map(), { sendCommand: () => 'x' }, async () => 'no client', () => undefined]) {
      await expect(closed({ cache }).retrieve(id)).rejects.toThrow(
        /'cache' must be a live client or cluster of ioredis/,
      )
    }
  })

  it('is one place, and options of a connection would be another', async () => {
    const { client } = await liveIoredis()
    const others = { dataSource: 'redis://127.0.0.1', username: 'u', password: 'hunter2', dataSourceAttr: { db: 1 } }
    for (const [name, value] of Object.entries(others)) {
      const said = new RegExp(`'${name}'.*'cache'.*two places`)
      expect(() => redis({ cache: client, [name]: value })).toThrow(OptionError)
      expect(() => redis({ cache: client, [name]: value })).toThrow(said)
    }
  })

  it('cannot be asked for replicas', async () => {
    const { client } = await liveIoredis()
    expect(() => redis({ cache: client, replicas: 1 })).toThrow(/'replicas' needs a connection of the driver's own/)
  })

  it('that a function could not give is asked for again', async () => {
    const { client, prefix } = await liveIoredis()
    let calls = 0
    const cache = () => {
      if (calls++ === 0) throw new Error('not yet')
      return client
    }
    const driver = closed({ cache, prefix })
    expect((await failureOf(driver.retrieve(id))).message).toMatch('not yet')
    expect(await driver.retrieve(id)).toBeUndefined()
    expect(await driver.retrieve(id)).toBeUndefined()
    expect(calls).toBe(2)
  })
})

describe('Redis: what to do', () => {
  it('about servers that send each other the key is not what a server alone is about', () => {
    const error = new Error('Too many Cluster redirections. Last error: ReplyError: MOVED 1 127.0.0.1:7000')
    const told = failure(error, advice, { driver: 'Redis', operation: 'retrieve', id })
    expect((told as Error).message).toMatch(/do not agree which of them has this key/)
    expect((told as Error).message).not.toMatch('redis+cluster:')
  })
})

describe('Redis: dataSource', () => {
  it.each([
    'http://127.0.0.1',
    '127.0.0.1:6379',
    'redis://a,b',
    'redis+cluster://a,b/1',
    'redis+sentinel://a,b',
    'redis://a:port',
    'redis://a:0',
    'redis://a:65536',
    'redis+cluster://a:6379,b:99999',
    'redis://::1:6379',
    'redis://a/x',
    'redis://a/0/1',
    'redis://a?family=6',
    'redis+ring://a',
    'sessions.rdb',
  ])('%s is refused', (dataSource) => {
    expect(() => redis({ dataSource })).toThrow(OptionError)
    expect(() => redis({ dataSource })).toThrow(/'dataSource' .*redis\+sentinel:/)
  })

  it('a bad one does not show its password', () => {
    for (const dataSource of ['redis://u:hunter2@a/x', 'http://u:hunter2@a', 'redis://u:hunter2@a,b', 'u:hunter2@a']) {
      expect(() => redis({ dataSource })).toThrow(
        expect.toSatisfy((error: Error) => !inspect(error, { depth: 9 }).includes('hunter2')),
      )
    }
  })
})

describeWith('redis', 'Redis: ways to a server', () => {
  it('a Unix socket, in each of its forms, with a database', async () => {
    let path = ''
    const server = await startPrivateRedis(({ folder }) => {
      path = `${folder}/s.sock`
      return ['--unixsocket', path, '--unixsocketperm', '777']
    })
    closing(server, ({ stop }) => stop())
    const { port, password } = server.settings
    for (const [index, form] of [path, `unix:${path}`, `unix://${path}`].entries()) {
      const driver = closed({ dataSource: `${form}?db=${index}`, password })
      expect(await driver.store(id, record, { expect: null })).toBe('stored')
      const onTcp = closed({ dataSource: `redis://127.0.0.1:${port}/${index}`, password })
      expect(await onTcp.remove(id)).toBe(true)
    }
    const driver = closed({ dataSource: `${path}.old`, password })
    expect((await failureOf(driver.retrieve(id))).message).toMatch(/is the server running.*ENOENT/)
  })
})

describeWith('redis', 'Redis: databases', () => {
  it('one that the server does not have is an error, and nothing gets into another one', async () => {
    const { host, port, password, prefix } = await server()
    const driver = closed({ dataSource: `redis://${host}:${port}/99`, password, prefix })
    const attempts = Array.from({ length: 5 }, (_, index) => driver.store(`${id}${index}`, record, { expect: null }))
    for (const attempt of attempts) {
      expect((await failureOf(attempt)).message).toMatch(/no database of the number that dataSource names/)
    }
    expect((await failureOf(driver.retrieve(id))).message).toMatch(/no database/)
    expect(await listed(closed({ dataSource: `redis://${host}:${port}`, password, prefix }))).toEqual([])
  })

  it('one is selected again on a new connection', async () => {
    const { host, port, password, prefix } = await server()
    const driver = closed({ dataSource: ` VALKEY://${host}:${port}/1`, password, prefix })
    await driver.store(id, record)
    const { client } = await liveIoredis()
    const clients = String(await client.call('client', 'list')).split('\n')
    const [, own] = /^id=(\d+) .* db=1 .*cmd=set/.exec(clients.find((line) => / db=1 .*cmd=set/.test(line))!)!
    await client.call('client', 'kill', 'id', own!)
    expect(Buffer.from((await driver.retrieve(id))!)).toEqual(record)
    expect(await driver.store(id, other, { expect: record })).toBe('stored')
    expect(await client.call('exists', prefix + id)).toBe(0)
  })
})

describeWith('redis-tls', 'Redis: TLS', () => {
  it('is asked for by the scheme, and its settings are given to the client', async () => {
    let folder = ''
    const tlsPort = await freePort()
    const server = await startPrivateRedis((place) => {
      folder = place.folder
      makeCertificate(folder, place.run)
      const [certificate, key] = [`${folder}/certificate.pem`, `${folder}/key.pem`]
      const own = ['--tls-cert-file', certificate, '--tls-key-file', key, '--tls-auth-clients', 'no']
      return ['--tls-port', String(tlsPort), '--tls-ca-cert-file', certificate, ...own]
    })
    closing(server, ({ stop }) => stop())
    const { password, port } = server.settings
    const dataSource = `rediss://localhost:${tlsPort}`
    const dataSourceAttr = { tls: { ca: readFileSync(`${folder}/certificate.pem`) } }
    expect(await closed({ dataSource, password, dataSourceAttr }).store(id, record)).toBe('stored')
    const stranger = await failureOf(closed({ dataSource, password }).retrieve(id))
    expect(stranger.message).toMatch(/encryption that was asked for, or its certificate.*SELF_SIGNED/)
    const plain = await failureOf(
      closed({ dataSource: `rediss://localhost:${port}`, password, timeout: 1000 }).retrieve(id),
    )
    expect(plain.message).toMatch(/encryption|is the server running|longer than/)
  })
})

/** A way to a server that loses an answer when it is told to: the server has done what was asked, and the connection ends. */
async function startProxy(port: number) {
  let isToLose = false
  let lost = 0
  let connections = 0
  let delay = 0
  const sockets = new Set<Socket>()
  const proxy = createServer((client) => {
    connections++
    const server = connect({ port, host: '127.0.0.1' })
    for (const socket of [client, server]) {
      sockets.add(socket)
      socket.on('error', () => undefined)
    }
    client.on('close', () => server.destroy())
    server.on('close', () => client.destroy())
    client.on('data', (asked) => server.write(asked))
    server.on('data', (answer) => {
      if (!isToLose) return delay === 0 ? client.write(answer) : setTimeout(() => client.write(answer), delay).unref()
      isToLose = false
      lost++
      return client.destroy()
    })
  }).listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  return {
    port: (proxy.address() as { port: number }).port,
    loseNextAnswer: () => {
      isToLose = true
    },
    lost: () => lost,
    connections: () => connections,
    /** Answers come so many milliseconds later. */
    delay: (milliseconds: number) => {
      delay = milliseconds
    },
    cut: () => {
      for (const socket of sockets) socket.destroy()
    },
    stop: () => {
      proxy.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

describeWith('redis', 'Redis: trouble', () => {
  let node: RedisNode
  let where: { dataSource: string; password: string; timeout: number }
  let prefixes = 0

  beforeAll(async () => {
    node = await startRedisNode()
    const { port, password } = node.settings
    where = { dataSource: `redis://127.0.0.1:${port}`, password, timeout: 3000 }
  })

  afterAll(() => node.stop())

  /** A driver with keys of its own. */
  const own = (options: object = {}): Redis => closed({ ...where, prefix: `p${++prefixes}:`, ...options })

  it('the password may stand in the URL, and neither it nor the session is in an error', async () => {
    const { host, port, password } = node.settings
    const good = own({ dataSource: `redis://:${encodeURIComponent(password)}@${host}:${port}/3`, password: '' })
    expect(await good.store(id, record)).toBe('stored')
    const secret = 'top secret payload'
    const wrong = [
      { dataSource: `redis://:hunter2hunter2@${host}:${port}`, password: '' },
      { password: 'hunter2hunter2' },
      { username: 'nobody-known', password: 'hunter2hunter2' },
    ]
    for (const options of wrong) {
      const begun = Date.now()
      const error = await failureOf(own(options).store(id, Buffer.from(secret)))
      expect(error.message).toMatch(/refuses the user or the password: check the options.*WRONGPASS/)
      expect(Date.now() - begun).toBeLessThan(2000)
      const text = inspect(error, { depth: 9, showHidden: true }) + error.stack
      for (const part of ['hunter2', 'secret', id]) expect(text).not.toContain(part)
    }
    const none = await failureOf(own({ password: '' }).store(id, Buffer.from(secret)))
    expect(none.message).toMatch(/give the option password.*NOAUTH/)
  })

  it('what a server says about a command is kept from the error, as it quotes the command', async () => {
    await node.ask('acl', 'setuser', 'reader', 'on', '>pw', '+@connection', '+info', '+get', '~*')
    const login = { username: 'reader', password: 'pw' }
    for (const attempt of [
      () => own(login).store(id, Buffer.from('top secret'), { expect: null }),
      () => own(login).remove(id),
      () => listed(own(login)),
    ]) {
      const error = await failureOf(attempt())
      expect(error.message).toMatch(/this user may not do that with these keys: it needs GET, SET.*NOPERM/)
      expect(inspect(error, { depth: 9, showHidden: true })).not.toMatch(/secret|0123456789/)
    }
    const live = new (ioredis().Redis)({ host: '127.0.0.1', port: node.settings.port, ...login })
    closing(live, () => live.disconnect())
    const error = await failureOf(closed({ cache: live }).store(id, Buffer.from('top secret')))
    expect(inspect(error, { depth: 9, showHidden: true })).not.toMatch(/secret|0123456789/)
  })

  it('a user is told which right is missing, also where it is not one of the sessions themselves', async () => {
    await node.ask('acl', 'setuser', 'clusterless', 'on', '>pw', '+@all', '-cluster', '~*')
    const dataSource = `redis+cluster://127.0.0.1:${node.settings.port}`
    const driver = own({ dataSource, username: 'clusterless', password: 'pw' })
    expect((await failureOf(driver.retrieve(id))).message).toMatch(/which server of the cluster.*\+cluster.*NOPERM/)
  })

  it('a user who may not run scripts may create and read, and is told what replacing needs', async () => {
    await node.ask('acl', 'setuser', 'plain', 'on', '>pw', '+@all', '-@scripting', '~*')
    const driver = own({ username: 'plain', password: 'pw' })
    expect(await driver.store(id, record, { expect: null })).toBe('stored')
    expect(await driver.retrieve(id)).toEqual(record)
    const error = await failureOf(driver.store(id, other, { expect: record }))
    expect(error.message).toMatch(/may not run scripts.*\+eval \+evalsha.*NOPERM/)
    expect(await driver.retrieve(id)).toEqual(record)
  })

  it.each([
    ['maxmemory', '1', '0', /memory of the server is full.*OOM/],
    ['min-replicas-to-write', '1', '0', /fewer replicas are connected.*NOREPLICAS/],
  ])('%s is told, and nothing is changed', async (setting, value, usual, said) => {
    const driver = own()
    await driver.store(id, record)
    await node.ask('config', 'set', setting, value)
    try {
      expect((await failureOf(driver.store(id, other))).message).toMatch(said)
      expect((await failureOf(driver.store(id, other, { expect: record }))).message).toMatch(said)
      expect((await failureOf(driver.store('new', other, { expect: null }))).message).toMatch(said)
      expect(await driver.retrieve(id)).toEqual(record)
    } finally {
      await node.ask('config', 'set', setting, usual)
    }
    expect(await driver.store(id, other, { expect: record })).toBe('stored')
  })

  it('a replica is told for what it is', async () => {
    await node.ask('replicaof', '127.0.0.1', '1')
    try {
      const driver = own()
      expect((await failureOf(driver.store(id, other))).message).toMatch(/server is a replica.*READONLY/)
      expect((await failureOf(driver.store(id, other, { expect: null }))).message).toMatch(/server is a replica/)
    } finally {
      await node.ask('replicaof', 'no', 'one')
    }
  })

  it('too few replicas are told, and the write is there', async () => {
    const driver = own({ replicas: 1, timeout: 800 })
    const error = await failureOf(driver.store(id, record, { expect: null }))
    expect(error.message).toMatch(/write is on the primary, but not on as many replicas.*0 of 1 replicas have it/)
    expect(await driver.retrieve(id)).toEqual(record)
    // What was not written needs no replicas.
    expect(await driver.store(id, other, { expect: null })).toBe('exists')
    expect(await driver.store(id, other, { expect: other })).toBe('conflict')
    expect(await driver.store('none', other, { expect: other })).toBe('gone')
    expect(await driver.remove('none')).toBe(false)
    expect((await failureOf(driver.remove(id))).message).toMatch(/0 of 1/)
  })

  it('replicas that are missing hold up no reads', async () => {
    const reader = own({ prefix: 'waiting:' })
    await reader.store(id, record)
    const driver = own({ prefix: 'waiting:', replicas: 1, timeout: 2000 })
    let isOver = false
    const writing = failureOf(driver.store('written', record)).finally(() => (isOver = true))
    // The write is there, and waits for replicas.
    await until(async () => (await reader.retrieve('written')) !== undefined)
    expect(await driver.retrieve(id)).toEqual(record)
    expect((await listed(driver)).length).toBe(2)
    expect(isOver).toBe(false)
    expect((await writing).message).toMatch('0 of 1 replicas have it')
  })

  it('a user who may not ask for replicas is told so, and the write took place once', async () => {
    await node.ask('acl', 'setuser', 'waitless', 'on', '>pw', '+@all', '-wait', '~*')
    const driver = own({ username: 'waitless', password: 'pw', replicas: 1 })
    expect((await failureOf(driver.store(id, record, { expect: null }))).message).toMatch(/replicas needs WAIT.*\+wait/)
    expect(await driver.retrieve(id)).toEqual(record)
  })

  it('a server that has forgotten the scripts gets them again', async () => {
    const driver = own()
    await driver.store(id, record)
    await node.ask('script', 'flush')
    expect(await driver.store(id, other, { expect: record })).toBe('stored')
    await node.ask('script', 'flush')
    expect(await driver.remove(id, { expect: record })).toBe(false)
    expect(await driver.remove(id, { expect: other })).toBe(true)
  })

  it('the timeout is for an operation as a whole', async () => {
    const proxy = closing(await startProxy(node.settings.port), ({ stop }) => stop())
    const timeout = 1000
    const driver = own({ dataSource: `redis://127.0.0.1:${proxy.port}`, timeout })
    await driver.store(id, record)
    await node.ask('script', 'flush')
    // A slow way: the answer that the script is not known comes in time, and the next one does not.
    proxy.delay(700)
    const begun = performance.now()
    const error = await failureOf(driver.store(id, other, { expect: record }))
    const took = performance.now() - begun
    expect(error.message).toMatch(/no answer came.*may have taken place/)
    expect(took).toBeGreaterThan(timeout - 10)
    expect(took).toBeLessThan(1400)
  })

  it('an answer that is there counts, also where the program was busy for longer than the timeout', async () => {
    const driver = own({ timeout: 300 })
    await driver.store('warm', record)
    await driver.store('warm', record, { expect: record })
    const connections = async () => /total_connections_received:(\d+)/.exec(String(await node.ask('info', 'stats')))![1]
    const before = Number(await connections())
    const all = [driver.store(id, record, { expect: null }), driver.retrieve('warm')]
    await new Promise((resolve) => setImmediate(resolve))
    const begun = performance.now()
    while (performance.now() - begun < 500);
    expect(await Promise.all(all)).toEqual(['stored', record])
    // The connection is still the same: the only new ones are those that ask.
    expect(await driver.retrieve(id)).toEqual(record)
    expect(Number(await connections())).toBe(before + 1)
  })

  it('connections that are cut are made anew', async () => {
    const driver = own()
    for (let round = 0; round < 10; round++) {
      await driver.store(`cut${round}`, record)
      await node.ask('client', 'kill', 'type', 'normal', 'skipme', 'yes')
      expect(await driver.retrieve(`cut${round}`)).toEqual(record)
    }
    expect((await listed(driver)).length).toBe(10)
  })

  it('a listing outlasts connections that are cut, a server that starts anew, and one that hangs for less than the timeout', async () => {
    const proxy = closing(await startProxy(node.settings.port), ({ stop }) => stop())
    const prefix = `p${++prefixes}:`
    const driver = own({ dataSource: `redis://127.0.0.1:${proxy.port}`, prefix, timeout: 10_000 })
    const ids = Array.from({ length: 5000 }, (_, index) => `l${index}`)
    await Promise.all(ids.map((one) => driver.store(one, record)))
    const missing = async (onTheWay: () => unknown) => {
      const found = new Set<string>()
      let pages = 0
      for await (const one of driver.ids()) {
        if (found.size === 1000 && pages++ === 0) await onTheWay()
        found.add(one)
      }
      expect(pages).toBe(1)
      return ids.filter((one) => !found.has(one)).length
    }
    expect(await missing(() => proxy.loseNextAnswer())).toBe(0)
    expect(await missing(() => proxy.cut())).toBe(0)
    // The cursor of old means nothing to the new process.
    expect(await missing(() => node.kill())).toBe(0)
    expect(
      await missing(async () => {
        await node.kill({ staysDown: true })
        setTimeout(() => node.start(), 300)
      }),
    ).toBe(0)
  }, 30_000)

  it('a listing whose server hangs is an error within the timeout, and gives its connection up', async () => {
    const proxy = closing(await startProxy(node.settings.port), ({ stop }) => stop())
    const driver = own({ dataSource: `redis://127.0.0.1:${proxy.port}`, timeout: 400 })
    await driver.store(id, record)
    expect(proxy.connections()).toBe(1)
    proxy.delay(60_000)
    expect((await failureOf(listed(driver))).message).toMatch(
      /cannot list: it took longer than the option timeout allows/,
    )
    proxy.delay(0)
    expect(await listed(driver)).toEqual([id])
    expect(proxy.connections()).toBe(2)
  })

  it('a server that hangs is an error within the timeout, and goes on afterwards', async () => {
    const driver = own({ timeout: 400 })
    const live = new (ioredis().Redis)({ host: '127.0.0.1', port: node.settings.port, password: where.password })
    closing(live, () => live.disconnect())
    const onLive = closed({ cache: live, timeout: 400, prefix: 'live:' })
    await driver.store(id, record)
    await onLive.store(id, record)
    const pid = await node.pid()
    process.kill(pid, 'SIGSTOP')
    try {
      for (const one of [driver, onLive]) {
        const begun = Date.now()
        const error = await failureOf(one.store(id, other, { expect: record }))
        expect(error.message).toMatch(/no answer came.*may have taken place/)
        expect(Date.now() - begun).toBeLessThan(1500)
      }
      // Now there is no connection either.
      const begun = Date.now()
      const error = await failureOf(driver.retrieve(id))
      expect(error.message).toMatch(/longer than the option timeout|is the server running|no answer came/)
      expect(Date.now() - begun).toBeLessThan(1500)
    } finally {
      process.kill(pid, 'SIGCONT')
    }
    for (const one of [driver, onLive]) {
      await until(async () => (await one.retrieve(id)) !== undefined)
      expect([record.toString(), other.toString()]).toContain(Buffer.from((await one.retrieve(id))!).toString())
    }
  })

  it('a write whose answer was lost is found by the next flush', async () => {
    await using sessions = await SessionManager.create({
      type: 'driver:Redis',
      ...where,
      timeout: 300,
      prefix: 'lost:',
    })
    const session = await sessions.open()
    session.param('a', 1)
    const pid = await node.pid()
    const warm = await sessions.open()
    await warm.param('b', 1).flush()
    process.kill(pid, 'SIGSTOP')
    const error = await failureOf(session.flush())
    process.kill(pid, 'SIGCONT')
    expect(error.message).toMatch('may have taken place')
    await until(async () => (await node.ask('get', `lost:${session.id()}`)) !== null)
    expect(await session.param('a', 2).flush()).toBe(true)
    expect((await sessions.open({ clientId: session.id() })).param('a')).toBe(2)
  })

  it('an answer that is lost is told, the write is sent only once, and a read is sent again', async () => {
    const proxy = closing(await startProxy(node.settings.port), ({ stop }) => stop())
    const driver = own({ dataSource: `redis://127.0.0.1:${proxy.port}` })
    await driver.store('warm', record)
    await driver.store('warm', record, { expect: record })
    await driver.remove('none', { expect: record })
    const said = /connection ended before the answer came; a write may have taken place/
    const attempts: [() => Promise<unknown>, Buffer | undefined][] = [
      [() => driver.store(id, record, { expect: null }), record],
      [() => driver.store(id, other, { expect: record }), other],
      [() => driver.store(id, record), record],
      [() => driver.remove(id, { expect: record }), undefined],
    ]
    for (const [attempt, present] of attempts) {
      proxy.loseNextAnswer()
      expect((await failureOf(attempt())).message).toMatch(said)
      expect(await driver.retrieve(id)).toEqual(present)
    }
    proxy.loseNextAnswer()
    expect(await driver.retrieve('warm')).toEqual(record)
    expect(proxy.lost()).toBe(attempts.length + 1)
  })

  it('a session whose flush lost its answer is flushed again without a conflict', async () => {
    const proxy = closing(await startProxy(node.settings.port), ({ stop }) => stop())
    const options = { ...where, dataSource: `redis://127.0.0.1:${proxy.port}`, prefix: 'again:' }
    await using sessions = await SessionManager.create({ type: 'driver:Redis', onConflict: 'fail', ...options })
    const session = await sessions.open()
    for (let round = 0; round < 3; round++) {
      session.param('round', round)
      if (round === 0) await (await sessions.open()).param('warm', 1).flush()
      proxy.loseNextAnswer()
      expect((await failureOf(session.flush())).message).toMatch('may have taken place')
      expect(await session.param('again', round).flush()).toBe(true)
    }
    expect(proxy.lost()).toBe(3)
  })

  it('a server that is started anew has what it acknowledged, and the same driver goes on', async () => {
    const driver = own()
    const ids = Array.from({ length: 50 }, (_, index) => `kept${index}`)
    await Promise.all(ids.map((one) => driver.store(one, record, { expect: null })))
    await node.kill({ staysDown: true, signal: 'SIGTERM' })
    const early = driver.store('early', record)
    await node.start()
    expect(await early).toBe('stored')
    expect(await listed(driver)).toEqual(['early', ...ids].sort())
  })

  it('a server that stays down is told within the timeout', async () => {
    const driver = own({ timeout: 500 })
    await driver.store(id, record)
    await node.kill({ staysDown: true })
    try {
      // A write that is on its way when the connection ends may have taken place; now it has been noticed.
      await failureOf(driver.retrieve(id))
      const begun = Date.now()
      const error = await failureOf(driver.store(id, other))
      expect(Date.now() - begun).toBeLessThan(1500)
      expect(error.message).toMatch(/is the server running.*ECONNREFUSED/)
      expect(error.message).not.toMatch('may have taken place')
      const first = await failureOf(own({ timeout: 60_000 }).retrieve(id))
      expect(first.message).toMatch(/is the server running.*ECONNREFUSED/)
    } finally {
      await node.start()
    }
    expect(await driver.retrieve(id)).toEqual(record)
  })

  it('a server that is killed in the middle of 200 flushes loses none that it acknowledged', async () => {
    const options = { type: 'driver:Redis', ...where, prefix: 'killed:', timeout: 20_000 } as const
    await using sessions = await SessionManager.create(options)
    const open = await Promise.all(Array.from({ length: 200 }, () => sessions.open()))
    let acknowledged = 0
    let last = new Array<number>(open.length).fill(0)
    let killing: Promise<void> | undefined
    const write = async (index: number): Promise<void> => {
      for (let round = 1; round <= 5; round++) {
        const flushed = await open[index]!.param('round', round)
          .flush()
          .catch((error: unknown) => {
            expect(error).toBeInstanceOf(DriverError)
            return false
          })
        if (flushed) {
          last[index] = round
          acknowledged++
        }
        if (acknowledged === 300) killing ??= node.kill()
      }
    }
    await Promise.all(open.map((_, index) => write(index)))
    await killing
    expect(killing).toBeDefined()
    const found = await Promise.all(open.map((one) => sessions.open({ clientId: one.id() })))
    const lost = found.filter((one, index) => last[index]! > 0 && (one.isNew() || one.param('round') < last[index]!))
    expect(lost.length).toBe(0)
    last = last.filter((round) => round > 0)
    expect(last.length).toBeGreaterThan(0)
  })
})
