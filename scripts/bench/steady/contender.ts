/** What takes part in `npm run bench:steady`, and the programs that need no database of their own. */

import type { Session, SessionManager } from 'data-session'

/** A session as a program has it that uses no session library. */
export interface PlainSession {
  user: string
  visits: number
  [key: string]: unknown
}

/** A way to keep sessions. What is synchronous gives no promise, and nobody waits for one. */
export interface Contender {
  readonly name: string
  /** Open a session by its id, and read one parameter. */
  read(id: string): unknown
  /** Open a session now; what comes back changes one parameter and writes it. */
  hold(id: string): Save | Promise<Save>
  /** Open a session, change one parameter, write it. */
  change(id: string): unknown
  close(): unknown
}

/** Changes one parameter of a session that is open, and writes it. */
export type Save = () => unknown

/** This package. */
export class DataSession implements Contender {
  readonly name = 'data-session'
  readonly #sessions: SessionManager

  constructor(sessions: SessionManager) {
    this.#sessions = sessions
  }

  async read(id: string): Promise<unknown> {
    return (await this.#sessions.open({ id })).param('user')
  }

  async hold(id: string): Promise<Save> {
    const session = await this.#sessions.open({ id })
    return () => raise(session)
  }

  async change(id: string): Promise<void> {
    await raise(await this.#sessions.open({ id }))
  }

  close(): Promise<void> {
    return this.#sessions.close()
  }
}

async function raise(session: Session): Promise<void> {
  session.param('visits', session.param('visits') + 1)
  if (!(await session.flush())) throw new Error('nothing was written')
}

/** Two statements on the table, by a synchronous client. `replace` says whether the record was still the `expected` one. */
export interface Statements {
  fetch(id: string): Buffer
  replace(id: string, record: Buffer, expected: Buffer): boolean
}

export class ByHand implements Contender {
  readonly name: string
  readonly #statements: Statements
  readonly close: () => unknown

  constructor(name: string, statements: Statements, close: () => unknown) {
    this.name = name
    this.#statements = statements
    this.close = close
  }

  read(id: string): unknown {
    return parse(this.#statements.fetch(id)).user
  }

  hold(id: string): Save {
    let record = this.#statements.fetch(id)
    const session = parse(record)
    return () => {
      record = this.#write(id, session, record)
    }
  }

  change(id: string): void {
    const record = this.#statements.fetch(id)
    this.#write(id, parse(record), record)
  }

  #write(id: string, session: PlainSession, expected: Buffer): Buffer {
    const record = raised(session)
    if (!this.#statements.replace(id, record, expected)) throw new Error('nothing was written')
    return record
  }
}

/** The same statements, by a client that gives promises. */
export interface AsyncStatements {
  fetch(id: string): Promise<Buffer>
  replace(id: string, record: Buffer, expected: Buffer): Promise<boolean>
}

export class AsyncByHand implements Contender {
  readonly name: string
  readonly #statements: AsyncStatements
  readonly close: () => unknown

  constructor(name: string, statements: AsyncStatements, close: () => unknown) {
    this.name = name
    this.#statements = statements
    this.close = close
  }

  async read(id: string): Promise<unknown> {
    return parse(await this.#statements.fetch(id)).user
  }

  async hold(id: string): Promise<Save> {
    let record = await this.#statements.fetch(id)
    const session = parse(record)
    return async () => {
      record = await this.#write(id, session, record)
    }
  }

  async change(id: string): Promise<void> {
    const record = await this.#statements.fetch(id)
    await this.#write(id, parse(record), record)
  }

  async #write(id: string, session: PlainSession, expected: Buffer): Promise<Buffer> {
    const record = raised(session)
    if (!(await this.#statements.replace(id, record, expected))) throw new Error('nothing was written')
    return record
  }
}

/** The record of a session after one more visit. */
function raised(session: PlainSession): Buffer {
  session.visits++
  return Buffer.from(JSON.stringify(session))
}

function parse(record: Buffer): PlainSession {
  return JSON.parse(record.toString())
}

/** What is used of a store for express-session. */
export interface PeerStore {
  get(id: string, done: (error: unknown, session?: PlainSession | null) => void): unknown
  set(id: string, session: PlainSession, done: (error?: unknown) => void): unknown
}

/** A store for express-session: it writes without a look at what is there. */
export class Peer implements Contender {
  readonly name: string
  readonly #store: PeerStore
  readonly close: () => unknown

  constructor(name: string, store: PeerStore, close: () => unknown) {
    this.name = name
    this.#store = store
    this.close = close
  }

  async read(id: string): Promise<unknown> {
    return (await this.#get(id)).user
  }

  async hold(id: string): Promise<Save> {
    const session = await this.#get(id)
    return () => {
      session.visits++
      return this.set(id, session)
    }
  }

  async change(id: string): Promise<void> {
    const session = await this.#get(id)
    session.visits++
    await this.set(id, session)
  }

  #get(id: string): Promise<PlainSession> {
    return new Promise((resolve, reject) => {
      this.#store.get(id, (error, session) => {
        if (error || !session) reject(error ?? new Error('no session'))
        else resolve(session)
      })
    })
  }

  set(id: string, session: PlainSession): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#store.set(id, session, (error) => (error ? reject(error) : resolve()))
    })
  }
}
