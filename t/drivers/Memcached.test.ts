import { once } from 'node:events'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { inspect } from 'node:util'
import { gzipSync } from 'node:zlib'
import { afterEach, describe, expect, it, vi } from 'vitest'
import Memcached from '../../drivers/Memcached.js'
import { expiryOf } from '../../drivers/memcached/expiry.js'
import { encode, opcodes, statuses } from '../../drivers/memcached/protocol.js'
import type { Driver } from '../../lib/contracts.js'
import { DriverError, IdError, OptionError, SessionManager, UnsupportedError } from '../../lib/index.js'
import { readOptions } from '../../lib/options.js'
import { driverSuite } from '../suite/driver.js'
import { startNode } from '../support/child.js'
import { countTogether, raceToCreate } from '../support/driver-processes.js'
import { newNamespace } from '../support/keyed.js'
import { type MemcachedSettings, startPrivateMemcached, startSaslMemcached } from '../support/memcached-server.js'
import { Relay } from '../support/relay.js'
import { describeWith } from '../support/requirements.js'
import { freePort, PASSWORD } from '../support/server.js'
import { linesOf } from '../support/text-lines.js'

/** What the tests use of memjs. */
interface Memjs {
  Client: { create(servers: string, settings?: object): Live }
}
interface Live {
  readonly servers: readonly { _socket?: object; responseCallbacks: object; listenerCount(event: string): number }[]
  readonly options: object
  get(key: string): Promise<{ value: Buffer | null; flags: Buffer | null }>
  set(key: string, value: string | Buffer, settings: object): Promise<boolean>
  delete(key: string): Promise<boolean>
  incrSeq(): void
  readonly seq: number
  perform(key: string, request: Buffer, seq: number, callback: (error: Error | null) => void): void
  close(): void
}

const silent = { log: () => undefined }

function live(servers: string, settings: object = {}): Live {
  const memjs = createRequire(import.meta.url)('memjs') as Memjs
  return closing(memjs.Client.create(servers, { timeout: 5, retries: 1, logger: silent, ...settings }))
}

/** A driver with these options. */
function memcached(options: object): Memcached {
  return new Memcached(readOptions(Memcached.options, options as Record<string, unknown>))
}

const id = '0123456789abcdef0123456789abcdef'
const record = Buffer.from("$D = {'n' => 1};;$D")
const other = Buffer.from("$D = {'n' => 2};;$D")
const third = Buffer.from("$D = {'n' => 3};;$D")

const opened: { close(): unknown }[] = []

afterEach(async () => {
  vi.unstubAllEnvs()
  for (const one of opened.splice(0).reverse()) await one.close()
})

/** Closed when the test ends. */
function closing<T extends { close(): unknown }>(one: T): T {
  opened.push(one)
  return one
}

const sourceOf = ({ host, port }: MemcachedSettings): string => `${host}:${port}`

/** A server of the test's own. */
async function privateServer(
  ...options: string[]
): Promise<MemcachedSettings & { dataSource: string; stop(): Promise<void> }> {
  const { settings, stop } = await startPrivateMemcached(...options)
  closing({ close: stop })
  return { ...settings, dataSource: sourceOf(settings), stop }
}

/** A relay to a server, and a driver on it. */
async function relayed(options: object = {}): Promise<{ relay: Relay; driver: Memcached; direct: Memcached }> {
  const { dataSource, namespace } = await newNamespace()
  const relay = closing(await Relay.to(Number(dataSource.split(':')[1])))
  const driver = closing(memcached({ dataSource: `127.0.0.1:${relay.port}`, namespace, ...options }))
  return { relay, driver, direct: closing(memcached({ dataSource, namespace })) }
}

/** Stores an item with flags, as Perl may. */
function putItem(client: Live, key: string, flags: number, value: Buffer): Promise<void> {
  client.incrSeq()
  const request = encode({ opcode: 1, key: Buffer.from(key), item: { value, expiry: 0 } }, client.seq)
  request.writeUInt32BE(flags, 24)
  return new Promise((resolve, reject) => {
    client.perform(key, request, client.seq, (error) => (error ? reject(error) : resolve()))
  })
}

/** The error of a call, which must be a DriverError without a part of these values. */
async function errorOf(call: Promise<unknown>): Promise<DriverError> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(DriverError)
  const shown = inspect(error, { depth: 10, showHidden: true })
  for (const secret of [id, record.toString(), other.toString()]) expect(shown).not.toContain(secret)
  return error as DriverError
}

const ways: Readonly<Record<string, (dataSource: string) => { options: object; end?: () => void }>> = {
  'servers of its own': (dataSource) => ({ options: { dataSource } }),
  'a live client': (dataSource) => {
    const cache = live(dataSource)
    return { options: { cache } }
  },
  'a function that gives a live client': (dataSource) => {
    const cache = live(dataSource)
    return { options: { cache: async () => cache } }
  },
}

for (const [title, way] of Object.entries(ways)) {
  describeWith('memcached', `Memcached: ${title}`, () => {
    driverSuite({
      describe: (_title, body) => body(),
      it,
      name: 'Memcached',
      longestId: 210,
      async open() {
        const { dataSource, namespace } = await newNamespace()
        const options = { namespace, ...way(dataSource).options }
        const driver = memcached(options)
        return { driver, close: () => driver.close(), peer: async () => memcached({ dataSource, namespace }) }
      },
    })
  })
}

describe('Memcached: options', () => {
  it.each(['', 'host:port', 'host:99999', 'a,,b', 'a b', 'dbi:Memcached:x', 'user:secret@:1', '/run/memcached'])(
    'dataSource %j is refused at once',
    (dataSource) => {
      const refused = (): unknown => memcached({ dataSource })
      expect(refused).toThrow(OptionError)
      expect(refused).toThrow(/^(?!.*secret).*\[user:password@\]host\[:port\]/)
    },
  )

  it('a login without a user is refused, whether dataSource or password has it', () => {
    for (const options of [
      { dataSource: ':secret@host' },
      { password: 'secret' },
      { dataSource: 'host', password: 'secret' },
    ]) {
      expect(() => memcached(options)).toThrow(/^(?!.*secret).*(user:password@|whose password)/)
    }
    expect(() => memcached({ dataSource: 'user:secret@host', password: 'secret' })).not.toThrow()
  })

  it('a live client together with servers or a login is refused, except those of the environment', () => {
    for (const [option, value] of Object.entries({ dataSource: 'host', username: 'user', password: 'secret' })) {
      expect(() => memcached({ cache: {}, [option]: value })).toThrow(
        expect.objectContaining({ option, message: expect.stringMatching(/^(?!.*secret).*two places/) }),
      )
    }
    vi.stubEnv('MEMCACHE_SERVERS', 'user:secret@host')
    vi.stubEnv('MEMCACHE_USERNAME', 'user')
    vi.stubEnv('MEMCACHE_PASSWORD', 'secret')
    expect(() => memcached({ cache: {} })).not.toThrow()
  })

  it('a namespace that would end a key of Perl is refused', () => {
    for (const namespace of ['a b', 'a\r\nset x 0 0 1', 'a\t', '\0', 'x'.repeat(250)]) {
      expect(() => memcached({ namespace })).toThrow(OptionError)
    }
  })

  it('anything but a live client is refused at first use', async () => {
    const server = (): null => null
    const unfit = [
      { servers: [], server },
      { servers: [{ host: 'host' }], server },
    ]
    for (const cache of [{}, ...unfit, new Map(), () => ({ get: () => undefined }), async () => 1]) {
      await expect(memcached({ cache }).retrieve(id)).rejects.toThrow(/live client of memjs/)
    }
  })

  it('a lifetime is sent a second longer, beyond 30 days as a time, and beyond 2106 as none', () => {
    const now = 1_800_000_000_500
    const days = (count: number): number => count * 86_400
    expect([undefined, 0, 1, days(30) - 1].map((ttl) => expiryOf(ttl, now))).toEqual([0, 0, 2, days(30)])
    expect(expiryOf(days(30), now)).toBe(1_800_000_001 + days(30) + 1)
    expect(expiryOf(days(365), now)).toBe(1_800_000_001 + days(365) + 1)
    const last = 0xffff_ffff - 1_800_000_002
    expect([expiryOf(last, now), expiryOf(last + 1, now)]).toEqual([0xffff_ffff, 0])
  })
})

describeWith('memcached', 'Memcached: keys and values', () => {
  it('the key is the namespace and the id, the value is the record, the flags are 0', async () => {
    const options = await newNamespace()
    const client = live(options.dataSource)
    const driver = closing(memcached(options))
    for (const expect of [null, undefined]) await driver.store(`${expect}`, record, { expect })
    await driver.store('null', other, { expect: record })
    const [created, written] = await Promise.all(
      ['null', 'undefined'].map((one) => client.get(options.namespace + one)),
    )
    expect([created!.value, created!.flags]).toEqual([other, Buffer.alloc(4)])
    expect([written!.value, written!.flags]).toEqual([record, Buffer.alloc(4)])
  })

  it('no id breaks out of its key', async () => {
    const options = await newNamespace()
    const driver = closing(memcached(options))
    const victim = closing(memcached({ ...options, namespace: '' }))
    const name = `${options.namespace}victim`
    for (const bad of [`x 0 0 1\r\nx\r\nset ${name} 0 0 4\r\nevil\r\n`, `x\r\ndelete ${name}`, '\x80\x01\0\0', 'a b']) {
      await victim.store(name, record)
      expect(await driver.store(bad, other)).toBe('stored')
      expect(await driver.retrieve(bad)).toEqual(other)
      expect(await victim.retrieve(name)).toEqual(record)
      expect(await driver.remove(bad)).toBe(true)
    }
  })

  it('a key has at most 250 bytes, of which nothing is lost, and a longer id ends no connection', async () => {
    const { dataSource, namespace } = await newNamespace()
    const driver = closing(memcached({ dataSource, namespace }))
    const left = 250 - namespace.length
    for (const fits of ['x'.repeat(left), 'é'.repeat(Math.floor(left / 2))]) {
      expect(await driver.store(fits, record, { expect: null })).toBe('stored')
      const long = `${fits}é`
      expect([await driver.retrieve(long), await driver.remove(long)]).toEqual([undefined, false])
      const [refused, meanwhile] = await Promise.allSettled([driver.store(long, other), driver.retrieve(fits)])
      expect(refused).toMatchObject({
        reason: { code: 'ERR_SESSION_ID_INVALID', message: expect.not.stringContaining(long) },
      })
      expect(refused.status === 'rejected' && refused.reason).toBeInstanceOf(IdError)
      expect(meanwhile).toMatchObject({ value: record })
    }
  })

  it('a manager makes a new session for a cookie that is too long', async () => {
    await using sessions = await SessionManager.create({ type: 'driver:Memcached', ...(await newNamespace()) })
    const session = await sessions.open({ clientId: 'x'.repeat(250) })
    expect([session.isNew(), await session.param('a', 1).flush()]).toEqual([true, true])
  })

  /** Puts an item with flags under the key of `id`. */
  async function itemWith(flags: number, value: Buffer): Promise<{ driver: Memcached; client: Live; key: string }> {
    const { dataSource, namespace } = await newNamespace()
    const client = live(dataSource)
    const key = namespace + id
    await putItem(client, key, flags, value)
    return { driver: closing(memcached({ dataSource, namespace })), client, key }
  }

  it('what Cache::Memcached has compressed is read, expected, and written anew as it is', async () => {
    const long = Buffer.from(`$D = {'long' => '${'x'.repeat(20_000)}'};;$D`)
    const { driver, client, key } = await itemWith(2, gzipSync(long))
    expect(await driver.retrieve(id)).toEqual(long)
    expect(await driver.store(id, record, { expect: other })).toBe('conflict')
    expect(await driver.remove(id, { expect: other })).toBe(false)
    expect(await driver.store(id, record, { expect: Buffer.from(long) })).toBe('stored')
    expect(await client.get(key)).toEqual({ value: record, flags: Buffer.alloc(4) })
  })

  it('a compressed record that was just read is replaced in one request', async () => {
    const { driver } = await itemWith(2, gzipSync(record))
    expect(await driver.store(id, other, { expect: (await driver.retrieve(id))! })).toBe('stored')
    expect(await driver.retrieve(id)).toEqual(other)
  })

  it.each([
    ['a Storable of Perl', 1, Buffer.from('\x05\x0b'), /flags 1/],
    ['a compressed Storable of Perl', 3, gzipSync('x'), /flags 1/],
    ['flags of another program', 16, record, /flags that no driver/],
    ['gzip that is none', 2, Buffer.from('no gzip'), /and it is not, or not well.*Z_DATA_ERROR/],
    ['gzip that fills the memory', 2, gzipSync(Buffer.alloc(100 * 1024 * 1024)), /more than 64 MB/],
  ])('%s is an error, and stays as it is', async (_title, flags, value, said) => {
    const { driver, client, key } = await itemWith(flags, value)
    expect((await errorOf(driver.retrieve(id))).message).toMatch(said)
    expect((await errorOf(driver.store(id, other, { expect: record }))).message).toMatch(said)
    expect((await client.get(key)).value).toEqual(value)
  })

  it('an empty item is no record', async () => {
    const { driver } = await itemWith(0, Buffer.alloc(0))
    expect(await driver.retrieve(id)).toBeUndefined()
    expect(await driver.store(id, record, { expect: other })).toBe('gone')
    expect(await driver.remove(id, { expect: other })).toBe(false)
    expect(await driver.store(id, record, { expect: null })).toBe('stored')
    expect(await driver.store(id, other, { expect: null })).toBe('exists')
    expect(await driver.retrieve(id)).toEqual(record)
    const removed = await itemWith(0, Buffer.alloc(0))
    expect(await removed.driver.remove(id)).toBe(false)
    expect((await removed.client.get(removed.key)).value).toBe(null)
  })

  it('cannot list its sessions, and says so', async () => {
    const options = await newNamespace()
    await using sessions = await SessionManager.create({ type: 'driver:Memcached', ...options })
    await expect(sessions.traverse(() => undefined)).rejects.toThrow(UnsupportedError)
    await expect(sessions.purge()).rejects.toThrow(/cannot list its sessions/)
    expect(() => memcached(options).ids()).toThrow(UnsupportedError)
  })
})

describeWith('memcached', 'Memcached: preconditions', () => {
  it('a session that was just read or written is replaced in one request', async () => {
    const { dataSource, host, port } = await privateServer()
    const driver = closing(memcached({ dataSource }))
    await driver.store(id, record, { expect: null })
    const count = async (): Promise<number[]> => {
      const lines = await linesOf({ host, port }, 'stats', 'END')
      return ['cmd_get', 'cmd_set'].map((name) =>
        Number(lines.find((line) => line.includes(` ${name} `))!.split(' ')[2]),
      )
    }
    const [gets, sets] = (await count()) as [number, number]
    const read = (await driver.retrieve(id))!
    expect(await driver.store(id, other, { expect: read })).toBe('stored')
    expect(await driver.store(id, third, { expect: other })).toBe('stored')
    expect(await driver.remove(id, { expect: third })).toBe(true)
    expect(await count()).toEqual([gets + 1, sets + 2])
  })

  it('the same bytes, written anew by somebody else, are no conflict', async () => {
    const { dataSource, namespace } = await newNamespace()
    const [one, two] = [closing(memcached({ dataSource, namespace })), closing(memcached({ dataSource, namespace }))]
    await one.store(id, record, { expect: null })
    await two.store(id, Buffer.from(record))
    expect(await one.store(id, other, { expect: record })).toBe('stored')
    await two.store(id, Buffer.from(other))
    expect(await one.remove(id, { expect: other })).toBe(true)
  })

  it('one object under two ids is two records', async () => {
    const options = await newNamespace()
    const driver = closing(memcached(options))
    await driver.store('one', record)
    await driver.store('two', record)
    await closing(memcached(options)).store('one', other)
    expect(await driver.store('one', third, { expect: record })).toBe('conflict')
    expect(await driver.store('two', third, { expect: record })).toBe('stored')
  })

  it('versions of a server that was started anew are not taken for those of before', async () => {
    const before = await privateServer()
    const after = await privateServer()
    const relay = closing(await Relay.to(before.port))
    const driver = closing(memcached({ dataSource: `127.0.0.1:${relay.port}` }))
    await driver.store(id, record, { expect: null })
    relay.target = after.port
    relay.cut()
    // The same version number: the first item of a server.
    await closing(memcached({ dataSource: after.dataSource })).store(id, other, { expect: null })
    while (relay.connections < 2) await driver.retrieve('another').catch(() => undefined)
    expect(await driver.store(id, third, { expect: record })).toBe('conflict')
    expect(await driver.retrieve(id)).toEqual(other)
  })

  /** Two servers whose only item has the same key and version, with these values; a driver on a relay to the first. */
  async function twoServers(
    packed: Buffer,
  ): Promise<{ driver: Memcached; relay: Relay; onSecond: Memcached; move(): void }> {
    const [before, after] = [await privateServer(), await privateServer()]
    await putItem(live(before.dataSource), id, 2, packed)
    const onSecond = closing(memcached({ dataSource: after.dataSource }))
    await onSecond.store(id, other, { expect: null })
    const relay = closing(await Relay.to(before.port))
    const driver = closing(memcached({ dataSource: `127.0.0.1:${relay.port}` }))
    relay.mode = 'hold'
    const move = (): void => {
      relay.target = after.port
      relay.release()
      relay.cut()
    }
    return { driver, relay, onSecond, move }
  }

  it('a version that was read before the connection ended is not that of a record unpacked after it', async () => {
    const { driver, relay, onSecond, move } = await twoServers(gzipSync(Buffer.alloc(60_000_000, 'r')))
    const reading = driver.retrieve(id)
    while (relay.held() < 50_000) await new Promise(setImmediate)
    move()
    while (relay.connections < 2) await driver.retrieve('another').catch(() => undefined)
    expect(await driver.store(id, third, { expect: (await reading)! })).toBe('conflict')
    expect(await onSecond.retrieve(id)).toEqual(other)
  })

  it('nor is it sent on the next connection, when the record was compared meanwhile', async () => {
    for (const change of ['store', 'remove'] as const) {
      const { driver, relay, onSecond, move } = await twoServers(gzipSync(record))
      const changing =
        change === 'store' ? driver.store(id, third, { expect: record }) : driver.remove(id, { expect: record })
      while (relay.held() < 40) await new Promise(setImmediate)
      move()
      expect(await changing).toBe(change === 'store' ? 'conflict' : false)
      expect(await onSecond.retrieve(id)).toEqual(other)
    }
  })

  it('others who write all the time are told when the time is over', async () => {
    const { relay, driver, direct } = await relayed({ timeout: 1500 })
    await direct.store(id, record)
    const isReplace = (request: Buffer): boolean => request[1] === opcodes.replace
    relay.before = async (request) => isReplace(request) && direct.store(id, Buffer.from(record))
    const since = performance.now()
    relay.after = (answer) => {
      const isRefusal = isReplace(answer) && answer.readUInt16BE(6) === statuses.exists
      while (isRefusal && performance.now() - since < 1600);
    }
    const error = await errorOf(driver.store(id, other, { expect: Buffer.from(record) }))
    expect(error.message).toMatch(/others wrote this session again and again.*CONTENTION/)
    expect(await direct.retrieve(id)).toEqual(record)
  })

  it('processes that create the same sessions at once', async () => {
    const outcomes = await raceToCreate({ driver: 'Memcached', options: await newNamespace() }, 4, 100)
    expect(outcomes).toEqual(Array.from({ length: 100 }, () => ['exists', 'exists', 'exists', 'stored']))
  })

  it('processes that count together lose nothing out of 2,000', async () => {
    const options = await newNamespace()
    const driver = closing(memcached(options))
    await driver.store('counter', Buffer.from('0'))
    await countTogether({ driver: 'Memcached', options }, 4, 'counter', 500)
    expect(Buffer.from((await driver.retrieve('counter'))!).toString()).toBe('2000')
  })

  it('and without a precondition they do', async () => {
    const options = await newNamespace()
    const drivers = Array.from({ length: 4 }, () => closing(memcached(options)))
    await drivers[0]!.store('counter', Buffer.from('0'))
    const count = async (driver: Driver): Promise<void> => {
      for (let times = 0; times < 50; times++) {
        const seen = Number(Buffer.from((await driver.retrieve('counter'))!).toString())
        await driver.store('counter', Buffer.from(String(seen + 1)))
      }
    }
    await Promise.all(drivers.map(count))
    expect(Number(Buffer.from((await drivers[0]!.retrieve('counter'))!).toString())).toBeLessThan(200)
  })

  it('a session is flushed by several programs at once, and each change is there', async () => {
    const options = { type: 'driver:Memcached', ...(await newNamespace()) }
    const managers = await Promise.all(Array.from({ length: 4 }, () => SessionManager.create(options)))
    for (const manager of managers) closing(manager)
    const first = await managers[0]!.open({ id })
    await first.param('begun', 1).flush()
    const change = async (manager: SessionManager, name: string): Promise<void> => {
      for (let times = 0; times < 20; times++) {
        const session = await manager.open({ id })
        await session.param(`${name}${times}`, times).flush()
      }
    }
    await Promise.all(managers.map((manager, index) => change(manager, `p${index}-`)))
    const parameters = (await managers[0]!.open({ id })).param() as string[]
    expect(parameters.length).toBe(81)
  })
})

describeWith('memcached', 'Memcached: time', () => {
  /** Seconds that the server will keep a session of this lifetime; -1: for ever. */
  async function kept(lifetime: string | number): Promise<number> {
    const { dataSource, namespace } = await newNamespace()
    const [host, port] = dataSource.split(':') as [string, string]
    await using sessions = await SessionManager.create({ type: 'driver:Memcached', dataSource, namespace })
    const session = await sessions.open({ id })
    expect(await session.param('a', 1).expire(lifetime).flush()).toBe(true)
    expect((await sessions.open({ id })).param('a')).toBe(1)
    const lines = await linesOf({ host, port: Number(port) }, `mg ${namespace}${id} t`, /^(?:HD|EN)/m)
    return Number(/ t(-?\d+)/.exec(lines[0]!)![1])
  }

  it.each([
    ['an hour', '1h', 3600],
    ['30 days', '30d', 30 * 86_400],
    ['31 days', '31d', 31 * 86_400],
    ['a year', '1y', 31_536_000],
    ['60 years', 60 * 365 * 86_400, 60 * 365 * 86_400],
  ])('a session of %s is kept as long as it lives', async (_title, lifetime, seconds) => {
    const left = await kept(lifetime)
    expect(left).toBeGreaterThanOrEqual(seconds)
    expect(left).toBeLessThanOrEqual(seconds + 4)
  })

  it('a session that ends never, or beyond what the server can count, is kept for ever', async () => {
    expect(await kept(0)).toBe(-1)
    expect(await kept(100 * 365 * 86_400)).toBe(-1)
  })

  it('a record never goes before its time, and goes soon after it', async () => {
    const driver = closing(memcached(await newNamespace()))
    const life = async (name: string): Promise<number> => {
      await driver.store(name, record, { ttl: 1 })
      const since = performance.now()
      let seen = since
      // The time at which it was asked for is the last at which it was there for certain.
      for (let asked = since; (await driver.retrieve(name)) !== undefined; asked = performance.now()) seen = asked
      return seen - since
    }
    const lives: Promise<number>[] = []
    // At all times within a second of the server's clock.
    for (let begin = performance.now(); performance.now() - begin < 1000; ) {
      lives.push(life(`life${lives.length}`))
      const next = performance.now() + 100
      while (performance.now() < next) await driver.retrieve('another')
    }
    for (const milliseconds of await Promise.all(lives)) {
      expect(milliseconds).toBeGreaterThan(950)
      expect(milliseconds).toBeLessThan(3000)
    }
  })

  it('a session with a negative lifetime is over at once, and its record soon gone', async () => {
    const options = await newNamespace()
    await using sessions = await SessionManager.create({ type: 'driver:Memcached', ...options })
    const session = await sessions.open({ id })
    await session.param('a', 1).flush()
    await session.expire('-1d').flush()
    const driver = closing(memcached(options))
    while ((await driver.retrieve(id)) !== undefined);
    expect((await sessions.open({ id })).isNew()).toBe(true)
  })

  it('an access that touchAfter does not write moves neither the end of the session nor that of the record', async () => {
    const { dataSource, namespace } = await newNamespace()
    const options = { type: 'driver:Memcached', dataSource, namespace, touchAfter: 600 }
    await using sessions = await SessionManager.create(options)
    await (await sessions.open({ id })).param('a', 1).expire(1000).flush()
    const bytes = await closing(memcached({ dataSource, namespace })).retrieve(id)
    const before = (await sessions.open({ id })).atime()
    const again = await sessions.open({ id })
    await again.flush()
    expect(await closing(memcached({ dataSource, namespace })).retrieve(id)).toEqual(bytes)
    expect((await sessions.open({ id })).atime()).toBe(before)
  })
})

describeWith('memcached-program', 'Memcached: servers with limits', () => {
  /** Writes that must fail, each with the record that was there before still there. */
  async function refuses(driver: Memcached, large: Buffer, said: RegExp): Promise<void> {
    await driver.store(id, record)
    const writes = [{ expect: record }, { expect: Buffer.from(record) }, {}]
    for (const options of writes) {
      const error = await errorOf(driver.store(id, large, options))
      expect(error.message).toMatch(said)
      expect(inspect(error)).not.toContain('yyyyyyyy')
      expect(await driver.retrieve(id)).toEqual(record)
    }
    expect((await errorOf(driver.store('new', large, { expect: null }))).message).toMatch(said)
    expect((await errorOf(driver.store('new', large))).message).toMatch(said)
    expect(await driver.retrieve('new')).toBeUndefined()
    expect(await driver.store(id, other, { expect: record })).toBe('stored')
  }

  it('a record over the size of an item is refused, and the old one stays', async () => {
    const { dataSource } = await privateServer()
    await refuses(
      closing(memcached({ dataSource })),
      Buffer.alloc(1_050_000, 'y'),
      /-I, 1 MB by default.*still there.*E2BIG|-I, 1 MB/,
    )
    await refuses(closing(memcached({ cache: live(dataSource) })), Buffer.alloc(3_000_000, 'y'), /-I, 1 MB by default/)
  })

  it('with -I a larger record is stored', async () => {
    const { dataSource } = await privateServer('--max-item-size=4m')
    const driver = closing(memcached({ dataSource }))
    const large = Buffer.alloc(3_000_000, 'y')
    expect(await driver.store(id, large, { expect: null })).toBe('stored')
    expect(large.equals((await driver.retrieve(id))!)).toBe(true)
    await refuses(driver, Buffer.alloc(4_200_000, 'y'), /-I, 1 MB by default/)
  })

  it('a flush that the server refuses is an error, and the session as it was is there', async () => {
    const { dataSource } = await privateServer()
    await using sessions = await SessionManager.create({ type: 'driver:Memcached', dataSource })
    const session = await sessions.open({ id })
    await session.param('a', 1).flush()
    await expect(session.param('b', 'x'.repeat(1_100_000)).flush()).rejects.toThrow(/larger than an item/)
    const again = await sessions.open({ id })
    expect([again.param('a'), again.param('b')]).toEqual([1, undefined])
    expect(await session.param('b', 'short').flush()).toBe(true)
  })

  it('a server that is full and may forget nothing refuses, and the old record stays', async () => {
    const { dataSource } = await privateServer('--disable-evictions', '--memory-limit=2')
    const driver = closing(memcached({ dataSource }))
    await driver.store(id, record)
    const filler = Buffer.alloc(600_000, 'z')
    let failed: unknown
    for (let count = 0; failed === undefined && count < 100; count++) {
      failed = await driver.store(`filler${count}`, filler).then(
        () => undefined,
        (error: unknown) => error,
      )
    }
    expect(failed).toMatchObject({ message: expect.stringMatching(/no memory left.*ENOMEM/) })
    await refuses(driver, Buffer.alloc(600_000, 'y'), /no memory left/)
  })

  it('a server without versions is told apart before anything is written over', async () => {
    const { dataSource } = await privateServer('--disable-cas')
    const driver = closing(memcached({ dataSource }))
    expect(await driver.store(id, record, { expect: null })).toBe('stored')
    expect((await errorOf(driver.store(id, other, { expect: record }))).message).toMatch(/option -C/)
    expect((await errorOf(driver.remove(id, { expect: record }))).message).toMatch(/option -C/)
    expect(await driver.retrieve(id)).toEqual(record)
  })

  it('a server of another kind is told at once', async () => {
    const web = closing(
      createServer((socket) => socket.on('error', () => undefined).end('HTTP/1.1 400 Bad Request\r\n\r\n')),
    )
    web.listen(0, '127.0.0.1')
    await once(web, 'listening')
    const { port } = web.address() as { port: number }
    const driver = closing(memcached({ dataSource: `127.0.0.1:${port}` }))
    expect((await errorOf(driver.retrieve(id))).message).toMatch(/no memcached with the binary protocol/)
  })
})

describeWith('memcached-sasl', 'Memcached: a server that asks for a login', () => {
  it('lets in who has the password', async () => {
    const { settings, stop } = await startSaslMemcached()
    closing({ close: stop })
    const dataSource = sourceOf(settings)
    const driver = closing(memcached({ dataSource, username: 'tester', password: PASSWORD }))
    const many = await Promise.all(Array.from({ length: 20 }, (_, index) => driver.store(`many${index}`, record)))
    expect(new Set(many)).toEqual(new Set(['stored']))
    const within = closing(memcached({ dataSource: `tester:${PASSWORD}@${dataSource}` }))
    expect(await within.retrieve('many0')).toEqual(record)
    const cache = live(dataSource, { username: 'tester', password: PASSWORD })
    expect(await closing(memcached({ cache })).retrieve('many1')).toEqual(record)
    for (const login of [
      {},
      { username: 'tester', password: 'wrong password' },
      { username: 'nobody', password: PASSWORD },
    ]) {
      for (const options of [{ dataSource, ...login }, { cache: live(dataSource, login) }]) {
        const refused = closing(memcached(options))
        for (const error of await Promise.all([
          errorOf(refused.retrieve('many0')),
          errorOf(refused.store('many0', other)),
        ])) {
          expect(error.message).toMatch(/user and a password \(SASL\).*AUTH_ERROR/)
          expect(inspect(error)).not.toMatch(/wrong password|pw-of-tests/)
        }
      }
    }
    expect(await driver.retrieve('many0')).toEqual(record)
  })
})

describeWith('memcached', 'Memcached: outages', () => {
  it('a server that is not there is an error, and the first call after it is back works', async () => {
    const port = await freePort()
    const driver = closing(memcached({ dataSource: `127.0.0.1:${port}`, timeout: 3000 }))
    for (const call of [() => driver.retrieve(id), () => driver.store(id, record), () => driver.remove(id)]) {
      expect((await errorOf(call())).message).toMatch(/is the server running.*ECONNREFUSED/)
    }
    const { relay, driver: second } = await relayed()
    await second.store(id, record)
    relay.cut()
    const target = relay.target
    relay.target = port
    await errorOf(second.retrieve(id))
    relay.target = target
    expect(await second.retrieve(id)).toEqual(record)
  })

  it('a server that stands still is an error in time, and the next call works when it goes on', async () => {
    const { dataSource, host, port } = await privateServer()
    const driver = closing(memcached({ dataSource, timeout: 1000 }))
    await driver.store(id, record, { expect: null })
    const pid = Number(
      (await linesOf({ host, port }, 'stats', 'END')).find((line) => line.startsWith('STAT pid '))!.split(' ')[2],
    )
    process.kill(pid, 'SIGSTOP')
    try {
      // Its threads stop one after the other.
      while (await driver.retrieve(id).then(Boolean, () => false));
      const since = performance.now()
      const [read, write] = await Promise.all([
        errorOf(driver.retrieve(id)),
        errorOf(driver.store(id, other, { expect: record })),
      ])
      expect(performance.now() - since).toBeLessThan(3000)
      expect(read.message).toMatch(/no answer came/)
      expect(write.message).toMatch(/a write may have taken place, or may yet/)
    } finally {
      process.kill(pid, 'SIGCONT')
    }
    const now = await driver.retrieve(id)
    expect([record, other].some((one) => one.equals(now!))).toBe(true)
    // The write that nobody waits for any longer may come in between.
    while ((await driver.store(id, third, { expect: (await driver.retrieve(id))! })) !== 'stored');
  })

  it('late answers are nobody’s', async () => {
    const { relay, driver, direct } = await relayed({ timeout: 800 })
    const ids = Array.from({ length: 20 }, (_, index) => `id${index}`)
    await Promise.all(ids.map((one) => direct.store(one, Buffer.from(one))))
    for (let round = 0; round < 3; round++) {
      relay.mode = round === 1 ? 'hold' : 'begin'
      await Promise.all(ids.map((one) => errorOf(driver.retrieve(one))))
      if (round < 2) relay.release()
      else relay.mode = 'pass'
      const records = await Promise.all(ids.toReversed().map((one) => driver.retrieve(one)))
      expect(records.map(String)).toEqual(ids.toReversed())
    }
  })

  it('a record never holds bytes of another, that came late on an old connection of a live client', async () => {
    const { dataSource, namespace } = await newNamespace()
    const relay = closing(await Relay.to(Number(dataSource.split(':')[1])))
    const direct = closing(memcached({ dataSource, namespace }))
    await direct.store('first', Buffer.alloc(100_000, 'V'))
    await direct.store('second', Buffer.alloc(100_000, 'o'))
    const cache = live(`127.0.0.1:${relay.port}`, { timeout: 0.3 })
    const driver = closing(memcached({ cache, namespace, timeout: 1500 }))
    await driver.retrieve('warm')
    relay.mode = 'hold'
    await errorOf(driver.retrieve('first'))
    const reading = driver.retrieve('second')
    for (const connection of [0, 1]) {
      while (relay.connections <= connection || relay.held(connection) < 100_000) await new Promise(setImmediate)
    }
    const whole = relay.held(1)
    relay.releasePart(1, 0, 50_000)
    // Each piece passes by itself.
    await direct.retrieve('warm')
    relay.releasePart(0, 60_000)
    await direct.retrieve('warm')
    relay.releasePart(1, 50_000, whole)
    expect(Buffer.alloc(100_000, 'o').equals((await reading)!)).toBe(true)
  })

  it('an operation of several requests has one deadline, which harms no other', async () => {
    const { relay, driver, direct } = await relayed({ timeout: 2000 })
    await direct.store(id, record)
    await driver.retrieve('warm')
    relay.delay = 1400
    const since = performance.now()
    const changing = errorOf(driver.store(id, other, { expect: Buffer.from(record) })).then((error) => {
      expect(performance.now() - since).toBeLessThan(2700)
      return error
    })
    await errorOf(closing(memcached({ dataSource: `127.0.0.1:${relay.port}`, timeout: 1000 })).retrieve(id))
    const reading = driver.retrieve('another')
    expect((await changing).message).toMatch(/no answer came/)
    expect(await reading).toBeUndefined()
    expect(relay.connections).toBe(2)
  })

  it('an answer that is there when the program was busy for longer than timeout is taken', async () => {
    const options = await newNamespace()
    const driver = closing(memcached({ ...options, timeout: 1000 }))
    await driver.store(id, record)
    const calls = Promise.all([driver.store('new', other, { expect: null }), driver.retrieve(id)])
    const twoRequests = errorOf(driver.store('missing', other))
    await new Promise(setImmediate)
    for (const since = performance.now(); performance.now() - since < 1100; );
    expect(await calls).toEqual(['stored', record])
    // The second request is not sent.
    expect((await twoRequests).message).toMatch(/longer than the option timeout allows.*ETIMEDOUT/)
    expect(await driver.retrieve('missing')).toBeUndefined()
  })

  it('a write whose answer is lost says that it may have taken place, and is not sent again', async () => {
    const { relay, driver, direct } = await relayed()
    await driver.retrieve(id)
    relay.mode = 'cut'
    expect((await errorOf(driver.store(id, record, { expect: null }))).message).toMatch(
      /a write may have taken place.*ECONNRESET/,
    )
    relay.mode = 'pass'
    expect(await direct.retrieve(id)).toEqual(record)
    expect(await driver.store(id, other, { expect: null })).toBe('exists')
  })

  it('and the next flush of the session finds its own record', async () => {
    const { dataSource, namespace } = await newNamespace()
    const relay = closing(await Relay.to(Number(dataSource.split(':')[1])))
    const options = { type: 'driver:Memcached', dataSource: `127.0.0.1:${relay.port}`, namespace }
    await using sessions = await SessionManager.create(options)
    const session = await sessions.open()
    relay.mode = 'cut'
    await expect(session.param('a', 1).flush()).rejects.toThrow(/may have taken place/)
    relay.mode = 'pass'
    expect(await session.flush()).toBe(true)
    relay.mode = 'cut'
    await expect(session.param('a', 2).flush()).rejects.toThrow(/may have taken place/)
    relay.mode = 'pass'
    expect(await session.param('b', 3).flush()).toBe(true)
    const again = await sessions.open({ id: session.id() })
    expect([again.param('a'), again.param('b')]).toEqual([2, 3])
  })

  it('with a live client the time that counts is the option timeout, and the next call works', async () => {
    const { dataSource, namespace } = await newNamespace()
    const relay = closing(await Relay.to(Number(dataSource.split(':')[1])))
    const cache = live(`127.0.0.1:${relay.port}`, { timeout: 60 })
    const driver = closing(memcached({ cache, namespace, timeout: 800 }))
    await driver.store(id, record)
    for (const [mode, said] of [
      ['hold', /no answer came/],
      ['begin', /no answer came/],
      ['cut', /the connection ended before the answer came/],
    ] as const) {
      relay.mode = mode
      expect((await errorOf(driver.retrieve(id))).message).toMatch(said)
      relay.mode = 'pass'
      expect(await driver.retrieve(id)).toEqual(record)
    }
  })

  it('a server that starts anew has forgotten its sessions: one that is open is gone, and is begun anew', async () => {
    const [before, after] = [await privateServer(), await privateServer()]
    const relay = closing(await Relay.to(before.port))
    const options = { type: 'driver:Memcached', dataSource: `127.0.0.1:${relay.port}` }
    await using sessions = await SessionManager.create(options)
    const session = await sessions.open({ id })
    await session.param('a', 1).flush()
    relay.target = after.port
    relay.cut()
    while (relay.open > 0) await new Promise(setImmediate)
    // The driver notices the end of an idle connection at its next turn.
    while (relay.connections < 2) await sessions.open({ id: 'another' }).catch(() => undefined)
    expect([await session.param('a', 2).flush(), session.deleted()]).toEqual([false, true])
    expect((await sessions.open({ id })).isNew()).toBe(true)
  })

  it('a long record that comes in pieces is whole', async () => {
    const { dataSource, namespace } = await newNamespace()
    const driver = closing(memcached({ dataSource, namespace }))
    const records = Array.from({ length: 12 }, (_, index) => Buffer.alloc(90_000 * index + 1, `${index}`))
    await Promise.all(records.map((one, index) => driver.store(`long${index}`, one)))
    const read = await Promise.all(records.map((_, index) => driver.retrieve(`long${index}`)))
    for (const [index, one] of read.entries()) expect(records[index]!.equals(one!)).toBe(true)
  })

  it('does not keep a script alive that forgets to close it', async () => {
    const options = { ...(await newNamespace()), timeout: 60_000 }
    const script = await startNode('t/support/forgetful-worker.ts', ['Memcached', JSON.stringify(options)])
    const began = performance.now()
    expect(await script.done).toBe('stored')
    expect(performance.now() - began).toBeLessThan(10_000)
  })

  it('does not let a script end while it waits for an answer', async () => {
    const { dataSource, namespace } = await newNamespace()
    const relay = closing(await Relay.to(Number(dataSource.split(':')[1])))
    relay.mode = 'hold'
    const options = { dataSource: `127.0.0.1:${relay.port}`, namespace, timeout: 60_000 }
    const script = await startNode('t/support/forgetful-worker.ts', ['Memcached', JSON.stringify(options)])
    let ended = false
    void script.done.then(() => {
      ended = true
    })
    while (relay.held() === 0) await new Promise(setImmediate)
    expect([ended, script.output()]).toEqual([false, ''])
    relay.release()
    // The first answer tells that there is nothing to replace.
    expect(await script.done).toBe('stored')
  })

  it('waits at close for what is under way', async () => {
    const driver = memcached(await newNamespace())
    const writes = Array.from({ length: 50 }, (_, index) => driver.store(`w${index}`, record))
    await driver.close()
    expect(new Set(await Promise.all(writes))).toEqual(new Set(['stored']))
  })
})

describeWith('memcached', 'Memcached: a live client', () => {
  it('is neither changed nor closed', async () => {
    const { dataSource, namespace } = await newNamespace()
    const cache = live(dataSource)
    await cache.set(`${namespace}mine`, 'before', {})
    const [server] = cache.servers
    const state = (): unknown[] => [
      { ...cache.options },
      ['authenticated', 'error', 'close'].map((event) => server!.listenerCount(event)),
      Object.keys(server!.responseCallbacks),
    ]
    const before = state()
    const sessions = await SessionManager.create({ type: 'driver:Memcached', cache, namespace })
    const session = await sessions.open()
    await session.param('a', 1).flush()
    const mixed = await Promise.all(
      Array.from({ length: 50 }, (_, index) =>
        index % 2 ? cache.get(`${namespace}mine`) : sessions.open({ id: session.id() }),
      ),
    )
    expect(mixed.length).toBe(50)
    await sessions.close()
    expect(state()).toEqual(before)
    expect(String((await cache.get(`${namespace}mine`)).value)).toBe('before')
  })

  it('lends no connection: the driver makes one at first use, and closes it at close', async () => {
    const { dataSource, namespace } = await newNamespace()
    const relay = closing(await Relay.to(Number(dataSource.split(':')[1])))
    const cache = live(`127.0.0.1:${relay.port}`)
    const driver = memcached({ cache, namespace })
    await Promise.all([driver.store(id, record), driver.store('another', record)])
    expect([relay.connections, relay.open, cache.servers[0]!._socket]).toEqual([1, 1, undefined])
    await driver.close()
    while (relay.open > 0) await new Promise(setImmediate)
  })
})

describeWith('memcached-program', 'Memcached: several servers', () => {
  const ids = Array.from({ length: 60 }, (_, index) => `session${index}`)

  it('share the sessions as memjs does it; when one is down, its sessions are errors and the others go on', async () => {
    const [one, two] = [await privateServer(), await privateServer()]
    const dataSource = `${one.dataSource},${two.dataSource}`
    const driver = closing(memcached({ dataSource, timeout: 2000 }))
    await Promise.all(ids.map((name) => driver.store(name, Buffer.from(name))))
    const client = live(dataSource)
    expect(await Promise.all(ids.map(async (name) => String((await client.get(name)).value)))).toEqual(ids)
    const alone = closing(memcached({ dataSource: one.dataSource }))
    const there = await Promise.all(ids.map(async (name) => (await alone.retrieve(name)) !== undefined))
    expect(there.filter(Boolean).length).toBeGreaterThan(10)
    expect(there.filter((isThere) => !isThere).length).toBeGreaterThan(10)
    await two.stop()
    const reads = await Promise.allSettled(ids.map((name) => driver.retrieve(name)))
    expect(reads.map(({ status }) => status === 'fulfilled')).toEqual(there)
    const writes = await Promise.allSettled(ids.map((name) => driver.store(name, record)))
    expect(writes.map(({ status }) => status === 'fulfilled')).toEqual(there)
  })

  it('a live client with failover goes on with the next server, where the sessions begin anew', async () => {
    const [one, two] = [await privateServer(), await privateServer()]
    const cache = live(`${one.dataSource},${two.dataSource}`, { failover: true, failoverTime: 60 })
    const driver = closing(memcached({ cache, timeout: 2000 }))
    await Promise.all(ids.map((name) => driver.store(name, Buffer.from(name))))
    await two.stop()
    // memjs notices it at the first call.
    await Promise.allSettled(ids.map((name) => driver.retrieve(name)))
    const present = await Promise.all(ids.map((name) => driver.retrieve(name)))
    expect(present.filter((found) => found === undefined).length).toBeGreaterThan(10)
    expect(present.every((found, index) => found === undefined || String(found) === ids[index])).toBe(true)
    for (const name of ids) expect(await driver.store(name, record)).toBe('stored')
    await one.stop()
    await Promise.allSettled([driver.retrieve(id), driver.retrieve(id)])
    expect((await errorOf(driver.retrieve(id))).message).toMatch(/every server of the live client failed/)
  })
})
