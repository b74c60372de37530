/** A server of Node's for tests, and how the answers of the suite are sent through it. */

import type { Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Answer, Host } from './suite.js'

/** Let a server listen on a free port of the loopback. */
export async function listen(server: Server): Promise<Host> {
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    origin: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(resolve)
        server.closeAllConnections()
      }),
  }
}

/** Send an answer of the suite. */
export async function send(
  response: ServerResponse,
  { status = 200, headers = {}, body, stream }: Answer,
): Promise<void> {
  response.statusCode = status
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
  if (stream === undefined) response.end(body)
  // Who goes away is no failure of the server.
  else await pipeline(Readable.from(stream, { objectMode: false }), response).catch(() => undefined)
}
