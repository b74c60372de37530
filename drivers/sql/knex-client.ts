/**
 * A knex instance as a client: its connections are borrowed for a statement each, and used as if they had been given
 * themselves. So nothing that knex is set up to do with names, values or results changes a session.
 */

import { OptionError } from '../../lib/errors.js'
import { NO_ANSWER, within } from '../shared/within.js'
import type { Connection, SqlClient, SqlDialect, SqlResult, SqlValue } from './contracts.js'

/** What is used of a knex instance. */
interface Knex {
  readonly client: {
    readonly dialect?: string
    readonly driverName?: string
    acquireConnection(): Promise<object>
    releaseConnection(connection: object): unknown
  }
}

/** A client for a live handle; undefined for a handle of another kind. */
type Adopt = (handle: object) => SqlClient | undefined

/** Which of our dialects a knex instance speaks, by its own name for it. */
const dialectNames: Readonly<Record<string, SqlDialect['name']>> = {
  sqlite3: 'SQLite',
  'better-sqlite3': 'SQLite',
  postgresql: 'Pg',
  cockroachdb: 'Pg',
  mysql: 'mysql',
  oracle: 'Oracle',
  mssql: 'mssql',
}

/**
 * @param timeout how long to wait for a connection, in milliseconds
 * @throws {OptionError} for an instance that is set up for another database
 */
export function connectKnex(handle: object, dialect: SqlDialect, adopt: Adopt, timeout: number): Connection {
  const knex = handle as Knex
  const spoken = dialectNames[knex.client.dialect ?? '']
  if (spoken !== dialect.name) {
    throw new OptionError(
      'dbh',
      `Option 'dbh' is a knex instance for ${knex.client.dialect}, and the driver is ${dialect.name}`,
    )
  }
  return { client: new KnexClient(knex, dialect, adopt, timeout), dialect }
}

/** Did the client stop waiting for a statement? pg says it in words. */
function isUnanswered(error: unknown): boolean {
  const { code, message } = error as { code?: unknown; message?: unknown }
  return code === NO_ANSWER || message === 'Query read timeout'
}

/** A connection that may still be at work: knex throws one away that has this mark, and never lends it again. */
function discard(connection: object, reason: unknown): void {
  Object.assign(connection, { __knex__disposed: reason })
}

class KnexClient implements SqlClient {
  readonly #knex: Knex
  readonly #dialect: SqlDialect
  readonly #adopt: Adopt
  readonly #timeout: number
  /** One for each connection, as it may keep statements prepared. */
  readonly #clients = new WeakMap<object, SqlClient>()

  constructor(knex: Knex, dialect: SqlDialect, adopt: Adopt, timeout: number) {
    this.#knex = knex
    this.#dialect = dialect
    this.#adopt = adopt
    this.#timeout = timeout
  }

  async query(sql: string, values: readonly SqlValue[]): Promise<SqlResult> {
    const { client } = this.#knex
    const connection = await within(this.#timeout, client.acquireConnection(), (late) => client.releaseConnection(late))
    try {
      return await this.#clientFor(connection).query(sql, values)
    } catch (error) {
      if (isUnanswered(error)) discard(connection, error)
      throw error
    } finally {
      await client.releaseConnection(connection)
    }
  }

  #clientFor(connection: object): SqlClient {
    const client = this.#clients.get(connection) ?? this.#adopt(connection)
    if (client === undefined) throw this.#wrongClient()
    this.#clients.set(connection, client)
    return client
  }

  #wrongClient(): OptionError {
    const { name, knexClient } = this.#dialect
    return new OptionError(
      'dbh',
      `Option 'dbh' is a knex instance whose client is ${this.#knex.client.driverName}, and driver:${name} needs one ` +
        `that is made with { client: '${knexClient}' }`,
    )
  }
}
