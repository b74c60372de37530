/** What the server does in one step: compare the stored record with the expected one, then write or remove. */

import { createHash } from 'node:crypto'
import type { Argument, KeyCommand, RedisClient, Reply } from './client.js'

/** A program in Lua on one key. */
interface Script {
  readonly text: string
  /** By this a server knows it that has run it before. */
  readonly digest: string
}

function scriptOf(text: string): Script {
  return { text, digest: createHash('sha1').update(text).digest('hex') }
}

/** What the scripts answer. */
export const GONE = 0
export const DONE = 1

/** The expected record, the new one, its milliseconds to live (none: for ever). 2 where the record is another one. */
export const replaceExpected = scriptOf(`local present = redis.call('GET', KEYS[1])
if not present then return 0 end
if present ~= ARGV[1] then return 2 end
if ARGV[3] then redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) else redis.call('SET', KEYS[1], ARGV[2]) end
return 1`)

/** The expected record. */
export const removeExpected = scriptOf(`if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])`)

/** One round trip; two on a server that does not know the script yet, or has forgotten it in a restart. */
export async function runScript(
  client: RedisClient,
  script: Script,
  key: Buffer,
  after: readonly Argument[],
  deadline: number,
): Promise<Reply> {
  try {
    return await client.run(call('evalsha', script.digest, key, after), deadline)
  } catch (error) {
    if (!(error instanceof Error && error.message.includes('NOSCRIPT'))) throw error
    return client.run(call('eval', script.text, key, after), deadline)
  }
}

function call(name: 'evalsha' | 'eval', script: string, key: Buffer, after: readonly Argument[]): KeyCommand {
  return { name, before: [script, '1'], key, after, isWrite: true }
}
