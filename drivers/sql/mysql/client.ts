/** The client of `driver:mysql`: a mysql2 connection or pool, of the callback or the promise API. */

import { asBuffer } from '../../../lib/bytes.js'
import { withCode } from '../../../lib/coded-error.js'
import { answerWithin, NO_ANSWER, within } from '../../shared/within.js'
import type { SqlClient, SqlResult, SqlValue } from '../contracts.js'
import { isWrite } from '../statements.js'
import { withLimits } from './limits.js'
import { isExact, withLiterals } from './literals.js'

/** What is used of a mysql2 connection. */
interface MysqlConnection {
  execute(options: object, values: unknown[], done: (error: Error | null, result?: unknown) => void): unknown
  query(sql: string | object, done: (error: Error | null, result?: unknown) => void): unknown
  on(event: 'error', listener: () => void): unknown
  /** A socket, unless the user's settings give a stream of another kind. */
  readonly stream?: { unref?(): unknown }
}

interface PooledConnection extends MysqlConnection {
  readonly threadId: number
  release(): void
  destroy(): void
}

/** What is used of a mysql2 pool. */
export interface MysqlPool {
  getConnection(done: (error: Error | null, connection?: PooledConnection) => void): void
  on(event: 'connection' | 'release', listener: (connection: MysqlConnection) => void): unknown
  end(done: (error?: Error | null) => void): void
}

/** How statements are sent. */
export interface ClientOptions {
  /** Milliseconds. */
  readonly timeout: number
  /** We opened the connections: the session has its limits, and its character set is utf8mb4. */
  readonly isOurs: boolean
}

/** A live mysql2 connection or pool, of the callback or the promise API; undefined for anything else. */
export function adopt(handle: object, timeout: number): SqlClient | undefined {
  // What is behind mysql2's promises has the callback API.
  const { pool, connection } = handle as { pool?: object; connection?: object }
  const inner = [pool, connection, handle].find(isMysql2)
  if (inner === undefined) return undefined
  const options = { timeout, isOurs: false }
  return 'getConnection' in inner
    ? new PoolClient(inner as MysqlPool, options)
    : new ConnectionClient(inner as MysqlConnection, options)
}

/** Other clients for MySQL lack one of these, or give promises. */
function isMysql2(handle: object | undefined): boolean {
  const { execute, promise } = (handle ?? {}) as { execute?: unknown; promise?: unknown }
  return typeof execute === 'function' && typeof promise === 'function'
}

/** One connection: statements queue up in it, and one that was given up stays there. */
class ConnectionClient implements SqlClient {
  readonly #connection: MysqlConnection
  readonly #options: ClientOptions

  constructor(connection: MysqlConnection, options: ClientOptions) {
    this.#connection = connection
    this.#options = options
  }

  query(sql: string, values: readonly SqlValue[]): Promise<SqlResult> {
    return answerWithin(this.#options.timeout + GRACE, send(this.#connection, sql, values, this.#options))
  }
}

/** A pool: each statement has a connection to itself. */
export class PoolClient implements SqlClient {
  readonly #pool: MysqlPool
  readonly #options: ClientOptions

  constructor(pool: MysqlPool, options: ClientOptions) {
    this.#pool = pool
    this.#options = options
  }

  async query(sql: string, values: readonly SqlValue[]): Promise<SqlResult> {
    const limit = this.#options.timeout + GRACE
    const connection = await acquire(this.#pool, limit)
    const answer = send(connection, sql, values, this.#options)
    try {
      const result = await answerWithin(limit, answer)
      connection.release()
      return result
    } catch (error) {
      if (isUnanswered(error) && !/^select /.test(sql)) return this.#end(connection, answer, error)
      if (isUnanswered(error) || isSpoilt(error)) discard(connection)
      else connection.release()
      throw error
    }
  }

  /** The server did not give a write up: end it over another connection, so that it is not run after the error. */
  async #end(connection: PooledConnection, answer: Promise<SqlResult>, unanswered: unknown): Promise<SqlResult> {
    try {
      const other = await acquire(this.#pool, GRACE)
      other.query(`kill query ${connection.threadId}`, () => other.release())
      return await answerWithin(GRACE, answer)
    } catch (error) {
      throw isInterrupted(error) ? timeLimitError() : unanswered
    } finally {
      discard(connection)
    }
  }
}

function discard(connection: PooledConnection): void {
  connection.destroy()
  connection.stream?.unref?.()
}

/** Our own limit is a little longer than the server's and the client's. */
const GRACE = 250

/** A connection of the pool. */
function acquire(pool: MysqlPool, limit: number): Promise<PooledConnection> {
  const connection = new Promise<PooledConnection>((resolve, reject) => {
    pool.getConnection((error, free) => (free === undefined ? reject(error) : resolve(free)))
  })
  return within(limit, connection, (late) => late.release())
}

/** Settings of a statement that outweigh those of a handle that the user gave. */
const asArrays = {
  rowsAsArray: true,
  nestTables: false,
  namedPlaceholders: false,
  typeCast: (_field: unknown, next: () => unknown) => next(),
}

/** A write that is answered by rows: answers and statements have got out of step, and the write may have taken place. */
const OTHER_ANSWER = 'EOTHERANSWER'

/** mysql2 has a limit for a statement too, but it does not count the time in its queue. */
function send(
  connection: MysqlConnection,
  sql: string,
  values: readonly SqlValue[],
  { timeout, isOurs }: ClientOptions,
): Promise<SqlResult> {
  const text = isOurs ? sql : withLimits(sql, timeout)
  return new Promise<SqlResult>((resolve, reject) => {
    const done = (error: Error | null, answer?: unknown): void => {
      if (error) reject(error)
      else if (Array.isArray(answer) && isWrite(sql)) reject(withCode(OTHER_ANSWER, 'The answer is one to a query'))
      else resolve(resultOf(answer))
    }
    if (isOurs || values.every(isExact)) {
      connection.execute({ sql: text, ...asArrays }, values.map(parameterOf), done)
    } else {
      connection.query({ sql: withLiterals(text, values), ...asArrays }, done)
    }
  })
}

/**
 * Errors after which the server closes the connection (too large a packet), or after which another may reach a server that takes
 * writes: one that has become a replica says these. mysql2's own pool does the latter too.
 */
const lastErrors: ReadonlySet<unknown> = new Set([1153, 1290, 1792, 1836])

/** Must the connection not be used again? */
function isSpoilt(error: unknown): boolean {
  const { code, errno } = error as { code?: unknown; errno?: unknown }
  return code === 'ETIMEDOUT' || code === OTHER_ANSWER || lastErrors.has(errno)
}

function isUnanswered(error: unknown): boolean {
  return (error as { code?: unknown }).code === NO_ANSWER
}

/** `kill query` ended it, and undid it. */
function isInterrupted(error: unknown): boolean {
  return (error as { errno?: unknown }).errno === 1317
}

function timeLimitError(): Error {
  return Object.assign(new Error('The statement was ended'), { code: 'PROTOCOL_SEQUENCE_TIMEOUT' })
}

/** mysql2 takes only a Buffer for bytes. */
function parameterOf(value: SqlValue): unknown {
  return value instanceof Uint8Array ? asBuffer(value) : value
}

function resultOf(result: unknown): SqlResult {
  if (Array.isArray(result)) return { rows: result as unknown[][], count: 0 }
  return { rows: [], count: (result as { affectedRows: number }).affectedRows }
}
