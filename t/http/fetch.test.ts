/** What is special about handlers of the kind of fetch; and the errors that the adapters without a host's own answer to. */

import { createServer } from 'node:http'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { withSession } from '../../lib/adapters/fetch.js'
import { withSession as withNodeSession } from '../../lib/adapters/node-http.js'
import type { SessionOpener } from '../../lib/adapters/shared/visit.js'
import { SessionManager } from '../../lib/index.js'
import { listen } from './node-server.js'
import { ask } from './suite.js'
import { WatchedMemory } from './watched-memory.js'

let driver: WatchedMemory
let sessions: SessionManager

beforeEach(async () => {
  driver = new WatchedMemory()
  sessions = await SessionManager.create({ type: { driver, serialize: 'JSON' } })
})
afterEach(async () => {
  vi.restoreAllMocks()
  await sessions.close()
})

const store = async (session: SessionOpener) => (await session()).param('name', 'Ada')
const get = () => new Request('http://host.test/page')
const ours = expect.stringMatching(/^CGISESSID=[0-9a-f]{32}; /)

describe('fetch', () => {
  it('a redirect, whose header cannot be changed, is sent with the cookie', async () => {
    const handler = withSession(sessions, async (request, session) => {
      await store(session)
      return Response.redirect(new URL('/next', request.url), 303)
    })
    const { status, headers } = await handler(get())
    expect([status, headers.get('location')]).toEqual([303, 'http://host.test/next'])
    expect(headers.getSetCookie()).toEqual([ours])
    expect([headers.get('vary'), headers.get('cache-control')]).toEqual(['Cookie', 'no-store'])
  })

  it('an answer that requests share does not keep the cookie of one of them', async () => {
    const shared = new Response(null, { status: 204, headers: { 'Set-Cookie': 'theme=dark' } })
    const handler = withSession(sessions, async (_request, session) => {
      await store(session)
      return shared
    })
    const [first, second] = [await handler(get()), await handler(get())]
    const cookies = [first, second].map(({ headers }) => headers.getSetCookie())
    expect(cookies).toEqual([
      ['theme=dark', ours],
      ['theme=dark', ours],
    ])
    expect(cookies[0]).not.toEqual(cookies[1])
    expect(shared.headers.getSetCookie()).toEqual(['theme=dark'])
  })

  it('one with a body can be sent once: the next visitor is told so, and has his session all the same', async () => {
    const shared = new Response('static')
    const handler = withSession(
      sessions,
      async (_request, session) => {
        await store(session)
        return shared
      },
      { onError: (error) => new Response(String(error), { status: 500, headers: { 'Set-Cookie': 'failed=1' } }) },
    )
    expect(await (await handler(get())).text()).toBe('static')
    const second = await handler(get())
    expect([second.status, await second.text()]).toEqual([500, expect.stringMatching(/^TypeError: .*one for each/)])
    expect(second.headers.getSetCookie()).toEqual(['failed=1', ours])
    expect(second.headers.get('vary')).toBe('Cookie')
    expect(await driver.count()).toBe(2)
  })

  it('an answer that cannot be sent does not log out who has a new id', async () => {
    vi.spyOn(console, 'error').mockReturnValue()
    const before = await sessions.open()
    before.param('name', 'Ada')
    await before.flush()
    const handler = withSession(sessions, async (_request, session) => {
      await (await session()).regenerate()
      const answer = new Response('used')
      await answer.text()
      return answer
    })
    const request = new Request('http://host.test/', { headers: { cookie: `CGISESSID=${before.id()}` } })
    const { status, headers } = await handler(request)
    expect([status, headers.getSetCookie()]).toEqual([500, [ours]])
    const clientId = /=(\w+)/.exec(headers.getSetCookie()[0] ?? '')?.[1]
    expect(clientId).not.toBe(before.id())
    expect((await sessions.open({ clientId: clientId ?? '' })).param('name')).toBe('Ada')
  })

  it('without the session, the answer is the very object that the handler gave', async () => {
    const answer = new Response('page')
    expect(await withSession(sessions, () => answer)(get())).toBe(answer)
  })

  it('what cannot be made anew passes: the network’s error', async () => {
    const handler = withSession(sessions, async (_request, session) => {
      await store(session)
      return Response.error()
    })
    expect((await handler(get())).type).toBe('error')
    expect(await driver.count()).toBe(1)
  })

  it('what the host gives beside the request reaches the handler', async () => {
    const handler = withSession(
      sessions,
      (_request: Request, _session, env: { greeting: string }, context: number) =>
        new Response(`${env.greeting} ${context}`),
    )
    expect(await (await handler(get(), { greeting: 'hello' }, 7)).text()).toBe('hello 7')
  })

  it('when the write fails, the body that nobody will read is given up', async () => {
    const given: unknown[] = []
    const body = new ReadableStream({ cancel: (reason) => void given.push(reason) })
    const onError = (error: unknown) => new Response(String((error as Error).name), { status: 503 })
    const handler = withSession(
      sessions,
      async (_request, session) => {
        await store(session)
        return new Response(body)
      },
      { onError },
    )
    driver.fail('store')
    const answer = await handler(get())
    expect([answer.status, await answer.text(), answer.headers.getSetCookie()]).toEqual([503, 'DriverError', []])
    expect(given).toEqual([expect.objectContaining({ name: 'DriverError' })])
  })

  it('an error that is left to the host is the handler’s, and what was changed before is written', async () => {
    const handler = withSession(
      sessions,
      async (_request, session) => {
        await store(session)
        throw new RangeError('after param')
      },
      {
        onError: (error) => {
          throw error
        },
      },
    )
    await expect(handler(get())).rejects.toThrow(RangeError)
    expect(await driver.count()).toBe(1)
  })

  it('an error without onError is printed, and is 500 with the cookie', async () => {
    const printed = vi.spyOn(console, 'error').mockReturnValue()
    const error = new Error('after param')
    const handler = withSession(sessions, async (_request, session) => {
      await store(session)
      throw error
    })
    const answer = await handler(get())
    expect([answer.status, await answer.text()]).toEqual([500, 'Internal Server Error\n'])
    expect(answer.headers.getSetCookie()).toEqual([ours])
    expect(printed.mock.calls).toEqual([[error]])
  })
})

describe('node-http', () => {
  async function asked(...args: Parameters<typeof withNodeSession> extends [unknown, ...infer Rest] ? Rest : never) {
    const host = await listen(createServer(withNodeSession(sessions, ...args)))
    try {
      return await ask(host.origin)
    } finally {
      await host.close()
    }
  }

  it('an error without onError is printed, and is 500 with the cookie', async () => {
    const printed = vi.spyOn(console, 'error').mockReturnValue()
    const error = new Error('after param')
    const reply = await asked(async (_request, _response, session) => {
      await store(session)
      throw error
    })
    expect([reply.status, reply.text, reply.setCookie]).toEqual([500, 'Internal Server Error\n', [ours]])
    expect(printed.mock.calls).toEqual([[error]])
  })

  it('an error of onError itself is answered in that way as well', async () => {
    const printed = vi.spyOn(console, 'error').mockReturnValue()
    const onError = () => Promise.reject(new Error('of onError'))
    const reply = await asked(() => Promise.reject(new Error('of the handler')), { onError })
    expect([reply.status, reply.text]).toEqual([500, 'Internal Server Error\n'])
    expect(printed.mock.calls).toEqual([[new Error('of onError')]])
  })

  it('a handler that fails in the middle of its answer: the client does not take the part for the whole', async () => {
    const seen: unknown[] = []
    const answer = asked(
      (_request, response) => {
        Reflect.get(response, 'write').call(response, 'a part')
        throw new Error('in the middle')
      },
      { onError: (error) => seen.push(error) },
    )
    await expect(answer).rejects.toMatchObject({ code: 'ECONNRESET' })
    expect(seen).toEqual([new Error('in the middle')])
  })
})
