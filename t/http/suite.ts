/**
 * What every adapter must do, whatever its host is: `adapterSuite(name, start)`, where `start` begins a real server of the host on a
 * free port of the loopback. The routes know nothing of the host.
 */

import { createHash } from 'node:crypto'
import { type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { SessionOpener } from '../../lib/adapters/shared/visit.js'
import { type ManagerOptions, SessionManager } from '../../lib/index.js'
import { WatchedMemory } from './watched-memory.js'

/** What a route answers. `stream` is sent piece by piece, in place of a body. */
export interface Answer {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string | string[]>>
  readonly body?: string
  readonly stream?: AsyncIterable<string | Uint8Array>
}

/** What a route is given. */
export interface RouteContext {
  readonly session: SessionOpener
}

/** Answers a request of any method. What it throws is for the host: it answers 500, by the host's own way. */
export type Route = (context: RouteContext) => Answer | Promise<Answer>

/** By path, such as `/login`. Paths that are not there are asked for by no case. */
export type Routes = Readonly<Record<string, Route>>

export interface Host {
  /** Such as `http://127.0.0.1:40123`. */
  readonly origin: string
  close(): Promise<unknown> | unknown
}

export type Start = (sessions: SessionManager, routes: Routes) => Promise<Host>

/** An answer, as it came over the wire. */
export interface Reply {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly setCookie: readonly string[]
  readonly body: Buffer
  readonly text: string
}

/** Ask a server; each time over a connection of its own. */
export function ask(url: string, { method = 'GET', cookie = '' } = {}): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const asking = request(url, { method, agent: false, headers: cookie === '' ? {} : { cookie } }, (answer) =>
      read(answer).then(resolve, reject),
    )
    asking.on('error', reject).end()
  })
}

async function read(answer: IncomingMessage): Promise<Reply> {
  const pieces: Buffer[] = []
  for await (const piece of answer) pieces.push(piece as Buffer)
  const body = Buffer.concat(pieces)
  const { statusCode: status = 0, headers } = answer
  return { status, headers, setCookie: headers['set-cookie'] ?? [], body, text: body.toString() }
}

/** The cookie to be sent back. */
export const sent = ({ setCookie }: Reply, name = 'CGISESSID'): string =>
  setCookie.find((one) => one.startsWith(`${name}=`))?.split(';')[0] ?? ''

/** The session's `Set-Cookie`. */
const sessionCookies = ({ setCookie }: Reply): readonly string[] =>
  setCookie.filter((one) => one.startsWith('CGISESSID='))

const idIn = (cookie: string): string => cookie.slice('CGISESSID='.length)

/** What a server answers whose store is slow: nothing, until the session is written. */
export async function askHeld(
  driver: WatchedMemory,
  origin: string,
  path: string,
  options: Parameters<typeof ask>[1] = {},
): Promise<Reply> {
  const writing = driver.shut()
  const asked = ask(`${origin}${path}`, options)
  await writing
  expect(await isWaiting(asked, origin)).toBe(true)
  driver.open()
  return asked
}

/** Is it still unanswered, after a server has answered others that came later? */
export async function isWaiting(asked: Promise<unknown>, origin: string): Promise<boolean> {
  let isAnswered = false
  const note = () => {
    isAnswered = true
  }
  asked.then(note, note)
  for (let round = 0; round < 5; round++) await ask(`${origin}/plain`)
  return !isAnswered
}

const plain: Route = () => ({ body: 'plain' })

const store: Route = async ({ session }) => {
  ;(await session()).param('name', 'Ada')
  return { body: 'stored' }
}

const show: Route = async ({ session }) => ({ body: String((await session()).param('name')) })

async function* pieces(...texts: string[]): AsyncIterable<string> {
  yield* texts
}

/** Routes that store something and then answer in their several ways. */
const answers: Readonly<Record<string, Answer & { method?: string }>> = {
  'a page': { body: 'page' },
  'a page without a body': {},
  'a redirect': { status: 303, headers: { Location: '/plain' } },
  'a status of its own': { status: 418, body: 'teapot' },
  '204': { status: 204 },
  '304': { status: 304, headers: { ETag: '"one"' } },
  'the answer to HEAD': { method: 'HEAD', body: 'page' },
}

export function adapterSuite(name: string, start: Start): void {
  describe(`${name}, as every adapter`, () => {
    let driver: WatchedMemory
    const closers: (() => unknown)[] = []

    beforeEach(() => {
      driver = new WatchedMemory()
    })
    afterEach(async () => {
      driver.open()
      vi.restoreAllMocks()
      for (const close of closers.splice(0).reverse()) await close()
    })

    async function begin(routes: Routes, options: ManagerOptions = {}): Promise<string> {
      const sessions = await SessionManager.create({ type: { driver, serialize: 'JSON' }, ...options })
      const host = await start(sessions, { '/plain': plain, ...routes })
      closers.push(
        () => sessions.close(),
        () => host.close(),
      )
      return host.origin
    }

    describe('the session is opened lazily', () => {
      it('a route that does not ask for it touches neither the store nor the header', async () => {
        const origin = await begin({ '/store': store })
        const cookie = sent(await ask(`${origin}/store`))
        const before = driver.operations.length
        const reply = await ask(`${origin}/plain`, { cookie })
        expect([reply.status, reply.text]).toEqual([200, 'plain'])
        expect(driver.operations.slice(before)).toEqual([])
        expect([reply.headers.vary ?? '', reply.setCookie]).toEqual([expect.not.stringMatching(/cookie/i), []])
      })

      it('a request has one, however often it asks', async () => {
        const origin = await begin({
          '/store': store,
          '/twice': async ({ session }) => {
            const [first, second] = await Promise.all([session(), session()])
            return { body: String(first === second && first === (await session())) }
          },
        })
        const cookie = sent(await ask(`${origin}/store`))
        const before = driver.operations.length
        expect((await ask(`${origin}/twice`, { cookie })).text).toBe('true')
        expect(driver.operations.slice(before).filter((operation) => operation === 'retrieve')).toHaveLength(1)
      })
    })

    describe('nothing leaves before the write is finished', () => {
      it.each(Object.entries(answers))('%s', async (_title, { method = 'GET', ...answer }) => {
        const origin = await begin({
          '/answer': async (context) => {
            await store(context)
            return answer
          },
          '/show': show,
        })
        const reply = await askHeld(driver, origin, '/answer', { method })
        expect(reply.status).toBe(answer.status ?? 200)
        expect(reply.text).toBe(method === 'HEAD' ? '' : (answer.body ?? ''))
        for (const [header, value] of Object.entries(answer.headers ?? {}))
          expect(reply.headers[header.toLowerCase()]).toBe(value)
        expect(sessionCookies(reply)).toHaveLength(1)
        expect((await ask(`${origin}/show`, { cookie: sent(reply) })).text).toBe('Ada')
      })

      it('also one that the route began and did not wait for, and a change in place', async () => {
        const origin = await begin({
          '/begun': async ({ session }) => {
            const visitor = await session()
            visitor.param('list', ['one'])
            void visitor.flush()
            return { body: 'begun' }
          },
          '/in-place': async ({ session }) => {
            ;((await session()).param('list') as string[]).push('two')
            return { body: 'in place' }
          },
          '/list': async ({ session }) => ({ body: String((await session()).param('list')) }),
        })
        const begun = await askHeld(driver, origin, '/begun')
        const cookie = sent(begun)
        expect(begun.text).toBe('begun')
        expect((await askHeld(driver, origin, '/in-place', { cookie })).text).toBe('in place')
        expect((await ask(`${origin}/list`, { cookie })).text).toBe('one,two')
      })

      it('a route that only reads waits for nobody', async () => {
        const origin = await begin({ '/store': store, '/show': show }, { touchAfter: 60 })
        const cookie = sent(await ask(`${origin}/store`))
        driver.shut()
        const reply = await ask(`${origin}/show`, { cookie })
        expect([reply.status, reply.text, reply.headers.vary, reply.setCookie]).toEqual([200, 'Ada', 'Cookie', []])
      })

      it('a stream: not before the first byte, and then all of it', async () => {
        const origin = await begin({
          '/stream': async (context) => {
            await store(context)
            return { stream: pieces('one, ', 'two, ', 'three') }
          },
        })
        const reply = await askHeld(driver, origin, '/stream')
        expect([reply.status, reply.text]).toEqual([200, 'one, two, three'])
        expect(sessionCookies(reply)).toHaveLength(1)
      })

      it('a stream of 8 MB comes whole', async () => {
        const piece = Buffer.alloc(64 * 1024, 'data-session ')
        const origin = await begin({
          '/big': async (context) => {
            await store(context)
            return {
              stream: (async function* () {
                for (let i = 0; i < 128; i++) yield piece
              })(),
            }
          },
        })
        const reply = await ask(`${origin}/big`)
        const wanted = createHash('sha256')
        for (let i = 0; i < 128; i++) wanted.update(piece)
        expect(reply.body.length).toBe(128 * piece.length)
        expect(createHash('sha256').update(reply.body).digest('hex')).toBe(wanted.digest('hex'))
      })
    })

    describe('a visitor who stores nothing', () => {
      it('leaves no record and gets no cookie: 1,000 of them, a third with forged cookies, a third with garbage', async () => {
        const origin = await begin({ '/show': show })
        const cookies = [
          () => '',
          (i: number) => `CGISESSID=${i.toString(16).padStart(32, '0')}`,
          (i: number) => `CGISESSID=${'../'.repeat(i % 9)}etc%00%ff${i}; =; ;a; CGISESSID; CGISESSID="\u00e4`,
        ]
        let cookiesSet = 0
        for (let i = 0; i < 1000; i += 20) {
          const replies = await Promise.all(
            Array.from({ length: 20 }, (_, j) => ask(`${origin}/show`, { cookie: cookies[(i + j) % 3]!(i + j) })),
          )
          for (const reply of replies) {
            expect([reply.status, reply.text]).toEqual([200, 'undefined'])
            cookiesSet += reply.setCookie.length
          }
        }
        expect(cookiesSet).toBe(0)
        expect(await driver.count()).toBe(0)
        expect(driver.operations).not.toContain('store')
      })
    })

    describe('the cookie', () => {
      it('goes to who stores something, and is not repeated', async () => {
        const origin = await begin({ '/store': store, '/show': show })
        const first = await ask(`${origin}/store`)
        expect(first.setCookie).toEqual([
          expect.stringMatching(/^CGISESSID=[0-9a-f]{32}; Path=\/; HttpOnly; SameSite=Lax$/),
        ])
        const second = await ask(`${origin}/show`, { cookie: sent(first) })
        expect([second.text, second.setCookie]).toEqual(['Ada', []])
      })

      it('of a session that expires is renewed with each answer', async () => {
        let now = 1_600_000_000
        const origin = await begin(
          {
            '/expire': async (context) => {
              await store(context)
              ;(await context.session()).expire('1h')
              return {}
            },
            '/show': show,
          },
          { clock: () => now * 1000 },
        )
        const first = await ask(`${origin}/expire`)
        expect(first.setCookie).toEqual([expect.stringContaining('Max-Age=3600;')])
        now += 60
        const second = await ask(`${origin}/show`, { cookie: sent(first) })
        expect(second.setCookie).toEqual([
          expect.stringContaining(`Expires=${new Date((now + 3600) * 1000).toUTCString()}`),
        ])
        expect(sent(second)).toBe(sent(first))
      })

      it('is renewed also where the route has flushed the session itself', async () => {
        let now = 1_600_000_000
        const visit: Route = async ({ session }) => {
          const mine = await session()
          mine.param('name', 'Ada').expire('1h')
          await mine.flush()
          return {}
        }
        const origin = await begin({ '/visit': visit }, { clock: () => now * 1000 })
        const first = await ask(`${origin}/visit`)
        now += 60
        const second = await ask(`${origin}/visit`, { cookie: sent(first) })
        expect(second.setCookie).toEqual([expect.stringContaining('Max-Age=3600;')])
      })

      it('tells the browser when a session that it has gets a lifetime, or loses it', async () => {
        const expire =
          (lifetime: number): Route =>
          async ({ session }) => {
            ;(await session()).expire(lifetime)
            return {}
          }
        const origin = await begin({ '/store': store, '/hour': expire(3600), '/ever': expire(0) })
        const cookie = sent(await ask(`${origin}/store`))
        const hour = await ask(`${origin}/hour`, { cookie })
        expect([sent(hour), hour.setCookie]).toEqual([cookie, [expect.stringContaining('Max-Age=3600;')]])
        const ever = await ask(`${origin}/ever`, { cookie })
        expect([sent(ever), ever.setCookie]).toEqual([cookie, [expect.not.stringContaining('Max-Age')]])
      })

      it('comes beside those of the route', async () => {
        const headers = { 'Set-Cookie': ['theme=dark', 'lang=en'] }
        const origin = await begin({ '/store': async (context) => ({ ...(await store(context)), headers }) })
        const { setCookie } = await ask(`${origin}/store`)
        expect(setCookie).toEqual(['theme=dark', 'lang=en', expect.stringMatching(/^CGISESSID=/)])
      })

      it('keeps the answer out of caches, also where the route said `public`', async () => {
        const headers = { 'Cache-Control': 'public, max-age=60' }
        const origin = await begin({
          '/store': async (context) => ({ ...(await store(context)), headers }),
          '/quiet': store,
          '/show': async (context) => ({ ...(await show(context)), headers }),
        })
        const first = await ask(`${origin}/store`)
        expect(first.headers['cache-control']).toBe('no-store')
        expect((await ask(`${origin}/quiet`)).headers['cache-control']).toBe('no-store')
        const later = await ask(`${origin}/show`, { cookie: sent(first) })
        expect(later.headers['cache-control']).toBe('public, max-age=60')
      })

      it.each([
        [undefined, 'Cookie'],
        ['Accept', 'Accept, Cookie'],
        ['accept, cookie', 'accept, cookie'],
        ['*', '*'],
      ])('is told to caches, whose `Vary: %s` becomes `%s`', async (given, wanted) => {
        const headers: Record<string, string> = given === undefined ? {} : { Vary: given }
        const origin = await begin({ '/show': async (context) => ({ ...(await show(context)), headers }) })
        expect((await ask(`${origin}/show`)).headers.vary).toBe(wanted)
      })
    })

    describe('a change of the session', () => {
      it('is written, and its cookie sent, when the route fails after it', async () => {
        const origin = await begin({
          '/fail': async ({ session }) => {
            ;(await session()).param('attempts', 1)
            throw new Error('after param')
          },
          '/show': async ({ session }) => ({ body: String((await session()).param('attempts')) }),
        })
        const reply = await ask(`${origin}/fail`)
        expect(reply.status).toBe(500)
        expect(sessionCookies(reply)).toHaveLength(1)
        expect((await ask(`${origin}/show`, { cookie: sent(reply) })).text).toBe('1')
      })

      it('regenerate: a new id with the same data, and nothing under the old one', async () => {
        const origin = await begin({
          '/store': store,
          '/login': async ({ session }) => {
            await (await session()).regenerate()
            return { status: 303, headers: { Location: '/show' } }
          },
          '/show': show,
        })
        const before = sent(await ask(`${origin}/store`))
        const login = await ask(`${origin}/login`, { cookie: before })
        const after = sent(login)
        expect([login.status, sessionCookies(login).length]).toEqual([303, 1])
        expect(after).not.toBe(before)
        expect((await ask(`${origin}/show`, { cookie: after })).text).toBe('Ada')
        expect((await ask(`${origin}/show`, { cookie: before })).text).toBe('undefined')
        expect(await driver.count()).toBe(1)
      })

      it('delete: the browser forgets the cookie, other tabs are logged out, no record stays', async () => {
        const origin = await begin({
          '/store': store,
          '/logout': async ({ session }) => {
            await (await session()).delete()
            return { body: 'bye' }
          },
          '/show': show,
        })
        const cookie = sent(await ask(`${origin}/store`))
        const logout = await ask(`${origin}/logout`, { cookie })
        expect(logout.setCookie).toEqual([
          expect.stringMatching(/^CGISESSID=.*Max-Age=0; Path=\/; Expires=Thu, 01 Jan 1970/),
        ])
        expect(logout.headers['cache-control']).toBe('no-store')
        expect(await driver.count()).toBe(0)
        const otherTab = await ask(`${origin}/show`, { cookie })
        expect([otherTab.text, otherTab.setCookie]).toEqual(['undefined', []])
        expect(await driver.count()).toBe(0)
        const stranger = await ask(`${origin}/logout`)
        expect([stranger.text, stranger.setCookie]).toEqual(['bye', []])
      })

      it('in two requests at once: both survive', async () => {
        const barrier = meeting(2)
        const set =
          (key: string): Route =>
          async ({ session }) => {
            const mine = await session()
            await barrier()
            mine.param(key, 'set')
            return { body: mine.id() }
          }
        const origin = await begin({
          '/store': store,
          '/a': set('a'),
          '/b': set('b'),
          '/both': async ({ session }) => ({ body: (await session()).param().join(' ') }),
        })
        const cookie = sent(await ask(`${origin}/store`))
        const replies = await Promise.all([ask(`${origin}/a`, { cookie }), ask(`${origin}/b`, { cookie })])
        expect(replies.map(({ status, text }) => [status, text])).toEqual([
          [200, idIn(cookie)],
          [200, idIn(cookie)],
        ])
        expect((await ask(`${origin}/both`, { cookie })).text).toBe('a b name')
      })

      it.each([
        ['a request that began before a login does not take the new cookie from the browser', false],
        ['nor does one that finds out by a flush of its own', true],
      ])('%s', async (_title, flushes) => {
        const [hasOpened, hasLoggedIn] = [meeting(2), meeting(2)]
        const origin = await begin({
          '/store': store,
          '/slow': async ({ session }) => {
            const mine = await session()
            await hasOpened()
            await hasLoggedIn()
            mine.param('seen', 'page')
            if (flushes) await mine.flush()
            return { body: `lost: ${mine.deleted()}` }
          },
          '/login': async ({ session }) => {
            await hasOpened()
            await (await session()).regenerate()
            return {}
          },
          '/show': show,
        })
        const cookie = sent(await ask(`${origin}/store`))
        const slow = ask(`${origin}/slow`, { cookie })
        const login = await ask(`${origin}/login`, { cookie })
        await hasLoggedIn()
        const { status, text, setCookie } = await slow
        expect([status, text, setCookie]).toEqual([200, `lost: ${flushes}`, []])
        expect((await ask(`${origin}/show`, { cookie: sent(login) })).text).toBe('Ada')
      })

      it('a logout deletes the cookie also when the session was lost before', async () => {
        const origin = await begin({
          '/store': store,
          '/logout': async ({ session }) => {
            const mine = await session()
            await driver.remove(mine.id())
            await mine.param('seen', 'page').flush()
            await mine.delete()
            return {}
          },
        })
        const cookie = sent(await ask(`${origin}/store`))
        expect((await ask(`${origin}/logout`, { cookie })).setCookie).toEqual([expect.stringContaining('Max-Age=0')])
      })

      it('a message left for the next page survives a redirect, and is shown once', async () => {
        const origin = await begin({
          '/save': async ({ session }) => {
            ;(await session()).flash('notice', 'saved').flash('notice', 'twice')
            return { status: 303, headers: { Location: '/next' } }
          },
          '/next': async ({ session }) => ({ body: (await session()).flash('notice').join(', ') }),
        })
        const save = await ask(`${origin}/save`)
        const next = (cookie: string) => ask(`${origin}${save.headers.location}`, { cookie })
        expect((await next(sent(save))).text).toBe('saved, twice')
        expect((await next(sent(save))).text).toBe('')
      })
    })

    it('a value that cannot even be compared is an error like others', async () => {
      const origin = await begin({
        '/store': async ({ session }) => {
          ;(await session()).param('list', [{}])
          return {}
        },
        '/revoked': async ({ session }) => {
          const { proxy, revoke } = Proxy.revocable({}, {})
          ;((await session()).param('list') as object[])[0] = proxy
          revoke()
          return { body: 'a success that is none' }
        },
      })
      const cookie = sent(await ask(`${origin}/store`))
      vi.spyOn(console, 'error').mockReturnValue()
      expect((await ask(`${origin}/revoked`, { cookie })).status).toBe(500)
      expect((await ask(`${origin}/plain`)).text).toBe('plain')
    })

    describe('when the store fails', () => {
      const failing: [string, () => Answer][] = [
        ['a page', () => ({ body: 'stored' })],
        ['a redirect', () => ({ status: 303, headers: { Location: '/show' } })],
        ['a stream', () => ({ stream: pieces('one', 'two') })],
      ]
      it.each(failing)(
        'in writing, %s becomes an error without a cookie, and the next request is served',
        async (_, answer) => {
          const origin = await begin({
            '/store': async (context) => {
              await store(context)
              return answer()
            },
            '/show': show,
          })
          driver.fail('store')
          const failed = await ask(`${origin}/store`)
          expect([failed.status, failed.setCookie, failed.headers.location]).toEqual([500, [], undefined])
          expect(failed.text).not.toMatch(/stored|one|two/)
          driver.fail()
          const reply = await ask(`${origin}/store`)
          expect(reply.status).toBe(answer().status ?? 200)
          expect((await ask(`${origin}/show`, { cookie: sent(reply) })).text).toBe('Ada')
        },
      )

      it('in reading, the route has the error, and keeps the cookie that the browser has', async () => {
        const origin = await begin({
          '/store': store,
          '/show': show,
          '/rescue': async ({ session }) => ({ body: await session().then(String, ({ name }) => name) }),
        })
        const cookie = sent(await ask(`${origin}/store`))
        driver.fail('retrieve')
        const failed = await ask(`${origin}/show`, { cookie })
        expect([failed.status, failed.setCookie]).toEqual([500, []])
        const rescued = await ask(`${origin}/rescue`, { cookie })
        expect([rescued.status, rescued.text, rescued.setCookie]).toEqual([200, 'DriverError', []])
        driver.fail()
        expect((await ask(`${origin}/show`, { cookie })).text).toBe('Ada')
      })
    })

    describe('a client that goes away', () => {
      it('while its session is written: the record is there, and the server goes on', async () => {
        const origin = await begin({ '/store': store })
        const writing = driver.shut()
        const asking = request(`${origin}/store`, { agent: false })
        asking.on('error', () => undefined).end()
        await writing
        asking.destroy()
        await ask(`${origin}/plain`)
        driver.open()
        expect((await ask(`${origin}/plain`)).status).toBe(200)
        expect(await driver.count()).toBe(1)
      })

      it('in the middle of a stream', async () => {
        const gone = meeting(2)
        const origin = await begin({
          '/stream': async (context) => {
            await store(context)
            return {
              stream: (async function* () {
                yield 'begin'
                await gone()
                for (let i = 0; i < 64; i++) yield 'x'.repeat(64 * 1024)
              })(),
            }
          },
        })
        const asking = request(`${origin}/stream`, { agent: false })
        const answered = new Promise<IncomingMessage>((resolve) => asking.on('response', resolve))
        asking.on('error', () => undefined).end()
        ;(await answered).on('error', () => undefined).destroy()
        await gone()
        expect((await ask(`${origin}/plain`)).status).toBe(200)
        expect(await driver.count()).toBe(1)
      })
    })
  })
}

/** A point that so many must reach before any goes on. */
export function meeting(size: number): () => Promise<void> {
  let missing = size
  let open: () => void
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return () => {
    if (--missing <= 0) open()
    return opened
  }
}
