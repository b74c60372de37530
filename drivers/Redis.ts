/**
 * Sessions in Redis or Valkey: one server, a cluster, or a primary behind sentinels. Records expire by themselves, with their
 * sessions. Keys are those of CGI::Session's redis driver from CPAN.
 */

import { asBuffer } from '../lib/bytes.js'
import type { DriverSupport, OptionTable, RemoveOptions, StoreOptions, StoreOutcome } from '../lib/contracts.js'
import { OptionError } from '../lib/errors.js'
import { isId } from '../lib/id-check.js'
import { integer, text } from '../lib/options.js'
import { KeyedDriver, type Opened } from './keyed/keyed-driver.js'
import { clientOf } from './keyed/options.js'
import { advice } from './redis/advice.js'
import type { Argument, RedisClient } from './redis/client.js'
import { adoptIoredis } from './redis/ioredis.js'
import { keyOf, pageOf, patternOf, Recent, unexpected } from './redis/keys.js'
import { adoptNodeRedis } from './redis/node-redis.js'
import { type ConnectionOptions, connectionOptions } from './redis/options.js'
import { OwnClient } from './redis/own.js'
import { DONE, GONE, removeExpected, replaceExpected, runScript } from './redis/scripts.js'
import { settingsOf } from './redis/settings.js'

/** Options of `driver:Redis`, for Redis and Valkey. */
export interface RedisOptions extends ConnectionOptions {
  /**
   * What stands before the id in each key. The default `session:` is what CGI::Session's redis driver uses (its `Prefix`, with a
   * colon).
   */
  prefix: string
  /**
   * So many replicas must have a write before it counts as done, as a failover may lose one that only the primary had. Fewer
   * of them within `timeout` are an error, and the write stays on the primary. Writes go over a second connection, as asking the
   * replicas holds it up. Only with dataSource. Default: 0.
   */
  replicas: number
}

/** So many places of a server's table of keys are looked at in one step of a listing, which takes it about a millisecond. */
const SCANNED = '1000'

/** The driver behind `driver:Redis`. */
export default class Redis extends KeyedDriver<RedisClient> {
  static readonly options: OptionTable<RedisOptions> = {
    ...connectionOptions,
    prefix: text('session:'),
    replicas: integer(0, { max: 1000 }),
  }

  readonly supports: DriverSupport = { ids: 'bytes', payload: 'bytes', ttl: true, list: true, expect: true }
  readonly #prefix: Buffer

  /** @throws {OptionError} for a dataSource that cannot be read, and for a live client with options of a connection or `replicas` */
  constructor(options: RedisOptions) {
    super({ name: 'Redis', open: opener(options), advice, timeout: options.timeout })
    this.#prefix = Buffer.from(options.prefix)
  }

  retrieve(id: string): Promise<Uint8Array | undefined> {
    return this.run({ operation: 'retrieve', id }, async (client, deadline) => {
      const command = { name: 'get', before: [], key: this.#key(id), after: [], isWrite: false } as const
      const reply = await client.run(command, deadline)
      if (reply !== null && !(reply instanceof Uint8Array)) throw unexpected()
      return reply ?? undefined
    })
  }

  store(id: string, record: Uint8Array, { ttl, expect }: StoreOptions = {}): Promise<StoreOutcome> {
    const bytes = asBuffer(record)
    const life = ttl ? [String(ttl * 1000)] : []
    const request = { operation: 'store', id, records: [record, expect] }
    return this.run(request, async (client, deadline): Promise<StoreOutcome> => {
      const key = this.#key(id)
      if (expect instanceof Uint8Array) {
        const args = [asBuffer(expect), bytes, ...life]
        const reply = Number(await runScript(client, replaceExpected, key, args, deadline))
        return reply === DONE ? 'stored' : reply === GONE ? 'gone' : 'conflict'
      }
      const after: Argument[] = ttl ? [bytes, 'PX', ...life] : [bytes]
      if (expect === null) after.push('NX')
      const reply = await client.run({ name: 'set', before: [], key, after, isWrite: true }, deadline)
      if (reply !== null && String(reply) !== 'OK') throw unexpected()
      return reply === null ? 'exists' : 'stored'
    })
  }

  remove(id: string, { expect }: RemoveOptions = {}): Promise<boolean> {
    return this.run({ operation: 'remove', id, records: [expect] }, async (client, deadline) => {
      const key = this.#key(id)
      const reply =
        expect === undefined
          ? client.run({ name: 'del', before: [], key, after: [], isWrite: true }, deadline)
          : runScript(client, removeExpected, key, [asBuffer(expect)], deadline)
      return Number(await reply) === DONE
    })
  }

  async *ids(): AsyncIterable<string> {
    const request = { operation: 'list' }
    const { scans, keyPrefix } = await this.run(request, async (client, deadline) => ({
      scans: await client.scans(deadline),
      keyPrefix: client.keyPrefix,
    }))
    const prefix = Buffer.concat([keyPrefix, this.#prefix])
    // Only texts: CPAN's driver has a set of its keys under the same prefix.
    const filter = ['MATCH', patternOf(prefix), 'COUNT', SCANNED, 'TYPE', 'string']
    const recent = new Recent()
    for (const scan of scans) {
      for (let cursor: string | undefined; cursor !== '0'; ) {
        const from = cursor ?? '0'
        const page = pageOf(await this.run(request, (_client, deadline) => scan(from, filter, deadline)))
        const ids = page.keys.map((key) => key.toString('latin1', prefix.length))
        yield* ids.filter((id) => isId(id, 'bytes') && recent.isNew(id))
        cursor = page.cursor
      }
    }
  }

  #key(id: string): Buffer {
    return keyOf(this.#prefix, id)
  }
}

/** What opens the connection that the options name, or takes the client that was handed over. */
function opener(options: RedisOptions): () => Opened<RedisClient> | Promise<Opened<RedisClient>> {
  if (options.cache !== undefined) {
    assertOnePlace(options)
    if (options.replicas > 0) throw replicasOfOthers()
    return async () => adopt(await clientOf(options))
  }
  const settings = settingsOf(options)
  return () => {
    const client = new OwnClient(settings, options)
    return { client, close: () => client.close() }
  }
}

function adopt(handle: unknown): Opened<RedisClient> {
  const client =
    typeof handle === 'object' && handle !== null ? (adoptIoredis(handle) ?? adoptNodeRedis(handle)) : undefined
  if (client !== undefined) return { client }
  throw new OptionError(
    'cache',
    "Option 'cache' must be a live client or cluster of ioredis, iovalkey or redis (node-redis), or a function that gives one",
  )
}

function assertOnePlace(options: RedisOptions): void {
  for (const name of ['dataSource', 'username', 'password', 'dataSourceAttr'] as const) {
    if (options[name] === undefined) continue
    const what = `Option '${name}' is about a connection of the driver's own, and option 'cache' is a live client`
    throw new OptionError(name, `${what}: two places for the sessions; give one`)
  }
}

function replicasOfOthers(): OptionError {
  return new OptionError(
    'replicas',
    "Option 'replicas' needs a connection of the driver's own (dataSource): asking the replicas holds up the connection, and with it all that the program does on it",
  )
}
