/** express-session's cookie as plain data, and the session's lifetime in it. */

import { type Hash, isPlainObject } from '../../hash.js'

/** As much as is used of express-session's cookie, or of its plain data. */
export interface ExpressCookie {
  /** Milliseconds; null for a cookie that ends with the browser. */
  originalMaxAge?: number | null
  expires?: Date | string | boolean | null
}

/** What a session has that express-session knows nothing of. */
const cookieOfOthers = { originalMaxAge: null, expires: null, httpOnly: true, path: '/' }

/** A thousand years: as good as for ever. */
const longest = 31_536_000_000

/**
 * The lifetime that a cookie asks for, in whole seconds.
 * @param usual for a cookie that ends with the browser
 */
export function lifetimeOf({ originalMaxAge, expires }: ExpressCookie, usual: number): number {
  const end = expires instanceof Date || typeof expires === 'string' ? new Date(expires).getTime() : Number.NaN
  const milliseconds = typeof originalMaxAge === 'number' ? originalMaxAge : end - Date.now()
  if (Number.isNaN(milliseconds)) return usual
  // Zero would be for ever.
  return milliseconds > 0 ? Math.min(Math.ceil(milliseconds / 1000), longest) : -1
}

/** Attributes that are true or false; in Perl's formats they come back as 1 and an empty text, and numbers as text. */
const flags = ['httpOnly', 'secure', 'partitioned']

/** A cookie as it was before it was stored. */
function restored(stored: Hash): Hash & ExpressCookie {
  const cookie: Hash & ExpressCookie = { ...stored }
  const { originalMaxAge, sameSite } = stored
  if (typeof originalMaxAge === 'string') cookie.originalMaxAge = Number(originalMaxAge)
  for (const name of typeof sameSite === 'string' && sameSite.length > 1 ? flags : [...flags, 'sameSite']) {
    const value = cookie[name]
    if (value !== undefined && value !== null) cookie[name] = Boolean(Number(value))
  }
  return cookie
}

/** The cookie of a stored session: the record's own lifetime counts, which another program may have changed. */
export function cookieFor(stored: unknown, times: { atime: number; etime: number }): ExpressCookie {
  const cookie: ExpressCookie = isPlainObject(stored) ? restored(stored) : cookieOfOthers
  const endsWithBrowser = isPlainObject(stored) && (cookie.originalMaxAge ?? cookie.expires ?? null) === null
  if (endsWithBrowser || lifetimeOf(cookie, 0) === times.etime) return cookie
  const isForEver = times.etime === 0
  return {
    ...cookie,
    originalMaxAge: isForEver ? null : times.etime * 1000,
    expires: isForEver ? null : new Date((times.atime + times.etime) * 1000).toISOString(),
  }
}

/** Is what is to be stored the same as what is there, but for the time at which it ends, which moves with each use? */
export function isSameCookie(stored: unknown, cookie: unknown): boolean {
  if (!isPlainObject(stored) || !isPlainObject(cookie)) return false
  const old = restored(stored)
  const names = new Set(['originalMaxAge', ...Object.keys(old), ...Object.keys(cookie)])
  names.delete('expires')
  return [...names].every((name) => (old[name] ?? null) === (cookie[name] ?? null))
}
