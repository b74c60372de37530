/** What sessions read from the requests of each host: real servers, and real requests to them. */

import { once } from 'node:events'
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
  request as sendRequest,
} from 'node:http'
import { connect as connectHttp2, createServer as createHttp2Server } from 'node:http2'
import { createServer as createTlsServer, request as sendTlsRequest } from 'node:https'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import fastify from 'fastify'
import { Hono } from 'hono'
import { afterEach, describe, expect, it } from 'vitest'
import { Session, SessionManager } from '../../lib/index.js'
import { type QuerySource, queryFrom } from '../../lib/query/hosts.js'
import { isQuery, valuesOf } from '../../lib/query/query.js'
import { RequestQuery } from '../../lib/query/request-query.js'
import { type Certificate, newCertificate } from '../support/certificate.js'
import { describeWith } from '../support/requirements.js'

type Middleware = (request: IncomingMessage, response: ServerResponse & { json(value: unknown): void }) => void

interface App extends RequestListener {
  use(...handlers: unknown[]): App
}

/** As much of Express and Koa as is used here; their types are packages of their own. */
interface Express {
  (): App
  Router(): App
  urlencoded(options: { extended: boolean }): unknown
}

interface KoaContext {
  readonly req: IncomingMessage
  readonly request: object
  body: unknown
}

type KoaHandler = (ctx: KoaContext, next: () => Promise<void>) => unknown

interface KoaApp {
  use(handler: KoaHandler): KoaApp
  callback(): RequestListener
}

const load = createRequire(import.meta.url)
const express4: Express = load('express4')
const express5: Express = load('express')
const Koa: new () => KoaApp = (await import('koa' as string)).default
const tell: Middleware = (request, response) => response.json(seen(request))

/** What a request was taken for, as the answer tells it. */
interface Seen {
  cookie: string | null
  params: Record<string, readonly string[]>
  isSecure: boolean
  isSecureByProxy: boolean
}

function seen(source: unknown): Seen {
  const query = queryFrom(source)
  // A host's own methods must not be taken for a query's.
  expect(query).toBeInstanceOf(RequestQuery)
  return {
    cookie: query.cookie('CGISESSID') ?? null,
    params: Object.fromEntries(query.params().map((name) => [name, valuesOf(query, name)])),
    isSecure: query.isSecure!(false),
    isSecureByProxy: query.isSecure!(true),
  }
}

interface Host {
  /** A listener whose answer is `seen` of what the host gives its handlers, as JSON. */
  listener(): Promise<RequestListener> | RequestListener
  /** Does it read the bodies of forms by itself, or with what comes with it? */
  readonly body: boolean
}

function onExpress(express: Express): Host {
  return {
    body: true,
    listener: () =>
      express()
        .use(express.urlencoded({ extended: false }))
        .use(tell),
  }
}

/** As an application does that is mounted below a path: `url` is shortened, `originalUrl` is not. */
function onExpressRouter(express: Express): Host {
  const router = express.Router().use(tell)
  return {
    body: true,
    listener: () =>
      express()
        .use(express.urlencoded({ extended: true }))
        .use('/page', router),
  }
}

function answer(ctx: { body: unknown }, source: unknown): void {
  ctx.body = seen(source)
}

const hosts: Record<string, Host> = {
  'Node http': { body: false, listener: () => (request, response) => void response.end(JSON.stringify(seen(request))) },
  'Express 5': onExpress(express5),
  'Express 4': onExpress(express4),
  'Express 5, mounted': onExpressRouter(express5),
  'Express 4, mounted': onExpressRouter(express4),
  Fastify: {
    body: true,
    async listener() {
      const app = fastify({ serverFactory: (handler) => createServer(handler) })
      app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) => {
        const all = new URLSearchParams(String(body))
        done(null, Object.fromEntries([...all.keys()].map((name) => [name, all.getAll(name)])))
      })
      app.all('/page', async (request) => seen(request))
      await app.ready()
      return (request, response) => app.routing(request, response)
    },
  },
  Koa: {
    body: false,
    listener: () => new Koa().use((ctx) => answer(ctx, ctx)).callback(),
  },
  'Koa, with a parsed body': {
    body: true,
    listener: () =>
      new Koa()
        .use(async (ctx, next) => {
          let text = ''
          for await (const chunk of ctx.req) text += chunk
          const all = new URLSearchParams(text)
          Object.assign(ctx.request, {
            body: Object.fromEntries([...all.keys()].map((name) => [name, all.getAll(name)])),
          })
          await next()
        })
        .use((ctx) => answer(ctx, ctx))
        .callback(),
  },
  "Koa's request": {
    body: false,
    listener: () => new Koa().use((ctx) => answer(ctx, ctx.request)).callback(),
  },
  Hono: { body: false, listener: () => getRequestListener(new Hono().all('/page', (c) => c.json(seen(c))).fetch) },
  'Hono, its raw request': {
    body: false,
    listener: () => getRequestListener(new Hono().all('/page', (c) => c.json(seen(c.req.raw))).fetch),
  },
}

const closing: (() => void)[] = []
afterEach(() => {
  for (const close of closing.splice(0)) close()
})

async function listen(server: ReturnType<typeof createServer>): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closing.push(() => {
    server.close()
    server.closeAllConnections()
  })
  return (server.address() as AddressInfo).port
}

interface Asked {
  path?: string
  headers?: Record<string, string | string[]>
  form?: string
}

/** What a host made of a request. */
async function ask(host: Host, { path = '/page', headers = {}, form }: Asked = {}, tls?: Certificate): Promise<Seen> {
  const listener = await host.listener()
  const port = await listen(tls === undefined ? createServer(listener) : createTlsServer(tls, listener))
  const send = tls === undefined ? sendRequest : sendTlsRequest
  const body = form === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }
  const options = {
    port,
    path,
    method: form === undefined ? 'GET' : 'POST',
    headers: { ...body, ...headers },
    agent: false as const,
  }
  const sending = send({
    host: '127.0.0.1',
    ...options,
    ...(tls === undefined ? {} : { ca: tls.cert, servername: 'localhost' }),
  })
  sending.end(form)
  const [answer] = await once(sending, 'response')
  let text = ''
  for await (const chunk of answer) text += chunk
  expect(answer.statusCode, text).toBe(200)
  return JSON.parse(text)
}

describe.each(Object.entries(hosts))('%s', (_name, host) => {
  it('tells the cookie', async () => {
    expect((await ask(host, { headers: { cookie: 'a=b; CGISESSID=abc; c=d' } })).cookie).toBe('abc')
    expect((await ask(host, { headers: { cookie: ['CGISESSID=one', 'b=2'] } })).cookie).toBe('one')
    expect((await ask(host)).cookie).toBeNull()
  })

  it('tells the parameters of the query string, with all values of each', async () => {
    const { params } = await ask(host, { path: '/page?a=1&b=%C3%A9+x&a=2&c=&?d=1&__proto__=p' })
    expect(params).toEqual(
      Object.fromEntries([
        ['a', ['1', '2']],
        ['b', ['é x']],
        ['c', ['']],
        ['?d', ['1']],
        ['__proto__', ['p']],
      ]),
    )
  })

  it(`tells ${host.body ? 'the fields of the form as well, before those of the query string' : 'nothing of a body that nobody has read'}`, async () => {
    const { params } = await ask(host, { path: '/page?a=url', form: 'a=one&a=two&b=3' })
    expect(params).toEqual(host.body ? { a: ['one', 'two', 'url'], b: ['3'] } : { a: ['url'] })
  })

  it('was asked over http, whatever a client says', async () => {
    expect(await ask(host)).toMatchObject({ isSecure: false, isSecureByProxy: false })
    const forwarded = await ask(host, { headers: { 'x-forwarded-proto': 'https' } })
    expect(forwarded).toMatchObject({ isSecure: false, isSecureByProxy: true })
    const twice = await ask(host, { headers: { 'x-forwarded-proto': 'http, https' } })
    expect(twice).toMatchObject({ isSecure: false, isSecureByProxy: false })
  })
})

describeWith('openssl', 'over https', () => {
  it.each(Object.entries(hosts))('%s tells so', async (_name, host) => {
    expect(await ask(host, {}, newCertificate())).toMatchObject({ isSecure: true, isSecureByProxy: true })
  })
})

describe('a query of Node’s request', () => {
  it('has the cookies that the request has when it is first asked for one', () => {
    const headers: Record<string, string> = {}
    const query = queryFrom({ headers, url: '/' })
    headers.cookie = 'CGISESSID=late'
    expect(query.cookie('CGISESSID')).toBe('late')
  })
})

describe('other requests', () => {
  it('of fetch', () => {
    const url = 'https://shop.test/page?a=1&a=2#frag'
    const request = new Request(url, { headers: { cookie: 'CGISESSID=abc' } })
    expect(seen(request)).toEqual({ cookie: 'abc', params: { a: ['1', '2'] }, isSecure: true, isSecureByProxy: true })
    const forwarded = new Request('http://shop.test/', { headers: { 'x-forwarded-proto': 'https, http' } })
    expect(seen(forwarded)).toEqual({ cookie: null, params: {}, isSecure: false, isSecureByProxy: true })
  })

  it('of http/2', async () => {
    const server = createHttp2Server((request, response) => response.end(JSON.stringify(seen(request))))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const client = connectHttp2(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    const stream = client.request({ ':path': '/?a=1', cookie: ['b=1', 'CGISESSID=abc'] })
    let text = ''
    for await (const chunk of stream) text += chunk
    expect(JSON.parse(text)).toMatchObject({ cookie: 'abc', params: { a: ['1'] }, isSecure: false })
    client.close()
    server.close()
  })

  it.each([
    ['bytes', Buffer.from('a=1')],
    ['a list', ['a', 'b']],
    ['text', 'a=1'],
    ['nothing', null],
  ])('have no fields where the parsed body is %s', (_, body) => {
    expect(queryFrom({ headers: {}, url: '/?u=1', body }).params()).toEqual(['u'])
  })

  it('have the texts of a parsed body alone: what it nests is passed over', () => {
    const body = JSON.parse('{"a":["1",2,{"b":"c"}],"n":{"m":"x"},"__proto__":"p","none":null}')
    const query = queryFrom({ headers: {}, body })
    expect(query.params()).toEqual(['a', '__proto__'])
    expect([query.param('a'), query.param('__proto__')]).toEqual(['1', 'p'])
  })
})

describe("a user's own query", () => {
  it('is used as it is', () => {
    const own = {
      cookie: () => 'abc',
      param: () => undefined,
      params: () => [],
      headers: { cookie: 'CGISESSID=other' },
    }
    expect(queryFrom(own)).toBe(own)
  })

  it('is not seen in the requests of Express 4, which have a method param()', async () => {
    let request: unknown
    const listener = express4().use((incoming: unknown, response: ServerResponse) => {
      request = incoming
      response.end()
    })
    const port = await listen(createServer(listener))
    await fetch(`http://127.0.0.1:${port}`)
    expect(typeof (request as { param: unknown }).param).toBe('function')
    expect(isQuery(request)).toBe(false)
  })
})

describe('what is no request', () => {
  const message =
    "'query' takes a request of Node, fetch, Express, Fastify, Koa or Hono, or an object with the methods cookie(name), param(name) and params()"

  it.each([
    ['null', null],
    ['a text', 'CGISESSID=abc'],
    ['a number', 5],
    ['a function', () => undefined],
    ['an empty object', {}],
    ['a query without params()', { cookie: () => 'a', param: () => 'b' }],
    ['an answer of fetch', new Response('', { headers: { cookie: 'CGISESSID=abc' } })],
    ['headers alone', new Headers({ cookie: 'CGISESSID=abc' })],
    ['headers of fetch without an address', { headers: new Headers() }],
  ])('is refused: %s', async (_, wrong) => {
    expect(() => queryFrom(wrong)).toThrow(new TypeError(message))
    await using sessions = await SessionManager.create({ type: 'driver:Memory' })
    await expect(sessions.open({ query: wrong as QuerySource })).rejects.toThrow(new TypeError(message))
  })

  it('is refused: the answers of hosts, and the answer of a server to a client', async () => {
    const refused: boolean[] = []
    const note = (wrong: unknown): void => {
      expect(() => queryFrom(wrong)).toThrow(message)
      refused.push(true)
    }
    const app = express5().use((_request: unknown, response: ServerResponse) => {
      note(response)
      response.end()
    })
    const sending = sendRequest({ host: '127.0.0.1', port: await listen(createServer(app)), agent: false }).end()
    const [answer] = await once(sending, 'response')
    note(answer)
    answer.resume()
    const other = fastify()
    other.get('/', async (_request, reply) => {
      note(reply)
      return ''
    })
    await other.inject('/')
    expect(refused).toHaveLength(3)
  })
})

describe('which session is meant', () => {
  const type = 'driver:Memory'
  const store = async (user: string): Promise<string> => {
    await using session = await Session.open({ type })
    session.param('user', user)
    return session.id()
  }
  const userOf = async (options: { idFromParam?: boolean; name?: string }, query: QuerySource) => {
    await using session = await Session.open({ type, query, ...options })
    return session.param('user')
  }
  const request = (path: string, cookie?: string) => ({ url: path, headers: { cookie } })

  it('idFromParam is off by default: a session id in the query string, or in a form, is ignored', async () => {
    const id = await store('ann')
    expect(await userOf({}, request(`/?CGISESSID=${id}`))).toBeUndefined()
    expect(await userOf({}, { headers: {}, url: '/', body: { CGISESSID: id } })).toBeUndefined()
    expect(await userOf({}, request('/', `CGISESSID=${id}`))).toBe('ann')
  })

  it('idFromParam: true takes the parameter where there is no cookie', async () => {
    const id = await store('ann')
    expect(await userOf({ idFromParam: true }, request(`/?CGISESSID=${id}`))).toBe('ann')
    expect(await userOf({ idFromParam: true }, request(`/?CGISESSID=${id}&CGISESSID=other`))).toBe('ann')
    expect(await userOf({ idFromParam: true, name: 'sid' }, request(`/?sid=${id}`))).toBe('ann')
    expect(await userOf({ idFromParam: true, name: 'sid' }, request(`/?CGISESSID=${id}`))).toBeUndefined()
  })

  it('idFromParam: true does not adopt an id that the store does not know', async () => {
    const planted = '0123456789abcdef0123456789abcdef'
    await using session = await Session.open({ type, idFromParam: true, query: request(`/?CGISESSID=${planted}`) })
    expect(session.isNew()).toBe(true)
    expect(session.id()).not.toBe(planted)
  })

  it('the cookie comes before the parameter', async () => {
    const [ann, bob] = [await store('ann'), await store('bob')]
    expect(await userOf({ idFromParam: true }, request(`/?CGISESSID=${bob}`, `CGISESSID=${ann}`))).toBe('ann')
    expect(await userOf({ idFromParam: true }, request(`/?CGISESSID=${bob}`, 'CGISESSID=unknown'))).toBeUndefined()
  })
})
