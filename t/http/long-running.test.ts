/** One manager and one server for a thousand users at once: nothing of one request is left for the next. */

import { once } from 'node:events'
import { Agent, createServer, type IncomingMessage, type ServerResponse, request as sendRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { withSession } from '../../lib/adapters/node-http.js'
import type { SessionOpener } from '../../lib/adapters/shared/visit.js'
import { SessionManager } from '../../lib/index.js'
import { startNode } from '../support/child.js'

const users = 1000

/** Numbers that look random, the same in each run. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

const random = randomFrom(20_260_101)

async function pause(): Promise<void> {
  for (let turns = random(4); turns > 0; turns--) await setImmediate()
}

type Action = (session: SessionOpener, user: string) => Promise<unknown>

/** What a page does for its user, whose name comes with the request. */
const actions: Record<string, Action> = {
  async visit(open, user) {
    const session = await open()
    await pause()
    session.param('owner', session.param('owner') ?? user).increment('visits')
    await pause()
    return { owner: session.param('owner'), visits: session.param('visits') }
  },
  async login(open, user) {
    const session = await open()
    session.param('owner', user)
    await pause()
    await session.regenerate()
    return { owner: session.param('owner'), visits: session.param('visits') ?? 0 }
  },
  async look(open) {
    const [one, two] = await Promise.all([open(), open()])
    await pause()
    return { owner: one.param('owner'), visits: two.param('visits') ?? 0 }
  },
  async logout(open) {
    const session = await open()
    await pause()
    await session.delete()
    return {}
  },
  async fail(open, user) {
    const session = await open()
    session.param('owner', user).increment('visits')
    await pause()
    throw new Error('as the test wants it')
  },
  async plain() {
    await pause()
    return {}
  },
}

let sessions: SessionManager
let server: ReturnType<typeof createServer>
let agent: Agent
let port: number

beforeEach(async () => {
  sessions = await SessionManager.create({ type: 'driver:Memory;id:SHA1' })
  const handler = async (request: IncomingMessage, response: ServerResponse, session: SessionOpener) => {
    const [, action = '', user = ''] = request.url!.split('/')
    await pause()
    const answer = await actions[action]!(session, user)
    response.setHeader('X-User', user)
    await pause()
    response.end(JSON.stringify(answer))
  }
  const onError = (_error: unknown, _request: IncomingMessage, response: ServerResponse) => {
    response.statusCode = 500
    response.end('{}')
  }
  server = createServer(withSession(sessions, handler, { onError }))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  port = (server.address() as AddressInfo).port
  agent = new Agent({ keepAlive: true, maxSockets: 50 })
})

afterEach(async () => {
  agent.destroy()
  server.close()
  server.closeAllConnections()
  await sessions.close()
})

/** A browser, and what its user knows of his own session. */
class User {
  readonly name: string
  readonly ids = new Set<string>()
  visits = 0
  #cookie: string | undefined
  #isKnown = false

  constructor(name: string) {
    this.name = name
  }

  async act(action: string): Promise<void> {
    const { status, setCookie, body } = await this.#ask(action)
    const before = this.#cookie
    for (const line of setCookie) this.#keep(line)
    if (action === 'logout') {
      expect(this.#cookie).toBeUndefined()
      this.#isKnown = false
      this.visits = 0
      return
    }
    if (action === 'plain') expect(setCookie).toEqual([])
    if (action === 'login') expect(this.#cookie).not.toBe(before)
    if (action === 'visit' || action === 'fail') this.visits++
    if (action !== 'look' && action !== 'plain') this.#isKnown = true
    expect(status).toBe(action === 'fail' ? 500 : 200)
    if (status === 500 || action === 'plain') return
    expect(body).toEqual(this.#isKnown ? { owner: this.name, visits: this.visits } : { visits: 0 })
  }

  #keep(line: string): void {
    const [, id = '', rest = ''] = /^CGISESSID=([0-9a-f]{40})(.*)/.exec(line)!
    this.#cookie = rest.includes('Max-Age=0') ? undefined : id
    if (this.#cookie !== undefined) this.ids.add(id)
  }

  async #ask(action: string) {
    const headers = this.#cookie === undefined ? {} : { cookie: `CGISESSID=${this.#cookie}` }
    const sending = sendRequest({ host: '127.0.0.1', port, agent, path: `/${action}/${this.name}`, headers }).end()
    const [answer] = (await once(sending, 'response')) as [IncomingMessage]
    let text = ''
    for await (const chunk of answer) text += chunk
    return { status: answer.statusCode, setCookie: answer.headers['set-cookie'] ?? [], body: JSON.parse(text) }
  }
}

describe('a server with a thousand users at once', () => {
  it('shows nobody the data, or the cookie, of another', async () => {
    const everybody = Array.from({ length: users }, (_, number) => new User(`user${number}`))
    const names = ['visit', 'visit', 'visit', 'login', 'look', 'look', 'logout', 'fail', 'plain']
    await Promise.all(
      everybody.map(async (user) => {
        for (let requests = 0; requests < 8; requests++) {
          await pause()
          await user.act(names[random(names.length)]!)
        }
        await user.act('visit')
      }),
    )
    const all = everybody.flatMap((user) => [...user.ids])
    expect(all.length).toBeGreaterThanOrEqual(users)
    expect(new Set(all).size).toBe(all.length)

    // In the store there is one session for each, and it is his.
    const owners = new Map<unknown, unknown>()
    for await (const { parameters } of sessions.entries()) owners.set(parameters.owner, parameters.visits)
    expect(owners).toEqual(new Map(everybody.map((user) => [user.name, user.visits])))
    let count = 0
    for await (const _ of sessions.ids()) count++
    expect(count).toBe(users)
  }, 120_000)
})

describe('a server that has answered', () => {
  it('keeps no session of a request, also of one that failed or was broken off', async () => {
    const { NODE_OPTIONS: _, ...env } = process.env
    const child = await startNode('t/http/children/released.ts', [], { ...env, NODE_OPTIONS: '--expose-gc' })
    const { opened, alive } = JSON.parse(await child.done)
    expect(opened).toBe(600)
    // A few that the last answers still hold.
    expect(alive).toBeLessThan(10)
  }, 60_000)
})
