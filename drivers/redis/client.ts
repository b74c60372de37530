/** What the driver needs of a Redis client, whichever package it is of. */

/** A part of a command. */
export type Argument = string | Buffer

/** What a server answers: texts as Buffers, or as strings where a client has it so for `OK`. */
export type Reply = Buffer | string | number | null | readonly Reply[]

/** A command on one key, which tells a cluster where it belongs. */
export interface KeyCommand {
  /** In small letters. */
  readonly name: string
  /** What stands between the name and the key. */
  readonly before: readonly Argument[]
  /** Without what the client itself puts before its keys. */
  readonly key: Buffer
  readonly after: readonly Argument[]
  /** It may change something, so it must not be sent twice. */
  readonly isWrite: boolean
}

/** One page of SCAN on one server: the arguments after the name. */
export type Scan = (args: readonly Argument[]) => Promise<Reply>

/** A client, or a cluster of servers. */
export interface RedisClient {
  /** What it puts before each key by itself; SCAN knows nothing of it. */
  readonly keyPrefix: Buffer
  run(command: KeyCommand): Promise<Reply>
  /** The servers that have the keys: one, or the primaries of a cluster. */
  scans(): Promise<readonly Scan[]>
}

/** The `keyPrefix` among a client's settings. */
export function keyPrefixOf(options: unknown): Buffer {
  const { keyPrefix } = (options ?? {}) as { keyPrefix?: unknown }
  if (Buffer.isBuffer(keyPrefix)) return keyPrefix
  return Buffer.from(typeof keyPrefix === 'string' ? keyPrefix : '')
}
