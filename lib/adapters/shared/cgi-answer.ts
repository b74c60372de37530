/** The answers of CGI programs: what a program says of one, and how it is printed. */

import { write } from 'node:fs'
import { asBuffer } from '../../bytes.js'
import { codeOf } from '../../coded-error.js'
import { isToken } from '../../http-token.js'
import { applyHeaders, type HeaderTarget, type SessionHeaders } from './visit.js'

/** What a program answers. */
export interface CgiAnswer {
  /** `404`, or with words of one's own `404 No such shop`. Default: 200; with `redirect` 303. */
  status?: number | string
  /** The type of the body. Default: `text/html; charset=utf-8`, or what `headers` say; empty: none. */
  type?: string
  /** Other headers, by name; several values are several lines. */
  headers?: Readonly<Record<string, string | readonly string[]>>
  /** Where the browser is to go on, by GET: after a form, so that reloading the page does not send it again. */
  redirect?: string
  /** Text is sent as UTF-8. What comes in pieces is sent piece by piece, when the session is written. A HEAD request gets none. */
  body?: string | Uint8Array | AsyncIterable<string | Uint8Array>
}

/** Headers by their names in lower case: the name as it is to be printed, and the values. */
type Headers = Map<string, readonly [name: string, values: readonly string[]]>

/** The words of the statuses that programs answer. */
const words: Readonly<Record<number, string>> = {
  200: 'OK',
  201: 'Created',
  202: 'Accepted',
  204: 'No Content',
  206: 'Partial Content',
  301: 'Moved Permanently',
  302: 'Found',
  303: 'See Other',
  304: 'Not Modified',
  307: 'Temporary Redirect',
  308: 'Permanent Redirect',
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  409: 'Conflict',
  410: 'Gone',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  422: 'Unprocessable Content',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
}

/** What a page says of an error of which it tells no more. */
export const wordsOf = (status: number): string => words[status] ?? 'Status'

/** A status with its words. @throws {TypeError} for what is none */
function statusLine(status: number | string): string {
  const line = typeof status === 'number' ? `${status} ${wordsOf(status)}` : status
  if (/^[2-5]\d\d(?: |$)/.test(line)) return line
  throw new TypeError(`'status' must be a number from 200 to 599, alone or with words, not ${line.slice(0, 40)}`)
}

/**
 * The header of an answer, with what the session needs in it; undefined: the session was not asked for.
 * @throws {TypeError} for what cannot be a header
 */
export function headerOf(answer: CgiAnswer, session: SessionHeaders | undefined): string {
  const headers = headersOf(answer)
  if (session !== undefined) applyHeaders(session, targetOf(headers))
  const lines = [...headers.values()].flatMap(([name, values]) => values.map((value) => `${name}: ${value}`))
  for (const line of lines) refuseUnprintable(line)
  return `${lines.join('\r\n')}\r\n\r\n`
}

function headersOf({ status, redirect, type, headers: others = {}, body = '' }: CgiAnswer): Headers {
  const headers: Headers = new Map()
  const set = (name: string, values: string | readonly string[]) =>
    headers.set(name.toLowerCase(), [name, [values].flat()])
  const isPage = (redirect === undefined || body !== '') && mayHaveBody(status)
  if (status !== undefined || redirect !== undefined) set('Status', statusLine(status ?? 303))
  set('Content-Type', type ?? (isPage ? 'text/html; charset=utf-8' : ''))
  for (const [name, values] of Object.entries(others)) set(name, values)
  if (type !== undefined) set('Content-Type', type)
  if (redirect !== undefined) set('Location', encodeLocation(redirect))
  if (String(headers.get('content-type')?.[1]) === '') headers.delete('content-type')
  return headers
}

/** Some answers end with their header. */
export const mayHaveBody = (status: CgiAnswer['status'] = 200): boolean => !/^(?:204|304)/.test(String(status))

/** As an address is sent: spaces and what is not ASCII are escaped, and with them what would end the line. */
const encodeLocation = (address: string): string => address.toWellFormed().replace(/[^\x21-\x7e]+/g, encodeURI)

function targetOf(headers: Headers): HeaderTarget {
  const valuesOf = (name: string): readonly string[] | undefined => headers.get(name.toLowerCase())?.[1]
  return {
    get: (name) => valuesOf(name)?.join(', '),
    set: (name, value) => headers.set(name.toLowerCase(), [name, [value]]),
    addCookie: (value) => headers.set('set-cookie', ['Set-Cookie', [...(valuesOf('set-cookie') ?? []), value]]),
  }
}

function refuseUnprintable(line: string): void {
  const end = line.indexOf(': ')
  const name = line.slice(0, end)
  if (isToken(name) && /^[\t\x20-\x7e]*$/.test(line.slice(end))) return
  throw new TypeError(
    `A header is a name, and text without line breaks and characters beyond ASCII: ${JSON.stringify(name.slice(0, 40))}`,
  )
}

/** The pieces of a body. @throws {TypeError} for what is none */
export function piecesOf(body: CgiAnswer['body'] = ''): AsyncIterable<unknown> | Iterable<unknown> {
  if (typeof body === 'string' || body instanceof Uint8Array) return [body]
  if (typeof body === 'object' && Symbol.asyncIterator in body) return body
  throw new TypeError("'body' must be a string, a Uint8Array, or an async iterable of them")
}

/** Write all of a piece. @throws {TypeError} for what is none */
export async function print(descriptor: number, piece: unknown): Promise<void> {
  const bytes = typeof piece === 'string' ? Buffer.from(piece) : piece
  if (!(bytes instanceof Uint8Array)) throw new TypeError("The pieces of 'body' must be strings or Uint8Arrays")
  const buffer = asBuffer(bytes)
  let from = 0
  while (from < buffer.length) from += await writeSome(descriptor, buffer, from)
}

// process.stdout would cost each request some milliseconds to load.
function writeSome(descriptor: number, buffer: Buffer, from: number): Promise<number> {
  return new Promise((fulfil, reject) => {
    write(descriptor, buffer, from, buffer.length - from, null, (error, count) => {
      if (error === null) fulfil(count)
      // The server has made it non-blocking.
      else if (codeOf(error) === 'EAGAIN') setTimeout(() => fulfil(writeSome(descriptor, buffer, from)), 5)
      else reject(error)
    })
  })
}
