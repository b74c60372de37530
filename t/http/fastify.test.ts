import { Readable } from 'node:stream'
import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify'
import { afterEach, describe, expect, it } from 'vitest'
import { type SessionOpener, session } from '../../lib/adapters/fastify.js'
import { SessionManager } from '../../lib/index.js'
import { adapterSuite, ask, askHeld, sent } from './suite.js'
import { WatchedMemory } from './watched-memory.js'

declare module 'fastify' {
  interface FastifyRequest {
    session: SessionOpener
  }
}

adapterSuite('fastify', async (sessions, routes) => {
  const app = Fastify()
  await app.register(session, { sessions })
  for (const [path, route] of Object.entries(routes)) {
    app.all(path, async (request, reply) => {
      const { status = 200, headers = {}, body, stream } = await route({ session: request.session })
      return reply
        .code(status)
        .headers(headers)
        .send(stream === undefined ? body : Readable.from(stream, { objectMode: false }))
    })
  }
  const origin = await app.listen({ port: 0, host: '127.0.0.1' })
  return { origin, close: () => app.close() }
})

describe('fastify', () => {
  const closers: (() => unknown)[] = []
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close()
  })

  async function serve(build: (app: FastifyInstance) => unknown) {
    const driver = new WatchedMemory()
    const sessions = await SessionManager.create({ type: { driver, serialize: 'JSON' } })
    const app = Fastify()
    await app.register(session, { sessions })
    app.get('/plain', async () => 'plain')
    app.get('/who', async (request) => String((await request.session()).param('user')))
    await build(app)
    const origin = await app.listen({ port: 0, host: '127.0.0.1' })
    closers.push(
      () => sessions.close(),
      () => app.close(),
      () => driver.open(),
    )
    return { driver, origin, app, sessions }
  }
  const login = async (request: FastifyRequest) => (await request.session()).param('user', 'ada')

  it('the plugin is there for the whole application, and for what is registered in it', async () => {
    const { origin } = await serve((app) =>
      app.register(async (part) => {
        part.get('/part/login', async (request) => {
          await login(request)
          return { in: true }
        })
      }),
    )
    const reply = await ask(`${origin}/part/login`)
    expect(reply.text).toBe('{"in":true}')
    expect((await ask(`${origin}/who`, { cookie: sent(reply) })).text).toBe('ada')
  })

  it('takes another property, which getDecorator knows; a property that is taken is refused', async () => {
    const { app, sessions } = await serve(async (app) => {
      const sessions = await SessionManager.create({
        type: { driver: new WatchedMemory(), serialize: 'JSON' },
        name: 'SECOND',
      })
      await app.register(session, { sessions, property: 'visit' })
      app.get('/second', async (request) => {
        const visit = await request.getDecorator<SessionOpener<{ views: number }>>('visit')()
        visit.param('views', 1)
        await login(request)
        return 'both'
      })
    })
    const reply = await app.inject('/second')
    expect(reply.cookies.map(({ name }) => name).sort()).toEqual(['CGISESSID', 'SECOND'])
    const other = Fastify()
    other.decorateRequest('session')
    await expect(other.register(session, { sessions })).rejects.toMatchObject({ code: 'FST_ERR_DEC_ALREADY_PRESENT' })
  })

  it('keeps the cookie in the answer to an error: its own handler, a page that is not there, an error of a later hook', async () => {
    const { origin } = await serve((app) => {
      app.setErrorHandler(async (error: Error, request, reply) => {
        ;(await request.session()).flash('notice', error.message)
        return reply.code(400).send('handled')
      })
      app.setNotFoundHandler(async (request, reply) => {
        await login(request)
        return reply.code(404).send('no such page')
      })
      app.addHook('onSend', async (request) => {
        if (request.url === '/late' && !late++) throw new Error('late')
      })
      let late = 0
      app.get('/late', async (request, reply) => {
        await login(request)
        return reply.header('Set-Cookie', 'theme=dark').send('page')
      })
      app.get('/fail', async (request) => {
        await login(request)
        throw new Error('after param')
      })
      app.get('/flash', async (request) => (await request.session()).flash('notice').join())
    })
    for (const [path, status, message] of [
      ['/fail', 400, 'after param'],
      ['/late', 400, 'late'],
      ['/lost', 404, ''],
    ] as const) {
      const reply = await ask(`${origin}${path}`)
      expect([path, reply.status]).toEqual([path, status])
      expect(reply.setCookie.filter((one) => one.startsWith('CGISESSID='))).toHaveLength(1)
      expect((await ask(`${origin}/who`, { cookie: sent(reply) })).text).toBe('ada')
      expect((await ask(`${origin}/flash`, { cookie: sent(reply) })).text).toBe(message)
    }
  })

  it('a Response as the payload: its header does not take the place of the session’s', async () => {
    const { origin } = await serve((app) =>
      app.get('/login', async (request, reply) => {
        await login(request)
        reply.header('Set-Cookie', 'theme=dark')
        const headers = { 'Cache-Control': 'public', Vary: 'Accept', 'Set-Cookie': 'lang=en', 'X-Own': '1' }
        return new Response('page', { status: 203, headers })
      }),
    )
    const reply = await ask(`${origin}/login`)
    expect([reply.status, reply.text, reply.headers['x-own']]).toEqual([203, 'page', '1'])
    expect([reply.headers['cache-control'], reply.headers.vary]).toEqual(['no-store', 'Accept, Cookie'])
    expect(reply.setCookie).toEqual(['theme=dark', expect.stringMatching(/^CGISESSID=/), 'lang=en'])
    expect((await ask(`${origin}/who`, { cookie: sent(reply) })).text).toBe('ada')
  })

  it('keeps the cookies that were set on the raw answer', async () => {
    const { origin } = await serve((app) =>
      app.get('/login', async (request, reply) => {
        reply.raw.setHeader('Set-Cookie', ['a=1', 'b=2'])
        await login(request)
        return 'in'
      }),
    )
    expect((await ask(`${origin}/login`)).setCookie).toEqual(['a=1', 'b=2', expect.stringMatching(/^CGISESSID=/)])
  })

  it.each<[string, () => unknown]>([
    ['a stream of Node', () => Readable.from(['one', 'two'])],
    ['a stream of the web', () => new Blob(['onetwo']).stream()],
    ['a Response', () => new Response('onetwo')],
    ['bytes', () => Buffer.from('onetwo')],
  ])('waits with %s until the session is written', async (_title, payload) => {
    const { origin, driver } = await serve((app) =>
      app.get('/login', async (request, reply) => {
        await login(request)
        return reply.send(payload())
      }),
    )
    const reply = await askHeld(driver, origin, '/login')
    expect([reply.text, reply.setCookie.length]).toEqual(['onetwo', 1])
  })

  it('when the write fails, the error handler answers, the stream is closed, and the store is not asked again', async () => {
    const stream = Readable.from(['secret'])
    const { origin, driver } = await serve((app) => {
      app.setErrorHandler((error: Error, _request, reply) => reply.code(503).send(error.name))
      app.get('/login', async (request, reply) => {
        await login(request)
        return reply.header('Location', '/secret').type('text/csv').send(stream)
      })
    })
    driver.fail('store')
    const reply = await ask(`${origin}/login`)
    expect([reply.status, reply.text, reply.setCookie]).toEqual([503, 'DriverError', []])
    expect([reply.headers.location, reply.headers['content-type']]).toEqual([undefined, 'text/plain; charset=utf-8'])
    expect(stream.destroyed).toBe(true)
    expect(driver.operations.filter((operation) => operation === 'store')).toHaveLength(1)
  })

  it('when the write fails, neither the cookies of the page nor its leave to be kept are in the answer to the error', async () => {
    const { origin, driver } = await serve((app) =>
      app.get('/login', async (request, reply) => {
        await login(request)
        reply.raw.setHeader('Set-Cookie', 'raw=1')
        return reply
          .headers({ 'Cache-Control': 'public, max-age=600', 'Set-Cookie': 'login=1', 'X-Own': '1' })
          .send('in')
      }),
    )
    driver.fail('store')
    const { status, setCookie, headers } = await ask(`${origin}/login`)
    expect([status, setCookie, headers['cache-control'], headers['x-own']]).toEqual([500, [], 'no-store', '1'])
  })

  it('a Response that was read already cannot be sent, but its session is written: the error comes with the cookie', async () => {
    const { origin } = await serve((app) =>
      app.get('/used', async (request, reply) => {
        await login(request)
        const answer = new Response('used')
        await answer.text()
        return reply.send(answer)
      }),
    )
    const reply = await ask(`${origin}/used`)
    expect([reply.status, reply.text]).toEqual([500, expect.stringContaining('one for each request')])
    expect((await ask(`${origin}/who`, { cookie: sent(reply) })).text).toBe('ada')
  })

  it('reads the fields of a form that Fastify has parsed, also when the session was opened before', async () => {
    const { app } = await serve((app) => {
      app.addHook('onRequest', async (request) => void (await request.session()))
      app.post('/form', async (request) => (await request.session()).saveParam().param())
    })
    const reply = await app.inject({ method: 'POST', url: '/form?a=1', payload: { b: 'two' } })
    expect(reply.json()).toEqual(['a', 'b'])
  })
})
