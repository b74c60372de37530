/** Sessions in PostgreSQL, shared with Perl's CGI::Session and Data::Session. The client is pg. */

import type { OptionTable, PluginContext } from '../lib/contracts.js'
import { flag } from '../lib/options.js'
import { loadPeer } from '../lib/peer.js'
import type { Connection, SqlDialect } from './sql/contracts.js'
import { readDataSource } from './sql/data-source.js'
import { pg } from './sql/dialects/pg.js'
import { connectTo } from './sql/handles.js'
import { type SqlOptions, sqlOptions } from './sql/options.js'
import { adopt, type PgPool, PoolClient } from './sql/pg/client.js'
import { poolSettings } from './sql/pg/settings.js'
import { SqlDriver } from './sql/sql-driver.js'

/** Options of `driver:Pg`, beside those of every SQL driver. */
export interface PgOptions extends SqlOptions {
  /**
   * The data column is a text column, as CGI::Session has it by default: only serializers that write text are accepted, and
   * createTable() makes one. It outweighs `pgBytea`, as in Perl (`pg_text`). Default: false.
   */
  pgText: boolean
  /** The data column holds bytes; false says the same as `pgText` (Perl: `pg_bytea`). Default: true. */
  pgBytea: boolean
  /**
   * Statements are prepared once a connection, and the connections that the driver opens have the server give up what takes
   * longer than `timeout`. False for PgBouncer, which passes connections from one client to another: a write that takes
   * too long is then cancelled by a request over a connection of its own. Default: true.
   */
  prepare: boolean
}

/** The driver behind `driver:Pg`. */
export default class Pg extends SqlDriver {
  static readonly options: OptionTable<PgOptions> = {
    ...sqlOptions,
    pgText: flag(false),
    pgBytea: flag(true),
    prepare: flag(true),
  }

  /** @throws {OptionError} for a dataSource that names no database, or an sslmode that is none */
  constructor(options: PgOptions, context: PluginContext) {
    const isText = options.pgText || !options.pgBytea
    const dialect = isText ? { ...pg, dataType: 'text' } : pg
    const settings = options.dbh === undefined ? poolSettings(readDataSource('Pg', options), options) : undefined
    const open = settings && (() => openPool(settings, dialect, options))
    super({
      name: 'Pg',
      payload: isText ? 'text' : 'bytes',
      options,
      context,
      dialect,
      connect: () => connectTo(options, dialect, (handle) => adopt(handle, options), open),
    })
  }
}

function openPool(settings: object, dialect: SqlDialect, options: PgOptions): Connection {
  const { Pool } = loadPeer<{ Pool: new (settings: object) => PgPool }>('pg', 'driver:Pg')
  const pool = new Pool(settings)
  // The pool drops a connection that ends while nobody uses it; without a listener that would end the process.
  pool.on('error', () => undefined)
  return { client: new PoolClient(pool, options), dialect, close: () => pool.end() }
}
