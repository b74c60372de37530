/** What is special about Node's own server: its default answer to errors, and answers that break off. */

import { once } from 'node:events'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { type SessionOpener, withSession } from '../../lib/adapters/node-http.js'
import { SessionManager } from '../../lib/index.js'
import { listen } from './node-server.js'
import { ask, type Host } from './suite.js'
import { WatchedMemory } from './watched-memory.js'

let driver: WatchedMemory
let sessions: SessionManager
const hosts: Host[] = []

beforeEach(async () => {
  driver = new WatchedMemory()
  sessions = await SessionManager.create({ type: { driver, serialize: 'JSON' } })
})
afterEach(async () => {
  vi.restoreAllMocks()
  for (const host of hosts.splice(0)) await host.close()
  await sessions.close()
})

async function serve(
  handler: (request: IncomingMessage, response: ServerResponse, session: SessionOpener) => unknown,
): Promise<string> {
  const host = await listen(createServer(withSession(sessions, handler)))
  hosts.push(host)
  return host.origin
}

it('the default answer to an error has no header of the page in whose place it comes', async () => {
  const printed = vi.spyOn(console, 'error').mockReturnValue()
  const origin = await serve((_request, response) => {
    response.setHeader('Content-Length', 4).setHeader('ETag', '"1"').setHeader('Content-Encoding', 'gzip')
    response.setHeader('Cache-Control', 'public, max-age=600').setHeader('X-Frame-Options', 'DENY')
    throw new Error('the handler fails')
  })
  const { status, text, headers } = await ask(origin)
  expect([status, text]).toEqual([500, 'Internal Server Error\n'])
  expect(headers).toMatchObject({ 'cache-control': 'no-store', 'x-frame-options': 'DENY' })
  for (const name of ['etag', 'content-encoding', 'content-length']) expect(headers).not.toHaveProperty(name)
  expect(printed.mock.calls).toEqual([[new Error('the handler fails')]])
})

it('a header that Node refuses, while the store is down, is an error like others: the process lives', async () => {
  const printed = vi.spyOn(console, 'error').mockReturnValue()
  const origin = await serve(async (_request, response, session) => {
    ;(await session()).param('name', 'Ada')
    response.writeHead(302, { Location: '/\r\n' }).end()
  })
  driver.fail('store')
  const failed = await ask(origin)
  expect([failed.status, failed.setCookie]).toEqual([500, []])
  expect(printed.mock.calls).toEqual([
    [expect.objectContaining({ code: 'ERR_INVALID_CHAR' })],
    [expect.objectContaining({ message: expect.stringContaining('store') })],
  ])
  driver.fail()
  const reply = await ask(origin)
  expect([reply.status, reply.setCookie.length, await driver.count()]).toEqual([500, 1, 1])
})

it('what a handler changed before it failed in the middle of its answer is written', async () => {
  vi.spyOn(console, 'error').mockReturnValue()
  const seed = await sessions.open()
  seed.param('seed', 1)
  await seed.flush()
  const origin = await serve(async (_request, response, session) => {
    const mine = await session()
    if (!response.write('part')) await once(response, 'drain')
    mine.param('changed', 1)
    throw new Error('the handler fails')
  })
  const writing = driver.shut()
  const asking = request(origin, { agent: false, headers: { Cookie: `CGISESSID=${seed.id()}` } })
  asking.on('error', () => undefined).on('response', (answer) => answer.on('error', () => undefined).resume())
  asking.end()
  await writing
  driver.open()
  await vi.waitFor(async () => {
    const later = await sessions.open({ clientId: seed.id() })
    expect(later.param('changed')).toBe(1)
  })
})
