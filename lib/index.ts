/** The public entry of the package. */

export type { PluginOptions } from './catalogue.js'
export type * from './contracts.js'
export type { CookieOptions } from './cookie.js'
export type { Duration } from './duration.js'
export * from './errors.js'
export type { HeaderOptions } from './http-header.js'
export { logId } from './id-check.js'
/** Readers for the options of plug-ins of one's own, and `readOptions`. */
export * as options from './options.js'
export { ElementRef, PerlGlob, PerlObject, PerlRegExp, PerlVString, ScalarRef, StorableHook } from './perl-values.js'
export type { QuerySource } from './query/hosts.js'
export type { Query } from './query/query.js'
export type { Dialect } from './record.js'
export { pluginNames, registerDriver, registerId, registerSerializer } from './registry.js'
export { type Params, Session } from './session.js'
export { type CreateTableOptions, type SessionEntry, SessionManager } from './session-manager.js'
export type {
  CoreOptions,
  ManagerOptions,
  MergeFunction,
  OpenOptions,
  SessionOptions,
  TypeParts,
} from './session-options.js'
export type { PurgeResult } from './sweep.js'
export { formatType, parseType, type TypeNames } from './type-string.js'
