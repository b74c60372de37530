/** The options of a manager and of an open, and how plug-in options are told from mistyped ones. */

import type { PluginOptions } from './catalogue.js'
import type { Driver, IdGenerator, OptionReader, OptionTable, Serializer } from './contracts.js'
import type { CookieOptions } from './cookie.js'
import { type Duration, parseDuration } from './duration.js'
import { OptionError } from './errors.js'
import { usualVerbosity } from './log.js'
import { custom, flag, integer, oneOf } from './options.js'
import type { QuerySource } from './query/hosts.js'
import type { Query } from './query/query.js'
import type { Dialect } from './record.js'
import { nearest } from './suggest.js'

/** Three plug-ins, each by name or as a ready instance. A driver that is handed over stays open when the manager is closed. */
export interface TypeParts {
  driver?: string | Driver
  id?: string | IdGenerator
  serialize?: string | Serializer
}

/**
 * What a parameter becomes that two writers changed. `base` is its value as this session read it; a value that is undefined stands
 * for a parameter that does not exist. It gives the value at once (no promise); undefined clears the parameter. What it throws
 * rejects the flush, and nothing is lost.
 */
export type MergeFunction = (key: string, base: unknown, mine: unknown, theirs: unknown) => unknown

/** The options that every manager knows, whatever its plug-ins are. */
export interface CoreOptions {
  /**
   * Which driver, id generator and serializer: `driver:SQLite;id:SHA1;serialize:JSON`, any part may be left out.
   * Default `driver:File;id:MD5;serialize:DataDumper`, as in Data::Session.
   */
  type: string | TypeParts
  /**
   * What a flush does when somebody else wrote the record since it was loaded: `merge` (default) lays this session's own
   * changes over the fresh record; `overwrite` writes the whole record, as Perl does; `fail` throws a ConflictError.
   */
  onConflict: 'merge' | 'overwrite' | 'fail'
  /**
   * What opening a record does that cannot be read: `throw` (default) a SerializeError, or `new`: keep the bad record
   * aside under another id, warn, and begin a new session.
   */
  onCorrupt: 'throw' | 'new'
  /**
   * With `onConflict: 'merge'`: what becomes of a parameter that this session and somebody else have both changed since it was
   * read. Default: the last one wins. What was changed by `increment`, `push` and `addToSet` needs no such function.
   */
  merge: MergeFunction | undefined
  /** Whether a client's id that the store does not know is refused (default), so that nobody can choose one for a victim. */
  strictIds: boolean
  /**
   * Seconds during which a further access does not move the time of access, so that reading alone writes nothing.
   * Default 0: every opening counts, as in Perl.
   */
  touchAfter: number
  /**
   * The longest that a session may last from its creation on, however busy it is: `12h`, or seconds; default 0: no such limit.
   * `expire` limits the time since the last access. Perl has no such limit, but sessions that Perl began are subject to it. A
   * purge of a table with expiry times may leave a session that was last written before the limit was set; opening does not.
   */
  maxLifetime: number
  /**
   * Whether `open({ clientId })` takes ids that can be guessed (`id:AutoIncrement`, `id:Static`). Default false: an error, as
   * anybody could open anybody's session.
   */
  allowPredictableIds: boolean
  /**
   * What is told on standard error: 0 nothing (default), 1 what becomes of sessions, 2 every operation of the store as well. Ids
   * appear as short hashes (`logId`), values never. `NODE_DEBUG=data-session` means 2.
   */
  verbose: number
  /**
   * Whose reserved keys a new record carries: `data-session` (default) or `cgi-session`. Choose `cgi-session` when Perl's
   * CGI::Session is to honour per-parameter expiry. A stored record keeps the keys that it has.
   */
  dialect: Dialect
  /** The name of the cookie, and of the parameter, that carry the id. Default `CGISESSID`, as in Perl. */
  name: string
  /** Attributes of the cookie, in place of HttpOnly, SameSite=Lax and Path=/. */
  cookie: CookieOptions
  /**
   * Whether the id may come as a parameter of the request, when there is no cookie. Default false: an id in an address is in
   * everybody's logs and bookmarks. Perl takes it.
   */
  idFromParam: boolean
  /** Whether a request counts as https when its header `X-Forwarded-Proto` says so. Only behind a proxy that sets it. Default: false. */
  trustProxy: boolean
  /** `perl`: cookies and headers are those of CGI.pm, to the byte, without HttpOnly and SameSite. Default `none`. */
  compat: 'none' | 'perl'
  /**
   * What makes the query of an `open()` that is given neither `query`, `id` nor `clientId`; called with `new` and no arguments. Perl
   * makes a CGI object (`query_class`): say `CgiQuery` for that. Default: none.
   */
  queryClass: QueryClass | undefined
  /** The time in milliseconds since 1970; default `Date.now`. For tests. */
  clock: () => number
}

/** Options of `SessionManager.create`: the core's and those of the plug-ins that the type names. */
export type ManagerOptions = Partial<Omit<CoreOptions, 'maxLifetime'>> & { maxLifetime?: Duration } & PluginOptions

/** What every operation takes that reaches the store. */
export interface SignalOptions {
  /**
   * Ends the waiting: the operation rejects with the signal's reason. A request that the store has by then may still be done: the
   * session's next operation waits for its end, and finds out. Nothing that was changed is lost.
   */
  signal?: AbortSignal | undefined
}

/** Options of `sessions.open`. */
export interface OpenOptions extends SignalOptions {
  /** The id, given by the program. If the store does not know it, the new session gets it: two programs may agree on one. */
  id?: string | undefined
  /**
   * The id, as a client sent it (a cookie). If the store does not know it, or it cannot be an id, the new session gets an
   * id of its own (`strictIds`).
   */
  clientId?: string | undefined
  /**
   * The request, or an object that tells of it (`Query`). Its cookie says which session is meant, unless `id` or `clientId` do; and
   * `cookie()`, `httpHeader()`, `saveParam()` and `loadParam()` use it.
   */
  query?: QuerySource | undefined
}

/** Options of `Session.open`. */
export type SessionOptions = ManagerOptions & OpenOptions

/** Makes a query of what the process knows, as CGI.pm does of its environment. */
export type QueryClass = new () => Query

const isFunction = (value: unknown): value is () => number => typeof value === 'function'

const isType = (value: unknown): value is string | TypeParts =>
  typeof value === 'string' || (typeof value === 'object' && value !== null && !Array.isArray(value))

const isAttributes = (value: unknown): value is CookieOptions => typeof value === 'object' && value !== null

const isQueryClass = (value: unknown): value is QueryClass => typeof value === 'function'

const isMerge = (value: unknown): value is MergeFunction => typeof value === 'function'

/** A duration that is not negative. */
const lifetime: OptionReader<number> = (value, name) => {
  const seconds = value === undefined ? 0 : parseDuration(value as Duration, name)
  if (seconds >= 0) return seconds
  throw new OptionError(name, `Option '${name}' must be a duration that is not negative; 0 stands for no limit`)
}

/** How the core's options are read. */
export const coreOptions: OptionTable<CoreOptions> = {
  type: custom<string | TypeParts>('', 'a type string or { driver, id, serialize }', isType),
  onConflict: oneOf(['merge', 'overwrite', 'fail'], 'merge'),
  onCorrupt: oneOf(['throw', 'new'], 'throw'),
  merge: custom<MergeFunction | undefined>(undefined, 'a function of a key and three values', isMerge),
  strictIds: flag(true),
  touchAfter: integer(0),
  maxLifetime: lifetime,
  allowPredictableIds: flag(false),
  verbose: (value, name) => integer(usualVerbosity(), { max: 2 })(value, name),
  dialect: oneOf(['data-session', 'cgi-session'], 'data-session'),
  name: custom(
    'CGISESSID',
    'a text that is not empty',
    (value): value is string => typeof value === 'string' && value !== '',
  ),
  cookie: custom<CookieOptions>({}, 'an object of attributes', isAttributes),
  idFromParam: flag(false),
  trustProxy: flag(false),
  compat: oneOf(['none', 'perl'], 'none'),
  queryClass: custom<QueryClass | undefined>(undefined, 'a class of queries', isQueryClass),
  clock: custom(Date.now, 'a function that gives milliseconds', isFunction),
}

/**
 * Refuse options that neither the core nor the plug-ins know.
 * @throws {OptionError} that suggests the near one
 */
export function refuseUnknown(given: object, known: readonly string[], plugins: string): void {
  for (const name of Object.keys(given)) {
    if (known.includes(name)) continue
    const near = nearest(name, known)
    const hint = near === undefined ? `known are ${[...known].sort().join(', ')}` : `did you mean '${near}'?`
    throw new OptionError(name, `Option '${name.slice(0, 40)}' is not one of ${plugins}; ${hint}`)
  }
}

const signalAlone: readonly string[] = ['signal']

/**
 * The signal of an operation's options.
 * @param known all options that it knows
 * @throws {TypeError} {OptionError} for anything else
 */
export function signalOf(options: SignalOptions, method: string, known = signalAlone): AbortSignal | undefined {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`${method}() takes an object of options: ${known.join(', ')}`)
  }
  // Its name would make Node load it, half a millisecond of a CGI program's time.
  if ('aborted' in options) throw new TypeError(`${method}() takes { signal }, not the signal itself`)
  if (known.includes('query') && isRequest(options))
    throw new TypeError(`${method}() takes { query: request }, not the request itself`)
  refuseUnknown(options, known, `the options of ${method}`)
  const { signal } = options
  if (signal === undefined || signal instanceof AbortSignal) return signal
  throw new TypeError("'signal' takes an AbortSignal, such as AbortSignal.timeout(2000)")
}

/** A request has headers; those of fetch have all their properties from a prototype. */
const isRequest = (options: object): boolean => 'headers' in options

/** Refuse anything but an object of options, with an example of one. */
export function refuseNoObject(options: unknown, method: string): void {
  if (typeof options === 'object' && options !== null && !Array.isArray(options)) return
  throw new TypeError(`${method}() takes an object of options, such as { type: 'driver:File;serialize:JSON' }`)
}
