/** Drivers as a store of express-session: what its README asks of a store, its middleware on a real server, and others on the same records. */

import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { session as dataSession, type SessionOpener } from '../../lib/adapters/express.js'
import { type ExpressSession, ExpressStore } from '../../lib/compat/express-store.js'
import {
  DriverError,
  type ManagerOptions,
  OptionError,
  PerlObject,
  pluginNames,
  SessionManager,
  UnsupportedError,
} from '../../lib/index.js'
import { listen } from '../http/node-server.js'
import { ask, type Host, meeting, type Reply, sent } from '../http/suite.js'
import { WatchedMemory } from '../http/watched-memory.js'
import type { SessionStore } from '../suite/session.js'
import { temporaryFolder } from '../support/folders.js'
import { describeWith } from '../support/requirements.js'
import { storeParts, stores } from '../support/stores.js'

const load = createRequire(import.meta.url)
const [express, expressSession] = [load('express'), load('express-session')]

/** An id as express-session makes them. */
const anId = (letter = 'A') => `-_${letter.repeat(30)}`

const plainCookie = { originalMaxAge: null, expires: null, httpOnly: true, path: '/' }
const hour = { ...plainCookie, originalMaxAge: 3_600_000, expires: new Date(Date.now() + 3_600_000).toISOString() }

/** A store whose methods give promises. */
function promised(store: ExpressStore) {
  return {
    get: promisify((id: string, end: (error: unknown, data?: ExpressSession | null) => void) => store.get(id, end)),
    set: promisify((id: string, data: object, end: (error: unknown) => void) =>
      store.set(id, data as ExpressSession, end),
    ),
    touch: promisify((id: string, data: object, end: (error: unknown) => void) =>
      store.touch(id, data as ExpressSession, end),
    ),
    destroy: promisify((id: string, end: (error: unknown) => void) => store.destroy(id, end)),
    all: promisify((end: (error: unknown, all?: ExpressSession[]) => void) => store.all(end)),
    length: promisify((end: (error: unknown, length?: number) => void) => store.length(end)),
    clear: promisify((end: (error: unknown) => void) => store.clear(end)),
  }
}

const closers: (() => unknown)[] = []
let now = 0

beforeEach(() => {
  now = 1_600_000_000
})
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

async function managerOn(store: SessionStore, options: ManagerOptions = {}): Promise<SessionManager> {
  const sessions = await SessionManager.create({ ...store.options, clock: () => now * 1000, ...options })
  closers.push(() => sessions.close())
  return sessions
}

const drivers = ['Memory', 'File', 'SQLite', 'BerkeleyDB', 'Pg', 'mysql', 'ODBC', 'Redis', 'Memcached', 'Oracle']

for (const driver of drivers) {
  const part = storeParts[driver]
  const body = () => cases(driver)
  if (part === undefined) describe(`on ${driver}`, body)
  else describeWith(part, `on ${driver}`, body)
}

function cases(driver: string): void {
  async function newStore(options: ManagerOptions = {}) {
    const store = await stores[driver]!()
    if (store.remove !== undefined) closers.push(() => store.remove?.())
    const sessions = await managerOn(store, { type: `driver:${driver}`, ...options })
    return { sessions, store, ...promised(new ExpressStore(sessions)) }
  }

  it('gives what was set, as JSON has it, with the cookie', async () => {
    const { set, get } = await newStore({ type: `driver:${driver};serialize:JSON` })
    const data = {
      cookie: { ...hour, secure: false, sameSite: 'lax' },
      name: 'Zoë',
      cart: [{ sku: 'x', count: 2, when: new Date(0) }],
      nothing: null,
      yes: true,
      left: undefined,
      constructor: 'one',
    }
    await set(anId(), data)
    expect(await get(anId())).toEqual(JSON.parse(JSON.stringify(data)))
  })

  it('an unknown id is null, and no record comes of asking', async () => {
    const { get, sessions } = await newStore()
    expect(await get(anId())).toBeNull()
    expect((await sessions.open({ id: anId() })).isNew()).toBe(true)
  })

  it('expires after maxAge, counted from the last set or touch', async () => {
    const { set, get, touch } = await newStore()
    await set(anId(), { cookie: { ...plainCookie, originalMaxAge: 59_001 }, a: 1 })
    now += 50
    const data = await get(anId())
    await touch(anId(), data!)
    now += 50
    expect(await get(anId())).toMatchObject({ a: expect.anything() })
    now += 11
    expect(await get(anId())).toBeNull()
  })

  it('a touch writes nothing but the time, and makes no record', async () => {
    const { set, get, touch } = await newStore()
    await set(anId(), { cookie: hour, a: 'one' })
    await touch(anId(), { cookie: hour, a: 'two', b: 'three' })
    expect(await get(anId())).toMatchObject({ a: 'one' })
    expect(await get(anId())).not.toHaveProperty('b')
    await touch(anId('B'), { cookie: hour })
    expect(await get(anId('B'))).toBeNull()
  })

  it('set without a load before it replaces the whole', async () => {
    const { set, get } = await newStore()
    await set(anId(), { cookie: hour, a: 'one', b: 'two' })
    await set(anId(), { cookie: hour, b: 'three' })
    expect(Object.keys((await get(anId()))!).sort()).toEqual(['b', 'cookie'])
  })

  it('a destroyed session is gone, and stays so when a slower request sets or touches what it had loaded', async () => {
    const { set, get, touch, destroy } = await newStore()
    await set(anId(), { cookie: hour, user: 'ada' })
    const [slow, slower] = [await get(anId()), await get(anId())]
    await destroy(anId())
    slow!.seen = 'page'
    await set(anId(), slow!)
    await touch(anId(), slower!)
    expect(await get(anId())).toBeNull()
    await destroy(anId())
  })

  it('two requests that change different properties both survive, and a deletion beside them', async () => {
    const { set, get } = await newStore()
    await set(anId(), { cookie: hour, a: 'one', b: 'two', c: 'three' })
    const [first, second] = [(await get(anId()))!, (await get(anId()))!]
    first.a = 'changed'
    delete second.b
    second.d = 'new'
    await set(anId(), first)
    await set(anId(), second)
    const { cookie: _, ...rest } = (await get(anId()))!
    expect(rest).toEqual({ a: 'changed', c: 'three', d: 'new' })
  })

  // Memcached has a test of its own below.
  if (driver !== 'Memcached')
    it('all, length and clear see the live sessions', async () => {
      const { set, all, length, clear } = await newStore()
      expect(await length()).toBe(0)
      await set(anId('A'), { cookie: hour, a: 'one' })
      await set(anId('B'), { cookie: plainCookie, b: 'two' })
      await set(anId('C'), { cookie: { ...hour, originalMaxAge: 1000 } })
      now += 10
      expect(await length()).toBe(2)
      const found = (await all())!.sort((one, other) => (one.id < other.id ? -1 : 1))
      expect(found.map(({ id }) => id)).toEqual([anId('A'), anId('B')])
      expect(found.map((one) => Object.keys(one).sort())).toEqual([
        ['a', 'cookie'],
        ['b', 'cookie'],
      ])
      await clear()
      expect(await length()).toBe(0)
    })
}

describeWith('memcached', 'where the store cannot list its sessions', () => {
  it('all, length and clear give the error', async () => {
    const sessions = await managerOn(await stores.Memcached!(), { type: 'driver:Memcached' })
    const { all, length, clear } = promised(new ExpressStore(sessions))
    for (const method of [all, length, clear]) await expect(method()).rejects.toBeInstanceOf(UnsupportedError)
  })
})

/** A store that is watched, with a manager and express-session's store on it. */
async function watched(options: ManagerOptions = {}) {
  const driver = new WatchedMemory()
  const sessions = await managerOn({ options: {} }, { type: { driver, serialize: 'JSON' }, ...options })
  const store = new ExpressStore(sessions)
  return { driver, sessions, store, ...promised(store) }
}

describe('serializers', () => {
  it.each(pluginNames('serialize'))(
    '%s gives the cookie back as it was, also where it has no numbers and no booleans',
    async (name) => {
      const { set, get } = await watched({ type: { driver: new WatchedMemory(), serialize: name } })
      for (const sameSite of ['strict', true, false]) {
        const cookie = { ...hour, secure: false, partitioned: true, sameSite }
        await set(anId(), { cookie })
        expect((await get(anId()))?.cookie).toEqual(cookie)
      }
    },
  )
})

describe('round trips', () => {
  it('a request that changes nothing: one to get, one to touch', async () => {
    const { driver, set, get, touch } = await watched()
    await set(anId(), { cookie: hour, a: 1 })
    now += 1
    const before = driver.operations.length
    const data = await get(anId())
    await touch(anId(), data!)
    expect(driver.operations.slice(before)).toEqual(['retrieve', 'store'])
  })

  it('with `touchAfter` a touch is none, until the time has come, or the cookie has changed', async () => {
    const { driver, set, get, touch } = await watched({ touchAfter: 60 })
    await set(anId(), { cookie: { ...hour, secure: false } })
    const before = driver.operations.length
    const touchIt = async (change: object) => {
      const data = (await get(anId()))!
      Object.assign(data.cookie, { expires: new Date(Date.now() + 3_600_001) }, change)
      await touch(anId(), data)
    }
    now += 30
    await touchIt({})
    expect(driver.operations.slice(before)).toEqual(['retrieve'])
    await touchIt({ secure: true })
    expect(driver.operations.slice(before)).toEqual(['retrieve', 'retrieve', 'store'])
    now += 61
    await touchIt({})
    expect(driver.operations.slice(before)).toEqual(['retrieve', 'retrieve', 'store', 'retrieve', 'store'])
  })
})

describe('callbacks', () => {
  it('are called once, and not before the method has returned, with the error of the store', async () => {
    const { driver, store } = await watched()
    const data = { cookie: hour }
    const calls: Record<string, (end: (...args: unknown[]) => void) => void> = {
      get: (end) => store.get(anId(), end),
      set: (end) => store.set(anId(), data, end),
      touch: (end) => store.touch(anId(), data, end),
      destroy: (end) => store.destroy(anId(), end),
    }
    for (const failing of [false, true]) {
      if (failing) driver.fail('retrieve')
      for (const [name, call] of Object.entries(calls)) {
        const end = vi.fn()
        call(end)
        expect([name, end.mock.calls.length]).toEqual([name, 0])
        await vi.waitFor(() => expect(end).toHaveBeenCalled())
        await new Promise((resolve) => setImmediate(resolve))
        expect(end).toHaveBeenCalledTimes(1)
        if (failing) expect(end.mock.calls[0]![0]).toBeInstanceOf(DriverError)
        else expect(end.mock.calls[0]![0]).toBeNull()
      }
    }
  })

  it('have the errors of a wrong call as well', async () => {
    const { get, set } = await watched()
    await expect(get(7 as unknown as string)).rejects.toBeInstanceOf(TypeError)
    await expect(set(anId(), undefined as unknown as object)).rejects.toBeInstanceOf(TypeError)
    const circular: Record<string, unknown> = { cookie: hour }
    circular.self = circular
    await expect(set(anId(), circular)).rejects.toBeInstanceOf(TypeError)
  })

  it('are optional: an error is emitted where somebody listens, and is a warning elsewhere', async () => {
    const { driver, store, get } = await watched()
    store.set(anId(), { cookie: hour, a: 1 })
    expect(await get(anId())).toMatchObject({ a: 1 })
    driver.fail('retrieve')
    const warned = once(process, 'warning')
    store.destroy(anId())
    expect((await warned)[0]).toBeInstanceOf(DriverError)
    const emitted = once(store, 'error').catch((error) => [error])
    store.touch(anId(), { cookie: hour })
    expect((await emitted)[0]).toBeInstanceOf(DriverError)
  })

  it('a callback that throws is not called again, and its error is its own', async () => {
    const { store } = await watched()
    const others = process.listeners('uncaughtException')
    process.removeAllListeners('uncaughtException')
    const end = vi.fn(() => {
      throw new Error('of the callback')
    })
    try {
      const uncaught = once(process, 'uncaughtException')
      store.set(anId(), { cookie: hour }, end)
      expect((await uncaught)[0]).toMatchObject({ message: 'of the callback' })
      expect(end).toHaveBeenCalledTimes(1)
    } finally {
      for (const one of others) process.on('uncaughtException', one)
    }
  })

  it('what is asked without waiting is done in order: a logout does not overtake the write before it', async () => {
    const { driver, store, get, destroy } = await watched()
    const writing = driver.shut()
    store.set(anId(), { cookie: hour, a: 1 })
    const destroyed = destroy(anId())
    await writing
    driver.open()
    await destroyed
    expect(await get(anId())).toBeNull()
  })
})

describe('options', () => {
  it('a session whose cookie ends with the browser lasts a day, or `lifetime`', async () => {
    const { sessions, set } = await watched()
    await set(anId('A'), { cookie: plainCookie })
    await promised(new ExpressStore(sessions, { lifetime: '2h' })).set(anId('B'), { cookie: plainCookie })
    await promised(new ExpressStore(sessions, { lifetime: 0 })).set(anId('C'), { cookie: plainCookie })
    const lifetimes = await Promise.all(
      ['A', 'B', 'C'].map(async (one) => (await sessions.open({ id: anId(one) })).etime()),
    )
    expect(lifetimes).toEqual([86_400, 7200, 0])
  })

  it('a lifetime is in whole seconds, rounded up', async () => {
    const { sessions, set } = await watched()
    await set(anId(), { cookie: { ...plainCookie, originalMaxAge: 59_001 } })
    expect((await sessions.open({ id: anId() })).etime()).toBe(60)
  })

  it('a session of another program that never expires does not begin to', async () => {
    const { sessions, get, set } = await watched()
    const own = await sessions.open({ id: anId() })
    own.param('user', 'ada')
    await own.flush()
    const data = (await get(anId()))!
    expect(data.cookie).toEqual(plainCookie)
    await set(anId(), { ...data, seen: 1 })
    data.seen = 2
    await set(anId(), data)
    expect((await sessions.open({ id: anId() })).etime()).toBe(0)
  })

  it('a cookie that has ended ends the session, and one of a million years does not overflow', async () => {
    const { set, get } = await watched()
    await set(anId('A'), { cookie: { ...plainCookie, originalMaxAge: 0 } })
    await set(anId('B'), { cookie: { ...plainCookie, expires: new Date(Date.now() - 5000) } })
    await set(anId('C'), { cookie: { ...plainCookie, originalMaxAge: 31_536_000_000_000_000 } })
    now += 1
    expect([await get(anId('A')), await get(anId('B'))]).toEqual([null, null])
    expect(await get(anId('C'))).not.toBeNull()
  })

  it('refuses unknown ones, and what is no duration', async () => {
    const { sessions } = await watched()
    expect(() => new ExpressStore(sessions, { ttl: 5 } as object)).toThrow(OptionError)
    expect(() => new ExpressStore(sessions, { lifetime: 'soon' })).toThrow(OptionError)
  })
})

describe('names', () => {
  it('properties that begin with _ have parameters of their own', async () => {
    const { set, get, sessions } = await watched()
    const data = { _csrf: 'a', __proto: 'b', 'express._csrf': 'c', 'express.x': 'd' }
    await set(anId(), { cookie: hour, ...data })
    expect(await get(anId())).toMatchObject(data)
    const names = (await sessions.open({ id: anId() })).param()
    expect(names).toEqual(['cookie', 'express.__proto', 'express._csrf', 'express.express._csrf', 'express.x'])
  })

  it('parameters that have the name of a method, which express-session leaves out, stay', async () => {
    const { store, sessions, get, set } = await watched()
    const begun = await sessions.open({ id: anId() })
    begun.param({ id: 'a parameter', save: 'another' })
    await begun.flush()
    const request = { sessionID: anId(), sessionStore: store }
    const session = store.createSession(request, (await get(anId()))!)
    session.views = 1
    await set(anId(), session)
    const after = await sessions.open({ id: anId() })
    expect([after.param('id'), after.param('save'), after.param('views')]).toEqual(['a parameter', 'another', 1])
  })
})

/** A browser that has express-session's cookie and others. */
class Browser {
  readonly cookies = new Map<string, string>()
  constructor(private readonly origin: string) {}

  async get(path: string): Promise<Reply> {
    const reply = await ask(`${this.origin}${path}`, { cookie: [...this.cookies.values()].join('; ') })
    for (const name of ['connect.sid', 'DSID']) {
      const cookie = sent(reply, name)
      if (cookie !== '') this.cookies.set(name, cookie)
    }
    return reply
  }

  async text(path: string): Promise<string> {
    return (await this.get(path)).text
  }
}

describe('the middleware of express-session on Express 5', () => {
  async function serve(
    build: (app: ReturnType<typeof express>, sessions: SessionManager) => void,
    options: object = {},
    manager: ManagerOptions = {},
  ) {
    const all = await watched(manager)
    const app = express()
    app.use(
      expressSession({ secret: 'a secret', resave: false, saveUninitialized: false, store: all.store, ...options }),
    )
    build(app, all.sessions)
    const host: Host = await listen(createServer(app))
    closers.push(() => host.close())
    return { ...all, origin: host.origin, browser: () => new Browser(host.origin) }
  }

  type Handler = {
    session: ExpressSession & Record<string, (end: (error?: unknown) => void) => unknown>
    sessionID: string
  }
  type Answer = { end(text?: string): void; redirect(path: string): void }

  /** The pages of a small site. */
  function site(app: { get(path: string, handler: (request: Handler, response: Answer) => unknown): void }): void {
    app.get('/count', (request, response) => {
      request.session.views = (request.session.views ?? 0) + 1
      response.end(String(request.session.views))
    })
    app.get('/login', (request, response) =>
      request.session.regenerate!(() => {
        request.session.user = 'ada'
        request.session.save!(() => response.redirect('/who'))
      }),
    )
    app.get('/who', (request, response) => response.end(`${request.session.user}`))
    app.get('/logout', (request, response) => request.session.destroy!(() => response.end('bye')))
    app.get('/reload', (request, response) => {
      request.session.user = 'mallory'
      request.session.reload!(() => response.end(request.session.user))
    })
    app.get('/short', (request, response) => {
      Object.assign(request.session.cookie, { maxAge: 5000 })
      response.end()
    })
  }

  it('stores nothing for who stores nothing, counts, and tells visitors apart', async () => {
    const { browser, driver } = await serve(site)
    const [one, other] = [browser(), browser()]
    expect((await one.get('/who')).setCookie).toEqual([])
    expect(await driver.count()).toBe(0)
    expect([await one.text('/count'), await one.text('/count'), await other.text('/count')]).toEqual(['1', '2', '1'])
    expect(await driver.count()).toBe(2)
  })

  it('login with regenerate: a new id, and nothing under the old one; logout: no record', async () => {
    const { browser, driver } = await serve(site)
    const one = browser()
    await one.text('/count')
    const before = one.cookies.get('connect.sid')!
    expect((await one.get('/login')).status).toBe(302)
    expect(one.cookies.get('connect.sid')).not.toBe(before)
    expect(await one.text('/who')).toBe('ada')
    expect(await driver.count()).toBe(1)
    const thief = browser()
    thief.cookies.set('connect.sid', before)
    expect(await thief.text('/who')).toBe('undefined')
    expect(await one.text('/logout')).toBe('bye')
    expect(await driver.count()).toBe(0)
    expect(await one.text('/who')).toBe('undefined')
  })

  it('reload gives what is stored, and what was changed is not written', async () => {
    const { browser } = await serve(site)
    const one = browser()
    await one.get('/login')
    expect(await one.text('/reload')).toBe('ada')
    expect(await one.text('/who')).toBe('ada')
  })

  it('a visit that changes nothing prolongs the session; none expires it; `rolling` renews the cookie', async () => {
    for (const rolling of [false, true]) {
      const { browser } = await serve(site, { rolling, cookie: { maxAge: 60_000 } })
      const one = browser()
      expect((await one.get('/count')).setCookie).toEqual([expect.stringContaining('Expires=')])
      for (let visit = 0; visit < 3; visit++) {
        now += 50
        expect((await one.get('/who')).setCookie).toHaveLength(rolling ? 1 : 0)
      }
      expect(await one.text('/count')).toBe('2')
      now += 62
      expect(await one.text('/count')).toBe('1')
    }
  })

  it('a maxAge that a page sets is the lifetime of the record, also if nothing else was changed', async () => {
    const { browser, sessions } = await serve(site, { cookie: { maxAge: 60_000 } })
    const one = browser()
    await one.text('/count')
    await one.get('/short')
    const lifetimes: number[] = []
    for await (const { etime } of sessions.entries()) lifetimes.push(etime)
    expect(lifetimes).toEqual([5])
  })

  it('resave and saveUninitialized: a record for everybody, and no property gets lost', async () => {
    const { browser, driver } = await serve(site, { resave: true, saveUninitialized: true })
    const one = browser()
    expect(await one.text('/who')).toBe('undefined')
    expect(await driver.count()).toBe(1)
    await one.get('/count')
    await one.get('/who')
    expect(await one.text('/count')).toBe('2')
  })

  it('a logout is not undone by a slower request, nor its other tab', async () => {
    const [hasLoaded, isLoggedOut] = [meeting(2), meeting(2)]
    const { browser, driver, origin } = await serve((app) => {
      site(app)
      app.get('/slow', async (request: Handler, response: Answer) => {
        await hasLoaded()
        await isLoggedOut()
        request.session.seen = 'page'
        response.end('slow')
      })
    })
    const one = browser()
    await one.get('/login')
    const slow = ask(`${origin}/slow`, { cookie: one.cookies.get('connect.sid')! })
    await hasLoaded()
    await one.get('/logout')
    await isLoggedOut()
    expect((await slow).text).toBe('slow')
    expect(await driver.count()).toBe(0)
    expect(await one.text('/who')).toBe('undefined')
  })

  it('a request that saves, logs out, and ends: nothing comes back', async () => {
    const { browser, driver } = await serve((app) => {
      site(app)
      app.get('/odd', (request: Handler, response: Answer) => {
        const { session } = request
        session.a = 1
        session.save!(() => session.destroy!(() => session.save!(() => response.end('odd'))))
      })
    })
    const one = browser()
    expect(await one.text('/odd')).toBe('odd')
    expect(await driver.count()).toBe(0)
  })

  it('two requests at once that change different properties both survive', async () => {
    const together = meeting(2)
    const { browser, origin } = await serve((app) => {
      site(app)
      for (const name of ['a', 'b']) {
        app.get(`/${name}`, async (request: Handler, response: Answer) => {
          await together()
          request.session[name] = 'set' as never
          response.end()
        })
      }
      app.get('/both', (request: Handler, response: Answer) =>
        response.end(Object.keys(request.session).sort().join(' ')),
      )
    })
    const one = browser()
    await one.get('/login')
    const cookie = one.cookies.get('connect.sid')!
    await Promise.all([ask(`${origin}/a`, { cookie }), ask(`${origin}/b`, { cookie })])
    expect(await one.text('/both')).toBe('a b cookie user')
  })

  it('when the store fails, the visitor gets an error', async () => {
    const { browser, driver } = await serve((app) => {
      site(app)
      app.use((_error: unknown, _request: unknown, response: { status(code: number): Answer }, _next: unknown) =>
        response.status(500).end('failed'),
      )
    })
    const one = browser()
    await one.get('/login')
    driver.fail('retrieve')
    const failed = await one.get('/who')
    expect([failed.status, failed.text]).toEqual([500, 'failed'])
    driver.fail()
    expect(await one.text('/who')).toBe('ada')
  })

  it('serves beside our own adapter on the same store: what one writes, the other reads, and a logout counts for both', async () => {
    type Own = { dataSession: SessionOpener; sessionID: string; params: Record<'name' | 'value', string> }
    const { browser, sessions, driver } = await serve(
      (app, sessions) => {
        site(app)
        app.use(dataSession(sessions, { property: 'dataSession' }))
        app.get('/own/:name/:value', async (request: Own, response: Answer) => {
          const own = await request.dataSession()
          own.param(request.params.name, request.params.value)
          response.end(own.param().join(' '))
        })
        app.get('/same/:name/:value', async (request: Own, response: Answer) => {
          const same = await sessions.open({ id: request.sessionID })
          same.param(request.params.name, request.params.value)
          await same.flush()
          response.end(same.param().join(' '))
        })
        app.get('/forget', async (request: Own, response: Answer) => {
          await (await sessions.open({ id: request.sessionID })).delete()
          response.end()
        })
      },
      {},
      { name: 'DSID' },
    )
    const one = browser()
    await one.get('/login')
    expect(await one.text('/own/theme/dark')).toBe('theme')
    expect([...one.cookies.keys()]).toEqual(['connect.sid', 'DSID'])
    expect(await driver.count()).toBe(2)
    // By express-session's id the manager opens the very record.
    expect(await one.text('/same/user/grace')).toBe('cookie user')
    expect(await one.text('/who')).toBe('grace')
    const own = await sessions.open({ id: idOf(one) })
    expect([own.isNew(), own.param('user')]).toEqual([false, 'grace'])
    expect(own.param('cookie')).toMatchObject({ httpOnly: true, path: '/' })
    await one.get('/forget')
    expect(await one.text('/who')).toBe('undefined')
    expect(await one.text('/own/lang/en')).toBe('lang theme')
    expect(await driver.count()).toBe(1)
  })

  it('and a session that our adapter began is express-session’s as well, with the lifetime that it has', async () => {
    const { store, sessions, get, set } = await watched()
    const own = await sessions.open({ id: anId() })
    own.param('user', 'ada').expire('1h')
    await own.flush()
    const data = (await get(anId()))!
    const { expires, ...cookie } = data.cookie
    expect([data.user, cookie, new Date(String(expires)).getTime()]).toEqual([
      'ada',
      { originalMaxAge: 3_600_000, httpOnly: true, path: '/' },
      (now + 3600) * 1000,
    ])
    const request = { sessionID: anId(), sessionStore: store }
    const session = store.createSession(request, data)
    session.views = 1
    // Meanwhile somebody else prolongs it: who did not change the lifetime does not take it back.
    own.expire('2h')
    await own.flush()
    await set(anId(), session)
    expect((await sessions.open({ id: anId() })).etime()).toBe(7200)
    expect((await get(anId()))?.cookie.originalMaxAge).toBe(7_200_000)
  })
})

/** The session's id in express-session's signed cookie. */
const idOf = (browser: Browser): string =>
  /^connect\.sid=s:(.{32})\./.exec(decodeURIComponent(browser.cookies.get('connect.sid') ?? ''))?.[1] ?? ''

describe('values', () => {
  it('what JSON has no word for stays where nothing was changed, also beside a change', async () => {
    const sessions = await managerOn(await stores.File!(), { type: 'driver:File' })
    const { get, set } = promised(new ExpressStore(sessions))
    const begun = await sessions.open({ id: anId() })
    const date = new PerlObject('DateTime', { year: 2020 })
    const ring: unknown[] = []
    ring.push(ring)
    begun.param({ long: 2n ** 60n, cart: { total: 2n ** 60n, date, items: [{ count: 1 }] }, ring })
    await begun.flush()
    const data = (await get(anId()))!
    expect([data.long, data.cart.total, Object.keys(data)]).toEqual([
      String(2n ** 60n),
      String(2n ** 60n),
      ['cart', 'long', 'cookie'],
    ])
    data.cart.items[0].count = 2
    await set(anId(), data)
    const after = await sessions.open({ id: anId() })
    expect(after.param('long')).toBe(2n ** 60n)
    expect(after.param('cart')).toEqual({ total: 2n ** 60n, date, items: [{ count: 2 }] })
    expect(after.param('ring')).toEqual([expect.any(Array)])
  })

  it('a request that saves twice does not take back what another has written in between', async () => {
    const { get, set } = await watched()
    await set(anId(), { cookie: hour, a: 1, b: 1 })
    const [first, other] = [(await get(anId()))!, (await get(anId()))!]
    other.b = 2
    await set(anId(), other)
    first.a = 2
    await set(anId(), first)
    first.a = 3
    await set(anId(), first)
    expect(await get(anId())).toMatchObject({ a: 3, b: 2 })
  })

  it('a session that one holds for long is used when it is saved, not when it was loaded', async () => {
    const clock = vi.spyOn(performance, 'now').mockReturnValue(1000)
    closers.push(() => clock.mockRestore())
    const { set, get, touch, sessions } = await watched()
    await set(anId(), { cookie: hour })
    const data = (await get(anId()))!
    now += 3000
    clock.mockReturnValue(3_001_000)
    await touch(anId(), data)
    expect((await sessions.open({ id: anId() })).atime()).toBe(now)
    now += 3000
    clock.mockReturnValue(6_001_000)
    data.open = true
    await set(anId(), data)
    now += 3000
    expect(await get(anId())).toMatchObject({ open: true })
  })
})

describeWith('perl', 'Perl', () => {
  it('CGI::Session opens what express-session wrote, and express-session what Perl changed', async () => {
    const directory = temporaryFolder()
    const sessions = await SessionManager.create({ type: 'driver:File;serialize:DataDumper', directory })
    closers.push(() => sessions.close())
    const { get, set } = promised(new ExpressStore(sessions))
    await set(anId(), { cookie: hour, user: 'ada', cart: [{ sku: 'tea' }] })
    const script = `my $s = CGI::Session->load("driver:file", $ARGV[0], { Directory => $ARGV[1] });
      print join "|", $s->param("user"), $s->param("cart")->[0]{sku}, $s->expire, $s->param("cookie")->{originalMaxAge};
      $s->param("user", "grace"); $s->expire("+2h"); $s->flush;`
    const { stdout, stderr } = spawnSync('perl', ['-MCGI::Session', '-e', script, '--', anId(), directory], {
      encoding: 'utf8',
    })
    expect([stdout, stderr]).toEqual(['ada|tea|3600|3600000', ''])
    const data = (await get(anId()))!
    expect([data.user, data.cart, data.cookie.originalMaxAge]).toEqual(['grace', [{ sku: 'tea' }], 7_200_000])
  })
})
