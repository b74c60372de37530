/**
 * Sessions in memcached, shared with Perl's Data::Session and CGI::Session over Cache::Memcached. Records expire by themselves,
 * with their sessions; a server that is full or starts anew forgets them. The client is memjs.
 */

import type { DriverSupport, OptionTable, RemoveOptions, StoreOptions, StoreOutcome } from '../lib/contracts.js'
import { IdError, OptionError, UnsupportedError } from '../lib/errors.js'
import { shortId } from '../lib/id-check.js'
import { text } from '../lib/options.js'
import { KeyedDriver } from './keyed/keyed-driver.js'
import { type KeyedOptions, keyedOptions } from './keyed/options.js'
import { advice } from './memcached/advice.js'
import { expiryOf } from './memcached/expiry.js'
import type { Items } from './memcached/items.js'
import { openItems } from './memcached/open.js'
import { LONGEST_KEY } from './memcached/protocol.js'

/** Options of `driver:Memcached`, beside those of every store with keys. `cache` is a live client of memjs. */
export interface MemcachedOptions extends KeyedOptions {
  /**
   * Servers, as `host:port`, with commas between them; the port may be left out (11211), and `user:password@` may stand before
   * the host. Default, as memjs has it: what the environment names in MEMCACHIER_SERVERS or MEMCACHE_SERVERS, or
   * `localhost:11211`. (Perl: Cache::Memcached's `servers`.)
   */
  dataSource: string
  /** What stands before each id, without a sign between them, as Cache::Memcached's `namespace`. Default: ''. */
  namespace: string
  /**
   * The user of servers that want SASL. Default, as memjs has it: MEMCACHIER_USERNAME or MEMCACHE_USERNAME of the environment, or
   * none.
   */
  username: string
  /** The user's password. Default: MEMCACHIER_PASSWORD or MEMCACHE_PASSWORD of the environment, or none. */
  password: string
}

const { env } = process
/** Signs that end a key for Perl, whose requests are lines of text. */
const endsKey = /[\s\p{Cc}]/u

/** The driver behind `driver:Memcached`. */
export default class Memcached extends KeyedDriver<Items> {
  static readonly options: OptionTable<MemcachedOptions> = {
    ...keyedOptions,
    dataSource: text(() => env.MEMCACHIER_SERVERS || env.MEMCACHE_SERVERS || 'localhost:11211'),
    namespace: text(''),
    username: text(() => env.MEMCACHIER_USERNAME || env.MEMCACHE_USERNAME || ''),
    password: text(() => env.MEMCACHIER_PASSWORD || env.MEMCACHE_PASSWORD || ''),
  }

  readonly supports: DriverSupport = { ids: 'text', payload: 'bytes', ttl: true, list: false, expect: true }
  readonly #namespace: string

  /** @throws {OptionError} for a dataSource that cannot be read, and for a namespace that no key can begin with */
  constructor(options: MemcachedOptions) {
    super({ name: 'Memcached', open: openItems(options), advice })
    const { namespace } = options
    if (endsKey.test(namespace) || Buffer.byteLength(namespace) >= LONGEST_KEY) throw unfit()
    this.#namespace = namespace
  }

  retrieve(id: string): Promise<Uint8Array | undefined> {
    return this.run({ operation: 'retrieve', id }, (items) => {
      const key = this.#keyOf(id)
      return key === undefined ? undefined : items.read(key)
    })
  }

  store(id: string, record: Uint8Array, { ttl, expect }: StoreOptions = {}): Promise<StoreOutcome> {
    return this.run({ operation: 'store', id, records: [record, expect] }, (items) => {
      const key = this.#keyOf(id)
      if (key === undefined) throw this.#tooLong(id)
      const item = { value: record, expiry: expiryOf(ttl) }
      if (expect === undefined) return items.overwrite(key, item)
      return expect === null ? items.create(key, item) : items.replace(key, item, expect)
    })
  }

  remove(id: string, { expect }: RemoveOptions = {}): Promise<boolean> {
    return this.run({ operation: 'remove', id, records: [expect] }, (items) => {
      const key = this.#keyOf(id)
      return key !== undefined && items.remove(key, expect)
    })
  }

  /** @throws {UnsupportedError} always */
  ids(): AsyncIterable<string> {
    throw new UnsupportedError('list', 'Memcached cannot list its sessions: it has no request for its keys')
  }

  /** The key of an id; undefined for an id that is too long, under which nothing can be. */
  #keyOf(id: string): string | undefined {
    const key = this.#namespace + id
    return Buffer.byteLength(key) <= LONGEST_KEY ? key : undefined
  }

  #tooLong(id: string): IdError {
    return new IdError(
      'ERR_SESSION_ID_INVALID',
      `${shortId(id)} cannot be a session id: with the namespace before it a key of Memcached has at most ${LONGEST_KEY} bytes`,
    )
  }
}

function unfit(): OptionError {
  return new OptionError(
    'namespace',
    `Option 'namespace' must be shorter than ${LONGEST_KEY} bytes, without blanks and control characters`,
  )
}
