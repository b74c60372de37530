/** The databases behind ODBC that tests use, each with its ODBC driver. */

import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { OdbcConnection, OdbcPool } from '../../drivers/sql/odbc/package.js'
import { temporaryFolder } from './folders.js'
import { newDatabase } from './mariadb.js'
import { newSchema } from './postgres.js'

/** The package odbc. */
export interface OdbcPackage {
  connect(settings: string | object): Promise<OdbcConnection & Transactions>
  pool(settings: object): Promise<OdbcPool & { close(): Promise<void> }>
}

interface Transactions {
  beginTransaction(): Promise<void>
  rollback(): Promise<void>
}

/** The package itself, for tests that hand over what they opened. */
export const odbcPackage = (): OdbcPackage => createRequire(import.meta.url)('odbc')

/** An empty database, schema or file. */
export interface OdbcStore {
  /** Options of driver:ODBC. */
  readonly options: { dataSource: string; username?: string; password?: string; tableName: string }
  /** The connection string with user and password. */
  readonly connectionString: string
  /** The table as it stands in statements. */
  readonly table: string
  /** Run statements in a server, not over ODBC. */
  run(...statements: string[]): Promise<unknown>
  drop(): Promise<void>
}

/** An ODBC driver and a database for it. */
export interface OdbcTarget {
  /** As odbcinst names the driver. */
  readonly name: string
  /** As t/support/requirements.ts knows it. */
  readonly part: string
  readonly dialect: 'SQLite' | 'Pg' | 'mysql'
  open(): Promise<OdbcStore>
}

function braced(text: string): string {
  return `{${text.replaceAll('}', '}}')}}`
}

/** What differs between the servers' stores. */
type Rest = Pick<OdbcStore, 'table' | 'run' | 'drop'>

function storeOf(
  attributes: string,
  { username, password }: { username: string; password: string },
  rest: Rest,
): OdbcStore {
  return {
    options: { dataSource: `dbi:ODBC:${attributes}`, username, password, tableName: rest.table },
    connectionString: `${attributes};UID=${username};PWD=${braced(password)}`,
    ...rest,
  }
}

async function openSqlite(): Promise<OdbcStore> {
  const attributes = `Driver=SQLite3;Database=${join(temporaryFolder(), 'sessions.sqlite')}`
  const tableName = 'sessions'
  const options = { dataSource: `dbi:ODBC:${attributes}`, tableName }
  return { options, connectionString: attributes, table: tableName, run: async () => [], drop: async () => undefined }
}

async function openPostgres(name: string): Promise<OdbcStore> {
  const { server, options, run, drop } = await newSchema()
  const { host, port, database } = server
  const attributes = `Driver={${name}};Server=${host};Port=${port};Database=${database}`
  return storeOf(attributes, server, { table: options.tableName, run, drop })
}

async function openMariadb(name: string): Promise<OdbcStore> {
  const { server, name: database, run, drop } = await newDatabase()
  const { host, port } = server
  const attributes = `Driver={${name}};Server=${host};Port=${port};Database=${database}`
  return storeOf(attributes, server, { table: 'sessions', run, drop })
}

export const odbcTargets: readonly OdbcTarget[] = [
  { name: 'SQLite3', part: 'odbc-sqlite', dialect: 'SQLite', open: openSqlite },
  ...['PostgreSQL Unicode', 'PostgreSQL ANSI'].map(
    (name) => ({ name, part: 'odbc-postgresql', dialect: 'Pg', open: () => openPostgres(name) }) as const,
  ),
  { name: 'MariaDB Unicode', part: 'odbc-mariadb', dialect: 'mysql', open: () => openMariadb('MariaDB Unicode') },
]
