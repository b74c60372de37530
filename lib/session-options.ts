/** The options of a manager and of an open, and how plug-in options are told from mistyped ones. */

import type { PluginOptions } from './catalogue.js'
import type { Driver, IdGenerator, OptionTable, Serializer } from './contracts.js'
import { OptionError } from './errors.js'
import { custom, flag, integer, oneOf } from './options.js'
import type { Dialect } from './record.js'
import { nearest } from './suggest.js'

/** Three plug-ins, each by name or as a ready instance. A driver that is handed over stays open when the manager is closed. */
export interface TypeParts {
  driver?: string | Driver
  id?: string | IdGenerator
  serialize?: string | Serializer
}

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
  /** Whether a client's id that the store does not know is refused (default), so that nobody can choose one for a victim. */
  strictIds: boolean
  /**
   * Seconds during which a further access does not move the time of access, so that reading alone writes nothing.
   * Default 0: every opening counts, as in Perl.
   */
  touchAfter: number
  /**
   * Whose reserved keys a new record carries: `data-session` (default) or `cgi-session`. Choose `cgi-session` when Perl's
   * CGI::Session is to honour per-parameter expiry. A stored record keeps the keys that it has.
   */
  dialect: Dialect
  /** The time in milliseconds since 1970; default `Date.now`. For tests. */
  clock: () => number
}

/** Options of `SessionManager.create`: the core's and those of the plug-ins that the type names. */
export type ManagerOptions = Partial<CoreOptions> & PluginOptions

/** Options of `sessions.open`. */
export interface OpenOptions {
  /** The id, given by the program. If the store does not know it, the new session gets it: two programs may agree on one. */
  id?: string | undefined
  /**
   * The id, as a client sent it (a cookie). If the store does not know it, or it cannot be an id, the new session gets an
   * id of its own (`strictIds`).
   */
  clientId?: string | undefined
}

/** Options of `Session.open`. */
export type SessionOptions = ManagerOptions & OpenOptions

const isFunction = (value: unknown): value is () => number => typeof value === 'function'

const isType = (value: unknown): value is string | TypeParts =>
  typeof value === 'string' || (typeof value === 'object' && value !== null && !Array.isArray(value))

/** How the core's options are read. */
export const coreOptions: OptionTable<CoreOptions> = {
  type: custom<string | TypeParts>('', 'a type string or { driver, id, serialize }', isType),
  onConflict: oneOf(['merge', 'overwrite', 'fail'], 'merge'),
  onCorrupt: oneOf(['throw', 'new'], 'throw'),
  strictIds: flag(true),
  touchAfter: integer(0),
  dialect: oneOf(['data-session', 'cgi-session'], 'data-session'),
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

/** Refuse anything but an object of options, with an example of one. */
export function refuseNoObject(options: unknown, method: string): void {
  if (typeof options === 'object' && options !== null && !Array.isArray(options)) return
  throw new TypeError(`${method}() takes an object of options, such as { type: 'driver:File;serialize:JSON' }`)
}
