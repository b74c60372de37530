/**
 * Sessions in any of the five databases over ODBC, shared with Perl's Data::Session. The client is the package odbc, and beneath
 * it the database's own ODBC driver: what those do in ways of their own is made good in `drivers/sql/odbc/`.
 */

import type { OptionTable, PluginContext } from '../lib/contracts.js'
import { OptionError } from '../lib/errors.js'
import { integer, oneOf } from '../lib/options.js'
import { loadPeer } from '../lib/peer.js'
import type { Connection, SqlDialect } from './sql/contracts.js'
import { readDataSource } from './sql/data-source.js'
import { givenHandle, isKnex } from './sql/handles.js'
import { type OdbcClient, OpenedClient, PoolClient, SharedClient } from './sql/odbc/client.js'
import { connectionString, dialectOfDriver, withLimits } from './sql/odbc/connection-string.js'
import { askDialect, dialectNamed, sessionSettings } from './sql/odbc/dialect.js'
import { connectFailure } from './sql/odbc/failure.js'
import type { Odbc, OdbcConnection, OdbcPool } from './sql/odbc/package.js'
import { type SqlOptions, sqlOptions } from './sql/options.js'
import { SqlDriver } from './sql/sql-driver.js'

/**
 * Options of `driver:ODBC`, beside those of every SQL driver. `dataSource` is `dbi:ODBC:DSN=name` or
 * `dbi:ODBC:Driver={…};Server=…`; `host`, `port` and `socket` are refused, because each ODBC driver has names of its own for
 * them. `dataSourceAttr` goes to `odbc.connect`; its `maxSize` is the most connections, 4 by default.
 */
export interface ODBCOptions extends SqlOptions {
  /** Which SQL to speak. Default: '', the database is asked over a connection of its own, once for each manager. */
  odbcDialect: '' | SqlDialect['name']
}

/** An ODBC call holds one of the process's threads for work outside of JavaScript, and Node has four of them by default. */
const MOST_CONNECTIONS = 4

/** The driver behind `driver:ODBC`. */
export default class ODBC extends SqlDriver {
  static readonly options: OptionTable<ODBCOptions> = {
    ...sqlOptions,
    odbcDialect: oneOf(['', 'SQLite', 'Pg', 'mysql', 'Oracle', 'mssql'], ''),
  }

  /** @throws {OptionError} for a dataSource that names nothing, and for options that belong into it */
  constructor(options: ODBCOptions, context: PluginContext) {
    const connect = options.dbh === undefined ? opener(options) : () => handedOver(options)
    const { odbcDialect } = options
    const dialect = odbcDialect === '' ? undefined : dialectNamed(odbcDialect)
    super({ name: 'ODBC', payload: 'bytes', options, context, dialect, connect })
  }
}

/** What opens connections to what dataSource names. */
function opener(options: ODBCOptions): () => Promise<Connection> {
  const { maxSize, ...settings } = options.dataSourceAttr
  const most = integer(MOST_CONNECTIONS, { min: 1, max: 1000 })(maxSize, 'dataSourceAttr.maxSize')
  const seconds = Math.ceil(options.timeout / 1000)
  const text = connectionString(readDataSource('ODBC', options), options)
  const connect = async (dialect: SqlDialect['name'] | undefined): Promise<OdbcConnection> => {
    const odbc = loadPeer<Odbc>('odbc', 'driver:ODBC')
    const limits = { connectionTimeout: seconds, loginTimeout: seconds }
    const to = withLimits(text, dialect, seconds)
    try {
      return await odbc.connect({ ...limits, ...settings, connectionString: to, fetchArray: true })
    } catch (error) {
      throw connectFailure(error, to)
    }
  }
  return async () => {
    const dialect = await dialectBehind(() => connect(dialectOfDriver(text)), options, seconds)
    const setting = sessionSettings(dialect.name, options.timeout)
    const open = async () => {
      const connection = await connect(dialect.name)
      // A server that lacks a setting goes without it.
      if (setting !== undefined) await connection.query(setting, [], {}).catch(() => undefined)
      return connection
    }
    const client = new OpenedClient(open, most, seconds)
    return { client, dialect, close: () => client.close() }
  }
}

/** The dialect that the option names; otherwise a connection of its own asks for it. */
async function dialectBehind(
  open: () => Promise<OdbcConnection>,
  options: ODBCOptions,
  seconds: number,
): Promise<SqlDialect> {
  const client = new OpenedClient(open, 1, seconds)
  try {
    return await dialectOf(client, options)
  } finally {
    await client.close()
  }
}

/** The handle that the user gave: a connection or a pool of the package odbc. */
async function handedOver(options: ODBCOptions): Promise<Connection> {
  const client = adopt(Object(await givenHandle(options)), options.timeout)
  if (client === undefined) {
    throw new OptionError(
      'dbh',
      "Option 'dbh' of driver:ODBC must be a Connection or a Pool of the package odbc, or a function that gives one. " +
        "A knex instance goes to its database's own driver, such as driver:Pg",
    )
  }
  return { client, dialect: await dialectOf(client, options) }
}

function adopt(handle: Partial<OdbcConnection & OdbcPool>, timeout: number): OdbcClient | undefined {
  if (typeof handle.query !== 'function' || isKnex(handle)) return undefined
  if (typeof handle.createStatement === 'function') return new SharedClient(handle as OdbcConnection, timeout)
  return typeof handle.connect === 'function' ? new PoolClient(handle as OdbcPool, timeout) : undefined
}

async function dialectOf(client: OdbcClient, { odbcDialect }: ODBCOptions): Promise<SqlDialect> {
  return odbcDialect === '' ? askDialect(client) : dialectNamed(odbcDialect)
}
