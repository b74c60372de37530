/** The long-lived half: a manager resolves a type once, owns the connection, and opens sessions. */

import type { OptionTable, TableOptions } from './contracts.js'
import { visitEach } from './driver-guard.js'
import { createEngine, type Engine } from './engine.js'
import { DriverError, OptionError, SessionError } from './errors.js'
import { type Hash, setElement } from './hash.js'
import { heeding, type Store } from './heeding.js'
import { flag, integer, readOptions } from './options.js'
import { queryFrom } from './query/hosts.js'
import { claimedId, type Query } from './query/query.js'
import { parameterNames, type SessionData, timeOf } from './record.js'
import { forwardOf } from './renewal.js'
import { type Params, Session } from './session.js'
import { type Found, SessionFinder, type StoredSession } from './session-finder.js'
import {
  type ManagerOptions,
  type OpenOptions,
  refuseNoObject,
  refuseUnknown,
  type SignalOptions,
  signalOf,
} from './session-options.js'
import { type PurgeResult, sweep, sweepUntilClean } from './sweep.js'
import { thawRecord } from './thaw-record.js'
import { formatType } from './type-string.js'

/** Options of `createTable`. */
export interface CreateTableOptions {
  /** The most characters of an id. Default: as many as the id generator makes. */
  idLength?: number
  /** With an indexed column of expiry times, so that a purge reads only what may have expired. Perl ignores it. Default: false. */
  expires?: boolean
}

/** A session as `entries` shows it. */
export interface SessionEntry<P extends object = Params> {
  readonly id: string
  readonly parameters: Partial<P>
  /** Times in seconds since 1970; `etime` in seconds after `atime`, 0 for ever. */
  readonly ctime: number
  readonly atime: number
  readonly etime: number
}

/** What a client sent, when it opened no session. */
const inWords: Record<Exclude<Found, StoredSession>, string> = {
  none: 'unknown',
  expired: 'a session that had expired',
  unusable: 'no id',
}

const openOptions = ['id', 'clientId', 'query', 'signal']

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
   * @throws {OptionError} for a `clientId` where ids can be guessed, unless `allowPredictableIds` is set
   * @throws {SerializeError} for a record that cannot be read, unless `onCorrupt` is `new`
   * @throws {DriverError} when the store fails
   */
  async open<P extends object = Params>(options: OpenOptions = {}): Promise<Session<P>> {
    if (typeof options !== 'object' || options === null)
      throw new TypeError('open() takes { id } or { clientId }, or nothing')
    const signal = signalOf(options, 'open', openOptions)
    const engine = this.#engine
    engine.driver.assertOpen('open')
    signal?.throwIfAborted()
    const { id, clientId } = options
    if (id !== undefined && clientId !== undefined) {
      throw new OptionError(
        'clientId',
        "Give open() either 'id' (from the program) or 'clientId' (from a request), not both",
      )
    }
    const query = this.#queryOf(options)
    if (id === undefined && ('clientId' in options || query !== undefined)) this.#refusePredictable()
    const claimed = clientId ?? (id === undefined && query !== undefined ? claimedId(query, engine.options) : undefined)
    const finder = new SessionFinder(engine, heeding(engine.driver, signal))
    const found = await (id === undefined ? finder.findForClient(claimed) : finder.find(id))
    if (typeof found === 'object') {
      engine.log?.('open', found.id, found.id === (id ?? claimed) ? 'found' : 'found under its new id')
      return Session.stored<P>(engine, found, { agreed: id !== undefined, query })
    }
    const adopted = id ?? (found === 'none' && !engine.options.strictIds ? claimed : undefined)
    const newId = adopted ?? (await engine.ids.generate())
    engine.log?.('open', newId, `new${claimed === undefined ? '' : `; what the client sent is ${inWords[found]}`}`)
    return Session.fresh<P>(engine, newId, { agreed: adopted !== undefined, expired: found === 'expired', query })
  }

  #queryOf({ id, clientId, query }: OpenOptions): Query | undefined {
    const { queryClass: QueryClass } = this.#engine.options
    if (query !== undefined) return queryFrom(query)
    return id === undefined && clientId === undefined && QueryClass !== undefined ? new QueryClass() : undefined
  }

  #refusePredictable(): void {
    const { ids, options, names } = this.#engine
    if (ids.isPredictable !== true || options.allowPredictableIds) return
    throw new OptionError(
      'allowPredictableIds',
      `The ids of id:${names.id} can be guessed, so whoever sends one in a request would be let in; ` +
        'use another id generator, or say allowPredictableIds: true where that does no harm',
    )
  }

  /** The ids of all sessions, streamed; also old ones, as long as `regenerate` lets them lead to new ones. @throws {UnsupportedError} where the store cannot list them */
  ids(options: SignalOptions = {}): AsyncIterable<string> {
    return heeding(this.#engine.driver, signalOf(options, 'ids')).ids()
  }

  /** Call a function with each id, one after the other (Data::Session: `traverse`). */
  async traverse(visit: (id: string) => unknown, options: SignalOptions = {}): Promise<void> {
    await visitEach(this.ids(options), visit)
  }

  /**
   * Remove every expired session. Live ones are only read, so their idle time goes on: Perl's documented recipe, which
   * opens each session, starts it anew (D21). What cannot be read or removed is counted, and does not stop the rest.
   * @throws {DriverError} the first one, when nothing at all could be read: the store itself fails
   */
  async purge(options: SignalOptions = {}): Promise<PurgeResult> {
    const store = heeding(this.#engine.driver, signalOf(options, 'purge'))
    const candidates = store.candidates(this.#engine.now())
    return sweep(this.#engine, store, { candidates, isToGo: (data) => this.#engine.hasEnded(data) })
  }

  /**
   * All sessions that have not ended, streamed: to show a user where else he is logged in. They are only read, so their time of
   * access is as it was. What cannot be read is passed over; `purge` counts it.
   * @throws {UnsupportedError} where the store cannot list its sessions
   * @throws {DriverError} when nothing at all could be read: the store itself fails
   */
  async *entries<P extends object = Params>(options: SignalOptions = {}): AsyncIterable<SessionEntry<P>> {
    const store = heeding(this.#engine.driver, signalOf(options, 'entries'))
    let failure: unknown
    let isAnyRead = false
    for await (const id of store.ids()) {
      try {
        const data = await this.#readIfAlive(store, id)
        isAnyRead = true
        if (data !== undefined) yield entryOf<P>(id, data)
      } catch (error) {
        if (!(error instanceof SessionError)) throw error
        if (error instanceof DriverError) failure ??= error
      }
    }
    if (failure !== undefined && !isAnyRead) throw failure
  }

  async #readIfAlive(store: Store, id: string): Promise<SessionData | undefined> {
    const record = await store.retrieve(id)
    if (record === undefined) return undefined
    const data = thawRecord(this.#engine, id, record)
    return this.#engine.hasEnded(data) || forwardOf(data) !== undefined ? undefined : data
  }

  /**
   * Remove every session of which a function says so, given its parameters and its id: all of a user who was locked out, say. It reads
   * them all, and the time of access of those that stay is as it was. It begins anew until it finds nothing more to remove, and follows
   * sessions that are given a new id meanwhile. Lock the user out first: a login that comes after it makes a session that stays.
   * @throws {UnsupportedError} where the store cannot list its sessions
   * @throws {TypeError} when the function gives a promise
   */
  async removeWhere<P extends object = Params>(
    isToGo: (parameters: Partial<P>, id: string) => boolean | undefined,
    options: SignalOptions = {},
  ): Promise<PurgeResult> {
    if (typeof isToGo !== 'function') throw new TypeError('removeWhere() takes a function of the parameters and the id')
    const store = heeding(this.#engine.driver, signalOf(options, 'removeWhere'))
    return sweepUntilClean(this.#engine, store, (data, id) => {
      const answer: unknown = isToGo(parametersOf(data) as Partial<P>, id)
      if (typeof (answer as PromiseLike<unknown> | undefined | null)?.then !== 'function') return Boolean(answer)
      throw new TypeError('The function of removeWhere() gives its answer at once, and no promise of it')
    })
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

function entryOf<P extends object>(id: string, data: SessionData): SessionEntry<P> {
  const [ctime, atime, etime] = [timeOf(data, 'CTIME'), timeOf(data, 'ATIME'), timeOf(data, 'ETIME')]
  return { id, parameters: parametersOf(data) as Partial<P>, ctime, atime, etime }
}

function parametersOf(data: SessionData): Hash {
  const parameters: Hash = {}
  for (const name of parameterNames(data)) setElement(parameters, name, data[name])
  return parameters
}
