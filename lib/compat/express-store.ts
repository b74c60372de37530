/**
 * Any driver as a store of express-session, whose sessions Perl and this package's own adapters read and write as well.
 *
 * A property of `req.session` is the session's parameter of that name; `cookie` is one of them, with express-session's cookie as plain
 * data. Values are what JSON makes of them, as in other stores of express-session; what a request does not change stays as it is in
 * the record.
 */

import type { EventEmitter } from 'node:events'
import { checkAdapter } from '../adapters/shared/check.js'
import { type Duration, parseDuration } from '../duration.js'
import { DriverError } from '../errors.js'
import { type Hash, isPlainObject, setElement } from '../hash.js'
import { loadPeer } from '../peer.js'
import type { Session } from '../session.js'
import type { SessionManager } from '../session-manager.js'
import { cookieFor, type ExpressCookie, isSameCookie, lifetimeOf } from './express/cookie.js'
import { parameterOf, type Shown, show, textsOf, withChanges } from './express/properties.js'

/** Options of the store. */
export interface ExpressStoreOptions {
  /**
   * How long a session lasts after its last use whose cookie has no `maxAge`, and so ends with the browser: `2h`, or seconds; 0 for ever.
   * Default: `1d`, as with other stores.
   */
  lifetime?: Duration
}

/** What express-session hands over and gets back: a session as plain data, or an object of its own class. */
export interface ExpressSession {
  // biome-ignore lint/suspicious/noExplicitAny: express-session's Cookie, or its plain data, in the types that a program has for it
  cookie: any
  // biome-ignore lint/suspicious/noExplicitAny: a program's own properties, in types that express-session lets it declare
  [property: string]: any
}

// biome-ignore lint/suspicious/noExplicitAny: as express-session declares its callbacks
type Failure = any

/** Told how it ended. */
export type Callback = (error?: Failure) => unknown
/** Told how it ended, and what came of it. */
export type ResultCallback<Result> = (error: Failure, result?: Result) => unknown

/** express-session's own Store, as far as it is used or inherited. */
export interface BaseStore extends EventEmitter {
  regenerate(request: object, callback: Callback): void
  // biome-ignore lint/suspicious/noExplicitAny: SessionData of express-session's, to which programs add properties
  load(id: string, callback: ResultCallback<any>): void
  // biome-ignore lint/suspicious/noExplicitAny: a Session of express-session's, in whatever types the program has for it
  createSession(request: object, data: ExpressSession): any
}

const { Store } = loadPeer<{ Store: new () => BaseStore }>('express-session', 'data-session/compat/express-store')

/** A session as a request has it. */
interface Loaded {
  readonly id: string
  readonly session: Session
  /** What the request was shown, by property: what is missing there has been deleted by it, the rest of the record has not. */
  shown: Map<string, Shown>
  /** In seconds, as its cookie has it. */
  lifetime: number
  /** When its time of access was last moved. */
  usedAt: number
}

/**
 * A store for `expressSession({ store: new ExpressStore(sessions), … })`.
 *
 * - Requests that change different properties at the same time all succeed; a logout is never undone by a request that began before it.
 * - The lifetime is that of the cookie (`maxAge`, in whole seconds, rounded up) after the last use. With the manager's option
 *   `touchAfter` a session that is only looked at is not written each time.
 * - express-session makes the ids: 32 letters, digits, `-` and `_`. They fit every driver, and tables that were made for `id:MD5` or for
 *   longer ids (SHA1, SHA256, SHA512, UUID34, UUID36, UUID64), not those of `id:UUID16` and `id:AutoIncrement`. For a table of its own:
 *   `createTable({ idLength: 32 })`.
 * - A property whose name begins with `_` is the parameter `express._…`, as such names belong to the session itself.
 * - `all` and `length` read every session. They, and `clear`, fail where the store cannot list its sessions (Memcached).
 *
 * Errors go to the callback, once, and never before the method has returned. Without a callback they are emitted as `error` where
 * somebody listens, and are a warning of the process elsewhere.
 */
export class ExpressStore extends Store {
  readonly #sessions: SessionManager
  readonly #lifetime: number
  /** By what express-session has in its hands: the data that `get` gave, and the Session that it made of it. */
  readonly #loaded = new WeakMap<object, Loaded>()
  /** The last write of each id that is under way. */
  readonly #writes = new Map<string, Promise<unknown>>()

  /** @throws {OptionError} for an unknown option, or what is no duration */
  constructor(sessions: SessionManager, options: ExpressStoreOptions = {}) {
    super()
    checkAdapter('ExpressStore', sessions, options, ['lifetime'])
    this.#sessions = sessions
    this.#lifetime = parseDuration(options.lifetime ?? '1d', 'lifetime')
  }

  /** The data of a session; null when there is none, or it has expired. */
  get(id: string, callback?: ResultCallback<ExpressSession | null>): void {
    this.#tell(
      this.#afterWrites(id, () => this.#get(id)),
      callback,
    )
  }

  /** Write a session: of one that was loaded, what was changed since. */
  set(id: string, data: ExpressSession, callback?: Callback): void {
    this.#tell(
      this.#inTurn(id, () => this.#set(id, data)),
      callback,
    )
  }

  /** The session was used: its lifetime begins anew. One that is gone stays so. */
  touch(id: string, data: ExpressSession, callback?: Callback): void {
    this.#tell(
      this.#inTurn(id, () => this.#touch(id, data)),
      callback,
    )
  }

  /** Remove a session for good. */
  destroy(id: string, callback?: Callback): void {
    this.#tell(
      this.#inTurn(id, () => this.#destroy(id)),
      callback,
    )
  }

  /** All sessions that have not expired, as an array; each has its `id` beside its properties, as express-session's own have. */
  all(callback?: ResultCallback<ExpressSession[]>): void {
    this.#tell(this.#all(), callback)
  }

  /** The number of sessions that have not expired. */
  length(callback?: ResultCallback<number>): void {
    this.#tell(this.#length(), callback)
  }

  /** Remove all sessions, also those of others in the same store. */
  clear(callback?: Callback): void {
    this.#tell(this.#clear(), callback)
  }

  /** @internal express-session makes its Session of what `get` gave. */
  override createSession(request: object, data: ExpressSession): ReturnType<BaseStore['createSession']> {
    const loaded = this.#loaded.get(data)
    const session: object = super.createSession(request, data)
    if (loaded !== undefined) {
      // It leaves out what has the name of a method, such as `save`: that is not deleted by it.
      const shown = new Map([...loaded.shown].filter(([property]) => isEnumerable.call(session, property)))
      this.#loaded.set(session, { ...loaded, shown })
    }
    return session
  }

  async #get(id: string): Promise<ExpressSession | null> {
    const loaded = await this.#open(id)
    if (loaded.session.isNew()) return null
    const data = dataOf(loaded.shown, timesOf(loaded.session))
    this.#loaded.set(data, loaded)
    return data
  }

  async #open(id: string): Promise<Loaded> {
    const session = await this.#sessions.open({ id })
    const parameters: Hash = {}
    for (const name of session.param()) setElement(parameters, name, session.param(name))
    const { cookie } = dataOf(show({ cookie: parameters.cookie }), timesOf(session))
    // A new session has no lifetime yet.
    const lifetime = session.isNew() ? Number.NaN : lifetimeOf(cookie, this.#lifetime)
    return { id, session, shown: show(parameters), lifetime, usedAt: performance.now() }
  }

  async #set(id: string, data: ExpressSession): Promise<void> {
    const texts = textsOf(data)
    const loaded = this.#loadedAs(id, data) ?? (await this.#open(id))
    // A literal is written as often as it is set; a Session ends when somebody removes it.
    if (!isPlainObject(data)) this.#loaded.set(data, loaded)
    if (loaded.session.deleted()) return
    countUse(loaded)
    change(loaded, texts)
    this.#setLifetime(loaded, data.cookie)
    await loaded.session.flush()
  }

  async #touch(id: string, data: ExpressSession): Promise<void> {
    const loaded = this.#loadedAs(id, data) ?? (await this.#open(id))
    const { session } = loaded
    if (session.deleted() || (session.isNew() && session.param().length === 0)) return
    countUse(loaded)
    this.#setLifetime(loaded, data.cookie)
    const cookie = textsOf({ cookie: data.cookie })
    const isSame = isSameCookie(session.param('cookie'), JSON.parse(cookie.get('cookie') ?? 'null'))
    // With `touchAfter` an access may not count.
    if (isSame && !session.modified()) return
    change({ ...loaded, shown: new Map() }, cookie)
    await session.flush()
  }

  #setLifetime(loaded: Loaded, cookie: ExpressCookie): void {
    const lifetime = lifetimeOf(cookie ?? {}, this.#lifetime)
    // Where the request did not change it, it is as others may have set it.
    if (lifetime !== loaded.lifetime) loaded.session.expire(lifetime)
    loaded.lifetime = lifetime
  }

  /** The session that this data came from. */
  #loadedAs(id: string, data: ExpressSession): Loaded | undefined {
    const loaded = this.#loaded.get(data)
    return loaded?.id === id ? loaded : undefined
  }

  async #destroy(id: string): Promise<void> {
    const session = await this.#sessions.open({ id })
    await session.delete()
  }

  async #all(): Promise<ExpressSession[]> {
    const all: ExpressSession[] = []
    for await (const { id, parameters, ...times } of this.#sessions.entries<Hash>()) {
      all.push(Object.defineProperty(dataOf(show(parameters), times), 'id', { value: id, configurable: true }))
    }
    return all
  }

  async #length(): Promise<number> {
    let count = 0
    for await (const _ of this.#sessions.entries()) count++
    return count
  }

  async #clear(): Promise<void> {
    const { unreadable } = await this.#sessions.removeWhere(() => true)
    if (unreadable > 0) throw new DriverError('ExpressStore', 'clear', `${unreadable} sessions could not be removed`)
  }

  /** Whoever reads sees what was written before, as with a store that is in memory. */
  #afterWrites<T>(id: string, operation: () => Promise<T>): Promise<T> {
    const before = this.#writes.get(id)
    return before === undefined ? operation() : before.then(operation)
  }

  /** A removal does not overtake the write that came before it. */
  #inTurn<T>(id: string, operation: () => Promise<T>): Promise<T> {
    const run = this.#afterWrites(id, operation)
    const end = run.then(ignore, ignore).then(() => {
      if (this.#writes.get(id) === end) this.#writes.delete(id)
    })
    this.#writes.set(id, end)
    return run
  }

  #tell<T>(work: Promise<T>, callback: ((error: Failure, result?: T) => unknown) | undefined): void {
    work.then(
      // Outside of the promise: what a callback throws is its own, and does not call it again.
      (result) => callback && process.nextTick(callback, null, result),
      (error) => (callback ? process.nextTick(callback, error) : this.#report(error)),
    )
  }

  #report(error: Error): void {
    if (this.listenerCount('error') > 0) process.nextTick(() => this.emit('error', error))
    else process.emitWarning(error)
  }
}

const ignore = (): void => undefined

const { propertyIsEnumerable: isEnumerable } = Object.prototype

const timesOf = (session: Session): { atime: number; etime: number } => ({
  atime: session.atime(),
  etime: session.etime(),
})

/** What express-session gets: a cookie, and the properties. */
function dataOf(shown: ReadonlyMap<string, Shown>, times: { atime: number; etime: number }): ExpressSession {
  const data: Hash = {}
  for (const [property, { text }] of shown) setElement(data, property, JSON.parse(text))
  return Object.assign(data, { cookie: cookieFor(data.cookie, times) })
}

/** A request may last, and a WebSocket keeps its session for hours. */
function countUse(loaded: Loaded): void {
  const seconds = Math.floor((performance.now() - loaded.usedAt) / 1000)
  if (seconds === 0) return
  loaded.session.atime(loaded.session.atime() + seconds)
  loaded.usedAt += seconds * 1000
}

/** Do to the session what the request has done to its properties. */
function change(loaded: Loaded, texts: ReadonlyMap<string, string>): void {
  const { session, shown } = loaded
  for (const [property, { name }] of shown) if (!texts.has(property)) session.clear(name)
  loaded.shown = new Map()
  for (const [property, text] of texts) {
    const before = shown.get(property)
    const name = before?.name ?? parameterOf(property)
    if (before?.text !== text) session.param(name, withChanges(session.param(name), JSON.parse(text)))
    loaded.shown.set(property, { name, text })
  }
}
