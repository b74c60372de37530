/**
 * Sessions in a MySQL or MariaDB table, shared with Perl's CGI::Session and Data::Session. The client is mysql2; statements are
 * prepared, once for each connection.
 */

import { existsSync } from 'node:fs'
import type { OptionTable, PluginContext } from '../lib/contracts.js'
import { custom } from '../lib/options.js'
import { loadPeer } from '../lib/peer.js'
import type { Connection } from './sql/contracts.js'
import { type DataSource, readDataSource } from './sql/data-source.js'
import { mysqlFor } from './sql/dialects/mysql.js'
import { connectTo } from './sql/handles.js'
import { adopt, type MysqlPool, PoolClient } from './sql/mysql/client.js'
import { sessionSettings } from './sql/mysql/limits.js'
import { type SqlOptions, sqlOptions } from './sql/options.js'
import { SqlDriver } from './sql/sql-driver.js'

/** Options of `driver:mysql`, beside those of every SQL driver. */
export interface mysqlOptions extends SqlOptions {
  /**
   * The character set of Perl's connections, which decides what bytes Perl reads in a text column: `latin1` where its client
   * library is so old that it speaks that. It changes nothing for blobs, nor for what is ASCII. Default: `utf8mb4`.
   */
  charset: string
}

const isCharset = (value: unknown): value is string => typeof value === 'string' && /^[a-z][a-z0-9]*$/i.test(value)

/** The driver behind `driver:mysql`. */
export default class mysql extends SqlDriver {
  static readonly options: OptionTable<mysqlOptions> = {
    ...sqlOptions,
    charset: custom('utf8mb4', 'a character set of the server, such as utf8mb4 or latin1', isCharset),
  }

  /** @throws {OptionError} for a dataSource that names no database */
  constructor(options: mysqlOptions, context: PluginContext) {
    const dialect = mysqlFor(options.charset)
    const source = options.dbh === undefined ? readDataSource('mysql', options) : undefined
    const open = source && ((): Connection => ({ ...openPool(source, options), dialect }))
    super({
      name: 'mysql',
      payload: 'bytes',
      options,
      context,
      dialect,
      connect: () => connectTo(options, dialect, (handle) => adopt(handle, options.timeout), open),
    })
  }
}

function openPool(source: DataSource, { dataSourceAttr, timeout }: mysqlOptions): Omit<Connection, 'dialect'> {
  const { createPool } = loadPeer<{ createPool(settings: object): MysqlPool }>('mysql2', 'driver:mysql')
  const pool = createPool({
    ...(source.extra.mysql_ssl === '1' && { ssl: {} }),
    ...whereTo(source),
    user: source.username,
    password: source.password,
    database: source.database,
    connectTimeout: timeout,
    ...dataSourceAttr,
    charset: 'utf8mb4',
  })
  const settings = sessionSettings(timeout)
  pool.on('connection', (connection) => {
    // The pool drops a connection that ends; without a listener the second error of one would end the process.
    connection.on('error', () => undefined)
    connection.query(settings, () => undefined)
  })
  // A script that forgets close() ends all the same; the limit of a statement that is under way keeps it alive.
  pool.on('release', ({ stream }) => stream?.unref?.())
  return {
    client: new PoolClient(pool, { timeout, isOurs: true }),
    // An error is one of a connection that has ended already, or never came about.
    close: () => new Promise((resolve) => pool.end(() => resolve())),
  }
}

/** Where libmysqlclient and libmariadb are told by their packagers to look when neither host nor socket is named. */
const usualSockets = ['/run/mysqld/mysqld.sock', '/var/lib/mysql/mysql.sock', '/tmp/mysql.sock']

/** As Perl's client library has it: without a host and a port it is the socket of this machine. */
function whereTo({ host, port, socket }: DataSource): object {
  const socketPath = socket || (host === '' && port === 0 ? usualSockets.find((path) => existsSync(path)) : undefined)
  if (socketPath !== undefined) return { socketPath }
  return { host: host || 'localhost', ...(port > 0 && { port }) }
}
