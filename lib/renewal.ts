/**
 * What `regenerate` writes beside the session itself. The new record comes first, with a short life; then the old one goes, or
 * leads to the new one for a while; then the new one gets its true lifetime. So a process that is killed on the way leaves
 * never more than one id that lasts.
 */

import { isPlainObject } from './hash.js'
import { dialectOf, newRecord, numberOf, type SessionData, setLifetime, timeOf } from './record.js'

/** In an old record: where the session has gone, and until when that is told. Ids may be any bytes, so it is in hex. */
const FORWARD = '_SESSION_FORWARD'

/** In a new record that is not there to stay yet: the lifetime that it is going to have. */
const LIFETIME = '_SESSION_RENEWAL'

/** So many seconds a new record lives that nobody has come to need: enough for the two writes that follow. */
const PROVISIONAL = 300

/** So often a session is not renewed within the grace of one another: a circle. */
export const MOST_FORWARDS = 100

export interface Forward {
  readonly id: string
  /** The first second in which it leads nowhere. */
  readonly until: number
}

/** The record that leads from an old id to the new one. It has no parameters: a Perl page finds nobody logged in. */
export function forwardRecord(
  from: SessionData,
  oldId: string,
  newId: string,
  now: number,
  grace: number,
): SessionData {
  const record = newRecord(oldId, now, dialectOf(from))
  setLifetime(record, grace)
  record[FORWARD] = { id: Buffer.from(newId).toString('hex'), until: now + grace }
  return record
}

/** Where a record leads; undefined when it is a session itself. */
export function forwardOf(data: SessionData): Forward | undefined {
  const forward = Object.hasOwn(data, FORWARD) ? data[FORWARD] : undefined
  if (!isPlainObject(forward)) return undefined
  return { id: Buffer.from(String(forward.id), 'hex').toString(), until: numberOf(forward.until) }
}

/** The session as it is first written under its new id. */
export function provisionalRecord(data: SessionData, newId: string, now: number): SessionData {
  const record: SessionData = { ...data, _SESSION_ID: newId, _SESSION_ATIME: now }
  const lifetime = timeOf(data, 'ETIME')
  if (lifetime > 0 && lifetime <= PROVISIONAL) return record
  record[LIFETIME] = lifetime
  setLifetime(record, PROVISIONAL)
  return record
}

/** Give a record that was only provisional its lifetime. True when it was: whoever opens it, or writes it, makes it last. */
export function settle(data: SessionData): boolean {
  if (!Object.hasOwn(data, LIFETIME)) return false
  setLifetime(data, numberOf(data[LIFETIME]))
  delete data[LIFETIME]
  return true
}
