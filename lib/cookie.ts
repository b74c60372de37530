/**
 * The session's cookie: read and written through the package `cookie`, with the rules of RFC 6265bis that it leaves to its callers.
 */

import type { SerializeOptions } from 'cookie'
import type { OptionReader, OptionTable } from './contracts.js'
import { OptionError } from './errors.js'
import { isToken } from './http-token.js'
import { custom, flag, oneOf } from './options.js'
import { loadDependency } from './peer.js'
import { refuseUnknown } from './session-options.js'

/** Attributes of the session's cookie. With `compat: 'perl'` those that are left out are off, as in CGI::Cookie; the path is `/`. */
export interface CookieOptions {
  /** The addresses that get the cookie: those that begin with this. Default `/`. */
  path?: string | undefined
  /** The domain that gets the cookie, with all below it. Default: none, so that the host alone gets it. */
  domain?: string | undefined
  /** Keep it from scripts. Default: true. */
  httpOnly?: boolean | undefined
  /** Which requests from other sites carry it. `none` needs https. Default: `lax`. */
  sameSite?: 'lax' | 'strict' | 'none' | undefined
  /** Over https alone. Default: `auto`: when the request was https, and where the name or other attributes ask for it. */
  secure?: boolean | 'auto' | undefined
  /** A cookie for each site that embeds this one (CHIPS); it needs https. CGI.pm does not know it. Default: false. */
  partitioned?: boolean | undefined
}

/** All attributes of a cookie, fit for each other and for its name. */
export interface CookieAttributes {
  readonly path: string
  /** Empty: none. */
  readonly domain: string
  readonly httpOnly: boolean
  readonly sameSite: 'lax' | 'strict' | 'none' | undefined
  readonly secure: boolean | 'auto'
  readonly partitioned: boolean
}

/** A cookie to be made. */
interface SessionCookie {
  readonly name: string
  readonly value: string
  /** Seconds from now; 0: until the browser is closed; negative: the cookie is deleted. */
  readonly lifetime: number
  /** In seconds since 1970. */
  readonly now: number
  /** Was the request https? */
  readonly isSecure: boolean
}

/** Whose cookies: our own, or those of CGI.pm (option `compat`). */
export type CookieStyle = 'none' | 'perl'

type CookiePackage = typeof import('cookie')

let loaded: CookiePackage | undefined

/** The package, at first use: a program that makes no cookie starts without it. */
function load(): CookiePackage {
  loaded ??= loadDependency<CookiePackage>('cookie')
  return loaded
}

/** Browsers drop a cookie whose name and value are longer, without a word. */
const MAX_BYTES = 4096
/** Browsers overlook an attribute that is longer. */
const MAX_ATTRIBUTE = 1024
/** The last second of the year 9999: beyond it a date has no form that browsers read. */
const LAST_SECOND = 253_402_300_799

const pathValue = /^\/[\x21-\x3a\x3d-\x7e]*$/
const domainValue = /^(?:\.?[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*)?$/i

const isText = (pattern: RegExp) => (value: unknown) =>
  typeof value === 'string' && value.length <= MAX_ATTRIBUTE && pattern.test(value)

const isPath = isText(pathValue) as (value: unknown) => value is string
const isDomain = isText(domainValue) as (value: unknown) => value is string

/** How attributes are read, but for those of which the two styles have defaults of their own. */
const shared = {
  path: custom('/', 'a path that begins with /, without spaces, ; and <', isPath),
  domain: custom('', 'the name of a domain, without a port', isDomain),
} as const

const secure =
  (fallback: boolean | 'auto'): OptionReader<boolean | 'auto'> =>
  (value, name) => {
    if (value === undefined) return fallback
    if (typeof value === 'boolean' || value === 'auto') return value
    throw new OptionError(name, `Option '${name}' must be true, false or 'auto'`)
  }

const sameSite: OptionReader<'lax' | 'strict' | 'none'> = oneOf(['lax', 'strict', 'none'], 'lax')

const tables: Readonly<Record<CookieStyle, OptionTable<CookieAttributes>>> = {
  none: { ...shared, httpOnly: flag(true), sameSite, secure: secure('auto'), partitioned: flag(false) },
  perl: {
    ...shared,
    httpOnly: flag(false),
    sameSite: (value, name) => (value === undefined ? undefined : sameSite(value, name)),
    secure: secure(false),
    partitioned: flag(false),
  },
}

/**
 * The attributes of the session's cookie.
 * @param name the cookie's name
 * @param given the attributes that were given, the later ones before the earlier
 * @throws {OptionError} for attributes that nobody knows, that are of the wrong type, or that browsers refuse
 */
export function cookieAttributes(
  name: string,
  style: CookieStyle,
  ...given: readonly CookieOptions[]
): CookieAttributes {
  const table = tables[style]
  for (const options of given) refuseStrange(options, Object.keys(table))
  const chosen = (key: string): unknown =>
    given.map((options) => Reflect.get(options, key)).findLast((value) => value !== undefined)
  const attributes = Object.fromEntries(
    Object.entries<OptionReader<unknown>>(table).map(([key, read]) => [key, read(chosen(key), `cookie.${key}`)]),
  ) as unknown as CookieAttributes
  refuseName(name, style)
  refuseCombination(name, attributes, style)
  return attributes
}

function refuseStrange(options: unknown, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new OptionError('cookie', "The attributes of a cookie are an object, such as { sameSite: 'strict' }")
  }
  refuseUnknown(options, known, 'the attributes of a cookie')
}

function refuseName(name: string, style: CookieStyle): void {
  if (style === 'none' && !isToken(name)) {
    throw new OptionError(
      'name',
      "Option 'name' makes no cookie: only letters, digits and !#$%&'*+-.^_`|~ are safe in it",
    )
  }
  if (!name.isWellFormed()) throw new OptionError('name', "Option 'name' has half a character in it")
  refuseLong(style === 'perl' ? perlEscape(name) : name, '', 'name')
}

function refuseLong(name: string, value: string, option: string): void {
  if (name.length + value.length <= MAX_BYTES) return
  throw new OptionError(
    option,
    `The cookie's name and the id together are longer than ${MAX_BYTES} bytes: browsers would drop the cookie`,
  )
}

/** What browsers refuse without a word. */
function refuseCombination(name: string, attributes: CookieAttributes, style: CookieStyle): void {
  const { path, domain, httpOnly, partitioned } = attributes
  const refuse = (reason: string): never => {
    throw new OptionError('cookie', `Option 'cookie': ${reason}`)
  }
  const shown = name.slice(0, 40)
  const reason = reasonForHttps(name, attributes)
  if (partitioned && style === 'perl') refuse("'partitioned' is unknown to CGI.pm, whose cookies compat: 'perl' writes")
  if (attributes.secure === false && reason !== undefined) refuse(`a cookie with ${reason} must be secure: true`)
  if (hasPrefix.host.test(name) && (path !== '/' || domain !== '')) {
    refuse(`browsers take a cookie named ${shown} only with path: '/' and without a domain`)
  }
  if (hasPrefix.http.test(name) && !httpOnly) refuse(`browsers take a cookie named ${shown} only with httpOnly: true`)
}

/** Browsers compare the prefixes in any case. */
const hasPrefix = { secure: /^__(?:secure|host|http)-/i, host: /^__host-/i, http: /^__(?:host-)?http-/i }

function reasonForHttps(
  name: string,
  { sameSite, partitioned }: Pick<CookieAttributes, 'sameSite' | 'partitioned'>,
): string | undefined {
  if (hasPrefix.secure.test(name)) return `the name ${name.slice(0, 40)}`
  if (sameSite === 'none') return "sameSite: 'none'"
  return partitioned ? 'partitioned: true' : undefined
}

/**
 * The value of `Set-Cookie` for a session.
 * @throws {OptionError} when browsers would drop the cookie, as its name and value are too long
 * @throws {TypeError} for a value that has no form as UTF-8
 */
export function writeCookie(cookie: SessionCookie, attributes: CookieAttributes, style: CookieStyle): string {
  const { name, value, isSecure } = cookie
  if (!value.isWellFormed()) throw new TypeError('An id with half a character in it makes no cookie')
  const isHttpsAlone =
    attributes.secure === 'auto' ? isSecure || reasonForHttps(name, attributes) !== undefined : attributes.secure
  const write = style === 'perl' ? perlCookie : ownCookie
  return write(cookie, { ...attributes, secure: isHttpsAlone })
}

type Decided = CookieAttributes & { readonly secure: boolean }

function ownCookie({ name, value, lifetime, now }: SessionCookie, attributes: Decided): string {
  refuseLong(name, encodeURIComponent(value), 'cookie')
  const end = lifetime < 0 ? 0 : Math.min(now + lifetime, LAST_SECOND)
  const expiry: SerializeOptions =
    lifetime === 0 ? {} : { maxAge: Math.max(lifetime, 0), expires: new Date(end * 1000) }
  const { sameSite = 'lax' } = attributes
  return load().stringifySetCookie({ ...attributes, sameSite, name, value, ...expiry })
}

/** As CGI::Cookie prints it; a cookie that is deleted has ended a day ago. */
function perlCookie({ name, value, lifetime, now }: SessionCookie, attributes: Decided): string {
  const { path, domain, httpOnly, secure, sameSite } = attributes
  refuseLong(perlEscape(name), perlEscape(value), 'cookie')
  const end = lifetime < 0 ? now - 86_400 : Math.min(now + lifetime, LAST_SECOND)
  return [
    `${perlEscape(name)}=${perlEscape(value)}`,
    ...(domain === '' ? [] : [`domain=${domain.toLowerCase()}`]),
    `path=${path}`,
    ...(lifetime === 0 ? [] : [`expires=${perlDate(end)}`]),
    ...(secure ? ['secure'] : []),
    ...(httpOnly ? ['HttpOnly'] : []),
    ...(sameSite === undefined ? [] : [`SameSite=${sameSite[0]!.toUpperCase()}${sameSite.slice(1)}`]),
  ].join('; ')
}

const perlDate = (seconds: number): string =>
  new Date(seconds * 1000).toUTCString().replace(/^(\w+, \d\d) (\w+) /, '$1-$2-')

const perlEscape = (text: string): string =>
  text.replace(/[^a-zA-Z0-9_.~-]/gu, (sign) =>
    [...Buffer.from(sign)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  )

/** Cookies by name: an object without a prototype. */
export type CookiesByName = Readonly<Record<string, string | undefined>>

const noCookies: CookiesByName = Object.freeze(Object.create(null))

/**
 * The cookies of a request's header, by name. Of several with one name the first counts: browsers send the one with the longest path
 * first, and Perl's CGI takes it as well. What is no cookie is passed over.
 */
export function cookiesIn(header: string | undefined): CookiesByName {
  return header === undefined ? noCookies : load().parseCookie(header)
}

/**
 * The cookie of a name, also where Perl has escaped the name. Names in the header are never unescaped: `__%48ost-id` is not
 * `__Host-id`, for which anybody could pass it off.
 */
export function cookieNamed(name: string, cookies: CookiesByName): string | undefined {
  return cookies[name] ?? cookies[perlEscape(name)]
}
