/** From the bytes of a store to a session's data. */

import type { Engine } from './engine.js'
import { SerializeError } from './errors.js'
import { isPlainObject } from './hash.js'
import { logId } from './id-check.js'
import type { SessionData } from './record.js'

/**
 * The data of a record.
 * @throws {SerializeError} when it is no session, or another session's
 */
export function thawRecord(engine: Engine, id: string, record: Uint8Array): SessionData {
  const data = thaw(engine, id, record)
  const problem = whyNotSession(data, id)
  if (problem !== undefined) throw corrupt(engine, id, problem)
  return data as SessionData
}

/** An error names the session, so that its record can be found. */
function thaw({ serializer }: Engine, id: string, record: Uint8Array): unknown {
  try {
    return serializer.thaw(record)
  } catch (error) {
    if (error instanceof SerializeError) error.message += ` (session ${logId(id)})`
    throw error
  }
}

/** What keeps the value of a record from being the session of an id; undefined when nothing does. */
export function whyNotSession(data: unknown, id: string): string | undefined {
  if (!isPlainObject(data)) return 'it is not a hash of parameters'
  return isIdOf(data, id) ? undefined : 'its own _SESSION_ID is not the id it is stored under'
}

/** A copied file, or a column that finds `abc` for `ABC`, must not hand out somebody else's session. */
function isIdOf(data: SessionData, id: string): boolean {
  const own = data._SESSION_ID
  if (own === id) return true
  if (!(own instanceof Uint8Array) && !/^(?:string|number|bigint)$/.test(typeof own)) return false
  // Ids of raw bytes (UUID16) may be shown as the UTF-8 text that they happen to be.
  return Buffer.from(own instanceof Uint8Array ? own : String(own)).toString('latin1') === id
}

function corrupt(engine: Engine, id: string, reason: string): SerializeError {
  return new SerializeError(
    'ERR_SESSION_CORRUPT',
    engine.names.serialize,
    `The record of session ${logId(id)} is not handed out: ${reason}. Remove it, or open with onCorrupt: 'new'`,
  )
}
