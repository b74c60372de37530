/** Which database is behind ODBC, and how the dialects differ there. */

import { OptionError } from '../../../lib/errors.js'
import type { SqlClient, SqlDialect } from '../contracts.js'
import { mssql } from '../dialects/mssql.js'
import { mysql } from '../dialects/mysql.js'
import { oracle } from '../dialects/oracle.js'
import { pg } from '../dialects/pg.js'
import { sqlite } from '../dialects/sqlite.js'
import { sessionSettings as mysqlSettings } from '../mysql/limits.js'
import { isBroken, odbcProblems } from './failure.js'

/** ODBC has the number alone of Oracle's `ORA-00942`. */
function numbersOf(problems: SqlDialect['problems']): SqlDialect['problems'] {
  const named = Object.entries(problems).filter(([code]) => code.startsWith('ORA-'))
  return Object.fromEntries(named.map(([code, problem]) => [String(Number(code.slice(4))), problem]))
}

/** All parameters are `?`, in the order in which they stand in a statement; SQLSTATEs mean the same everywhere. */
function overOdbc(dialect: SqlDialect): SqlDialect {
  return {
    ...dialect,
    parameter: () => '?',
    problems: { ...odbcProblems, ...dialect.problems, ...numbersOf(dialect.problems) },
  }
}

/**
 * SQLite's ODBC driver announces 255 bytes for a blob whatever is in it, and cuts a text at NUL. A scalar subquery has the
 * declared type of its last part's column, here `text`, which is read in pieces whatever its length is.
 */
const asLongText = (expression: string) => `(select ${expression} union all select sql from sqlite_master where 0)`

const dialects: readonly SqlDialect[] = [
  {
    ...overOdbc(sqlite),
    idText: asLongText,
    record: (column) => asLongText(`hex(${column})`),
    bytesOf: (text) => Buffer.from(text, 'hex'),
  },
  ...[pg, mysql, oracle, mssql].map(overOdbc),
]

/** The dialect for ODBC of this name. */
export function dialectNamed(name: SqlDialect['name']): SqlDialect {
  return dialects.find((dialect) => dialect.name === name)!
}

/** For how long PostgreSQL waits for a lock before the shared half tries again. */
const LOCK_MILLISECONDS = 500

/**
 * What a connection of our own is set to: for a lock the server waits no longer than a second, because the shared half tries
 * again; and where the ODBC driver knows no limit for a statement, the server has one. Nothing is written after an error.
 */
export function sessionSettings(name: SqlDialect['name'], timeout: number): string | undefined {
  switch (name) {
    case 'mysql':
      return mysqlSettings(timeout)
    case 'Pg':
      // Shorter than the limit of the statement, which the ODBC driver sets in whole seconds: it says what is waited for.
      return `set lock_timeout = ${Math.min(LOCK_MILLISECONDS, timeout)}`
    case 'mssql':
      return 'set lock_timeout 1000'
    case 'Oracle':
      // Pages of ids go on after the last one: `order by` and `>` must mean the same.
      return 'alter session set nls_sort = binary nls_comp = binary'
    default:
      return undefined
  }
}

/**
 * Questions that a database answers or refuses; the package cannot ask the ODBC driver. PostgreSQL's comes first, as it is
 * the one where a question that is refused ends the transaction that a given connection may be in.
 */
const questions: readonly (readonly [sql: string, answers: readonly (readonly [RegExp, SqlDialect['name']])[]])[] = [
  [
    'select version()',
    [
      [/^(?:PostgreSQL|CockroachDB)/i, 'Pg'],
      [/MariaDB|MySQL|^\d+\.\d+\.\d+/i, 'mysql'],
    ],
  ],
  ['select sqlite_version()', [[/^3\./, 'SQLite']]],
  ['select @@version', [[/Microsoft/i, 'mssql']]],
  ['select banner from v$version', [[/Oracle/i, 'Oracle']]],
]

/**
 * Ask the database which one it is.
 * @throws {OptionError} when it is none of them
 */
export async function askDialect(client: SqlClient): Promise<SqlDialect> {
  for (const [sql, answers] of questions) {
    const said = await answer(client, sql)
    const name = answers.find(([test]) => test.test(said))?.[1]
    if (name !== undefined) return dialectNamed(name)
  }
  throw new OptionError(
    'odbcDialect',
    "Option 'odbcDialect' is needed: the database does not say that it is SQLite, Pg, mysql, Oracle or mssql",
  )
}

/** The first value of the answer; '' for a question that the database refuses. */
async function answer(client: SqlClient, sql: string): Promise<string> {
  try {
    return String((await client.query(sql, [])).rows[0]?.[0] ?? '')
  } catch (error) {
    if (isBroken(error)) throw error
    return ''
  }
}
