/** What beginners do wrong is told when the program starts, or at the first request, and says what to do. */

import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import { session as expressSession } from '../../lib/adapters/express.js'
import { session as fastifySession } from '../../lib/adapters/fastify.js'
import { withSession as withFetchSession } from '../../lib/adapters/fetch.js'
import { session as honoSession } from '../../lib/adapters/hono.js'
import { session as koaSession } from '../../lib/adapters/koa.js'
import { withSession } from '../../lib/adapters/node-http.js'
import { ExpressStore } from '../../lib/compat/express-store.js'
import { SessionManager } from '../../lib/index.js'

const require = createRequire(import.meta.url)
const sessions = await SessionManager.create({ type: 'driver:Memory' })

const closers: (() => void)[] = []
afterEach(() => {
  for (const close of closers.splice(0)) close()
})

type Make = (manager: SessionManager, options: object) => unknown

const adapters: readonly (readonly [name: string, make: Make])[] = [
  ['express', (manager, options) => expressSession(manager, options)],
  ['koa', (manager, options) => koaSession(manager, options)],
  ['hono', (manager, options) => honoSession(manager, options)],
  ['node-http', (manager, options) => withSession(manager, () => undefined, options)],
  ['fetch', (manager, options) => withFetchSession(manager, () => new Response(), options)],
  ['ExpressStore', (manager, options) => new ExpressStore(manager, options)],
]

it.each(adapters)('%s: no manager, a promise of one, and unknown options', (_name, make) => {
  const promise = SessionManager.create({ type: 'driver:Memory' })
  expect(() => make(undefined as never, {})).toThrow('takes a manager of sessions')
  expect(() => make({} as never, {})).toThrow(TypeError)
  expect(() => make(promise as never, {})).toThrow('an await is missing')
  expect(() => make(sessions, { nane: 'sid' })).toThrow("Option 'nane' is not one of the options of")
})

it('fastify: no manager, and unknown options', async () => {
  const register = (options: object) => require('fastify')().register(fastifySession, options)
  await expect(register({})).rejects.toThrow('takes a manager of sessions')
  await expect(register({ sessions, propety: 'x' })).rejects.toThrow("did you mean 'property'?")
})

it('express: a property that express-session has is not taken over', async () => {
  const app = require('express')()
  app.use(require('express-session')({ secret: 'x', resave: false, saveUninitialized: false }))
  app.use(expressSession(sessions))
  app.use((error: Error, _request: unknown, response: { end(text: string): void }, _next: unknown) => {
    response.end(error.message)
  })
  const server = app.listen(0, '127.0.0.1')
  closers.push(() => server.close())
  await new Promise((resolve) => server.once('listening', resolve))
  const answer = await fetch(`http://127.0.0.1:${server.address().port}/`)
  expect(await answer.text()).toContain("say session(sessions, { property: 'visit' })")
})

it('a request, or a signal, in place of options', async () => {
  const signal = AbortSignal.abort()
  const session = await sessions.open()
  for (const request of [new Request('http://x/'), { headers: {}, url: '/' }]) {
    await expect(sessions.open(request as never)).rejects.toThrow('takes { query: request }')
  }
  await expect(session.flush(signal as never)).rejects.toThrow('takes { signal }')
})

it('the id of a request is no parameter to be saved', async () => {
  const query = { url: '/?CGISESSID=abc&name=ann', headers: {} }
  const session = await sessions.open({ query })
  session.saveParam()
  expect(session.param()).toEqual(['name'])
})

it('node-http: requests and answers have Node’s own types without annotations', async () => {
  const server = createServer(
    withSession(sessions, async (request, response, session) => {
      const visits = (await session()).increment('visits')
      if (request.method === 'POST') response.writeHead(303, { Location: '/' })
      response.write(Buffer.from(String(visits)))
      response.end()
    }),
  ).listen(0, '127.0.0.1')
  closers.push(() => server.close())
  await new Promise((resolve) => server.once('listening', resolve))
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  const answer = await fetch(origin, { method: 'POST', redirect: 'manual' })
  expect([answer.status, await answer.text()]).toEqual([303, '1'])
})
