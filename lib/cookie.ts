/**
 * The session's cookie: read and written through the package `cookie`, with the rules of RFC 6265bis that it leaves to its callers.
 */

import type { SerializeOptions } from 'cookie'
import { OptionError } from './errors.js'
import { loadDependency } from './peer.js'

/** Attributes of the session's cookie. */
export interface CookieOptions {
  /** Default `/`. */
  path?: string
  /** Default: none, so that the host alone gets the cookie. */
  domain?: string
  /** Keep it from scripts. Default: true. */
  httpOnly?: boolean
  /** Which requests from other sites carry it. `none` needs https. Default: `lax`. */
  sameSite?: 'lax' | 'strict' | 'none'
  /** Over https alone. Default: `auto`: when the request was https, and where the name or other attributes ask for it. */
  secure?: boolean | 'auto'
  /** A cookie for each site that embeds this one (CHIPS); it needs https. Default: false. */
  partitioned?: boolean
}

/** A cookie to be made. */
export interface SessionCookie {
  readonly name: string
  readonly value: string
  /** Seconds from now; 0: until the browser is closed; negative: the cookie is deleted. */
  readonly lifetime: number
  /** In seconds since 1970. */
  readonly now: number
  /** Was the request https? */
  readonly isSecure: boolean
}

type CookiePackage = typeof import('cookie')

const load = (): CookiePackage => loadDependency<CookiePackage>('cookie')

/** The cookies of a request's header; of several with one name the first, which a browser takes from the longest path. */
export function cookiesIn(header: string | undefined): ReadonlyMap<string, string> {
  if (header === undefined) return new Map()
  return new Map(Object.entries(load().parseCookie(header)) as [string, string][])
}

/**
 * The options as they are given, if they go together with the name.
 * @throws {OptionError} for what browsers would refuse
 */
export function checkCookie(name: string, options: CookieOptions): void {
  const { path = '/', domain, secure = 'auto', httpOnly = true } = options
  const refuse = (reason: string): never => {
    throw new OptionError('cookie', `Option 'cookie': ${reason}`)
  }
  if (secure === false && needsHttps(name, options)) {
    refuse(`a cookie with ${httpsReason(name, options)} must be secure; leave out secure: false`)
  }
  if (isPrefixed(name, 'host') && (path !== '/' || domain !== undefined)) {
    refuse(`browsers take a cookie named ${name.slice(0, 40)} only with path: '/' and without a domain`)
  }
  if (isPrefixed(name, 'http') && !httpOnly)
    refuse(`browsers take a cookie named ${name.slice(0, 40)} only with httpOnly`)
  try {
    load().stringifySetCookie({ name, value: 'x', path, domain })
  } catch (cause) {
    throw new OptionError('cookie', `Options 'name' and 'cookie' make no cookie: ${(cause as Error).message}`)
  }
}

/** `Set-Cookie` for a session. */
export function setCookie(cookie: SessionCookie, options: CookieOptions): string {
  const { name, value, lifetime, now, isSecure } = cookie
  const { path = '/', domain, httpOnly = true, sameSite = 'lax', partitioned = false, secure = 'auto' } = options
  const expiry: SerializeOptions =
    lifetime === 0
      ? {}
      : { maxAge: Math.max(lifetime, 0), expires: new Date(lifetime < 0 ? 0 : (now + lifetime) * 1000) }
  return load().stringifySetCookie({
    name,
    value,
    path,
    domain,
    ...expiry,
    httpOnly,
    secure: secure === 'auto' ? isSecure || needsHttps(name, options) : secure,
    sameSite,
    partitioned,
  })
}

/** The same as CGI::Cookie prints it. */
export function perlCookie(
  { name, value, lifetime, now }: SessionCookie,
  { path = '/', domain, httpOnly, secure, sameSite }: CookieOptions,
): string {
  const expires = lifetime === 0 ? undefined : perlDate(lifetime < 0 ? now - 86_400 : now + lifetime)
  const attributes = [
    [`${perlEscape(name)}=${perlEscape(value)}`],
    domain === undefined ? [] : [`domain=${domain}`],
    [`path=${path}`],
    expires === undefined ? [] : [`expires=${expires}`],
    secure === true ? ['secure'] : [],
    httpOnly === true ? ['HttpOnly'] : [],
    sameSite === undefined ? [] : [`SameSite=${sameSite[0]!.toUpperCase()}${sameSite.slice(1)}`],
  ]
  return attributes.flat().join('; ')
}

const perlDate = (seconds: number): string =>
  new Date(seconds * 1000).toUTCString().replace(/^(\w+, \d\d) (\w+) /, '$1-$2-')

const perlEscape = (text: string): string =>
  text.replace(/[^a-zA-Z0-9_.~-]/g, (sign) =>
    [...Buffer.from(sign)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  )

/** Browsers compare the prefixes in any case. */
function isPrefixed(name: string, rule: 'secure' | 'host' | 'http'): boolean {
  const patterns = { secure: /^__(?:secure|host|http)-/i, host: /^__host-/i, http: /^__(?:http|host-http)-/i }
  return patterns[rule].test(name)
}

function needsHttps(name: string, options: CookieOptions): boolean {
  return httpsReason(name, options) !== undefined
}

function httpsReason(name: string, { sameSite, partitioned }: CookieOptions): string | undefined {
  if (isPrefixed(name, 'secure')) return `the name ${name.slice(0, 40)}`
  if (sameSite === 'none') return "sameSite: 'none'"
  return partitioned === true ? 'partitioned' : undefined
}
