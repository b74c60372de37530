/** What a CGI program prints, made into an HTTP answer (RFC 3875, section 6). */

/** An answer of the server, whoever made it. */
export interface Answer {
  readonly status: number
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: Uint8Array | string
}

/** The program did not do its part. The message is for the log of the server, not for the visitor. */
export class CgiError extends Error {}

/** Headers about the connection and the length belong to the server. */
const OF_THE_SERVER = new Set(['connection', 'content-length', 'keep-alive', 'transfer-encoding', 'upgrade'])
const HEADER = /^([\w!#$%&'*+.^`|~-]+):[ \t]*([\t\x20-\x7e\x80-\xff]*?)[ \t]*$/

function readHeader(line: string): [name: string, value: string] {
  const [, name, value] = HEADER.exec(line) ?? []
  if (name === undefined || value === undefined) throw new CgiError('it printed something else than headers first')
  return [name, value]
}

/** `Status` when there is one; 302 for a `Location` alone, 200 otherwise. */
function statusOf(headers: ReadonlyMap<string, string>): number {
  const status = headers.get('status')
  if (status === undefined) return headers.has('location') ? 302 : 200
  if (!/^[2-5]\d\d(?: |$)/.test(status)) throw new CgiError('its Status header has no number from 200 to 599')
  return Number(status.slice(0, 3))
}

/**
 * Read what a program printed. A `Location` is always for the browser to follow, also one without a host, for which
 * the standard lets the server run a second program: the visitor sees the same.
 * @throws {CgiError} when it is no CGI response
 */
export function readCgiOutput(output: Buffer): Answer {
  // Latin-1 keeps one character a byte, so that a place in the text is a place in the output.
  const end = /\r?\n\r?\n/.exec(output.toString('latin1'))
  if (end === null) throw new CgiError('it printed no empty line after its headers')
  const lines = output.toString('latin1', 0, end.index).split(/\r?\n/)
  const headers = lines.map(readHeader)
  const byName = new Map(headers.map(([name, value]) => [name.toLowerCase(), value]))
  if (!['content-type', 'location', 'status'].some((name) => byName.has(name))) {
    throw new CgiError('it printed neither Content-Type nor Location nor Status')
  }
  return {
    status: statusOf(byName),
    headers: headers.filter(([name]) => name.toLowerCase() !== 'status' && !OF_THE_SERVER.has(name.toLowerCase())),
    body: output.subarray(end.index + end[0].length),
  }
}
