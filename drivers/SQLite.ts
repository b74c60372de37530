/**
 * Sessions in an SQLite database, shared with Perl's CGI::Session and Data::Session. The client is better-sqlite3, which is
 * synchronous: an access is one tick.
 */

import type { OptionTable, PluginContext } from '../lib/contracts.js'
import { oneOf } from '../lib/options.js'
import { loadPeer } from '../lib/peer.js'
import type { Connection, SqlClient, SqlResult, SqlValue } from './sql/contracts.js'
import { readDataSource } from './sql/data-source.js'
import { sqlite } from './sql/dialects/sqlite.js'
import { connectTo } from './sql/handles.js'
import { type SqlOptions, sqlOptions } from './sql/options.js'
import { SqlDriver } from './sql/sql-driver.js'

/** Options of `driver:SQLite`, beside those of every SQL driver. */
export interface SQLiteOptions extends SqlOptions {
  /**
   * The journal of a database that the driver opens: `wal` is by far the fastest with many writers, and is kept by the file for
   * Perl too. Default: '', leave it as it is.
   */
  journalMode: '' | 'wal' | 'delete' | 'truncate' | 'persist'
}

/** What is used of a better-sqlite3 database. */
interface Database {
  prepare(sql: string): Statement
  pragma(pragma: string): unknown
  close(): void
}

interface Statement {
  readonly reader: boolean
  raw(on: true): Statement
  all(...values: SqlValue[]): unknown[][]
  get(...values: SqlValue[]): unknown[] | undefined
  run(...values: SqlValue[]): { changes: number }
}

/** The driver behind `driver:SQLite`. */
export default class SQLite extends SqlDriver {
  static readonly options: OptionTable<SQLiteOptions> = {
    ...sqlOptions,
    journalMode: oneOf(['', 'wal', 'delete', 'truncate', 'persist'], ''),
  }

  /** @throws {OptionError} for a dataSource that names no file */
  constructor(options: SQLiteOptions, context: PluginContext) {
    const open = opener(options)
    super({
      name: 'SQLite',
      payload: 'bytes',
      options,
      context,
      dialect: sqlite,
      connect: () => connectTo(options, sqlite, adopt, open),
    })
  }
}

/** What opens the database that the options name; undefined when a handle was given. */
function opener(options: SQLiteOptions): (() => Connection) | undefined {
  if (options.dbh !== undefined) return undefined
  const { database } = readDataSource('SQLite', options)
  return () => {
    const BetterSqlite = loadPeer<new (file: string, settings: object) => Database>('better-sqlite3', 'driver:SQLite')
    // Waiting for a lock would block the whole process: the shared half tries again instead.
    const db = new BetterSqlite(database, { ...options.dataSourceAttr, timeout: 0 })
    try {
      if (options.journalMode !== '') setJournal(db, options)
    } catch (error) {
      db.close()
      throw error
    }
    return { client: new SqliteClient(db), dialect: sqlite, close: () => db.close() }
  }
}

function setJournal(db: Database, { journalMode, timeout }: SQLiteOptions): void {
  // Once: another process may be at the same.
  db.pragma(`busy_timeout = ${timeout}`)
  db.pragma(`journal_mode = ${journalMode}`)
  db.pragma('busy_timeout = 0')
}

/** A live better-sqlite3 database; undefined for anything else. */
function adopt(handle: object): SqlClient | undefined {
  const { prepare, pragma } = handle as Partial<Database>
  return typeof prepare === 'function' && typeof pragma === 'function'
    ? new SqliteClient(handle as Database)
    : undefined
}

/** Keeps its statements prepared. */
class SqliteClient implements SqlClient {
  readonly #db: Database
  readonly #statements = new Map<string, Statement>()

  constructor(db: Database) {
    this.#db = db
  }

  query(sql: string, values: readonly SqlValue[], isOne = false): SqlResult {
    const statement = this.#statements.get(sql) ?? this.#prepare(sql)
    if (!statement.reader) return { rows: [], count: statement.run(...values).changes }
    if (!isOne) return { rows: statement.all(...values), count: 0 }
    const row = statement.get(...values)
    return { rows: row === undefined ? [] : [row], count: 0 }
  }

  #prepare(sql: string): Statement {
    const statement = this.#db.prepare(sql)
    if (statement.reader) statement.raw(true)
    this.#statements.set(sql, statement)
    return statement
  }
}
