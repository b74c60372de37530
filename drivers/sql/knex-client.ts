/** A knex instance as a client: its connections are used, and nothing about them is changed. */

import { OptionError } from '../../lib/errors.js'
import type { Connection, SqlClient, SqlDialect, SqlResult, SqlValue } from './contracts.js'

/** What is used of a knex instance. */
interface Knex {
  raw(sql: string, values: readonly SqlValue[]): Promise<unknown>
  readonly client: { readonly dialect?: string; readonly driverName?: string }
}

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

/** @throws {OptionError} for an instance that is set up for another database */
export function connectKnex(handle: object, dialect: SqlDialect): Connection {
  const knex = handle as Knex
  const spoken = dialectNames[knex.client.dialect ?? '']
  if (spoken !== dialect.name) {
    throw new OptionError(
      'dbh',
      `Option 'dbh' is a knex instance for ${knex.client.dialect}, and the driver is ${dialect.name}`,
    )
  }
  // knex puts each database's own placeholders in.
  return { client: new KnexClient(knex), dialect: { ...dialect, parameter: () => '?' } }
}

class KnexClient implements SqlClient {
  readonly #knex: Knex

  constructor(knex: Knex) {
    this.#knex = knex
  }

  async query(sql: string, values: readonly SqlValue[]): Promise<SqlResult> {
    return resultOf(await this.#knex.raw(sql, values))
  }
}

/** Each of knex's clients gives its own kind of answer. */
function resultOf(answer: unknown): SqlResult {
  // mysql2 gives [rows or summary, columns].
  const isPair =
    Array.isArray(answer) && answer.length === 2 && (Array.isArray(answer[0]) || 'affectedRows' in Object(answer[0]))
  const first: unknown = isPair ? answer[0] : answer
  if (Array.isArray(first)) return { rows: first.map((row: object) => Object.values(row)), count: 0 }
  const { rows, rowCount, affectedRows, changes, rowsAffected } = Object(first) as Record<string, unknown>
  return {
    rows: Array.isArray(rows) ? rows.map((row: object) => Object.values(row)) : [],
    count: Number(rowCount ?? affectedRows ?? changes ?? rowsAffected ?? 0),
  }
}
