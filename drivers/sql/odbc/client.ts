/** Statements over ODBC, one at a time on each connection: most ODBC drivers mix two up. */

import { DriverError } from '../../../lib/errors.js'
import type { SqlClient, SqlResult, SqlValue } from '../contracts.js'
import { within } from '../within.js'
import { isBroken, named } from './failure.js'
import type { OdbcConnection, OdbcPool, Queryable, QueryOptions } from './package.js'
import { endsEarly, toResult } from './result.js'

/** A client over ODBC. */
export interface OdbcClient extends SqlClient {
  query(sql: string, values: readonly SqlValue[]): Promise<SqlResult>
}

/** Large enough for nearly all sessions. The package's own default is 1 MiB for each value of a page. */
const FIRST_BUFFER = 65_536

/** Run a statement. */
async function run(on: Queryable, sql: string, values: readonly SqlValue[], options: QueryOptions): Promise<SqlResult> {
  const given = values.map((value) =>
    value instanceof Uint8Array ? Buffer.from(value.buffer, value.byteOffset, value.length) : value,
  )
  for (let initialBufferSize = FIRST_BUFFER; ; initialBufferSize++) {
    const result = await on.query(sql, given, { ...options, initialBufferSize }).catch(named)
    // The package takes a value that just fills its buffer for the end of all rows.
    if (!endsEarly(result, initialBufferSize)) return toResult(result)
  }
}

/** A pool that the user opened. */
export class PoolClient implements OdbcClient {
  readonly #pool: OdbcPool

  constructor(pool: OdbcPool) {
    this.#pool = pool
  }

  query(sql: string, values: readonly SqlValue[]): Promise<SqlResult> {
    return run(this.#pool, sql, values, {})
  }
}

/** A connection that the user opened. Statements have no time limit: some ODBC drivers would set it for the connection. */
export class SharedClient implements OdbcClient {
  readonly #connection: OdbcConnection
  #last: Promise<unknown> = Promise.resolve()

  constructor(connection: OdbcConnection) {
    this.#connection = connection
  }

  query(sql: string, values: readonly SqlValue[]): Promise<SqlResult> {
    const result = this.#last.then(() => run(this.#connection, sql, values, {}))
    this.#last = result.catch(() => undefined)
    return result
  }
}

const nothing = (): void => undefined

/** What ends our waiting, a little after the ODBC driver's own limit, in milliseconds. */
const GRACE = 500

/**
 * Connections of the driver's own, opened as they are needed. Not the package's pool: after a connection that failed it
 * waits for ever, and it hands out broken ones again.
 */
export class OpenedClient implements OdbcClient {
  readonly #open: () => Promise<OdbcConnection>
  readonly #most: number
  readonly #timeout: number
  readonly #limit: number
  readonly #idle: OdbcConnection[] = []
  readonly #waiting: (() => void)[] = []
  #count = 0
  #closed = false
  #whenEmpty: (() => void) | undefined

  /**
   * @param most connections at once
   * @param timeout of a statement, in seconds
   */
  constructor(open: () => Promise<OdbcConnection>, most: number, timeout: number) {
    this.#open = open
    this.#most = most
    this.#timeout = timeout
    this.#limit = timeout * 1000 + GRACE
  }

  async query(sql: string, values: readonly SqlValue[]): Promise<SqlResult> {
    const connection = await within(this.#limit, this.#take(), (late) => this.#giveBack(late, false))
    const result = run(connection, sql, values, { timeout: this.#timeout })
    // Not before the statement has ended, even where nobody waits for it any longer: a call on a busy connection may crash.
    result.then(
      () => this.#giveBack(connection, false),
      (error) => this.#giveBack(connection, isBroken(error)),
    )
    return within(this.#limit, result, nothing, 'The ODBC driver does not answer')
  }

  /** Ends when the last statement has, or when it hangs. */
  async close(): Promise<void> {
    this.#closed = true
    for (const go of this.#waiting.splice(0)) go()
    for (const connection of this.#idle.splice(0)) this.#discard(connection)
    if (this.#count === 0) return
    const empty = new Promise<void>((resolve) => {
      this.#whenEmpty = resolve
    })
    await within(this.#limit, empty, nothing).catch(nothing)
  }

  async #take(): Promise<OdbcConnection> {
    while (!this.#closed && this.#idle.length === 0 && this.#count >= this.#most) {
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve)
      })
    }
    if (this.#closed) {
      throw new DriverError('ODBC', 'query', 'ODBC: the driver is closed', { code: 'ERR_SESSION_CLOSED' })
    }
    const idle = this.#idle.pop()
    if (idle !== undefined) return idle
    this.#count++
    try {
      return await this.#open()
    } catch (error) {
      this.#left()
      throw error
    }
  }

  #giveBack(connection: OdbcConnection, broken: boolean): void {
    if (broken || this.#closed) {
      this.#discard(connection)
    } else {
      this.#idle.push(connection)
      this.#waiting.shift()?.()
    }
  }

  #discard(connection: OdbcConnection): void {
    const left = () => this.#left()
    // What is broken may not close well either.
    connection.close().then(left, left)
  }

  #left(): void {
    this.#count--
    this.#waiting.shift()?.()
    if (this.#count === 0) this.#whenEmpty?.()
  }
}
