/** What the author of a plug-in must read: the three contracts, as types. */

/**
 * Which ids there are, each set within the next: `word` is safe as a file name (hex digits, UUIDs),
 * `text` is any printable text (base64 has `/`), `bytes` is any bytes, one character a byte.
 */
export type IdShape = 'word' | 'text' | 'bytes'

/** What a serializer writes and a store holds: `text` is ASCII without NUL, `bytes` is anything. */
export type Payload = 'text' | 'bytes'

/**
 * How a `store` ended. `stored`: the record is there. `exists`: `expect` was null and there is a record already.
 * `gone`: `expect` were bytes and there is no record. `conflict`: `expect` were bytes and there are others.
 */
export type StoreOutcome = 'stored' | 'exists' | 'gone' | 'conflict'

export interface StoreOptions {
  /** Seconds from now after which the store may drop the record; absent or 0: never. */
  readonly ttl?: number
  /**
   * The precondition of the write. Absent: write whatever is there. `null`: only create. Bytes: replace only if the
   * stored record is exactly these bytes.
   */
  readonly expect?: Uint8Array | null | undefined
}

export interface RemoveOptions {
  /** The precondition of the removal: only a record that is exactly these bytes is removed. Absent: whatever is there. */
  readonly expect?: Uint8Array | undefined
}

/** A record that may have expired. */
export interface PossiblyExpired {
  readonly id: string
  readonly record: Uint8Array
  /** The store keeps an expiry time beside the record, which is missing or over: if the session is alive, it is set anew. */
  readonly isDated: boolean
}

/** How a table for sessions is made. */
export interface TableOptions {
  /** The most characters of an id. */
  readonly idLength: number
  /** With an indexed column of expiry times, so that a purge reads only what may have expired. */
  readonly expires: boolean
}

/** What a store is able to do. */
export interface DriverSupport {
  /** The widest ids that it can hold. */
  readonly ids: IdShape
  /** The widest records that it can hold. */
  readonly payload: Payload
  /** It drops expired records by itself. */
  readonly ttl: boolean
  /** `ids()` works. */
  readonly list: boolean
  /** `expect` is honoured, atomically. */
  readonly expect: boolean
}

/** A place where records are kept, each under an id. Ids and arguments have been checked before a driver is called. */
export interface Driver {
  readonly supports: DriverSupport
  /** The record, or undefined when there is none (or an empty one): missing is never an error. */
  retrieve(id: string): Promise<Uint8Array | undefined>
  /**
   * Write a record. An error means that the old record is still there, whole; or the new one, where the store's answer did not
   * come. Never a part of one.
   */
  store(id: string, record: Uint8Array, options?: StoreOptions): Promise<StoreOutcome>
  /** Remove a record; false when there was none, or another one than expected. */
  remove(id: string, options?: RemoveOptions): Promise<boolean>
  /** All ids, streamed: memory does not grow with the number of sessions. */
  ids(): AsyncIterable<string>
  /** Give back what the driver opened itself; what it was handed stays open. */
  close(): Promise<void>
  /**
   * Records that may have expired by `now`, streamed, where the store gives them faster than by `ids` and `retrieve`. It may
   * give too many, and never too few.
   */
  possiblyExpired?(now: number): AsyncIterable<PossiblyExpired>
  /** Make the table, or what an existing one lacks (SQL). */
  createTable?(options: TableOptions): Promise<void>
  /** The statements that make the table, each ending in a semicolon and a line end (SQL). */
  createTableSql?(options: TableOptions): Promise<string>
}

/** A maker of ids. Randomness comes from the operating system, whatever the generator's name is. */
export interface IdGenerator {
  readonly shape: IdShape
  /** Characters in an id (the most there can be, where it varies): it sizes an SQL column. */
  readonly length: number
  /** Ids can be guessed: they are refused from a request, unless `allowPredictableIds` is set. */
  readonly isPredictable?: boolean
  generate(): Promise<string>
}

/** A wire format. */
export interface Serializer {
  readonly output: Payload
  /** Trailing line ends are ignored by every reader of this format, Perl's too, so a file may be padded with them. */
  readonly padding: boolean
  /** A record of this value. A value that the format cannot hold is a `SerializeError` that names its path. */
  freeze(session: unknown): Uint8Array
  /** The value of a record. Anything but a well-formed record is a `SerializeError` with the offset. */
  thaw(record: Uint8Array): unknown
}

/** What a plug-in is told about its surroundings. */
export interface PluginContext {
  /** Now, in whole seconds since 1970. */
  now(): number
  /** The serializer's `padding`, for drivers that pad. */
  readonly padding: boolean
}

/** Reads one option: `undefined` gives the default; a wrong value is an `OptionError` that names the option. */
export type OptionReader<T> = (value: unknown, name: string) => T

/** The options that a plug-in knows, each with its reader. */
export type OptionTable<Options> = { readonly [Name in keyof Options]-?: OptionReader<Options[Name]> }

/** What the default export of a plug-in's file is. */
export interface PluginClass<Plugin> {
  // biome-ignore lint/suspicious/noExplicitAny: each plug-in has options of its own, read through its table
  new (options: any, context: PluginContext): Plugin
  readonly options: Readonly<Record<string, OptionReader<unknown>>>
}

/** How a plug-in is found: a function that imports its file when it is first named. */
export type PluginLoader<Plugin> = () => Promise<{ readonly default: PluginClass<Plugin> }>
