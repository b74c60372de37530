/**
 * What the reserved keys of a record mean: its times, its expiry and the two dialects. Pure functions, no store.
 *
 * Data::Session keeps per-parameter lifetimes in `_SESSION_PTIME`, CGI::Session in `_SESSION_EXPIRE_LIST`, and each
 * ignores the other's list. Here a parameter lives for the shorter of the two, and a change goes to every list that the
 * record's owner reads.
 */

import { type Hash, isPlainObject, setElement } from './hash.js'

/** A session's parameters and reserved keys side by side: what a serializer freezes. */
export type SessionData = Hash

/** Whose reserved keys a record carries. */
export type Dialect = 'data-session' | 'cgi-session'

const listOf: Record<Dialect, string> = { 'data-session': '_SESSION_PTIME', 'cgi-session': '_SESSION_EXPIRE_LIST' }

const dialects = Object.keys(listOf) as Dialect[]
const lists = Object.values(listOf)

/** A new record: only reserved keys. */
export function newRecord(id: string, now: number, dialect: Dialect): SessionData {
  const data: SessionData = { _SESSION_ID: id, _SESSION_CTIME: now, _SESSION_ATIME: now }
  if (dialect === 'cgi-session') data._SESSION_REMOTE_ADDR = process.env.REMOTE_ADDR ?? ''
  else Object.assign(data, { _SESSION_ETIME: 0, _SESSION_PTIME: {} })
  return data
}

/** Whose record this is: CGI::Session marks its own with the remote address. */
export function dialectOf(data: SessionData): Dialect {
  if (Object.hasOwn(data, '_SESSION_PTIME')) return 'data-session'
  const cgi = Object.hasOwn(data, '_SESSION_REMOTE_ADDR') || Object.hasOwn(data, '_SESSION_EXPIRE_LIST')
  return cgi ? 'cgi-session' : 'data-session'
}

/** Keys that parameters may not have: CGI::Session reserves `_SESSION_`, Data::Session every leading underscore. */
export function isReserved(key: string, dialect: Dialect): boolean {
  return key.startsWith(dialect === 'cgi-session' ? '_SESSION_' : '_')
}

/** The names of the parameters, sorted. */
export function parameterNames(data: SessionData): string[] {
  const dialect = dialectOf(data)
  return Object.keys(data)
    .filter((key) => !isReserved(key, dialect))
    .sort()
}

/** A reserved number. FreezeThaw and YAML give Perl's numbers as strings, and CGI::Session leaves undef behind. */
export function numberOf(value: unknown): number {
  // Number() would call what a hostile record has as valueOf.
  const isScalar = typeof value === 'number' || typeof value === 'string' || typeof value === 'bigint'
  const number = isScalar ? Math.trunc(Number(value)) : 0
  return Number.isSafeInteger(number) ? number : 0
}

const timeKeys = { ATIME: '_SESSION_ATIME', CTIME: '_SESSION_CTIME', ETIME: '_SESSION_ETIME' } as const

/** A time or a lifetime of the record, in seconds. */
export function timeOf(data: SessionData, name: keyof typeof timeKeys): number {
  return numberOf(data[timeKeys[name]])
}

/** Set the session's lifetime; CGI::Session writes undef for "never". */
export function setLifetime(data: SessionData, seconds: number): void {
  data._SESSION_ETIME = seconds === 0 && dialectOf(data) === 'cgi-session' ? null : seconds
}

/** The first second at which a lifetime is over. Data::Session lets the last second pass, CGI::Session does not. */
function endOf(data: SessionData, lifetime: number): number {
  return timeOf(data, 'ATIME') + lifetime + (dialectOf(data) === 'cgi-session' ? 0 : 1)
}

/** The first second in which the session is over: its lifetime counts from the last access, `maxLifetime` from its creation; 0 is for ever. */
function endOfSession(data: SessionData, maxLifetime: number): number {
  const lifetime = timeOf(data, 'ETIME')
  const idleEnd = lifetime === 0 ? Number.POSITIVE_INFINITY : endOf(data, lifetime)
  return maxLifetime === 0 ? idleEnd : Math.min(idleEnd, timeOf(data, 'CTIME') + maxLifetime)
}

/** Has the whole session expired? */
export function hasExpired(data: SessionData, now: number, maxLifetime = 0): boolean {
  return endOfSession(data, maxLifetime) <= now
}

/**
 * Seconds until the session expires, for stores that keep an expiry time; 0: never. The record goes when the session ends, and not
 * a second earlier; an access that `touchAfter` does not write moves neither.
 */
export function timeToLive(data: SessionData, now: number, maxLifetime = 0): number {
  const end = endOfSession(data, maxLifetime)
  return end === Number.POSITIVE_INFINITY ? 0 : Math.max(1, end - now)
}

const noLifetimes: ReadonlyMap<string, number> = new Map()

/** The lifetimes of parameters, in seconds: of two lists the shorter. */
export function parameterLifetimes(data: SessionData): ReadonlyMap<string, number> {
  let lifetimes: Map<string, number> | undefined
  for (const name of lists) {
    const list = data[name]
    if (!isPlainObject(list)) continue
    for (const key of Object.keys(list)) {
      const seconds = numberOf(list[key])
      if (seconds === 0) continue
      lifetimes ??= new Map()
      lifetimes.set(key, Math.min(seconds, lifetimes.get(key) ?? seconds))
    }
  }
  return lifetimes ?? noLifetimes
}

/** The parameters whose time is over. */
export function expiredParameters(data: SessionData, now: number): string[] {
  const keys: string[] = []
  for (const [key, lifetime] of parameterLifetimes(data)) if (endOf(data, lifetime) <= now) keys.push(key)
  return keys
}

/** Set the lifetime of a parameter in the lists that the record's readers use; 0 takes it away from every list. */
export function setParameterLifetime(data: SessionData, key: string, seconds: number): void {
  const own = dialectOf(data)
  for (const dialect of dialects) {
    const list = listOf[dialect]
    if (dialect === own && !isPlainObject(data[list]) && seconds !== 0) data[list] = {}
    const lifetimes = data[list]
    if (!isPlainObject(lifetimes)) continue
    if (seconds === 0) delete lifetimes[key]
    else setElement(lifetimes, key, seconds)
  }
}
