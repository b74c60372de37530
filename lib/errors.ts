/**
 * Every error that the package throws, with its stable code.
 *
 * A missing or an expired session is a value, never an error; wrong use from code (a number where a
 * function belongs) is a plain `TypeError`. No message carries a session id in full, a payload or a
 * password. Codes stay the same within a major version; messages may change.
 */

/** The stable codes, one for each thing that a program may want to tell apart. */
export type SessionErrorCode =
  | 'ERR_SESSION_OPTION'
  | 'ERR_SESSION_UNKNOWN_PLUGIN'
  | 'ERR_SESSION_PEER_MISSING'
  | 'ERR_SESSION_DRIVER'
  | 'ERR_SESSION_LOCK_TIMEOUT'
  | 'ERR_SESSION_CLOSED'
  | 'ERR_SESSION_FREEZE'
  | 'ERR_SESSION_THAW'
  | 'ERR_SESSION_LIMIT'
  | 'ERR_SESSION_CORRUPT'
  | 'ERR_SESSION_ID_INVALID'
  | 'ERR_SESSION_ID_TAKEN'
  | 'ERR_SESSION_ID_GENERATE'
  | 'ERR_SESSION_CONFLICT'
  | 'ERR_SESSION_UNSUPPORTED'
  | 'ERR_SESSION_REQUEST'

/** What all errors of the package have in common: a `code`, and the native error as `cause`. */
export abstract class SessionError extends Error {
  readonly code: SessionErrorCode

  constructor(code: SessionErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = new.target.name
    this.code = code
  }
}

/** A bad option, duration or type string, or a combination of plug-ins that cannot work. */
export class OptionError extends SessionError {
  /** The option at fault, in camelCase; `type` for the type string. */
  readonly option: string

  constructor(option: string, message: string, options?: { cause?: unknown }) {
    super('ERR_SESSION_OPTION', message, options)
    this.option = option
  }
}

/** The three kinds of plug-in that a type string names. */
export type PluginKind = 'driver' | 'id' | 'serialize'

/** A plug-in that does not exist, or whose client package is not installed. */
export class PluginError extends SessionError {
  readonly plugin: string

  constructor(
    code: 'ERR_SESSION_UNKNOWN_PLUGIN' | 'ERR_SESSION_PEER_MISSING',
    plugin: string,
    message: string,
    options?: { cause?: unknown },
  ) {
    super(code, message, options)
    this.plugin = plugin
  }
}

/** The store failed: `cause` is the native error, `operation` what was tried. Nothing was half-written. */
export class DriverError extends SessionError {
  readonly driver: string
  readonly operation: string

  constructor(
    driver: string,
    operation: string,
    message: string,
    options?: {
      cause?: unknown
      code?: 'ERR_SESSION_DRIVER' | 'ERR_SESSION_LOCK_TIMEOUT' | 'ERR_SESSION_CLOSED'
    },
  ) {
    super(options?.code ?? 'ERR_SESSION_DRIVER', message, options)
    this.driver = driver
    this.operation = operation
  }
}

/** A value that a format cannot hold, or bytes that are not what the format promises. */
export class SerializeError extends SessionError {
  readonly serializer: string
  /** Where in the record, in bytes from its start (thawing only). */
  readonly offset: number | undefined
  /** Which value, as `cart.items[3]` (freezing only). */
  readonly path: string | undefined

  constructor(
    code: 'ERR_SESSION_FREEZE' | 'ERR_SESSION_THAW' | 'ERR_SESSION_LIMIT' | 'ERR_SESSION_CORRUPT',
    serializer: string,
    message: string,
    options?: { cause?: unknown; offset?: number; path?: string },
  ) {
    super(code, message, options)
    this.serializer = serializer
    this.offset = options?.offset
    this.path = options?.path
  }
}

/** An id that cannot be used, or that could not be made. */
export class IdError extends SessionError {
  constructor(
    code: 'ERR_SESSION_ID_INVALID' | 'ERR_SESSION_ID_TAKEN' | 'ERR_SESSION_ID_GENERATE',
    message: string,
    options?: { cause?: unknown },
  ) {
    super(code, message, options)
  }
}

/** Somebody else changed the record since it was loaded, and `onConflict` is `'fail'` (or merging never came to an end). */
export class ConflictError extends SessionError {
  declare readonly code: 'ERR_SESSION_CONFLICT'

  constructor(message: string, options?: { cause?: unknown }) {
    super('ERR_SESSION_CONFLICT', message, options)
  }
}

/** The store cannot do what was asked, for example list its sessions. */
export class UnsupportedError extends SessionError {
  /** What is not supported: `list`, `expect`… */
  readonly ability: string

  constructor(ability: string, message: string) {
    super('ERR_SESSION_UNSUPPORTED', message)
    this.ability = ability
  }
}

/** The body of a CGI request cannot be used: it is too large, cut short, or no form. */
export class RequestError extends SessionError {
  declare readonly code: 'ERR_SESSION_REQUEST'
  /** What to answer: 400 (Bad Request) or 413 (Content Too Large). */
  readonly status: 400 | 413

  constructor(status: 400 | 413, message: string, options?: { cause?: unknown }) {
    super('ERR_SESSION_REQUEST', message, options)
    this.status = status
  }
}
