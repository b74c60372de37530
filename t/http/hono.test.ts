import { createServer, type Server } from 'node:http'
import { connect } from 'node:net'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { createAdaptorServer } from '@hono/node-server'
import { type Context, Hono } from 'hono'
import { setCookie } from 'hono/cookie'
import { HTTPException } from 'hono/http-exception'
import { streamSSE, streamText } from 'hono/streaming'
import { describe, expect, it, vi } from 'vitest'
import { type SessionOpener, session } from '../../lib/adapters/hono.js'
import { type ManagerOptions, SessionManager } from '../../lib/index.js'
import { listen } from './node-server.js'
import { adapterSuite, ask, askHeld, sent } from './suite.js'
import { WatchedMemory } from './watched-memory.js'

type Env = { Variables: { session: SessionOpener } }

adapterSuite('hono', (sessions, routes) => {
  const app = new Hono<Env>()
  app.use(session(sessions))
  app.onError((_error, c) => c.text('failed', 500))
  for (const [path, route] of Object.entries(routes)) {
    app.all(path, async (c) => {
      const { status = 200, headers = {}, body, stream } = await route({ session: c.var.session })
      const content = stream === undefined ? (body ?? null) : streamOf(stream)
      const list = Object.entries(headers).flatMap(([name, value]) =>
        [value].flat().map((one): [string, string] => [name, one]),
      )
      return new Response(content, { status, headers: list })
    })
  }
  return listen(createAdaptorServer({ fetch: app.fetch, createServer }) as Server)
})

const streamOf = (pieces: AsyncIterable<string | Uint8Array>) =>
  Readable.toWeb(Readable.from(pieces, { objectMode: false })) as ReadableStream

describe('hono', () => {
  const start = async (options: ManagerOptions = {}) => {
    const driver = new WatchedMemory()
    const sessions = await SessionManager.create({ type: { driver, serialize: 'JSON' }, ...options })
    const app = new Hono<Env>()
    app.use(session(sessions))
    app.get('/who', async (c) => c.text(String((await c.get('session')()).param('user'))))
    return { driver, app, sessions }
  }
  const login = async (c: Context<Env>) => (await c.var.session()).param('user', 'ada')
  const cookieOf = (response: Response) => response.headers.getSetCookie().at(-1)?.split(';')[0] ?? ''

  it.each<[string, () => Response | Promise<Response>, number]>([
    ['Response.redirect', () => Response.redirect('http://shop.example/who', 302), 302],
    ['what fetch gave', () => fetch('data:text/plain,page'), 200],
    ['one without a body', () => new Response(null, { status: 204 }), 204],
  ])('gives the cookie to an answer whose headers cannot be changed: %s', async (_title, answer, status) => {
    const { app } = await start()
    app.get('/login', async (c) => {
      await login(c)
      return answer()
    })
    const response = await app.request('/login')
    expect([response.status, response.headers.get('cache-control')]).toEqual([status, 'no-store'])
    expect(await (await app.request('/who', { headers: { cookie: cookieOf(response) } })).text()).toBe('ada')
  })

  it('an answer that all visitors get is not changed: nobody gets the cookie of another', async () => {
    const { app } = await start()
    const shared = new Response(null, { status: 204, headers: { 'Cache-Control': 'public' } })
    app.get('/login', async (c) => {
      await login(c)
      return shared
    })
    app.get('/shared', () => shared)
    const cookies = [await app.request('/login'), await app.request('/login')].map((one) => one.headers.getSetCookie())
    expect(cookies.map((list) => list.length)).toEqual([1, 1])
    expect(cookies[0]).not.toEqual(cookies[1])
    const other = await app.request('/shared')
    expect([other.headers.getSetCookie(), other.headers.get('cache-control')]).toEqual([[], 'public'])
  })

  it('comes with what other middleware and the handler set, before it and after', async () => {
    const { app } = await start()
    app.get('/login', async (c) => {
      await login(c)
      setCookie(c, 'theme', 'dark')
      return c.html('<p>hello', 201, { Vary: 'Accept', 'Cache-Control': 'public' })
    })
    const response = await app.request('/login')
    expect([response.status, await response.text(), response.headers.get('content-type')]).toEqual([
      201,
      '<p>hello',
      'text/html; charset=UTF-8',
    ])
    expect([response.headers.get('vary'), response.headers.get('cache-control')]).toEqual([
      'Accept, Cookie',
      'no-store',
    ])
    expect(response.headers.getSetCookie()).toEqual(['theme=dark; Path=/', expect.stringMatching(/^CGISESSID=/)])
  })

  it.each<[string, () => Error, number]>([
    ['an Error', () => new Error('after param'), 500],
    ['an HTTPException', () => new HTTPException(401, { message: 'no' }), 401],
    ['one with an answer', () => new HTTPException(418, { res: new Response('teapot', { status: 418 }) }), 418],
  ])('keeps the cookie when the handler throws %s, without an onError', async (_title, error, status) => {
    const { app } = await start()
    app.get('/fail', async (c) => {
      await login(c)
      throw error()
    })
    const printed = vi.spyOn(console, 'error').mockReturnValue(undefined)
    const response = await app.request('/fail')
    printed.mockRestore()
    expect(response.status).toBe(status)
    expect(await (await app.request('/who', { headers: { cookie: cookieOf(response) } })).text()).toBe('ada')
  })

  it('what is thrown and is no Error has no answer in Hono, and nothing is written', async () => {
    const { app, driver } = await start()
    app.get('/fail', async (c) => {
      await login(c)
      throw 'a text'
    })
    await expect(app.request('/fail')).rejects.toBe('a text')
    expect(await driver.count()).toBe(0)
  })

  it('works for a part of a site, and for a page that is not there', async () => {
    const { app, sessions } = await start()
    const site = new Hono<Env>()
    site.notFound(async (c) => c.text(`no such page, ${(await c.var.session()).param('user')}`, 404))
    site.use('/shop/*', session(sessions))
    site.get('/shop/login', async (c) => {
      await login(c)
      return c.redirect('/shop/cart')
    })
    site.get('/plain', (c) => c.text(typeof c.get('session')))
    const first = await site.request('/shop/login')
    expect([first.status, first.headers.get('location')]).toEqual([302, '/shop/cart'])
    const lost = await site.request('/shop/none', { headers: { cookie: cookieOf(first) } })
    expect([lost.status, await lost.text(), lost.headers.get('vary')]).toEqual([404, 'no such page, ada', 'Cookie'])
    expect(await (await site.request('/plain')).text()).toBe('undefined')
    expect((await app.request('/who')).headers.getSetCookie()).toEqual([])
  })

  it.each<[string, (c: Context<Env>, run: () => Promise<string>) => Response]>([
    ['streamText', (c, run) => streamText(c, async (stream) => void (await stream.write(await run())))],
    ['streamSSE', (c, run) => streamSSE(c, async (stream) => stream.writeSSE({ data: await run() }))],
    [
      'c.body of a stream',
      (c, run) =>
        c.body(
          streamOf(
            (async function* () {
              yield await run()
            })(),
          ),
        ),
    ],
  ])('%s: the write is finished before the first byte leaves, over @hono/node-server', async (_title, answer) => {
    const { app, driver, sessions } = await start()
    app.get('/plain', (c) => c.text('plain'))
    app.get('/stream', async (c) => {
      await login(c)
      return answer(c, async () => 'first byte')
    })
    const host = await listen(createAdaptorServer({ fetch: app.fetch, createServer }) as Server)
    try {
      const reply = await askHeld(driver, host.origin, '/stream')
      expect(reply.text).toContain('first byte')
      expect((await ask(`${host.origin}/who`, { cookie: sent(reply) })).text).toBe('ada')
    } finally {
      driver.open()
      await host.close()
      await sessions.close()
    }
  })

  it('when the write fails, the stream that nobody will read is told, and the answer to the error has nothing of the first', async () => {
    const { app, driver } = await start()
    let isCancelled = false
    app.onError((error, c) => c.text(error.name, 503))
    app.get('/stream', async (c) => {
      await login(c)
      const body = new ReadableStream({
        cancel() {
          isCancelled = true
        },
      })
      return new Response(body, { headers: { Location: '/secret', 'Content-Type': 'text/csv' } })
    })
    driver.fail('store')
    const response = await app.request('/stream')
    expect([response.status, await response.text(), response.headers.get('location')]).toEqual([
      503,
      'DriverError',
      null,
    ])
    expect(response.headers.get('content-type')).toMatch(/^text\/plain/)
    expect([response.headers.getSetCookie(), isCancelled]).toEqual([[], true])
  })

  it('when the write fails, nothing that c.header() told of the page is in the answer to the error; what others set is', async () => {
    const { app, driver } = await start()
    app.use(async (c, next) => {
      c.header('X-Request', '7')
      await next()
    })
    app.onError((_error, c) => {
      c.header('X-Error', 'yes')
      return c.text('Error, sorry', 503)
    })
    app.get('/page', async (c) => {
      await login(c)
      c.header('Content-Length', '3')
      c.header('Content-Encoding', 'gzip')
      c.header('Content-Disposition', 'attachment')
      c.header('ETag', '"1"')
      c.header('Cache-Control', 'public, max-age=600')
      c.header('Set-Cookie', 'login=1')
      return c.body('abc')
    })
    driver.fail('store')
    const response = await app.request('/page')
    expect([response.status, await response.text()]).toEqual([503, 'Error, sorry'])
    expect(Object.fromEntries(response.headers)).toEqual({
      'cache-control': 'no-store',
      'content-type': 'text/plain; charset=UTF-8',
      'x-error': 'yes',
      'x-request': '7',
    })
  })

  it('when the write fails, the next answer on the connection begins where the error ends, over @hono/node-server', async () => {
    const { app, driver, sessions } = await start()
    app.onError((_error, c) => c.text('Error, sorry', 503))
    app.get('/page', async (c) => {
      await login(c)
      c.header('Content-Length', '3')
      return c.body('abc')
    })
    app.get('/next', (c) => c.text('next page'))
    driver.fail('store')
    const host = await listen(createAdaptorServer({ fetch: app.fetch, createServer }) as Server)
    try {
      const socket = connect(Number(new URL(host.origin).port), '127.0.0.1')
      socket.write('GET /page HTTP/1.1\r\nHost: a\r\n\r\nGET /next HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
      const answers = await text(socket)
      expect(answers).toMatch(/^HTTP\/1\.1 503 .*\r\n\r\nError, sorryHTTP\/1\.1 200 .*\r\n\r\nnext page$/s)
      expect(answers.match(/(?<=content-length: )\d+/gi)).toEqual(['12', '9'])
    } finally {
      await host.close()
      await sessions.close()
    }
  })

  it('an answer that was read already cannot be sent, but its session is written: the error comes with the cookie', async () => {
    const { app } = await start()
    app.onError((error, c) => c.text(error.message, 500))
    app.get('/used', async (c) => {
      await login(c)
      const answer = new Response('used', { headers: { 'Content-Length': '4', 'Set-Cookie': 'theme=dark' } })
      await answer.text()
      return answer
    })
    const response = await app.request('/used')
    expect([response.status, await response.text()]).toEqual([500, expect.stringContaining('one for each request')])
    expect([response.headers.get('content-length'), response.headers.getSetCookie().length]).toEqual([null, 1])
    expect(await (await app.request('/who', { headers: { cookie: cookieOf(response) } })).text()).toBe('ada')
  })

  describe('mounted for the site and again for a part of it', () => {
    const twice = async () => {
      const { app, driver, sessions } = await start()
      app.use('/part/*', async (c, next) => {
        ;(await c.var.session()).param('outer', 1)
        await next()
        if (c.req.query('after')) (await c.var.session()).param('after', 1)
      })
      const part = new Hono<Env>()
      part.use(session(sessions))
      part.get('/page', async (c) => {
        ;(await c.var.session()).param('inner', 1)
        return c.text('page')
      })
      app.route('/part', part)
      app.get('/names', async (c) => c.json((await c.var.session()).param().sort()))
      return { app, driver }
    }

    it.each([
      ['/part/page', ['inner', 'outer']],
      ['/part/page?after=1', ['after', 'inner', 'outer']],
    ])('has one session for both: %s', async (path, names) => {
      const { app, driver } = await twice()
      const response = await app.request(path)
      expect([response.headers.getSetCookie().length, await driver.count()]).toEqual([1, 1])
      const next = await app.request('/names', { headers: { cookie: cookieOf(response) } })
      expect(await next.json()).toEqual(names)
    })

    it('tells of a failed write but once', async () => {
      const { app, driver } = await twice()
      const errors: string[] = []
      app.onError((error, c) => {
        errors.push(error.name)
        return c.text('sorry', 503)
      })
      driver.fail('store')
      const response = await app.request('/part/page')
      expect([response.status, await response.text(), errors]).toEqual([503, 'sorry', ['DriverError']])
      expect(response.headers.getSetCookie()).toEqual([])
    })
  })

  it('is secure where the address is https, or the proxy says so', async () => {
    const setCookies = async (address: string, headers: Record<string, string>, trustProxy: boolean) => {
      const { app } = await start({ trustProxy })
      app.get('/login', async (c) => {
        await login(c)
        return c.body(null)
      })
      return (await app.request(address, { headers })).headers.getSetCookie()[0]
    }
    const proxied = { 'X-Forwarded-Proto': 'https' }
    expect(await setCookies('https://shop.example/login', {}, false)).toContain('; Secure')
    expect(await setCookies('http://shop.example/login', proxied, true)).toContain('; Secure')
    expect(await setCookies('http://shop.example/login', proxied, false)).not.toContain('; Secure')
  })

  it('takes another variable, with parameters of a type', async () => {
    const sessions = await SessionManager.create({ type: { driver: new WatchedMemory(), serialize: 'JSON' } })
    const app = new Hono<{ Variables: { visit: SessionOpener<{ user: string; views: number }> } }>()
    app.use(session(sessions, { key: 'visit' }))
    app.get('/', async (c) => {
      const visit = await c.var.visit()
      const views: number = (visit.param('views') ?? 0) + 1
      return c.json(visit.param({ views }).param())
    })
    expect(await (await app.request('/')).json()).toEqual(['views'])
  })
})
