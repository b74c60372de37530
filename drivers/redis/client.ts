/** What the driver needs of a Redis client, whichever package it is of. */

import { withCode } from '../../lib/coded-error.js'
import { answerWithin } from '../shared/within.js'

/** A part of a command. */
export type Argument = string | Buffer

/** What a server answers: texts as Buffers, or as strings where a client has it so for `OK`. */
export type Reply = Buffer | string | number | null | readonly Reply[]

/** A command on one key, which tells a cluster where it belongs. */
export interface KeyCommand {
  readonly name: 'get' | 'set' | 'del' | 'evalsha' | 'eval'
  /** What stands between the name and the key. */
  readonly before: readonly Argument[]
  /** Without what the client itself puts before its keys. */
  readonly key: Buffer
  readonly after: readonly Argument[]
  /** It may change something, so it must not be sent twice. */
  readonly isWrite: boolean
}

/** One page of SCAN on one server, from the cursor on: `MATCH` and so on are in `filter`. */
export type Scan = (cursor: string, filter: readonly Argument[], deadline: number) => Promise<Reply>

/** A client, or a cluster of servers. A deadline is what performance.now() will be: until then an answer is waited for. */
export interface RedisClient {
  /** What it puts before each key by itself; SCAN knows nothing of it. */
  readonly keyPrefix: Buffer
  run(command: KeyCommand, deadline: number): Promise<Reply>
  /** The servers that have the keys: one, or the primaries of a cluster. */
  scans(deadline: number): Promise<readonly Scan[]>
}

/** The `keyPrefix` among a client's settings. */
export function keyPrefixOf(options: unknown): Buffer {
  const { keyPrefix } = (options ?? {}) as { keyPrefix?: unknown }
  if (Buffer.isBuffer(keyPrefix)) return keyPrefix
  return Buffer.from(typeof keyPrefix === 'string' ? keyPrefix : '')
}

/** The answer, if it comes until the deadline. @throws {Error} ENOANSWER */
export function answerUntil<T>(deadline: number, answer: Promise<T>): Promise<T> {
  return answerWithin(deadline - performance.now(), answer)
}

/**
 * The answer of a live client to a command on a key.
 * @throws {Error} ENOANSWER; IN_TRANSACTION where the server only noted the command, for the program's own MULTI
 */
export async function outcomeUntil(deadline: number, answer: Promise<Reply>): Promise<Reply> {
  const reply = await answerUntil(deadline, answer)
  const isText = typeof reply === 'string' || Buffer.isBuffer(reply)
  if (isText && reply.length === 6 && String(reply) === 'QUEUED') {
    throw withCode('IN_TRANSACTION', 'the server has queued the command')
  }
  return reply
}
