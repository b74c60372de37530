/** What is special about Express: other middlewares, routers, errors, and express-session on the same request. */

import { mkdtempSync, writeFileSync } from 'node:fs'
import { createServer, IncomingMessage, request, ServerResponse } from 'node:http'
import { createRequire } from 'node:module'
import { Socket } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type SessionOpener, session } from '../../lib/adapters/express.js'
import { SessionManager } from '../../lib/index.js'
import { temporaryFolder } from '../support/folders.js'
import { type App, caught, type ExpressRequest, type ExpressResponse, quietly, versions } from './express-apps.js'
import { listen } from './node-server.js'
import { ask, askHeld, type Host, sent } from './suite.js'
import { WatchedMemory } from './watched-memory.js'

const require = createRequire(import.meta.url)

describe.each(versions)('%s', (_name, express) => {
  let driver: WatchedMemory
  let sessions: SessionManager
  let app: App
  const hosts: Host[] = []

  beforeEach(async () => {
    driver = new WatchedMemory()
    sessions = await SessionManager.create({ type: { driver, serialize: 'JSON' } })
    app = express().set('env', 'test')
  })
  afterEach(async () => {
    driver.open()
    for (const host of hosts.splice(0)) await host.close()
    await sessions.close()
  })

  async function begin(): Promise<string> {
    const host = await listen(createServer(app))
    hosts.push(host)
    return host.origin
  }

  /** Stores something. */
  const store = async (request: ExpressRequest) => (await request.session()).param('name', 'Ada')

  it('the answers that Express makes wait: send, json, redirect, sendFile with its callback', async () => {
    const path = join(temporaryFolder(), 'page.html')
    writeFileSync(path, '<p>page')
    const sentFiles: unknown[] = []
    app.use(session(sessions))
    app.use(
      caught(async (request, _response, next) => {
        await store(request)
        next()
      }),
    )
    app.get('/send', (_request, response) => response.type('text').send('text'))
    app.get('/json', (_request, response) => response.cookie('theme', 'dark').json({ a: 1 }))
    app.get('/redirect', (_request, response) => response.redirect(302, '/send'))
    app.get('/file', (_request, response) => response.sendFile(path, (error) => sentFiles.push(error)))
    const origin = await begin()
    const wanted = { send: [200, 'text'], json: [200, '{"a":1}'], redirect: [302], file: [200, '<p>page'] }
    for (const [name, [status, body]] of Object.entries(wanted)) {
      const writing = driver.shut()
      const asked = ask(`${origin}/${name}`)
      await writing
      const before = driver.operations.length
      driver.open()
      const reply = await asked
      expect([name, reply.status, before]).toEqual([name, status, driver.operations.length])
      if (body !== undefined) expect(reply.text).toBe(body)
      expect(sent(reply)).toMatch(/^CGISESSID=[0-9a-f]{32}$/)
      expect(reply.headers['cache-control']).toBe('no-store')
    }
    expect(sent(await ask(`${origin}/json`), 'theme')).toBe('theme=dark')
    expect(sentFiles).toEqual([undefined])
    const conditional = await ask(`${origin}/send`, { method: 'HEAD' })
    expect([conditional.status, conditional.text, conditional.headers['content-length']]).toEqual([200, '', '4'])
  })

  it('the body of a form is there for saveParam, also when it is read after the middleware of the session', async () => {
    app.use(session(sessions))
    app.use(express.json())
    app.use(express.urlencoded({ extended: false }))
    app.post(
      '/form',
      caught(async (request, response) => {
        const mine = await request.session()
        mine.saveParam()
        response.json({ colour: mine.param('colour'), size: mine.param('size'), page: mine.param('page') })
      }),
    )
    const origin = await begin()
    const post = async (type: string, body: string) => {
      const answer = await fetch(`${origin}/form?page=7`, { method: 'POST', headers: { 'Content-Type': type }, body })
      return answer.json()
    }
    const wanted = { colour: 'blue', size: ['S', 'M'], page: '7' }
    expect(await post('application/x-www-form-urlencoded', 'colour=blue&size=S&size=M')).toEqual(wanted)
    expect(await post('application/json', '{"colour":"blue","size":["S","M"]}')).toEqual(wanted)
  })

  it('static files have nothing to do with the session', async () => {
    const folder = mkdtempSync(join(temporaryFolder(), 'static-'))
    writeFileSync(join(folder, 'style.css'), 'p {}')
    app.use(session(sessions))
    app.use(express.static(folder))
    const origin = await begin()
    const reply = await ask(`${origin}/style.css`, { cookie: 'CGISESSID=00000000000000000000000000000000' })
    expect([reply.status, reply.text, reply.setCookie]).toEqual([200, 'p {}', []])
    expect(reply.headers).not.toHaveProperty('vary')
    expect(reply.headers['cache-control']).toBe('public, max-age=0')
    expect(driver.operations).toEqual([])
  })

  it('the session may be asked for in the very call that answers', async () => {
    app.use(session(sessions))
    app.get(
      '/end',
      caught(async (request, response) => response.end(`visit ${(await request.session()).increment('visits')}`)),
    )
    app.get(
      '/write-head',
      caught(async (request, response) => {
        response.writeHead(200, { 'X-Visits': Number((await request.session()).increment('visits')) }).end()
      }),
    )
    app.get('/plain', (_request, response) => response.send('plain'))
    const origin = await begin()
    const first = await askHeld(driver, origin, '/end')
    expect([first.text, first.setCookie.length]).toEqual(['visit 1', 1])
    const second = await askHeld(driver, origin, '/write-head', { cookie: sent(first) })
    expect(second.headers).toMatchObject({ 'x-visits': '2', vary: 'Cookie' })
  })

  it('what is changed behind the end of an answer is written, where the browser has the session', async () => {
    app.use(session(sessions))
    app.get(
      '/',
      caught(async (request, response) => {
        const visitor = await request.session()
        response.json(visitor.param('pages') ?? [])
        visitor.push('pages', 'home')
      }),
    )
    const seed = await sessions.open()
    await seed.param('name', 'Ada').flush()
    expect((await ask(await begin(), { cookie: `CGISESSID=${seed.id()}` })).text).toBe('[]')
    await vi.waitFor(async () => {
      expect((await sessions.open({ clientId: seed.id() })).param('pages')).toEqual(['home'])
    })
  })

  it('requests that share an answer, as those that only borrow the middleware: each has its own session', async () => {
    const middleware = session(sessions)
    const answer = new ServerResponse(new IncomingMessage(new Socket()))
    const visitorOf = (cookie: string) =>
      new Promise<string>((resolve, reject) => {
        const asking = Object.assign(new IncomingMessage(new Socket()), { headers: { cookie } })
        middleware(asking, answer as never, () => {
          ;(asking as ExpressRequest).session().then((own) => resolve(String(own.param('name'))), reject)
        })
      })
    const ids: string[] = []
    for (const name of ['alice', 'bob']) {
      const one = await sessions.open()
      await one.param('name', name).flush()
      ids.push(one.id())
    }
    const seen: string[] = []
    for (const id of [...ids, 'nobody']) seen.push(await visitorOf(`CGISESSID=${id}`))
    expect(seen).toEqual(['alice', 'bob', 'undefined'])
  })

  it('in routers, and mounted more than once: one session a request', async () => {
    const router = express.Router()
    router.use(session(sessions))
    router.get(
      '/page',
      caught(async (request, response) => {
        const first = await (request as unknown as { outer: SessionOpener }).outer()
        first.param('from', 'outer')
        response.send((await request.session()).param('from') ?? 'another object')
      }),
    )
    router.get(
      '/same',
      caught(async (request, response) => {
        await store(request)
        response.send('stored')
      }),
    )
    app.use(session(sessions))
    app.use((request, _response, next) => {
      Reflect.set(request, 'outer', request.session)
      next()
    })
    app.use('/shop', router)
    const origin = await begin()
    expect((await ask(`${origin}/shop/page`)).text).toBe('outer')
    const reply = await ask(`${origin}/shop/same`)
    expect(reply.setCookie).toHaveLength(1)
    expect(await driver.count()).toBe(2)
  })

  it('an application mounted in another one, which gives the answer a prototype of its own: it waits all the same', async () => {
    const shop = express()
    shop.get(
      '/',
      caught((_request, response) => response.send('shop')),
    )
    app.get('/plain', (_request, response) => response.send('plain'))
    app.use(session(sessions))
    app.use(
      caught(async (request, _response, next) => {
        await store(request)
        next()
      }),
    )
    app.use('/shop', shop)
    const reply = await askHeld(driver, await begin(), '/shop')
    expect([reply.text, reply.setCookie.length, await driver.count()]).toEqual(['shop', 1, 1])
  })

  it('what Express and others gave the request and the answer before stays there', async () => {
    let before: unknown[] = []
    const kept = (request: ExpressRequest, response: ExpressResponse): unknown[] => [
      Reflect.get(response, 'locals'),
      Reflect.get(request, 'mark'),
      Object.keys(request).sort(),
      Object.keys(response).sort(),
    ]
    app.use((request, response, next) => {
      Reflect.set(request, 'mark', 'mine')
      Reflect.set(Reflect.get(response, 'locals') as object, 'title', 'Shop')
      before = kept(request, response)
      next()
    })
    app.use(session(sessions, { property: 'mark2' }))
    app.get('/', (request, response) => {
      const [locals, mark, keys, answerKeys] = kept(request, response)
      expect([locals, mark, answerKeys]).toEqual([before[0], before[1], expect.arrayContaining(before[3] as string[])])
      expect(locals).toBe(before[0])
      expect(keys).toEqual(expect.arrayContaining(before[2] as string[]))
      response.send('the same')
    })
    app.use(quietly)
    expect((await ask(await begin())).text).toBe('the same')
  })

  it('`locals` of another making stay as they are', async () => {
    let reads = 0
    app.use((_request, response, next) => {
      const get = () => ({ reads: ++reads })
      Object.defineProperty(response, 'locals', { get, configurable: true, enumerable: true })
      next()
    })
    app.use(session(sessions))
    app.get('/', (_request, response) => {
      const locals = () => (Reflect.get(response, 'locals') as { reads: number }).reads
      const first = locals()
      response.send(String(first < locals()))
    })
    expect((await ask(await begin())).text).toBe('true')
  })

  it('an error-handling middleware sees the session, and what it changes there is written', async () => {
    app.use(session(sessions))
    app.get(
      '/fail',
      caught(async (request) => {
        await store(request)
        throw new Error('after param')
      }),
    )
    app.get(
      '/show',
      caught(async (request, response) => response.json((await request.session()).param().length)),
    )
    app.use(
      (
        error: Error,
        request: ExpressRequest,
        response: { status(code: number): { send(body: string): void } },
        next: (error: unknown) => void,
      ) => {
        request.session().then((mine) => {
          mine.flash('error', error.message)
          response.status(502).send(`sorry: ${mine.param('name')}`)
        }, next)
      },
    )
    const origin = await begin()
    const reply = await ask(`${origin}/fail`)
    expect([reply.status, reply.text]).toEqual([502, 'sorry: Ada'])
    expect((await ask(`${origin}/show`, { cookie: sent(reply) })).text).toBe('2')
  })

  it('a failing write reaches next(error) once, and Express answers by itself where nobody else does', async () => {
    const seen: Error[] = []
    app.use(session(sessions))
    app.get(
      '/store',
      caught(async (request, response) => {
        await store(request)
        response.cookie('theme', 'dark').send('stored')
      }),
    )
    app.use((error: Error, _request: unknown, _response: unknown, next: (error: unknown) => void) => {
      seen.push(error)
      next(error)
    })
    const origin = await begin()
    driver.fail('store')
    const reply = await ask(`${origin}/store`)
    expect([reply.status, reply.setCookie]).toEqual([500, ['theme=dark; Path=/']])
    expect(reply.text).not.toContain('stored')
    expect(seen.map(({ name }) => name)).toEqual(['DriverError'])
  })

  it('who answers twice has the error that Express gives without a session, and the client the first answer or none', async () => {
    const seen: unknown[] = []
    app.use(session(sessions))
    app.get(
      '/twice',
      caught(async (request, response) => {
        await store(request)
        response.send('first')
        try {
          response.send('second')
        } catch (error) {
          seen.push((error as { code: string }).code)
        }
      }),
    )
    const reply = await ask(`${await begin()}/twice`)
    expect([reply.status, reply.text, seen]).toEqual([200, 'first', ['ERR_HTTP_HEADERS_SENT']])
  })

  it('beside a middleware that wraps res.end and one that waits for the header', async () => {
    const onHeaders = require('on-headers') as (response: object, listener: () => void) => void
    const times: string[] = []
    app.use((_request, response, next) => {
      const { end } = response
      response.end = ((...args: unknown[]) => {
        times.push('end')
        return Reflect.apply(end, response, args)
      }) as typeof end
      next()
    })
    app.use(session(sessions))
    app.use((_request, response, next) => {
      onHeaders(response, () => response.setHeader('X-Time', String(times.length)))
      next()
    })
    app.get(
      '/',
      caught(async (request, response) => {
        await store(request)
        response.send('page')
      }),
    )
    const reply = await ask(await begin())
    expect([reply.text, reply.headers['x-time'], times]).toEqual(['page', '1', ['end']])
    expect(sent(reply)).toMatch(/^CGISESSID=/)
  })

  it('beside express-session, under another property', async () => {
    const theirs = require('express-session') as (options: object) => ReturnType<typeof session>
    app.use(theirs({ secret: 'a secret of the test', resave: false, saveUninitialized: false, name: 'theirs' }))
    app.use(session(sessions, { property: 'ours' }))
    app.get(
      '/',
      caught(async (request, response) => {
        const { ours, session } = request as unknown as { ours: SessionOpener; session: { visits?: number } }
        const mine = await ours()
        const visits = Number(mine.param('visits') ?? 0) + 1
        mine.param('visits', visits)
        session.visits = (session.visits ?? 0) + 1
        response.send(`${visits} ${session.visits}`)
      }),
    )
    const origin = await begin()
    const first = await ask(origin)
    expect(first.text).toBe('1 1')
    const cookie = [sent(first), sent(first, 'theirs')].join('; ')
    expect(cookie).toMatch(/^CGISESSID=.+; theirs=.+/)
    expect((await ask(origin, { cookie })).text).toBe('2 2')
  })

  it('what a stream changes on its way is written before its end', async () => {
    app.use(session(sessions))
    app.get(
      '/stream',
      caught(async (request, response) => {
        const mine = await request.session()
        mine.param('step', 1)
        response.write('one')
        mine.param('step', 2)
        response.end('two')
      }),
    )
    app.get(
      '/late',
      caught(async (request, response) => {
        response.write('late: ')
        const mine = await request.session()
        mine.param('step', Number(mine.param('step') ?? 0) + 1)
        response.end(String(mine.param('step')))
      }),
    )
    app.get(
      '/show',
      caught(async (request, response) => response.json((await request.session()).param('step'))),
    )
    const origin = await begin()
    const cookie = sent(await ask(`${origin}/stream`))
    expect((await ask(`${origin}/show`, { cookie })).text).toBe('2')
    expect((await ask(`${origin}/late`, { cookie })).text).toBe('late: 3')
    expect((await ask(`${origin}/show`, { cookie })).text).toBe('3')
    // Nobody could open it: its cookie came too late.
    expect((await ask(`${origin}/late`)).text).toBe('late: 1')
    expect(await driver.count()).toBe(1)
  })

  it('a client that goes away while its file is sent', async () => {
    const path = join(temporaryFolder(), 'big')
    writeFileSync(path, Buffer.alloc(16 * 1024 * 1024))
    const ended = new Promise<unknown>((resolve) => {
      app.use(session(sessions))
      app.get(
        '/file',
        caught(async (request, response) => {
          await store(request)
          response.sendFile(path, resolve)
        }),
      )
    })
    app.get('/plain', (_request, response) => response.send('plain'))
    app.use(quietly)
    const origin = await begin()
    const asking = request(`${origin}/file`, { agent: false })
    asking.on('error', () => undefined).on('response', (answer) => answer.once('data', () => asking.destroy()))
    asking.end()
    expect(await ended).toMatchObject({ code: 'ECONNABORTED' })
    expect((await ask(`${origin}/plain`)).text).toBe('plain')
    expect(await driver.count()).toBe(1)
  })
})
