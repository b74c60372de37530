/** Says how many sessions of answered requests are still in memory. With --expose-gc. */

import { once } from 'node:events'
import { Agent, createServer, get, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import { withSession } from '../../../lib/adapters/node-http.js'
import type { SessionOpener } from '../../../lib/adapters/shared/visit.js'
import { type Session, SessionManager } from '../../../lib/index.js'

const opened: WeakRef<Session>[] = []
const collect = (globalThis as unknown as { gc(): void }).gc

async function main(): Promise<void> {
  const sessions = await SessionManager.create({ type: 'driver:Memory' })
  const handler = async (request: IncomingMessage, response: ServerResponse, open: SessionOpener) => {
    const session = await open()
    opened.push(new WeakRef(session))
    session.param('page', request.url)
    if (request.url === '/fail') throw new Error('as the test wants it')
    if (request.url === '/broken') return request.socket.destroy()
    return response.end('answered')
  }
  const onError = (_error: unknown, _request: IncomingMessage, response: ServerResponse) => response.end('failed')
  const server = createServer(withSession(sessions, handler, { onError }))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  // The connections stay, and must not hold what their requests had.
  const agent = new Agent({ keepAlive: true, maxSockets: 5 })
  const ask = (path: string) =>
    new Promise<void>((resolve) => {
      get({ host: '127.0.0.1', port, path, agent }, (answer) => answer.resume().on('end', resolve)).on('error', () =>
        resolve(),
      )
    })
  for (let round = 0; round < 200; round++) await Promise.all(['/page', '/fail', '/broken'].map(ask))
  for (let turn = 0; turn < 10; turn++) {
    await setImmediate()
    collect()
  }
  const alive = opened.filter((reference) => reference.deref() !== undefined).length
  process.stdout.write(JSON.stringify({ opened: opened.length, alive }))
  agent.destroy()
  server.close()
  server.closeAllConnections()
  await sessions.close()
}

void main()
