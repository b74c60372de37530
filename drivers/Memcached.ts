/**
 * Sessions in memcached, shared with Perl's Data::Session and CGI::Session over Cache::Memcached. Records expire by themselves,
 * with their sessions; a server that is full or starts anew forgets them. The client is memjs.
 */

import type { DriverSupport, OptionTable, RemoveOptions, StoreOptions, StoreOutcome } from '../lib/contracts.js'
import { IdError, OptionError, UnsupportedError } from '../lib/errors.js'
import { logId } from '../lib/id-check.js'
import { optionalText, text } from '../lib/options.js'
import { KeyedDriver } from './keyed/keyed-driver.js'
import { type KeyedOptions, keyedOptions } from './keyed/options.js'
import { advice } from './memcached/advice.js'
import { expiryOf } from './memcached/expiry.js'
import type { Items } from './memcached/items.js'
import { openItems } from './memcached/open.js'
import { LONGEST_KEY } from './memcached/protocol.js'

/** Options of `driver:Memcached`, beside those of every store with keys. */
export interface MemcachedOptions extends KeyedOptions {
  /**
   * A live client of memjs, or a function that gives one and is called when it is first needed (Perl: `cache`), in place of
   * `dataSource`, `username` and `password`. It is asked which server a key belongs to (its `getServer` and `failover` hold), where
   * its servers are and who logs in. Its connections are not used, nor its timeouts and retries: after a timeout memjs 1.3.2
   * mixes late answers into others, so that a record could hold bytes of another session. The driver makes connections of its
   * own, and closes them with the manager; the client stays open.
   */
  cache: KeyedOptions['cache']
  /**
   * Servers, as `host:port`, with commas between them; the port may be left out (11211), and `user:password@` may stand before
   * the host. Default, as memjs has it: what the environment names in MEMCACHIER_SERVERS or MEMCACHE_SERVERS, or
   * `localhost:11211`. (Perl: Cache::Memcached's `servers`.)
   */
  dataSource: string | undefined
  /** What stands before each id, without a sign between them, as Cache::Memcached's `namespace`. Default: ''. */
  namespace: string
  /**
   * The user of servers that want SASL. Default, as memjs has it: MEMCACHIER_USERNAME or MEMCACHE_USERNAME of the environment, or
   * none.
   */
  username: string | undefined
  /** The user's password. Default: MEMCACHIER_PASSWORD or MEMCACHE_PASSWORD of the environment, or none. */
  password: string | undefined
}

/** Signs that end a key for Perl, whose requests are lines of text. */
const endsKey = /[\s\p{Cc}]/u

/** The driver behind `driver:Memcached`. */
export default class Memcached extends KeyedDriver<Items> {
  static readonly options: OptionTable<MemcachedOptions> = {
    ...keyedOptions,
    dataSource: optionalText(),
    namespace: text(''),
    username: optionalText(),
    password: optionalText(),
  }

  readonly supports: DriverSupport = { ids: 'text', payload: 'bytes', ttl: true, list: false, expect: true }
  readonly #namespace: string

  /** @throws {OptionError} for servers that cannot be read or are named twice, and for a namespace that no key can begin with */
  constructor(options: MemcachedOptions) {
    super({ name: 'Memcached', open: openItems(options), advice, timeout: options.timeout })
    const { namespace } = options
    if (endsKey.test(namespace) || Buffer.byteLength(namespace) >= LONGEST_KEY) throw unfit()
    this.#namespace = namespace
  }

  retrieve(id: string): Promise<Uint8Array | undefined> {
    return this.run({ operation: 'retrieve', id }, (items, deadline) => {
      const key = this.#keyOf(id)
      return key === undefined ? undefined : items.read(key, deadline)
    })
  }

  store(id: string, record: Uint8Array, { ttl, expect }: StoreOptions = {}): Promise<StoreOutcome> {
    return this.run({ operation: 'store', id, records: [record, expect] }, (items, deadline) => {
      const key = this.#keyOf(id)
      if (key === undefined) throw this.#tooLong(id)
      const item = { value: record, expiry: expiryOf(ttl) }
      if (expect === undefined) return items.overwrite(key, item, deadline)
      return expect === null ? items.create(key, item, deadline) : items.replace(key, item, expect, deadline)
    })
  }

  remove(id: string, { expect }: RemoveOptions = {}): Promise<boolean> {
    return this.run({ operation: 'remove', id, records: [expect] }, (items, deadline) => {
      const key = this.#keyOf(id)
      return key !== undefined && items.remove(key, expect, deadline)
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
      `${logId(id)} cannot be a session id: with the namespace before it a key of Memcached has at most ${LONGEST_KEY} bytes`,
    )
  }
}

function unfit(): OptionError {
  return new OptionError(
    'namespace',
    `Option 'namespace' must be shorter than ${LONGEST_KEY} bytes, without blanks and control characters`,
  )
}
