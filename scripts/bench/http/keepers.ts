/** Who keeps the sessions: nobody, this package, and the middleware that users of Express and Fastify have. */

import { randomBytes } from 'node:crypto'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { type ManagerOptions, type Session, SessionManager } from 'data-session'
import { session as expressAdapter } from 'data-session/adapters/express'
import { session as fastifyAdapter } from 'data-session/adapters/fastify'
import type { Bag } from './contenders.js'

const requirePackage = createRequire(import.meta.url)

/** How a framework is told of a keeper, and how a page finds the session of its request. */
export interface Keeper {
  readonly name: string
  express(folder: string): Promise<{ middleware: readonly unknown[]; bagOf: BagOf }>
  fastify?(folder: string): Promise<{ plugins: readonly (readonly [plugin: unknown, options: object])[]; bagOf: BagOf }>
}

type BagOf = (request: object) => Bag | Promise<Bag>

const empty: Bag = { get: () => 'ann', set: () => undefined }

export const noSession: Keeper = {
  name: 'no session',
  express: async () => ({ middleware: [], bagOf: () => empty }),
  fastify: async () => ({ plugins: [], bagOf: () => empty }),
}

/** express-session and @fastify/session have the data as a property of the request. */
const bagOfProperty: BagOf = (request) => {
  const { session } = request as { session: Record<string, unknown> }
  return {
    get: (name) => session[name],
    set: (name, value) => {
      session[name] = value
    },
  }
}

const secret = 'a secret that is longer than thirty-two letters'

interface Database {
  pragma(text: string): unknown
  exec(sql: string): unknown
  prepare(sql: string): { pluck(): { get(id: string): Buffer }; run(...values: unknown[]): unknown }
}

function newDatabase(file: string): Database {
  const db = new (requirePackage('better-sqlite3'))(file) as Database
  db.pragma('journal_mode = wal')
  return db
}

const table = 'create table sessions (id varchar(32) primary key, a_session blob)'

/** As much as is used of a request of Express. */
interface ExpressRequest {
  readonly headers: { readonly cookie?: string }
  readonly res: { setHeader(name: string, value: string): void }
}

/** No library for sessions: what a program would write for these pages alone, with the statements that we have. */
export const byHand: Keeper = {
  name: 'by hand with better-sqlite3 and JSON',
  async express(folder) {
    const db = newDatabase(join(folder, 'by-hand.sqlite'))
    db.exec(table)
    const create = db.prepare('insert into sessions values (?, ?)')
    const fetch = db.prepare('select a_session from sessions where id = ?').pluck()
    const replace = db.prepare('update sessions set a_session = ? where id = ? and a_session = ?')
    const begin = ({ res }: ExpressRequest): string => {
      const id = randomBytes(16).toString('hex')
      create.run(id, Buffer.from('{}'))
      res.setHeader('Set-Cookie', `CGISESSID=${id}; Path=/; HttpOnly; SameSite=Lax`)
      return id
    }
    const bagOf = (request: object): Bag => {
      const { cookie } = (request as ExpressRequest).headers
      const id = cookie === undefined ? begin(request as ExpressRequest) : cookie.slice('CGISESSID='.length)
      let record = fetch.get(id)
      const session = JSON.parse(record.toString('latin1'))
      return {
        get: (name) => session[name],
        set(name, value) {
          session[name] = value
          const written = Buffer.from(JSON.stringify(session))
          replace.run(written, id, record)
          record = written
        },
      }
    }
    return { middleware: [], bagOf }
  },
}

function expressSession(newStore?: (folder: string) => unknown): Keeper['express'] {
  return async (folder) => {
    const options = { secret, resave: false, saveUninitialized: false, ...(newStore && { store: newStore(folder) }) }
    return { middleware: [requirePackage('express-session')(options)], bagOf: bagOfProperty }
  }
}

export const middlewareStores: readonly Keeper[] = [
  {
    name: 'the usual session in memory (express-session, @fastify/session)',
    express: expressSession(),
    async fastify() {
      const options = { secret, saveUninitialized: false, cookie: { secure: false } }
      const plugins = [
        [requirePackage('@fastify/cookie'), {}],
        [requirePackage('@fastify/session'), options],
      ] as const
      return { plugins, bagOf: bagOfProperty }
    },
  },
  {
    name: 'express-session on better-sqlite3-session-store',
    express: expressSession((folder) => {
      const Store = requirePackage('better-sqlite3-session-store')(requirePackage('express-session'))
      return new Store({ client: newDatabase(join(folder, 'peer.sqlite')) })
    }),
  },
]

function ours(name: string, optionsIn: (folder: string) => ManagerOptions): Keeper {
  const bagOf: BagOf = async (request) => {
    const session = await (request as { session(): Promise<Session> }).session()
    return { get: (key) => session.param(key), set: (key, value) => session.param(key, value) }
  }
  const open = (folder: string): Promise<SessionManager> =>
    SessionManager.create({ ...optionsIn(folder), touchAfter: 60 })
  return {
    name: `data-session, ${name}`,
    express: async (folder) => ({ middleware: [expressAdapter(await open(folder))], bagOf }),
    fastify: async (folder) => ({ plugins: [[fastifyAdapter, { sessions: await open(folder) }]], bagOf }),
  }
}

export const ourStores: readonly Keeper[] = [
  ours('Memory', () => ({ type: 'driver:Memory;serialize:JSON' })),
  ours('SQLite', (folder) => {
    const file = join(folder, `ours-${process.pid}.sqlite`)
    newDatabase(file).exec(table)
    return { type: 'driver:SQLite;serialize:JSON', dataSource: file }
  }),
]
