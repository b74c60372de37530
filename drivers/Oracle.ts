/** Sessions in an Oracle database. The client is oracledb in its thin mode, which needs no Oracle software. */

import { randomUUID } from 'node:crypto'
import type { OptionTable, PluginContext } from '../lib/contracts.js'
import { OptionError } from '../lib/errors.js'
import type { Connection } from './sql/contracts.js'
import { readDataSource } from './sql/data-source.js'
import { oracle } from './sql/dialects/oracle.js'
import { connectTo } from './sql/handles.js'
import { type SqlOptions, sqlOptions } from './sql/options.js'
import { adopt, loadOracle, PoolClient } from './sql/oracle/client.js'
import { SqlDriver } from './sql/sql-driver.js'

/**
 * Options of `driver:Oracle`: those of every SQL driver. A connection given as `dbh` commits with each write, which ends a
 * transaction of yours; a pool does not. A script that forgets `close()` ends when the pool has given up its idle connections,
 * after a minute (`poolTimeout` in dataSourceAttr).
 */
export interface OracleOptions extends SqlOptions {}

/** The driver behind `driver:Oracle`. */
export default class Oracle extends SqlDriver {
  static readonly options: OptionTable<OracleOptions> = sqlOptions

  /** @throws {OptionError} for a dataSource that names no database */
  constructor(options: OracleOptions, context: PluginContext) {
    const open = opener(options)
    super({
      name: 'Oracle',
      payload: 'bytes',
      options,
      context,
      dialect: oracle,
      connect: () => connectTo(options, oracle, (handle) => adopt(handle, options), open),
    })
  }
}

/** What opens a pool for the database that the options name; undefined when a handle was given. */
function opener(options: OracleOptions): (() => Promise<Connection>) | undefined {
  if (options.dbh !== undefined) return undefined
  const { username, password, ...source } = readDataSource('Oracle', options)
  const connectString = connectStringOf(source, options)
  const { timeout } = options
  const seconds = Math.ceil(timeout / 1000)
  return async () => {
    const pool = await loadOracle().createPool({
      // With poolMin above 0 oracledb tries to connect without end while there is no server.
      poolMin: 0,
      poolMax: 10,
      queueTimeout: timeout,
      connectTimeout: seconds,
      transportConnectTimeout: seconds,
      ...options.dataSourceAttr,
      ...(username === '' ? {} : { user: username }),
      ...(password === '' ? {} : { password }),
      connectString,
      // Without an alias the first pool becomes the one that the program's own getConnection() uses.
      poolAlias: `data-session ${randomUUID()}`,
    })
    return { client: new PoolClient(pool, timeout), dialect: oracle, close: () => pool.close(seconds) }
  }
}

type Source = Omit<ReturnType<typeof readDataSource>, 'username' | 'password'>

/** Host, port and service as a descriptor; a TNS alias, an Easy Connect string or a descriptor as it is. */
function connectStringOf({ database, host, port, extra: { sid } }: Source, { socket }: OracleOptions): string {
  if (socket !== '')
    throw new OptionError('socket', "Option 'socket' is of no use to driver:Oracle: give a host and a port")
  if (/^[^()/@]*\/[^@]*@/.test(database))
    refuse("has a user and a password in it: give them as 'username' and 'password'")
  if (host === '' && sid === undefined) return database
  const name = sid ?? database
  if (/[()=\s"']/.test(host + name)) refuse("says where the server is, so leave out 'host'")
  const address = `(ADDRESS=(PROTOCOL=TCP)(HOST=${host || 'localhost'})(PORT=${port || 1521}))`
  return `(DESCRIPTION=${address}(CONNECT_DATA=(${sid === undefined ? 'SERVICE_NAME' : 'SID'}=${name})))`
}

function refuse(reason: string): never {
  throw new OptionError('dataSource', `Option 'dataSource' of driver:Oracle ${reason}`)
}
