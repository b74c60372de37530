/** Having the server give up the statement that a connection is busy with. */

import { connect } from 'node:net'

/** What a pg client knows of its connection; the one over libpq knows less. */
export interface CancellableClient {
  readonly host?: unknown
  readonly port?: unknown
  readonly processID?: unknown
  readonly secretKey?: unknown
}

/** PostgreSQL's number for the request. */
const CANCEL_REQUEST = 80_877_102
const LENGTH = 16
/** Milliseconds. */
const PATIENCE = 1000

/**
 * Ask the server, as its protocol has it, over a connection of its own that says nothing else: poolers pass it on. There is no
 * answer; the statement fails, or was done already. The connection may get the request late, so it must not be used again.
 */
export function requestCancel({ host, port, processID, secretKey }: CancellableClient): void {
  if (typeof port !== 'number' || typeof processID !== 'number' || typeof secretKey !== 'number') return
  const request = Buffer.alloc(LENGTH)
  for (const [index, number] of [LENGTH, CANCEL_REQUEST, processID, secretKey].entries()) {
    request.writeInt32BE(number | 0, index * 4)
  }
  const name = typeof host === 'string' ? host : 'localhost'
  const socket = connect(name.startsWith('/') ? { path: `${name}/.s.PGSQL.${port}` } : { host: name, port })
  socket.on('error', () => undefined)
  socket.setTimeout(PATIENCE, () => socket.destroy())
  socket.end(request)
}
