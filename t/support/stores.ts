/** A new, empty store for each driver, as the suites need it. A new driver adds one line to `stores`. */

import { join } from 'node:path'
import { type ManagerOptions, SessionManager } from '../../lib/index.js'
import type { SessionStore } from '../suite/session.js'
import { temporaryFolder } from './folders.js'
import { newNamespace, newPrefix } from './keyed.js'
import { newDatabase } from './mariadb.js'
import { dropOracleTable, newOracleTable } from './oracle.js'
import { newSchema } from './postgres.js'

let spaces = 0

/** Makes a store. @param newFolder where it is, if it is in files. Default: a temporary folder */
type NewStore = (newFolder?: () => string) => Promise<SessionStore> | SessionStore

/** Driver -> a store of it; the options go to every manager on that store. */
export const stores: Readonly<Record<string, NewStore>> = {
  File: (newFolder = temporaryFolder) => ({ options: { directory: newFolder() } }),
  SQLite: (newFolder = temporaryFolder) =>
    tableIn({ dataSource: `dbi:SQLite:dbname=${join(newFolder(), 'sessions.sqlite')}` }, 'SQLite'),
  Pg: pgStore,
  mysql: mysqlStore,
  ODBC: (newFolder = temporaryFolder) =>
    tableIn({ dataSource: `dbi:ODBC:Driver=SQLite3;Database=${join(newFolder(), 'sessions.sqlite')}` }, 'ODBC'),
  Memory: () => ({ options: { space: `stores ${++spaces}` } }),
  Oracle: oracleStore,
  BerkeleyDB: (newFolder = temporaryFolder) => ({ options: { directory: newFolder() } }),
  Memcached: async () => ({ options: await newNamespace() }),
  Redis: async () => ({ options: await newPrefix() }),
}

/** What a driver's store needs that may be missing, as t/support/requirements.ts knows it. */
export const storeParts: Readonly<Record<string, string>> = {
  Oracle: 'oracle',
  ODBC: 'odbc-sqlite',
  mysql: 'mariadb',
  BerkeleyDB: 'lmdb',
  Memcached: 'memcached',
  Redis: 'redis',
}

async function oracleStore(): Promise<SessionStore> {
  const options = newOracleTable()
  return { ...(await tableIn(options, 'Oracle')), remove: () => dropOracleTable(options) }
}

async function pgStore(): Promise<SessionStore> {
  const { options, drop } = await newSchema()
  return { ...(await tableIn(options, 'Pg')), remove: drop }
}

async function mysqlStore(): Promise<SessionStore> {
  const { options, drop } = await newDatabase()
  return { ...(await tableIn(options, 'mysql')), remove: drop }
}

/** A database with a table for the longest ids, with a column of expiry times. */
async function tableIn(options: ManagerOptions, driver: string): Promise<SessionStore> {
  const sessions = await SessionManager.create({ type: { driver }, ...options })
  await sessions.createTable({ idLength: 200, expires: true })
  await sessions.close()
  return { options }
}

/** Options that an id generator needs beside its name. */
export function idOptions(id: string): { options: ManagerOptions } {
  const allowPredictableIds = true
  if (id === 'Static') return { options: { id: 'chosen-by-the-program', allowPredictableIds } as ManagerOptions }
  if (id !== 'AutoIncrement') return { options: {} }
  return { options: { idFile: join(temporaryFolder(), 'counter'), allowPredictableIds } }
}
