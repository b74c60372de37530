/** One session as one program sees it: parameters and times in memory, and what was changed since it was read. */

import { inspect } from 'node:util'
import { unlessAborted } from './abort.js'
import { Changes, Exposed } from './changes.js'
import { isSameValue } from './clone.js'
import { type CookieOptions, cookieAttributes, writeCookie } from './cookie.js'
import { visitEach } from './driver-guard.js'
import { type Duration, parseDuration } from './duration.js'
import type { Engine } from './engine.js'
import { OptionError, UnsupportedError } from './errors.js'
import { elementOf, isPlainObject, setElement } from './hash.js'
import { heeding, type Store } from './heeding.js'
import { type HeaderOptions, httpHeader } from './http-header.js'
import { logId } from './id-check.js'
import { append, appendNew, incrementBy, type Operation, takeOut } from './operations.js'
import { type QuerySource, queryFrom } from './query/hosts.js'
import { type Query, valuesOf } from './query/query.js'
import {
  dialectOf,
  expiredParameters,
  isReserved,
  newRecord,
  parameterLifetimes,
  parameterNames,
  type SessionData,
  setLifetime,
  setParameterLifetime,
  timeOf,
} from './record.js'
import { RecordWriter, type Write, type WriteOutcome } from './record-writer.js'
import { settle } from './renewal.js'
import { SessionFinder, type StoredSession } from './session-finder.js'
import { SessionManager } from './session-manager.js'
import { refuseNoObject, type SessionOptions, type SignalOptions, signalOf } from './session-options.js'
import { UnflushedWarning } from './unflushed-warning.js'

/** What parameters are when a program does not say: anything. */
// biome-ignore lint/suspicious/noExplicitAny: as untyped as the store; Session<MyParams> is typed
export type Params = Record<string, any>

type Name<P> = Extract<keyof P, string>

/** The names of parameters that hold a value of a kind, if they hold one. */
type NameOf<P, Kind> = { [N in Name<P>]: NonNullable<P[N]> extends Kind ? N : never }[Name<P>]

type List = readonly unknown[]

/** What may be added to a list. */
type ElementsOf<L> = L extends readonly (infer Element)[] ? Element[] : unknown[]

/** What an operation on the store works with while it is its turn. */
interface Turn {
  readonly store: Store
  readonly signal: AbortSignal | undefined
}

const ignore = (): void => undefined

/** A value as a parameter of a request: its texts. Of what is, or has in it, anything but texts and numbers there are none. */
function textsOf(value: unknown): string[] {
  const values = value === undefined ? [] : [value].flat()
  const isScalar = (one: unknown) => one === null || (typeof one !== 'object' && typeof one !== 'symbol')
  return values.every(isScalar) ? values.map((one) => String(one ?? '')) : []
}

/**
 * A session. What stays in memory is synchronous, what reaches the store returns a promise. The methods are those of
 * Perl's Data::Session, in camelCase.
 *
 * ```ts
 * await using session = await Session.open({ type: 'driver:File;serialize:JSON', id })
 * session.param('visits', (session.param('visits') ?? 0) + 1)
 * ```
 */
export class Session<P extends object = Params> {
  readonly #engine: Engine
  readonly #writer: RecordWriter
  readonly #unflushed = new UnflushedWarning()
  readonly #query: Query | undefined
  #manager: SessionManager | undefined
  #data: SessionData
  #changes = new Changes()
  #exposed = new Exposed()
  #isNew: boolean
  #deleted = false
  /** A write found that somebody else had removed it. */
  #lost = false
  #expired: boolean
  /** The last of the operations on the store that wait for each other. */
  #queue: Promise<unknown> | undefined

  private constructor(
    engine: Engine,
    data: SessionData,
    state: { id: string; record?: Uint8Array; agreed: boolean; expired: boolean; query: Query | undefined },
  ) {
    if (state === undefined) throw new TypeError('A session is opened: await Session.open(options), or sessions.open()')
    this.#engine = engine
    this.#data = data
    this.#isNew = state.record === undefined
    this.#expired = state.expired
    this.#query = state.query
    this.#writer = new RecordWriter(engine, state)
  }

  /**
   * A manager and one session of it, for a script: both end when the scope of `await using` ends, or with `close()`.
   * See `SessionManager.create` and `open` for what it throws.
   */
  static async open<P extends object = Params>(options: SessionOptions = {}): Promise<Session<P>> {
    refuseNoObject(options, 'Session.open')
    const { id, clientId, query, signal, ...rest } = options
    const manager = await SessionManager.create(rest)
    try {
      const session = await manager.open<P>({ id, query, signal, ...('clientId' in options ? { clientId } : {}) })
      session.#manager = manager
      return session
    } catch (error) {
      await manager.close()
      throw error
    }
  }

  /** @internal A session that the store does not have yet. `agreed`: the program gave the id. */
  static fresh<P extends object>(
    engine: Engine,
    id: string,
    state: { agreed: boolean; expired: boolean; query: Query | undefined },
  ): Session<P> {
    const data = newRecord(id, engine.now(), engine.options.dialect)
    return new Session<P>(engine, data, { id, ...state })
  }

  /** @internal A session as the store has it: its parameters' lifetimes are checked, and it counts as used now. */
  static stored<P extends object>(
    engine: Engine,
    { id, data, record }: StoredSession,
    state: { agreed: boolean; query: Query | undefined },
  ): Session<P> {
    const session = new Session<P>(engine, data, { id, record, expired: false, ...state })
    if (settle(data)) session.#changes.lifetime = true
    session.#dropExpiredParameters()
    session.#countAccess()
    // What opening changes, the next opening changes too: nothing is lost without a flush.
    session.#unflushed.pending = false
    return session
  }

  /**
   * Opening moves the time of access, but for `touchAfter`: which is never more than a quarter of the shortest lifetime, so
   * that nobody who is active is logged out.
   */
  #countAccess(): void {
    const now = this.#engine.now()
    // A clock that was ahead has left a time that is to come: it is put right, or the session would outlast its lifetime.
    const idle = Math.abs(now - this.atime())
    if (idle === 0) return
    const isLong = (lifetime: number) => lifetime > 0 && idle > Math.floor(lifetime / 4)
    const lifetimes = [this.etime(), ...parameterLifetimes(this.#data).values()]
    if (idle > this.#engine.options.touchAfter || lifetimes.some(isLong)) {
      this.#data._SESSION_ATIME = now
      this.#changes.touched = true
    }
  }

  /** The session's id. */
  id(): string {
    return this.#writer.id
  }

  /** The session was not in the store when it was opened. It stays new for the life of this object. */
  isNew(): boolean {
    return this.#isNew
  }

  /** The session that was asked for had expired; this one is new and empty. */
  expired(): boolean {
    return this.#expired
  }

  /** @internal The store has a record of it, as far as is known here. */
  get isStored(): boolean {
    return this.#writer.isStored
  }

  /** The session was removed, here or by somebody else (found out at a flush). Nothing is written any more. */
  deleted(): boolean {
    return this.#deleted
  }

  /** @internal This object's own program has removed the session. */
  get isDeletedHere(): boolean {
    return this.#deleted && !this.#lost
  }

  /** @internal A flush would find nothing to do, now: nothing is to be written, and no operation is under way. */
  get isFlushed(): boolean {
    return this.#queue === undefined && !this.#hasWork()
  }

  /** Is there anything to write? An object that was changed in place counts. `modified(true)` asks for a write. */
  modified(force?: true): boolean {
    if (force === true) this.#touch()
    return this.#changes.any || this.#exposed.changed(this.#data).length > 0
  }

  /** The names of the parameters, sorted. */
  param(): Name<P>[]
  /** A parameter's value, or undefined when there is none. A changed array or object is noticed at the next flush. */
  param<N extends Name<P>>(name: N): P[N] | undefined
  /** Set a parameter; `undefined` clears it. A value equal to the present one changes nothing. */
  param<N extends Name<P>>(name: N, value: P[N] | undefined): this
  /** Set several parameters. */
  param(values: Partial<P>): this
  param(name?: string | object, value?: unknown): unknown {
    // An argument that is undefined is told from none: it is a mistake, or clears the parameter.
    // biome-ignore lint/complexity/noArguments: overloads
    const count = arguments.length
    if (count === 0) return parameterNames(this.#data)
    if (typeof name === 'string') return count === 1 ? this.#get(name) : this.#set(name, value)
    if (!isPlainObject(name)) throw new TypeError('param() takes a name, a name and a value, or an object of both')
    for (const key of Object.keys(name)) this.#refuseReserved(key)
    for (const key of Object.keys(name)) this.#set(key, name[key])
    return this
  }

  /**
   * Add to a number, and give the sum as far as it is known here. The flush adds to what the store has by then, so no one's
   * addition is lost (but with `onConflict: 'overwrite'`, which knows no other writer). When the answer to a flush is lost, and
   * somebody else writes before the next one, an addition may count twice; or not at all, if his record was the same to the byte. A parameter that does not exist counts from 0; Perl's numbers as text are numbers.
   * @throws {TypeError} when the parameter holds no number
   */
  increment(name: NameOf<P, number | bigint>, amount: number | bigint = 1): number | bigint {
    if (typeof amount !== 'bigint' && !Number.isFinite(amount)) throw new TypeError('increment() takes a finite number')
    return this.#operate(name, incrementBy(amount)) as number | bigint
  }

  /**
   * Add copies of values to the end of a list, and give the list as far as it is known here. The flush adds them to the list that
   * the store has by then, as with `increment`; but who changes the list itself, in place, sets it as a whole. A parameter that does not exist becomes a list.
   * @throws {TypeError} when the parameter holds no array
   */
  push<N extends NameOf<P, List>>(name: N, ...values: ElementsOf<NonNullable<P[N]>>): NonNullable<P[N]> {
    return this.#operate(name, append(values)) as NonNullable<P[N]>
  }

  /**
   * Add copies of those values to a list that are not in it yet, and give the list as far as it is known here. The flush adds what
   * the store's list lacks by then. Values are compared deeply; a number and its text are the same.
   * @throws {TypeError} when the parameter holds no array
   */
  addToSet<N extends NameOf<P, List>>(name: N, ...values: ElementsOf<NonNullable<P[N]>>): NonNullable<P[N]> {
    return this.#operate(name, appendNew(values)) as NonNullable<P[N]>
  }

  #operate(name: string, operation: Operation): unknown {
    this.#refuseReserved(name)
    const before = this.#get(name)
    if (!operation.fits(before))
      throw new TypeError(`Parameter '${name.slice(0, 40)}' does not hold ${operation.wanted}`)
    const isOwn = this.#changes.keys.has(name) || this.#exposed.isChanged(name)
    const value = operation.apply(before)
    if (value === undefined) delete this.#data[name]
    else setElement(this.#data, name, value)
    if (isOwn) this.#changed(name)
    else {
      this.#changes.operate(name, operation)
      this.#exposed.noteAnew(name, value)
      this.#setPending()
    }
    return value
  }

  #get(name: string): unknown {
    const value = elementOf(this.#data, name)
    if (!this.#changes.keys.has(name)) this.#exposed.note(name, value)
    return value
  }

  #set(name: string, value: unknown): this {
    this.#refuseReserved(name)
    if (value === undefined) return this.clear(name as Name<P>)
    if (Object.hasOwn(this.#data, name) && isSameValue(this.#data[name], value)) {
      if (!this.#changes.keys.has(name)) this.#exposed.note(name, this.#data[name])
      return this
    }
    setElement(this.#data, name, value)
    this.#changed(name)
    return this
  }

  /** Clear one parameter, several, or all, with their lifetimes. Names that do not exist are passed over. */
  clear(names?: Name<P> | readonly Name<P>[]): this {
    // biome-ignore lint/complexity/noArguments: clear(undefined) is a mistake, and must not clear everything
    const keys = arguments.length === 0 ? parameterNames(this.#data) : typeof names === 'string' ? [names] : names
    // biome-ignore lint/complexity/noArguments: a second name would be overlooked
    if (!Array.isArray(keys) || arguments.length > 1) {
      throw new TypeError('clear() takes a name, or an array of names; without an argument it clears all parameters')
    }
    for (const key of keys) this.#refuseReserved(key)
    for (const key of keys) this.#clear(key)
    return this
  }

  #clear(key: string): void {
    if (Object.hasOwn(this.#data, key)) {
      delete this.#data[key]
      this.#changed(key)
    }
    this.#setLifetime(key, 0)
  }

  #changed(key: string): void {
    this.#changes.set(key)
    this.#exposed.forget(key)
    this.#setPending()
  }

  #setPending(): void {
    this.#unflushed.pending = !this.#deleted
  }

  #isReserved(key: string): boolean {
    return isReserved(key, dialectOf(this.#data))
  }

  #refuseReserved(key: unknown): void {
    if (typeof key !== 'string') throw new TypeError('A parameter name is a string')
    if (!this.#isReserved(key)) return
    throw new TypeError(
      `'${key.slice(0, 40)}' cannot be a parameter: names that begin with _ belong to the session itself; choose another`,
    )
  }

  /** The session's lifetime in seconds; 0 is for ever. */
  expire(): number
  /** Set the session's lifetime after its last access: `2h`, `-10s`, 3600; 0 or `''` for ever. */
  expire(lifetime: Duration): this
  /** Set a parameter's lifetime after the last access; 0 takes it away (Data::Session's `expire(name => 0)` does nothing: D18). */
  expire(name: Name<P>, lifetime: Duration): this
  /** Set the lifetimes of several parameters. */
  expire(lifetimes: Partial<Record<Name<P>, Duration>>): this
  expire(first?: string | number | object, lifetime?: Duration): unknown {
    // biome-ignore lint/complexity/noArguments: expire(undefined) is a mistake, not a question
    const count = arguments.length
    if (count === 0) return this.etime()
    if (first === undefined || (count > 1 && lifetime === undefined)) {
      throw new TypeError('expire() takes a lifetime, a name and a lifetime, or an object of both; undefined is none')
    }
    if (typeof first === 'object') return this.#expireParameters(first as Record<string, Duration>)
    if (lifetime !== undefined) return this.#expireParameters({ [first]: lifetime })
    const seconds = first === '' ? 0 : parseDuration(first)
    if (seconds !== this.etime()) {
      setLifetime(this.#data, seconds)
      this.#changes.lifetime = true
      this.#setPending()
    }
    return this
  }

  #expireParameters(lifetimes: Record<string, Duration>): this {
    if (!isPlainObject(lifetimes))
      throw new TypeError('expire() takes a lifetime, a name and a lifetime, or an object of both')
    const parsed = Object.entries(lifetimes).map(([key, duration]) => [key, parseDuration(duration)] as const)
    for (const [key] of parsed) this.#refuseReserved(key)
    for (const [key, seconds] of parsed) this.#setLifetime(key, seconds)
    return this
  }

  #setLifetime(key: string, seconds: number): void {
    if ((parameterLifetimes(this.#data).get(key) ?? 0) === seconds) return
    setParameterLifetime(this.#data, key, seconds)
    this.#changes.lifetimes.add(key)
    this.#setPending()
  }

  /** The time of the last access, in seconds since 1970. */
  atime(): number
  /** Set the time of the last access. */
  atime(seconds: number): this
  atime(seconds?: number): number | this {
    if (seconds === undefined) return timeOf(this.#data, 'ATIME')
    if (!Number.isSafeInteger(seconds)) throw new TypeError('atime() takes whole seconds since 1970')
    this.#data._SESSION_ATIME = seconds
    this.#touch()
    return this
  }

  #touch(): void {
    this.#changes.touched = true
    this.#setPending()
  }

  /** The time of creation, in seconds since 1970. */
  ctime(): number {
    return timeOf(this.#data, 'CTIME')
  }

  /** The session's lifetime in seconds after the last access; 0 is for ever. */
  etime(): number {
    return timeOf(this.#data, 'ETIME')
  }

  /** The lifetimes of all parameters that have one, in seconds after the last access. A copy. */
  ptime(): Record<string, number>
  /** The lifetime of one parameter; 0 is for ever. */
  ptime(name: Name<P>): number
  ptime(name?: string): Record<string, number> | number {
    const lifetimes = parameterLifetimes(this.#data)
    return name === undefined ? Object.fromEntries(lifetimes) : (lifetimes.get(name) ?? 0)
  }

  /** A duration in seconds. @throws {OptionError} for anything but a duration */
  validateTime(duration: Duration): number {
    return parseDuration(duration)
  }

  /**
   * Write what was changed. True when something was written; false when there was nothing to write, when a new session
   * has no parameters, or when the session has been removed meanwhile (`deleted()` is true then).
   * A failed flush leaves everything in the object; call it again.
   * @throws {ConflictError} when somebody else wrote first and `onConflict` is `fail`
   * @throws {IdError} when the id that was made for this new session is in use already
   * @throws {SerializeError} for a value that the serializer cannot hold; nothing has been written
   * @throws {DriverError} when the store fails
   */
  async flush(options: SignalOptions = {}): Promise<boolean> {
    return this.#inTurn(signalOf(options, 'flush'), (turn) => this.#write(turn, false))
  }

  #write(turn: Turn, last: boolean): Promise<boolean> {
    const changes = this.#takeChanges(last)
    if (changes === undefined) return Promise.resolve(false)
    return this.#writeChanges(changes, (write) => this.#writer.write(write), turn)
  }

  /** Changes that could not be written are to be written still. */
  async #writeChanges(
    changes: Changes,
    operation: (write: Write) => Promise<WriteOutcome>,
    { store, signal }: Turn,
  ): Promise<boolean> {
    const before = this.#data
    try {
      const outcome = await operation({
        store,
        signal,
        data: before,
        changes,
        takeLater: (mine) => this.#takeLater(changes, mine),
      })
      if (outcome.data !== before) this.#moveTo(outcome.data)
      if (outcome.gone) this.#forgetAll()
      this.#lost ||= outcome.gone
      this.#engine.log?.('write', this.id(), outcome.gone ? 'removed by somebody else' : 'written')
      return !outcome.gone
    } catch (error) {
      changes.add(this.#changes)
      this.#changes = changes
      this.#setPending()
      throw error
    }
  }

  /**
   * Give the session a new id with the same data, and end the old one: after each login, so that an id that somebody planted or saw
   * before it is worth nothing. The new record is in the store before the old one goes. True when the session has a new
   * id; false when it was removed meanwhile (`deleted()` is true then). Changes not yet flushed are written with it. Its
   * time of creation stays, so `maxLifetime` goes on.
   *
   * `grace` is for renewing ids as a routine: for so long (`30s`, or seconds; default 0: not at all) whoever opens the old id, or
   * had it open, gets the session under its new one, so that parallel requests are not logged out. At a login leave it out: it
   * would let the holder of the old id in. Perl finds nobody logged in under the old id.
   *
   * When it fails, the session goes on under the id that `id()` tells, or the visitor must log in again; never do both ids last.
   * @throws {UnsupportedError} {IdError} where the generator has but one id (`id:Static`)
   * @throws {DriverError} {SerializeError} {ConflictError} as `flush`
   */
  async regenerate(options: { grace?: Duration } & SignalOptions = {}): Promise<boolean> {
    const signal = signalOf(options, 'regenerate', ['grace', 'signal'])
    const grace = parseDuration(options.grace ?? 0, 'grace')
    if (grace < 0) throw new OptionError('grace', "Option 'grace' must be a duration that is not negative")
    return this.#inTurn(signal, (turn) => this.#moveToNewId(turn, grace))
  }

  async #moveToNewId(turn: Turn, grace: number): Promise<boolean> {
    if (this.#deleted) return false
    const oldId = this.id()
    const newId = await this.#engine.ids.generate()
    if (newId === oldId) {
      const { id } = this.#engine.names
      throw new UnsupportedError('regenerate', `id:${id} gave the session's present id again, so it cannot be renewed`)
    }
    if (!this.#writer.isStored) {
      await this.#writer.removeUncertain(turn.store)
      this.#writer.begin(newId, false)
      this.#data._SESSION_ID = newId
      await this.#write(turn, false)
      return true
    }
    const move = (write: Write) => this.#writer.move(write, newId, grace)
    const isAlive = await this.#writeChanges(this.#takeAll(this.#findChanges(), false), move, turn)
    this.#engine.log?.('regenerate', oldId, isAlive ? `now ${logId(this.id())}` : 'removed by somebody else')
    if (!isAlive) return false
    this.#changes.lifetime = true
    return this.#write(turn, false)
  }

  /** A merge takes along what the program has changed since. A failed write gives it back with the rest. */
  #takeLater(changes: Changes, mine: SessionData): void {
    const later = this.#findChanges()
    if (mine !== this.#data) later.layOver(mine, this.#data)
    changes.add(later)
    this.#changes = new Changes()
    this.#unflushed.pending = false
    this.#exposed.renew(this.#data, later.keys)
  }

  /** The record of a merge takes the place of this one; what was changed during its write stays to be written. */
  #moveTo(data: SessionData): void {
    const later = this.#findChanges()
    if (later.any) later.layOver(data, this.#data)
    this.#data = data
    this.#exposed.moveTo(data)
  }

  /** All changes up to now, those made in place too. */
  #findChanges(): Changes {
    for (const key of this.#exposed.changed(this.#data)) this.#changes.set(key)
    return this.#changes
  }

  /** Would a flush write? A new session without parameters is not stored. */
  #hasWork(): boolean {
    if (this.#deleted || !this.#findChanges().any) return false
    return this.#writer.isStored || parameterNames(this.#data).length > 0
  }

  /** What is to be written now, if anything; what a program changes while the store is busy is for the next time. */
  #takeChanges(last: boolean): Changes | undefined {
    return this.#hasWork() ? this.#takeAll(this.#changes, last) : undefined
  }

  #takeAll(changes: Changes, last: boolean): Changes {
    this.#changes = new Changes()
    this.#unflushed.pending = false
    // From here on, changes in place are found by comparing with what is being written.
    if (!last) this.#exposed.renew(this.#data, changes.keys)
    return changes
  }

  /**
   * Remove the session from the store, at once, also when another request has given it a new id within a grace. The object stays
   * usable in memory, but nothing is written any more. False when there was none to remove.
   */
  async delete(options: SignalOptions = {}): Promise<boolean> {
    return this.#inTurn(signalOf(options, 'delete'), async ({ store }) => {
      const removed = await this.#writer.remove(store)
      this.#engine.log?.('delete', this.id(), removed ? 'removed' : 'was not there')
      this.#forgetAll()
      this.#lost = false
      return removed
    })
  }

  #forgetAll(): void {
    for (const key of parameterNames(this.#data)) delete this.#data[key]
    this.#deleted = true
    this.#changes = new Changes()
    this.#exposed = new Exposed()
    this.#unflushed.pending = false
  }

  /**
   * Check the lifetimes again, as opening does. True when the session had expired: it is removed, and this object is a
   * new, empty session.
   */
  async checkExpiry(options: SignalOptions = {}): Promise<boolean> {
    return this.#inTurn(signalOf(options, 'checkExpiry'), async ({ store }) => {
      const over = !this.#deleted && this.#engine.hasEnded(this.#data) && (await this.#isOverInStore(store))
      if (over) await this.#beginAnew()
      else this.#dropExpiredParameters()
      return over
    })
  }

  /** Another request may have used the session since it was opened here: then it lives on. */
  async #isOverInStore(store: Store): Promise<boolean> {
    const found = await new SessionFinder(this.#engine, store).find(this.id())
    if (typeof found !== 'object') return true
    this.#data._SESSION_ATIME = timeOf(found.data, 'ATIME')
    return false
  }

  async #beginAnew(): Promise<void> {
    const { ids, options, now } = this.#engine
    const { agreed } = this.#writer
    const id = agreed ? this.id() : await ids.generate()
    this.#forgetAll()
    this.#writer.begin(id, agreed)
    this.#data = newRecord(id, now(), options.dialect)
    this.#deleted = false
    this.#lost = false
    this.#isNew = true
    this.#expired = true
  }

  #dropExpiredParameters(): void {
    for (const key of expiredParameters(this.#data, this.#engine.now())) this.#clear(key)
  }

  /** The name of the cookie, and of the parameter, that carry the id: option `name`. */
  name(): string {
    return this.#engine.options.name
  }

  /** What tells of the request: option `query`, or what `queryClass` made. Undefined where there is neither. */
  query(): Query | undefined {
    return this.#query
  }

  /** The id, under the name that Data::Session has for it as well. */
  userId(): string {
    return this.id()
  }

  /**
   * The session's cookie, as the value of a `Set-Cookie` header. It lasts as long as the session does when nobody uses it; that of a
   * session that never expires lasts until the browser is closed (Data::Session's is expired at once: D2). The cookie of a session
   * that was deleted deletes the browser's.
   * @param attributes in place of those of option `cookie`; those that are left out stay
   * @throws {OptionError} for attributes that browsers refuse, or that nobody knows; for an id so long that browsers drop the cookie
   */
  cookie(attributes?: CookieOptions): string {
    const { name, cookie, compat, trustProxy } = this.#engine.options
    const chosen = attributes === undefined ? this.#engine.cookie : cookieAttributes(name, compat, cookie, attributes)
    const facts = {
      name,
      value: this.id(),
      lifetime: this.#deleted ? -1 : this.etime(),
      now: this.#engine.now(),
      isSecure: this.#query?.isSecure?.(trustProxy) === true,
    }
    return writeCookie(facts, chosen, compat)
  }

  /**
   * The header of a CGI answer with the session's cookie in it, as CGI.pm prints it, with the empty line at its end (Data::Session:
   * `http_header`). Pages with a cookie are not to be kept by caches: `Cache-Control: no-store`, but with `compat: 'perl'`.
   * @throws {OptionError} for options that nobody knows, or that make no header
   * @throws {TypeError} for a line break or another control character in a value; CGI.pm takes one before a space
   */
  httpHeader(options: HeaderOptions = {}): string {
    const { now, options: core } = this.#engine
    return httpHeader(options, { cookie: this.cookie(), now: now(), isPerl: core.compat === 'perl' })
  }

  /**
   * Keep parameters of the request in the session; one with several values as an array. Names that the request does not have are
   * passed over.
   * @param query default: the session's own
   * @param names default: all that the request has, but for reserved ones and the one that carries the id (`name()`)
   * @throws {TypeError} for a reserved name that is asked for, or without a query
   */
  saveParam(query?: QuerySource, names?: string | readonly string[]): this {
    const from = this.#queryOr(query, 'saveParam')
    const wanted =
      names === undefined
        ? from.params().filter((name) => name !== this.name() && !this.#isReserved(name))
        : [names].flat()
    for (const name of wanted) this.#refuseReserved(name)
    for (const name of wanted) {
      const values = valuesOf(from, name)
      if (values.length > 0) this.#set(name, values.length === 1 ? values[0] : [...values])
    }
    return this
  }

  /**
   * Give the request the session's parameters, and return it; an array becomes several values. Null is the empty text. A value that
   * is no text and no number, or has such in it, has no form as a parameter: it is passed over.
   * @param query default: the session's own
   * @param names default: all
   * @throws {TypeError} for a reserved name that is asked for, or without a query that can be changed
   */
  loadParam(query?: QuerySource, names?: string | readonly string[]): Query {
    const to = this.#queryOr(query, 'loadParam')
    if (to.set === undefined) throw new TypeError('loadParam() needs a query with the method set(name, values)')
    const wanted = names === undefined ? parameterNames(this.#data) : [names].flat()
    for (const name of wanted) this.#refuseReserved(name)
    for (const name of wanted) {
      const values = textsOf(elementOf(this.#data, name))
      if (values.length > 0) to.set(name, values)
    }
    return to
  }

  #queryOr(query: QuerySource | undefined, method: string): Query {
    const found = query === undefined ? this.#query : queryFrom(query)
    if (found !== undefined) return found
    throw new TypeError(`${method}() needs a request: give it one, or open the session with { query }`)
  }

  /**
   * The messages of a kind that were left for the next page, oldest first; reading them takes them away, and no message that
   * another request leaves meanwhile. They are the parameter `flash.KIND`, an array of texts.
   */
  flash(kind: string): string[]
  /** Leave a message for the next page that asks for this kind; it survives a redirect. */
  flash(kind: string, message: string): this
  flash(kind: string, message?: string): string[] | this {
    // biome-ignore lint/complexity/noArguments: a message that is undefined is a mistake, and must not take the others away
    const isLeft = arguments.length > 1
    if (typeof kind !== 'string' || (isLeft && typeof message !== 'string')) {
      throw new TypeError('flash() takes a kind, or a kind and a message, both of them texts')
    }
    const key = `flash.${kind}`
    if (isLeft) {
      this.#operate(key, append([message]))
      return this
    }
    const value = elementOf(this.#data, key)
    const messages = textsOf(value)
    if (messages.length > 0) {
      if (Array.isArray(value)) this.#operate(key, takeOut(value))
      else this.#clear(key)
    }
    return messages
  }

  /** Call a function with the id of each session in the store. @throws {UnsupportedError} where it cannot list them */
  async traverse(visit: (id: string) => unknown, options: SignalOptions = {}): Promise<void> {
    await visitEach(heeding(this.#engine.driver, signalOf(options, 'traverse')).ids(), visit)
  }

  /** The session as text, a line for each key in alphabetical order, for debugging. Data::Session prints it; this does not. */
  dump(heading = ''): string {
    const lines = Object.keys(this.#data)
      .sort()
      .map((key) => `# ${key}: ${inspect(this.#data[key], { depth: 4, breakLength: Number.POSITIVE_INFINITY })}`)
    return [...(heading === '' ? [] : [`# ${heading}`]), ...lines].join('\n')
  }

  /** Flush, and end what `Session.open` opened. A session of a manager leaves the manager open. */
  async close(): Promise<void> {
    try {
      await this.#inTurn(undefined, (turn) => this.#write(turn, true))
    } finally {
      await this.#manager?.close()
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /**
   * Operations on the store run one after the other; the first begins at once, in the same tick. One that was called away ends only
   * when the store has answered: what it had sent might come after the next.
   */
  #inTurn(signal: AbortSignal | undefined, operation: (turn: Turn) => Promise<boolean>): Promise<boolean> {
    const store = heeding(this.#engine.driver, signal)
    const begin = (): Promise<boolean> =>
      signal?.aborted ? Promise.reject(signal.reason) : operation({ store, signal })
    const before = this.#queue
    const run = before === undefined ? begin() : before.then(begin, begin)
    const settled = (): unknown => store.settled?.()
    const end: Promise<unknown> = signal === undefined ? run : run.then(settled, settled)
    this.#queue = end
    const done = (): void => {
      if (this.#queue === end) this.#queue = undefined
    }
    end.then(done, done)
    return before === undefined || signal === undefined ? run : this.#waitForTurn(before, signal, run)
  }

  /** Whoever waits for those before may be called away, too. */
  async #waitForTurn<T>(before: Promise<unknown>, signal: AbortSignal, run: Promise<T>): Promise<T> {
    await unlessAborted(signal, () => before.then(ignore, ignore))
    return run
  }
}
