/** The long-lived half: a manager resolves a type once, owns the connection, and opens sessions. */

import type { OptionTable, TableOptions } from './contracts.js'
import type { PurgeCandidate } from './driver-guard.js'
import { createEngine, type Engine } from './engine.js'
import { DriverError, IdError, OptionError, SerializeError, SessionError } from './errors.js'
import { shortId } from './id-check.js'
import { flag, integer, readOptions } from './options.js'
import { hasExpired, type SessionData, timeToLive } from './record.js'
import { type Params, Session, type StoredSession } from './session.js'
import { type ManagerOptions, type OpenOptions, refuseNoObject, refuseUnknown } from './session-options.js'
import { thawRecord } from './thaw-record.js'
import { formatType } from './type-string.js'

/** How a purge ended. */
export interface PurgeResult {
  /** Sessions that had expired and are gone now. */
  removed: number
  /**
   * Sessions that were looked at and are alive; their time of access is as it was. A table with a column of expiry times spares
   * the look at most of them.
   */
  kept: number
  /** Records that could not be read or removed; they are still there. */
  unreadable: number
}

/**
 * So many sessions are looked at and removed at once by a purge: a server answers many requests in little more time than one,
 * and an embedded store syncs its file once for all of them.
 */
const PURGED_AT_ONCE = 32

/** Options of `createTable`. */
export interface CreateTableOptions {
  /** The most characters of an id. Default: as many as the id generator makes. */
  idLength?: number
  /** With an indexed column of expiry times, so that a purge reads only what may have expired. Perl ignores it. Default: false. */
  expires?: boolean
}

const createTableOptions: OptionTable<Required<CreateTableOptions>> = {
  idLength: integer(0, { min: 1, max: 255 }),
  expires: flag(false),
}

/**
 * Makes sessions. A server makes one manager when it starts and opens a session for each request.
 * Perl's Data::Session has no such object: it connects for every session.
 */
export class SessionManager {
  readonly #engine: Engine

  private constructor(engine: Engine) {
    if (engine === undefined) throw new TypeError('A manager is created: await SessionManager.create(options)')
    this.#engine = engine
  }

  /**
   * A manager for a type string and its options.
   * @throws {OptionError} for a bad or unknown option, or plug-ins that do not go together
   * @throws {PluginError} for a plug-in that does not exist, or whose client package is missing
   */
  static async create(options: ManagerOptions = {}): Promise<SessionManager> {
    refuseNoObject(options, 'SessionManager.create')
    return new SessionManager(await createEngine(options))
  }

  /** The type string, normalised: `driver:File;id:MD5;serialize:DataDumper`. */
  get type(): string {
    return formatType(this.#engine.names)
  }

  /**
   * Open the session of an id, or begin a new one. A stored session's expiry is checked first, then its parameters',
   * then its time of access becomes now. An expired session is removed, and a new one comes back (`expired()` is true).
   * @throws {IdError} for an `id` that the driver cannot hold
   * @throws {SerializeError} for a record that cannot be read, unless `onCorrupt` is `new`
   * @throws {DriverError} when the store fails
   */
  async open<P extends object = Params>(options: OpenOptions = {}): Promise<Session<P>> {
    if (typeof options !== 'object' || options === null)
      throw new TypeError('open() takes { id } or { clientId }, or nothing')
    refuseUnknown(options, ['id', 'clientId'], 'the options of open')
    this.#engine.driver.assertOpen('open')
    const { id, clientId } = options
    if (id !== undefined && clientId !== undefined) {
      throw new OptionError(
        'clientId',
        "Give open() either 'id' (from the program) or 'clientId' (from a request), not both",
      )
    }
    const found = await (id === undefined ? this.#findForClient(clientId) : this.#find(id))
    if (typeof found === 'object') return Session.stored<P>(this.#engine, found, id !== undefined)
    const adopted = id ?? (found === 'none' && !this.#engine.options.strictIds ? clientId : undefined)
    const newId = adopted ?? (await this.#engine.ids.generate())
    return Session.fresh<P>(this.#engine, newId, adopted !== undefined, found === 'expired')
  }

  /**
   * An id that a visitor sent opens a session that exists, and is never taken for a new one (D3). A cookie that cannot be an
   * id must not keep a visitor out: it is as good as none.
   */
  async #findForClient(clientId: string | undefined): Promise<Found> {
    if (clientId === undefined) return 'none'
    try {
      return await this.#find(clientId)
    } catch (error) {
      if (error instanceof IdError || error instanceof TypeError) return 'unusable'
      throw error
    }
  }

  async #find(id: string): Promise<Found> {
    const { driver, now } = this.#engine
    let expired: Uint8Array | undefined
    for (;;) {
      const record = await driver.retrieve(id)
      if (record === undefined) return expired === undefined ? 'none' : 'expired'
      const data = await this.#thaw(id, record)
      // Put aside, or replaced meanwhile.
      if (data === undefined) continue
      if (!hasExpired(data, now())) return { id, data, record }
      if (expired !== undefined && Buffer.compare(expired, record) === 0) throw this.#notRemovable(id)
      if (await driver.removeIfStill(id, record)) return 'expired'
      expired = record
    }
  }

  #notRemovable(id: string): DriverError {
    const { name } = this.#engine.driver
    const message = `${name}: session ${shortId(id)} has expired, and the store does not let it be removed: check this user's rights, and triggers`
    return new DriverError(name, 'remove', message)
  }

  /** The data of a record; undefined when it could not be read, and is no longer there. */
  async #thaw(id: string, record: Uint8Array): Promise<SessionData | undefined> {
    try {
      return thawRecord(this.#engine, id, record)
    } catch (error) {
      if (!(error instanceof SerializeError) || this.#engine.options.onCorrupt === 'throw') throw error
      await this.#putAside(id, record, error)
      return undefined
    }
  }

  /** Keep a bad record under a new id, so that nothing is lost, and free its own id; unless it was replaced meanwhile. */
  async #putAside(id: string, record: Uint8Array, reason: SerializeError): Promise<void> {
    const { driver, ids } = this.#engine
    const aside = await ids.generate()
    const outcome = await driver.store(aside, record, { expect: null })
    if (outcome !== 'stored') throw reason
    if (await driver.removeIfStill(id, record)) {
      process.emitWarning(
        `The record of session ${shortId(id)} cannot be read (${reason.message}); it is kept as session ${shortId(aside)} and a new session begins`,
        { code: 'DATA_SESSION_CORRUPT' },
      )
      return
    }
    await driver.remove(aside)
    const present = await driver.retrieve(id)
    if (present !== undefined && Buffer.compare(present, record) === 0) throw reason
  }

  /** The ids of all sessions, streamed. @throws {UnsupportedError} where the store cannot list them */
  ids(): AsyncIterable<string> {
    return this.#engine.driver.ids()
  }

  /** Call a function with each id, one after the other (Data::Session: `traverse`). */
  async traverse(visit: (id: string) => unknown): Promise<void> {
    await this.#engine.driver.traverse(visit)
  }

  /**
   * Remove every expired session. Live ones are only read, so their idle time goes on: Perl's documented recipe, which
   * opens each session, starts it anew (D21). What cannot be read or removed is counted, and does not stop the rest.
   * @throws {DriverError} the first one, when nothing at all could be read: the store itself fails
   */
  async purge(): Promise<PurgeResult> {
    const { driver, now } = this.#engine
    const result: PurgeResult = { removed: 0, kept: 0, unreadable: 0 }
    let failure: unknown
    const check = async (candidate: PurgeCandidate): Promise<void> => {
      try {
        const outcome = await this.#purgeOne(candidate)
        if (outcome !== undefined) result[outcome]++
      } catch (error) {
        if (!(error instanceof SessionError)) throw error
        if (error instanceof DriverError) failure ??= error
        result.unreadable++
      }
    }
    for await (const group of groupsOf(driver.candidates(now()), PURGED_AT_ONCE)) await Promise.all(group.map(check))
    if (failure !== undefined && result.removed + result.kept === 0) throw failure
    return result
  }

  async #purgeOne({ id, isDated, read }: PurgeCandidate): Promise<'kept' | 'removed' | undefined> {
    const { driver, now } = this.#engine
    const record = await read()
    if (record === undefined) return undefined
    const data = thawRecord(this.#engine, id, record)
    if (hasExpired(data, now())) return (await driver.removeIfStill(id, record)) ? 'removed' : 'kept'
    const ttl = timeToLive(data, now())
    // A program that does not know the store's expiry time prolonged the session, or began it.
    if (isDated && ttl > 0) await driver.store(id, record, { ttl, expect: record })
    return 'kept'
  }

  /**
   * Make the table that an SQL driver needs, or give an existing one what it lacks: the column of expiry times. Nothing that is
   * there is changed. Needs the package knex.
   * @throws {UnsupportedError} where the store has no tables
   */
  async createTable(options: CreateTableOptions = {}): Promise<void> {
    await this.#engine.driver.createTable(this.#tableOptions(options))
  }

  /**
   * The statements with which a DBA makes the table that `createTable` would make. The database is asked only where the driver
   * does not know its kind (ODBC). Needs the package knex.
   * @throws {UnsupportedError} where the store has no tables
   */
  async createTableSql(options: CreateTableOptions = {}): Promise<string> {
    return this.#engine.driver.createTableSql(this.#tableOptions(options))
  }

  #tableOptions(options: CreateTableOptions): TableOptions {
    refuseNoObject(options, 'createTable')
    refuseUnknown(options, Object.keys(createTableOptions), 'the options of createTable')
    const { idLength, expires } = readOptions(createTableOptions, options as Readonly<Record<string, unknown>>)
    return { idLength: idLength || this.#engine.ids.length, expires }
  }

  /** Give back what the manager opened. Sessions that are open can no longer flush. */
  async close(): Promise<void> {
    await this.#engine.driver.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}

/** The items of a stream, so many at a time. */
async function* groupsOf<Item>(items: AsyncIterable<Item>, size: number): AsyncIterable<readonly Item[]> {
  let group: Item[] = []
  for await (const item of items) {
    if (group.push(item) < size) continue
    yield group
    group = []
  }
  if (group.length > 0) yield group
}

/** What the store has under an id. */
type Found = 'none' | 'expired' | 'unusable' | StoredSession
