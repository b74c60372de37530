import { createServer, type RequestListener } from 'node:http'
import { createRequire } from 'node:module'
import { Readable } from 'node:stream'
import { afterEach, describe, expect, it } from 'vitest'
import { type KoaContext, type SessionOpener, session } from '../../lib/adapters/koa.js'
import { SessionManager } from '../../lib/index.js'
import { listen } from './node-server.js'
import { adapterSuite, ask, askHeld, sent } from './suite.js'
import { WatchedMemory } from './watched-memory.js'

/** As much of Koa as the tests use: it has no types of its own. */
interface Context extends KoaContext {
  session: SessionOpener
  res: KoaContext['res'] & { end(text: string): void; writeHead(status: number, headers: object): void }
  path: string
  status: number
  body: unknown
  respond: boolean
  set(headers: object): void
  redirect(path: string): void
}
interface App {
  silent: boolean
  use(middleware: (context: Context, next: () => Promise<unknown>) => unknown): App
  on(event: 'error', listener: (error: Error) => void): App
  callback(): RequestListener
}
const Koa: new () => App = createRequire(import.meta.url)('koa')

adapterSuite('koa', (sessions, routes) => {
  const app = new Koa()
  app.silent = true
  app.use(session(sessions))
  app.use(async (ctx) => {
    const { status = 200, headers = {}, body, stream } = await routes[ctx.path]!(ctx)
    ctx.status = status
    ctx.set(headers)
    ctx.body = stream === undefined ? (body ?? '') : Readable.from(stream, { objectMode: false })
    ctx.status = status
  })
  return listen(createServer(app.callback()))
})

describe('koa', () => {
  const closers: (() => unknown)[] = []
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close()
  })

  /** A site of middlewares: those before the session's, and those behind it. */
  async function serve(behind: (context: Context) => unknown, before?: Parameters<App['use']>[0]) {
    const driver = new WatchedMemory()
    const sessions = await SessionManager.create({ type: { driver, serialize: 'JSON' } })
    const errors: Error[] = []
    const app = new Koa()
    app.on('error', (error) => errors.push(error))
    if (before !== undefined) app.use(before)
    app.use(session(sessions))
    app.use(async (context) => {
      if (context.path === '/plain') context.body = 'plain'
      else if (context.path === '/who') context.body = String((await context.session()).param('user'))
      else await behind(context)
    })
    const host = await listen(createServer(app.callback()))
    closers.push(
      () => sessions.close(),
      () => host.close(),
      () => driver.open(),
    )
    return { driver, errors, origin: host.origin }
  }
  const login = async (context: Context) => (await context.session()).param('user', 'ada')

  it.each<[string, () => unknown, number]>([
    ['an Error', () => new Error('after param'), 500],
    ['a text', () => 'text', 500],
    [
      'an error with a status and headers',
      () => Object.assign(new Error('no'), { status: 401, headers: { 'X-Why': '1' } }),
      401,
    ],
    ['an object', () => ({ status: 404 }), 500],
  ])('keeps the cookie when %s is thrown, though Koa takes all headers away', async (_title, thrown, status) => {
    const { origin, errors } = await serve(async (context) => {
      context.set({ 'X-Gone': 'yes' })
      await login(context)
      throw thrown()
    })
    const reply = await ask(`${origin}/fail`)
    expect([reply.status, reply.headers['x-gone']]).toEqual([status, undefined])
    expect((await ask(`${origin}/who`, { cookie: sent(reply) })).text).toBe('ada')
    expect(errors).toHaveLength(1)
  })

  it('an error that many requests share does not carry the cookie of one to another', async () => {
    const shared = Object.assign(new Error('closed'), { status: 403, headers: {} })
    const { origin } = await serve(async (context) => {
      if (context.path === '/login') await login(context)
      throw shared
    })
    expect(sent(await ask(`${origin}/login`))).not.toBe('')
    expect((await ask(`${origin}/other`)).setCookie).toEqual([])
    expect(shared.headers).toEqual({})
  })

  it('a middleware before it that fails late does not lose the cookie of what is written already', async () => {
    const { origin } = await serve(login, async ({ path }, next) => {
      await next()
      if (path === '/login') throw new Error('late')
    })
    const reply = await ask(`${origin}/login`)
    expect(reply.status).toBe(500)
    expect((await ask(`${origin}/who`, { cookie: sent(reply) })).text).toBe('ada')
  })

  it('what a middleware before it changes when the others are done is written too', async () => {
    const { origin } = await serve(
      (context) => {
        context.body = 'page'
      },
      async (context, next) => {
        await next()
        if (context.path === '/page') await login(context)
      },
    )
    const reply = await ask(`${origin}/page`)
    expect((await ask(`${origin}/who`, { cookie: sent(reply) })).text).toBe('ada')
  })

  it('an error of the write can be answered by a middleware before it, and is told but once', async () => {
    const { origin, driver, errors } = await serve(
      async (context) => {
        await login(context)
        context.body = 'stored'
      },
      async (context, next) => {
        await next().catch((error) => {
          context.status = 503
          context.body = `sorry: ${error.name}`
        })
      },
    )
    driver.fail('store')
    const reply = await ask(`${origin}/login`)
    expect([reply.status, reply.text, reply.setCookie, errors]).toEqual([503, 'sorry: DriverError', [], []])
  })

  it('and by Koa otherwise', async () => {
    const { origin, driver, errors } = await serve(async (context) => {
      await login(context)
      context.body = 'stored'
    })
    driver.fail('store')
    const reply = await ask(`${origin}/login`)
    expect([reply.status, reply.text, reply.setCookie]).toEqual([500, 'Internal Server Error', []])
    expect(errors.map(({ name }) => name)).toEqual(['DriverError'])
  })

  describe('mounted for the site and again for a part of it', () => {
    async function twice() {
      const driver = new WatchedMemory()
      const sessions = await SessionManager.create({ type: { driver, serialize: 'JSON' } })
      const errors: string[] = []
      const app = new Koa()
      app.on('error', ({ name }) => errors.push(name))
      app.use(session(sessions))
      app.use(async (context, next) => {
        const outer = await context.session()
        if (context.path === '/names') {
          context.body = outer.param().sort()
          return
        }
        outer.param('outer', 1)
        await next()
        if (context.path === '/after') (await context.session()).param('after', 1)
      })
      app.use(session(sessions))
      app.use(async (context) => {
        ;(await context.session()).param('inner', 1)
        context.body = 'page'
      })
      const host = await listen(createServer(app.callback()))
      closers.push(
        () => sessions.close(),
        () => host.close(),
      )
      return { driver, errors, origin: host.origin }
    }

    it.each([
      ['/page', ['inner', 'outer']],
      ['/after', ['after', 'inner', 'outer']],
    ])('has one session for both: %s', async (path, names) => {
      const { origin, driver } = await twice()
      const reply = await ask(`${origin}${path}`)
      expect([reply.text, reply.setCookie.length, await driver.count()]).toEqual(['page', 1, 1])
      expect(JSON.parse((await ask(`${origin}/names`, { cookie: sent(reply) })).text)).toEqual(names)
    })

    it('tells of a failed write but once', async () => {
      const { origin, driver, errors } = await twice()
      driver.fail('store')
      const reply = await ask(`${origin}/page`)
      expect([reply.status, reply.setCookie, errors]).toEqual([500, [], ['DriverError']])
      expect(driver.operations.filter((operation) => operation === 'store')).toHaveLength(1)
    })
  })

  const body = (value: () => unknown) => (context: Context) => {
    context.body = value()
  }
  it.each<[string, (context: Context) => void]>([
    ['a redirect', (context) => context.redirect('/who')],
    ['a stream of Node', body(() => Readable.from(['one', 'two']))],
    ['a stream of the web', body(() => new Blob(['onetwo']).stream())],
    ['a Response', body(() => new Response('onetwo'))],
    ['an object', body(() => ({ one: 'two' }))],
    [
      'what the program sends itself',
      (context) => {
        context.respond = false
        context.res.writeHead(200, { 'X-Own': '1' })
        context.res.end('onetwo')
      },
    ],
  ])('waits with %s until the session is written', async (_title, answer) => {
    const { origin, driver } = await serve(async (context) => {
      await login(context)
      answer(context)
    })
    const reply = await askHeld(driver, origin, '/login')
    expect(reply.text).toMatch(/one.*two|Redirecting/)
    expect(reply.setCookie).toHaveLength(1)
    expect((await ask(`${origin}/who`, { cookie: sent(reply) })).text).toBe('ada')
  })
})
