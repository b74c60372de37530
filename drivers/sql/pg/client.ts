/**
 * The client of `driver:Pg`: a pg pool, a single pg client, or PGlite. Which parsers and defaults a program has set for itself
 * changes nothing here.
 */

import { createHash } from 'node:crypto'
import { within } from '../../shared/within.js'
import type { SqlClient, SqlResult, SqlValue } from '../contracts.js'
import { isWrite } from '../statements.js'
import { bytesOfBytea } from './bytea.js'
import { type CancellableClient, requestCancel } from './cancel.js'

/** What is used of a pg client. */
interface PgClient {
  query(request: object): Promise<PgResult>
}

interface PgResult {
  readonly rows: unknown[][]
  readonly rowCount: number | null
  readonly command: string
}

/** What is used of a client that a pool lent. */
interface LentClient extends PgClient, CancellableClient {
  on(event: 'error', listener: () => void): unknown
  off(event: 'error', listener: () => void): unknown
  release(destroy: boolean): void
}

/** What is used of a pg pool. */
export interface PgPool {
  connect(): Promise<LentClient>
  on(event: 'error', listener: () => void): unknown
  end(): Promise<void>
}

/** What is used of PGlite. */
interface Pglite {
  query(
    sql: string,
    values: readonly SqlValue[],
    options: object,
  ): Promise<{ rows: unknown[][]; affectedRows?: number }>
}

/** How statements are sent. */
export interface ClientOptions {
  /** Milliseconds. */
  readonly timeout: number
  readonly prepare: boolean
}

/** A live pg client or pool (of any copy of pg), or PGlite; undefined for anything else. */
export function adopt(handle: object, options: ClientOptions): SqlClient | undefined {
  const { query, connect, escapeIdentifier, totalCount, execProtocolRaw } = handle as Record<string, unknown>
  if (typeof query !== 'function') return undefined
  if (typeof execProtocolRaw === 'function') return new PgliteClient(handle as Pglite)
  if (typeof connect === 'function' && typeof totalCount === 'number') return new PoolClient(handle as PgPool, options)
  return typeof escapeIdentifier === 'function' ? new SingleClient(handle as PgClient, options) : undefined
}

/** The pool's own limit comes first, if it has one. */
const GRACE = 250
/** So long after `timeout` the server is asked to give a write up, if it has not done so by itself. */
const CANCEL_AFTER = 500
/** So long after `timeout` a write is not waited for any longer: its outcome is not known. */
const GIVE_UP_AFTER = 750

const ignore = (): void => undefined

/** Many connections: each statement has one to itself. */
export class PoolClient implements SqlClient {
  readonly #pool: PgPool
  readonly #timeout: number
  readonly #sender: Sender

  constructor(pool: PgPool, options: ClientOptions) {
    this.#pool = pool
    this.#timeout = options.timeout
    this.#sender = new Sender(options)
  }

  async query(sql: string, values: readonly SqlValue[]): Promise<SqlResult> {
    const client = await within(this.#timeout + GRACE, this.#pool.connect(), (late) => late.release(false))
    // A connection that ends says so to the statement; without a listener it would end the process too.
    client.on('error', ignore)
    let isUsable = true
    const timer = setTimeout(() => {
      isUsable = false
      requestCancel(client)
    }, this.#timeout + CANCEL_AFTER)
    try {
      return await this.#sender.send(client, sql, values)
    } catch (error) {
      isUsable &&= isAnswer(error)
      throw error
    } finally {
      clearTimeout(timer)
      client.release(!isUsable)
      client.off('error', ignore)
    }
  }
}

/**
 * Did the server say so, and goes on? Not so when it ends the connection (08, 57P, 25P03), or takes no writes (25006): then
 * the next connection may reach another one.
 */
function isAnswer(error: unknown): boolean {
  const { code } = error as { code?: unknown }
  return typeof code === 'string' && /^(?!08|57P|25P03|25006|EPIPE)[0-9A-Z]{5}$/.test(code)
}

/**
 * One connection. Statements wait for each other here: pg gives its own queue up. The server is not asked to give a statement
 * up, which could be one of the program's own.
 */
class SingleClient implements SqlClient {
  readonly #client: PgClient
  readonly #timeout: number
  readonly #sender: Sender
  #last: Promise<unknown> = Promise.resolve()

  constructor(client: PgClient, options: ClientOptions) {
    this.#client = client
    this.#timeout = options.timeout
    this.#sender = new Sender(options)
  }

  query(sql: string, values: readonly SqlValue[]): Promise<SqlResult> {
    const turn = this.#last
    const inTime = within(this.#timeout, turn, ignore, 'The connection is busy with other statements')
    const result = inTime.then(() => this.#sender.send(this.#client, sql, values))
    this.#last = Promise.allSettled([turn, result])
    return result
  }
}

/** A database within the process. */
class PgliteClient implements SqlClient {
  readonly #db: Pglite

  constructor(db: Pglite) {
    this.#db = db
  }

  async query(sql: string, values: readonly SqlValue[]): Promise<SqlResult> {
    const { rows, affectedRows } = await this.#db.query(sql, values, {
      rowMode: 'array',
      parsers: { [BYTEA]: bytesOfBytea },
    })
    return { rows, count: affectedRows ?? 0 }
  }
}

/** PostgreSQL's number for the type. */
const BYTEA = 17

const asItIs = (text: string): string => text

/** Instead of the parsers that a program may have set for all of pg. */
const types = { getTypeParser: (type: number) => (type === BYTEA ? bytesOfBytea : asItIs) }

/** Someone ended all prepared statements; or another client has this connection in turn, and prepared the same. */
const notOursAlone: ReadonlySet<unknown> = new Set(['26000', '42P05'])

/** A column and a parameter are of different types. */
const isOtherType: ReadonlySet<unknown> = new Set(['42804', '42883'])

/** Sends statements, prepared where that is wanted and works. */
class Sender {
  readonly #timeout: number
  readonly #names = new Map<string, string>()
  #prepare: boolean
  /** Part of the names: a statement that was prepared for another shape of the table cannot be used again. */
  #generation = 0

  constructor({ timeout, prepare }: ClientOptions) {
    this.#timeout = timeout
    this.#prepare = prepare
  }

  async send(client: PgClient, sql: string, values: readonly SqlValue[]): Promise<SqlResult> {
    const { rows, rowCount, command } = await this.#sendAgain(client, sql, values)
    // Answers and statements have got out of step: the write may have taken place.
    if (command === 'SELECT' && isWrite(sql)) throw new Error('The answer is one to a query')
    return { rows, count: command === 'SELECT' ? 0 : (rowCount ?? 0) }
  }

  async #sendAgain(client: PgClient, sql: string, values: readonly SqlValue[]): Promise<PgResult> {
    const name = this.#nameOf(sql)
    try {
      return await client.query(this.#request(sql, values, name))
    } catch (error) {
      if (name === undefined || !this.#isUnprepared(error)) throw error
      return client.query(this.#request(sql, values, this.#nameOf(sql)))
    }
  }

  #request(text: string, values: readonly SqlValue[], name: string | undefined): object {
    // To stop waiting for a write leaves open whether it takes place, unless it waited in pg's queue: there it is dropped.
    const patience = /^(?:select|with) /.test(text) ? 0 : GIVE_UP_AFTER
    return { text, values, name, types, rowMode: 'array', query_timeout: this.#timeout + patience }
  }

  /** One name for one text, also where several managers use one connection. */
  #nameOf(sql: string): string | undefined {
    if (!this.#prepare) return undefined
    const known = this.#names.get(sql)
    if (known !== undefined) return known
    const hash = createHash('sha256').update(`${this.#generation} ${sql}`).digest('hex')
    const name = `data_session_${hash.slice(0, 16)}`
    this.#names.set(sql, name)
    return name
  }

  /** Did it fail, without having been run, because it was prepared? */
  #isUnprepared(error: unknown): boolean {
    const { code, routine } = error as { code?: unknown; routine?: unknown }
    if (notOursAlone.has(code)) this.#prepare = false
    // The table was altered: `cached plan must not change result type`, in the server's language; or a parameter has a type that
    // no longer fits.
    else if ((code === '0A000' && routine === 'RevalidateCachedQuery') || isOtherType.has(code)) this.#generation++
    else return false
    this.#names.clear()
    return true
  }
}
