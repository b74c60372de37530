/** Statements over ODBC, one at a time on each connection: most ODBC drivers mix two up. */

import { asBuffer } from '../../../lib/bytes.js'
import { DriverError } from '../../../lib/errors.js'
import { answerWithin, within } from '../../shared/within.js'
import type { SqlClient, SqlResult, SqlValue } from '../contracts.js'
import { isBroken, named } from './failure.js'
import type { OdbcConnection, OdbcPool, Queryable, QueryOptions } from './package.js'
import { endsEarly, refuseUncounted, toResult } from './result.js'

/** A client over ODBC. */
export interface OdbcClient extends SqlClient {
  query(sql: string, values: readonly SqlValue[]): Promise<SqlResult>
}

/** Large enough for nearly all sessions. The package's own default is 1 MiB for each value of a page. */
const FIRST_BUFFER = 65_536

/** Run a statement. */
async function run(on: Queryable, sql: string, values: readonly SqlValue[], options: QueryOptions): Promise<SqlResult> {
  const given = values.map((value) => (value instanceof Uint8Array ? asBuffer(value) : value))
  for (let initialBufferSize = FIRST_BUFFER; ; initialBufferSize++) {
    const result = await on.query(sql, given, { ...options, initialBufferSize }).catch(named)
    refuseUncounted(sql, result)
    // The package takes a value that just fills its buffer for the end of all rows.
    if (!endsEarly(result, initialBufferSize)) return toResult(result)
  }
}

const nothing = (): void => undefined

/** What ends our waiting, a little after the ODBC driver's own limit, in milliseconds. */
const GRACE = 500

/** A pool that the user opened. Its statements have no limit on the server, and a connection may have to be waited for. */
export class PoolClient implements OdbcClient {
  readonly #pool: OdbcPool
  readonly #limit: number

  /** @param timeout milliseconds */
  constructor(pool: OdbcPool, timeout: number) {
    this.#pool = pool
    this.#limit = timeout + GRACE
  }

  query(sql: string, values: readonly SqlValue[]): Promise<SqlResult> {
    return answerWithin(this.#limit, run(this.#pool, sql, values, {}))
  }
}

/**
 * A connection that the user opened. Statements have no limit on the server: some ODBC drivers would set it for the connection.
 * One that nobody waits for any longer holds the others up all the same: a call on a busy connection may crash.
 */
export class SharedClient implements OdbcClient {
  readonly #connection: OdbcConnection
  readonly #timeout: number
  #last: Promise<unknown> = Promise.resolve()

  /** @param timeout milliseconds */
  constructor(connection: OdbcConnection, timeout: number) {
    this.#connection = connection
    this.#timeout = timeout
  }

  async query(sql: string, values: readonly SqlValue[]): Promise<SqlResult> {
    const endTurn = await within(
      this.#timeout,
      this.#turn(),
      (end) => end(),
      'The connection is busy with other statements',
    )
    const result = run(this.#connection, sql, values, {})
    result.then(endTurn, endTurn)
    return answerWithin(this.#timeout + GRACE, result)
  }

  /** Comes when the statements before have ended; what it gives lets the next one go on. */
  #turn(): Promise<() => void> {
    const before = this.#last
    let end = nothing
    this.#last = new Promise<void>((resolve) => {
      end = resolve
    })
    return before.then(() => end)
  }
}

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
    return answerWithin(this.#limit, result)
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
      // What ended one connection (a restart of the server) ended the others, most likely.
      for (const idle of this.#idle.splice(0)) this.#discard(idle)
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
