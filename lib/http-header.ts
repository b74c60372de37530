/** The header of a CGI answer, as CGI.pm's `header` prints it: the same lines in the same order. */

/** What an answer says of itself; the names are those of CGI.pm's `header`. */
export interface HeaderOptions {
  /** Default `text/html`; empty: none. */
  type?: string
  /** Default `utf-8`; with `compat: 'perl'` CGI.pm's `ISO-8859-1`. Empty: none. */
  charset?: string
  /** Such as `404 Not Found`. */
  status?: string
  /** The program speaks to the browser itself (non-parsed headers), and begins with the line of the status. */
  nph?: boolean
  /** Other headers, by name. */
  headers?: Readonly<Record<string, string>>
}

/** @throws {TypeError} for a line break or another control character in any of them */
export function httpHeader(cookie: string, options: HeaderOptions, now: number, isPerl: boolean): string {
  const { type = 'text/html', charset = isPerl ? 'ISO-8859-1' : 'utf-8', status, nph = false, headers = {} } = options
  const lines: string[] = []
  if (nph) lines.push(`HTTP/1.0 ${status ?? '200 OK'}`)
  if (status !== undefined) lines.push(`Status: ${status}`)
  if (cookie !== '') lines.push(`Set-Cookie: ${cookie}`, `Date: ${new Date(now * 1000).toUTCString()}`)
  for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${value}`)
  if (!isPerl && cookie !== '') lines.push('Cache-Control: no-store')
  if (type !== '')
    lines.push(`Content-Type: ${/\bcharset\b/.test(type) || charset === '' ? type : `${type}; charset=${charset}`}`)
  for (const line of lines) {
    if (/[\r\n\0]/.test(line))
      throw new TypeError(`A header must not contain a line break: ${JSON.stringify(line.slice(0, 72))}`)
  }
  return `${lines.join('\r\n')}\r\n\r\n`
}
