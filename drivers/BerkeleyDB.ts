/**
 * Sessions in an LMDB environment, which many processes use at once without a server. The name is that of Data::Session's
 * driver for Berkeley DB: an embedded store of keys. The client is lmdb.
 *
 * The key is the id, one byte a character, and the value is the record, so that any reader of the same data format finds them.
 */

import { asBuffer } from '../lib/bytes.js'
import type {
  DriverSupport,
  OptionTable,
  PossiblyExpired,
  RemoveOptions,
  StoreOptions,
  StoreOutcome,
} from '../lib/contracts.js'
import { isId } from '../lib/id-check.js'
import { flag } from '../lib/options.js'
import { advice, isUseless } from './berkeleydb/advice.js'
import { type Environment, recordUnder } from './berkeleydb/environment.js'
import { directoryReader, openEnvironment } from './berkeleydb/open.js'
import { pagesOf } from './berkeleydb/pages.js'
import { KeyedDriver } from './keyed/keyed-driver.js'
import { type KeyedOptions, keyedOptions } from './keyed/options.js'

/** Options of `driver:BerkeleyDB`, beside those of every store with keys. `cache` is a live database of the package lmdb. */
export interface BerkeleyDBOptions extends KeyedOptions {
  /**
   * The folder of the environment, which has nothing else in it; made at first use, for this user alone, when it is missing.
   * Needed unless `cache` is given. (Perl: the environment's `-Home`.)
   */
  directory: string | undefined
  /**
   * How long to wait, in milliseconds, while another process opens the environment, and while the program itself has a transaction
   * open on the database that it gave as `cache`. LMDB's lock between processes knows no limit of time: it is held for the time of a
   * commit, and a process that is killed gives it back. Default: 5000.
   */
  timeout: number
  /**
   * Do without flock(2) on the folder and data.mdb, which keeps openings and commits apart: lmdb loses a commit that another
   * process makes in the moment of opening. Only for an environment that one single process uses. Default: false.
   */
  noFlock: boolean
}

const keyOf = (id: string): Buffer => Buffer.from(id, 'latin1')

/** The driver behind `driver:BerkeleyDB`. */
export default class BerkeleyDB extends KeyedDriver<Environment> {
  static readonly options: OptionTable<BerkeleyDBOptions> = {
    ...keyedOptions,
    directory: directoryReader,
    noFlock: flag(false),
  }

  readonly supports: DriverSupport = { ids: 'bytes', payload: 'bytes', ttl: false, list: true, expect: true }

  /** @throws {OptionError} for neither a `directory` nor a `cache`, or both */
  constructor(options: BerkeleyDBOptions) {
    super({ name: 'BerkeleyDB', open: openEnvironment(options), advice, timeout: options.timeout, isUseless })
  }

  retrieve(id: string): Promise<Uint8Array | undefined> {
    return this.run({ operation: 'retrieve', id }, (environment) =>
      environment.read((db) => {
        const record = recordUnder(db, keyOf(id))
        return record === undefined || record.length === 0 ? undefined : record
      }),
    )
  }

  store(id: string, record: Uint8Array, { expect }: StoreOptions = {}): Promise<StoreOutcome> {
    return this.run({ operation: 'store', id, records: [record, expect] }, (environment) =>
      environment.write(record.length, (db): StoreOutcome => {
        const key = keyOf(id)
        const refused = expect === undefined ? undefined : refusal(recordUnder(db, key), expect)
        if (refused === undefined) db.putSync(key, asBuffer(record))
        return refused ?? 'stored'
      }),
    )
  }

  remove(id: string, { expect }: RemoveOptions = {}): Promise<boolean> {
    return this.run({ operation: 'remove', id, records: [expect] }, (environment) =>
      environment.write(0, (db) => {
        const key = keyOf(id)
        const record = recordUnder(db, key)
        if (record === undefined || (expect !== undefined && Buffer.compare(record, expect) !== 0)) return false
        db.removeSync(key)
        return record.length > 0
      }),
    )
  }

  async *ids(): AsyncIterable<string> {
    for await (const page of this.#pages(false)) for (const { id } of page) if (isId(id, 'bytes')) yield id
  }

  /** All records, each with its id, so that none is looked up again. */
  async *possiblyExpired(): AsyncIterable<PossiblyExpired> {
    for await (const page of this.#pages(true)) for (const entry of page) if (isId(entry.id, 'bytes')) yield entry
  }

  #pages(withRecords: boolean): AsyncIterable<readonly PossiblyExpired[]> {
    return pagesOf((read) => this.run({ operation: 'list' }, (environment) => environment.read(read)), withRecords)
  }
}

/** Why a record is not written over the present one; undefined when it is. An empty record is none. */
function refusal(present: Uint8Array | undefined, expect: Uint8Array | null): StoreOutcome | undefined {
  const isThere = present !== undefined && present.length > 0
  if (expect === null) return isThere ? 'exists' : undefined
  if (!isThere) return 'gone'
  return Buffer.compare(present, expect) === 0 ? undefined : 'conflict'
}
