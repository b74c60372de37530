/** The client of `driver:mysql`: a mysql2 connection or pool, of the callback or the promise API. */

import type { SqlClient, SqlResult, SqlValue } from '../contracts.js'
import { within } from '../within.js'

/** What is used of a mysql2 connection. */
interface MysqlConnection {
  execute(options: object, values: unknown[], done: (error: Error | null, result?: unknown) => void): unknown
  query(sql: string, done: () => void): unknown
  on(event: 'error', listener: () => void): unknown
  /** A socket, unless the user's settings give a stream of another kind. */
  readonly stream?: { unref?(): unknown }
}

interface PooledConnection extends MysqlConnection {
  release(): void
  destroy(): void
}

/** What is used of a mysql2 pool. */
export interface MysqlPool {
  getConnection(done: (error: Error | null, connection?: PooledConnection) => void): void
  on(event: 'connection' | 'release', listener: (connection: MysqlConnection) => void): unknown
  end(done: (error?: Error | null) => void): void
}

/** A live mysql2 connection or pool, of the callback or the promise API; undefined for anything else. */
export function adopt(handle: object, timeout: number): SqlClient | undefined {
  // What is behind mysql2's promises has the callback API.
  const { pool, connection } = handle as { pool?: object; connection?: object }
  const inner = [pool, connection, handle].find(isMysql2)
  if (inner === undefined) return undefined
  return 'getConnection' in inner
    ? new PoolClient(inner as MysqlPool, timeout)
    : new ConnectionClient(inner as MysqlConnection, timeout)
}

/** Other clients for MySQL lack one of these, or give promises. */
function isMysql2(handle: object | undefined): boolean {
  const { execute, promise } = (handle ?? {}) as { execute?: unknown; promise?: unknown }
  return typeof execute === 'function' && typeof promise === 'function'
}

/** One connection: statements queue up in it. */
class ConnectionClient implements SqlClient {
  readonly #connection: MysqlConnection
  readonly #timeout: number

  constructor(connection: MysqlConnection, timeout: number) {
    this.#connection = connection
    this.#timeout = timeout
  }

  query(sql: string, values: readonly SqlValue[]): Promise<SqlResult> {
    return execute(this.#connection, sql, values, this.#timeout)
  }
}

/** A pool: each statement has a connection to itself. */
export class PoolClient implements SqlClient {
  readonly #pool: MysqlPool
  readonly #timeout: number

  constructor(pool: MysqlPool, timeout: number) {
    this.#pool = pool
    this.#timeout = timeout
  }

  async query(sql: string, values: readonly SqlValue[]): Promise<SqlResult> {
    const connection = await acquire(this.#pool, this.#timeout)
    try {
      const result = await execute(connection, sql, values, this.#timeout)
      connection.release()
      return result
    } catch (error) {
      if (isSpoilt(error)) {
        connection.destroy()
        connection.stream?.unref?.()
      } else connection.release()
      throw error
    }
  }
}

/** Our own limit is a little longer than the server's and the client's. */
const GRACE = 250

/** A connection of the pool. */
function acquire(pool: MysqlPool, timeout: number): Promise<PooledConnection> {
  const connection = new Promise<PooledConnection>((resolve, reject) => {
    pool.getConnection((error, free) => (free === undefined ? reject(error) : resolve(free)))
  })
  return within(timeout + GRACE, connection, (late) => late.release())
}

/** Settings of a statement that outweigh those of a handle that the user gave. */
const asArrays = {
  rowsAsArray: true,
  nestTables: false,
  namedPlaceholders: false,
  typeCast: (_field: unknown, next: () => unknown) => next(),
}

/** mysql2 has a limit for a statement too, but it does not count the time in its queue. */
function execute(
  connection: MysqlConnection,
  sql: string,
  values: readonly SqlValue[],
  timeout: number,
): Promise<SqlResult> {
  const result = new Promise<SqlResult>((resolve, reject) => {
    connection.execute({ sql, ...asArrays }, values.map(parameterOf), (error, answer) => {
      if (error) reject(error)
      else resolve(resultOf(answer))
    })
  })
  return within(timeout + GRACE, result, () => undefined, 'The server did not answer')
}

/**
 * Errors after which the server closes the connection (too large a packet), or after which another may reach a server that takes
 * writes: one that has become a replica says these. mysql2's own pool does the latter too.
 */
const lastErrors: ReadonlySet<unknown> = new Set([1153, 1290, 1792, 1836])

/** Must the connection not be used again? */
function isSpoilt(error: unknown): boolean {
  const { code, errno } = error as { code?: unknown; errno?: unknown }
  return code === 'ETIMEDOUT' || lastErrors.has(errno)
}

/** mysql2 takes only a Buffer for bytes. */
function parameterOf(value: SqlValue): unknown {
  return value instanceof Uint8Array ? Buffer.from(value.buffer, value.byteOffset, value.length) : value
}

function resultOf(result: unknown): SqlResult {
  if (Array.isArray(result)) return { rows: result as unknown[][], count: 0 }
  return { rows: [], count: (result as { affectedRows: number }).affectedRows }
}
