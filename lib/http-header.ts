/** The header of a CGI answer, as CGI.pm's `header` prints it: the same lines in the same order. */

import type { OptionReader, OptionTable } from './contracts.js'
import { unitSeconds } from './duration.js'
import { OptionError } from './errors.js'
import { isToken } from './http-token.js'
import { custom, flag, text } from './options.js'
import { refuseUnknown } from './session-options.js'

/** What an answer says of itself; the names are those of CGI.pm's `header`. */
export interface HeaderOptions {
  /** Default `text/html`; empty: none. */
  type?: string | undefined
  /** Default `utf-8`; with `compat: 'perl'` CGI.pm's `ISO-8859-1`. Empty, or with a type that names one: none. */
  charset?: string | undefined
  /** Such as `404 Not Found`. Default: none, which stands for `200 OK`. */
  status?: string | number | undefined
  /** The program speaks to the browser itself (non-parsed headers), and begins with the line of the status. Default: false. */
  nph?: boolean | undefined
  /**
   * When the page is out of date: `now`, `+30s`, `-1d`, `+10M` (months of 30 days), `+1y`; seconds since 1970; a Date; or a date
   * as HTTP writes it. Default: none; 0 and `''` stand for it too, as in Perl.
   */
  expires?: string | number | Date | undefined
  /** The window that shows the page (`Window-Target`). Default: none. */
  target?: string | undefined
  /** The name of the file as which browsers are to save the page. Default: none. */
  attachment?: string | undefined
  /** The tags of a P3P policy, as one text or several. Default: none. */
  p3p?: string | readonly string[] | undefined
  /** Values of further `Set-Cookie` lines, after the session's. Default: none. */
  cookies?: readonly string[] | undefined
  /**
   * Other headers, by name. Names are printed as they are given; with `compat: 'perl'` as CGI.pm does: `X-Frame_Options` and
   * `-x_frame_options` become `X-frame-options`, in alphabetical order. `Cache-Control` must say `no-store` or `private`.
   */
  headers?: Readonly<Record<string, string | number>> | undefined
}

/** What the session adds. */
interface HeaderFacts {
  /** The session's `Set-Cookie`. */
  readonly cookie: string
  /** In seconds since 1970. */
  readonly now: number
  /** Print what CGI.pm prints, to the byte? */
  readonly isPerl: boolean
}

/** Options of which each has a value; an empty text stands for none. */
type Complete = {
  readonly [Name in keyof HeaderOptions]-?: NonNullable<HeaderOptions[Name]>
}

type Line = readonly [name: string, value: string]

const isTextList = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((one) => typeof one === 'string')

const isTextOrList = (value: unknown): value is string | readonly string[] =>
  typeof value === 'string' || isTextList(value)

const isPrintable = (value: unknown): value is string | number =>
  typeof value === 'string' || (typeof value === 'number' && Number.isFinite(value))

const isHeaders = (value: unknown): value is Readonly<Record<string, string | number>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && Object.values(value).every(isPrintable)

const isTime = (value: unknown): value is string | number | Date => isPrintable(value) || value instanceof Date

const table: OptionTable<Omit<Complete, 'charset'>> = {
  type: text('text/html'),
  status: custom<string | number>('', "a text, such as '404 Not Found', or a number", isPrintable),
  nph: flag(false),
  expires: custom<string | number | Date>('', "a time such as '+30m', a Date, or seconds since 1970", isTime),
  target: text(''),
  attachment: text(''),
  p3p: custom<string | readonly string[]>('', 'a text, or an array of texts', isTextOrList),
  cookies: custom<readonly string[]>([], 'an array of texts', isTextList),
  headers: custom<Readonly<Record<string, string | number>>>({}, 'an object of texts and numbers', isHeaders),
}

const readers = (isPerl: boolean): OptionTable<Complete> => ({
  ...table,
  charset: text(isPerl ? 'ISO-8859-1' : 'utf-8'),
})

/**
 * The header, with the empty line at its end.
 * @throws {OptionError} for options that nobody knows, or that make no header
 * @throws {TypeError} for a line break or another control character in any of them
 */
export function httpHeader(given: HeaderOptions, facts: HeaderFacts): string {
  const options = readHeader(given, facts.isPerl)
  const lines = linesOf(options, facts)
  // In this order, and both of them, CGI.pm prints the status.
  const first = options.nph ? [`${process.env.SERVER_PROTOCOL || 'HTTP/1.0'} ${options.status || '200 OK'}`] : []
  const all = [...first, ...lines.map(([name, value]) => `${name}: ${value}`)]
  for (const line of all) refuseUnprintable(line, facts.isPerl)
  return `${all.join('\r\n')}\r\n\r\n`
}

function readHeader(given: HeaderOptions, isPerl: boolean): Complete {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new TypeError("httpHeader() takes an object of options, such as { status: '404 Not Found' }")
  }
  const all = readers(isPerl)
  refuseUnknown(given, Object.keys(all), 'the options of httpHeader')
  const read = ([name, reader]: [string, OptionReader<unknown>]) => [name, reader(Reflect.get(given, name), name)]
  return Object.fromEntries(Object.entries<OptionReader<unknown>>(all).map(read)) as Complete
}

/** The order is CGI.pm's. */
function linesOf(options: Complete, { cookie, now, isPerl }: HeaderFacts): Line[] {
  const { type, charset, status, nph, target, attachment, cookies } = options
  const policy = [options.p3p].flat().join(' ')
  const expires = expiryOf(options.expires, now)
  const others = otherHeaders(options.headers, isPerl)
  const before = [
    ...line('Server', nph ? process.env.SERVER_SOFTWARE || 'cmdline' : ''),
    ...line('Status', String(status)),
    ...line('Window-Target', target),
    ...line('P3P', policy === '' ? '' : `policyref="/w3c/p3p.xml", CP="${policy}"`),
    ...[cookie, ...cookies].flatMap((one) => line('Set-Cookie', one)),
    ...line('Expires', expires === undefined ? '' : dateOf(expires)),
    ...line('Date', dateOf(now)),
    ...line('Content-Disposition', attachment === '' ? '' : dispositionOf(attachment, isPerl)),
  ]
  const after = [
    ...line('Cache-Control', isPerl || saysWhoKeeps(others) ? '' : 'no-store'),
    ...line('Content-Type', withCharset(type, charset)),
  ]
  refuseTwice(others, [...before, ...after])
  return [...before, ...others, ...after]
}

const line = (name: string, value: string): Line[] => (value === '' ? [] : [[name, value]])

const dateOf = (seconds: number): string => new Date(seconds * 1000).toUTCString()

const withCharset = (type: string, charset: string): string =>
  type === '' || charset === '' || /\bcharset\b/.test(type) ? type : `${type}; charset=${charset}`

/** A cache that many people share would hand a page's cookie to somebody else. */
function saysWhoKeeps(others: readonly Line[]): boolean {
  const [, control] = others.find(([name]) => name.toLowerCase() === 'cache-control') ?? []
  if (control === undefined) return false
  if (/\b(?:no-store|private)\b/i.test(control)) return true
  throw new OptionError('headers', "A page with a cookie needs 'Cache-Control: no-store' (the default) or 'private'")
}

/** CGI.pm prints the name as it is. A quote would end it, and not every browser reads more than ASCII. */
function dispositionOf(fileName: string, isPerl: boolean): string {
  if (isPerl) return `attachment; filename="${fileName}"`
  const plain = fileName.replace(/[^\x00-\x7f]/gu, '_').replace(/["\\]/g, '\\$&')
  if (/^[\x00-\x7f]*$/.test(fileName)) return `attachment; filename="${plain}"`
  const escaped = encodeURIComponent(fileName.toWellFormed()).replace(/['()*]/g, (sign) => `%${hex(sign)}`)
  return `attachment; filename="${plain}"; filename*=UTF-8''${escaped}`
}

const hex = (sign: string): string => sign.charCodeAt(0).toString(16).toUpperCase()

function otherHeaders(headers: Complete['headers'], isPerl: boolean): Line[] {
  const lines = Object.entries(headers).map(([name, value]): Line => [isPerl ? perlName(name) : name, String(value)])
  for (const [name] of lines) {
    if (isToken(name)) continue
    throw new TypeError(`${JSON.stringify(name.slice(0, 40))} is no name of a header`)
  }
  const order = ([name]: Line) => `${name}=`
  return isPerl ? lines.sort((one, other) => (order(one) < order(other) ? -1 : 1)) : lines
}

function perlName(name: string): string {
  const lower = name.replace(/^-/, '').replaceAll('_', '-').toLowerCase()
  return lower.slice(0, 1).toUpperCase() + lower.slice(1)
}

/** Which of two lines counts would be anybody's guess. */
function refuseTwice(others: readonly Line[], lines: readonly Line[]): void {
  const seen = new Set(lines.map(([name]) => name.toLowerCase()))
  for (const [name] of others) {
    if (seen.has(name.toLowerCase())) throw twice(name)
    seen.add(name.toLowerCase())
  }
}

const optionFor: Readonly<Record<string, string>> = {
  'content-type': 'type',
  'set-cookie': 'cookies',
  status: 'status',
  expires: 'expires',
  p3p: 'p3p',
  'window-target': 'target',
  'content-disposition': 'attachment',
}

function twice(name: string): OptionError {
  const option = optionFor[name.toLowerCase()]
  const hint = option === undefined ? 'leave it out' : `use the option '${option}'`
  return new OptionError('headers', `The header has ${name.slice(0, 40)} already: ${hint}`)
}

function refuseUnprintable(line: string, isPerl: boolean): void {
  const found = isPerl ? /[\x00-\x08\x0a-\x1f\x7f]/.exec(line) : /[^\t\x20-\x7e]/.exec(line)
  if (found === null) return
  const code = found[0].charCodeAt(0)
  const what = code < 32 || code === 127 ? 'a line break or another control character' : 'a character beyond ASCII'
  throw new TypeError(
    `A header must not have ${what} in it: ${JSON.stringify(line.slice(0, Math.min(found.index, 40)))}…`,
  )
}

/** CGI.pm knows no weeks. */
const offset = /^([+-](?:\d+\.?\d*|\.\d+))([smhdMy])$/
const httpDate = /^[A-Z][a-z]{2}, \d\d[ -][A-Z][a-z]{2}[ -]\d{4} \d\d:\d\d:\d\d GMT$/

/** In seconds since 1970; undefined for none. */
function expiryOf(value: string | number | Date, now: number): number | undefined {
  const seconds = value instanceof Date ? value.getTime() / 1000 : secondsOf(value, now)
  if (seconds === undefined) return undefined
  if (!Number.isNaN(new Date(seconds * 1000).getTime())) return Math.floor(seconds)
  throw new OptionError(
    'expires',
    "Option 'expires' must be such as 'now', '+30m' or '-1d', a Date, or seconds since 1970",
  )
}

function secondsOf(value: string | number, now: number): number | undefined {
  if (value === '' || Number(value) === 0) return undefined
  if (typeof value === 'number' || /^\d+$/.test(value)) return Number(value)
  if (value.toLowerCase() === 'now') return now
  if (httpDate.test(value)) return Date.parse(value) / 1000
  const [, amount, unit] = offset.exec(value) ?? []
  return amount === undefined ? Number.NaN : now + Number(amount) * unitSeconds[unit as keyof typeof unitSeconds]
}
