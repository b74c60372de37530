/**
 * Every plug-in of this package and the options that it knows.
 * Written by scripts/dev/catalogue.mjs (`npm run catalogue`) from the folders drivers/, id/ and serialize/.
 */

import type { BerkeleyDBOptions } from '../drivers/BerkeleyDB.js'
import type { FileOptions } from '../drivers/File.js'
import type { MemcachedOptions } from '../drivers/Memcached.js'
import type { MemoryOptions } from '../drivers/Memory.js'
import type { mysqlOptions } from '../drivers/mysql.js'
import type { ODBCOptions } from '../drivers/ODBC.js'
import type { OracleOptions } from '../drivers/Oracle.js'
import type { PgOptions } from '../drivers/Pg.js'
import type { RedisOptions } from '../drivers/Redis.js'
import type { SQLiteOptions } from '../drivers/SQLite.js'
import type { AutoIncrementOptions } from '../id/AutoIncrement.js'
import type { StaticOptions } from '../id/Static.js'
import type { SerializerOptions } from '../serialize/shared/options.js'
import type { Driver, IdGenerator, PluginLoader, Serializer } from './contracts.js'

export const drivers: Readonly<Record<string, PluginLoader<Driver>>> = {
  BerkeleyDB: () => import('../drivers/BerkeleyDB.js'),
  File: () => import('../drivers/File.js'),
  Memcached: () => import('../drivers/Memcached.js'),
  Memory: () => import('../drivers/Memory.js'),
  ODBC: () => import('../drivers/ODBC.js'),
  Oracle: () => import('../drivers/Oracle.js'),
  Pg: () => import('../drivers/Pg.js'),
  Redis: () => import('../drivers/Redis.js'),
  SQLite: () => import('../drivers/SQLite.js'),
  mysql: () => import('../drivers/mysql.js'),
}

export const ids: Readonly<Record<string, PluginLoader<IdGenerator>>> = {
  AutoIncrement: () => import('../id/AutoIncrement.js'),
  MD5: () => import('../id/MD5.js'),
  SHA1: () => import('../id/SHA1.js'),
  SHA256: () => import('../id/SHA256.js'),
  SHA512: () => import('../id/SHA512.js'),
  Static: () => import('../id/Static.js'),
  UUID16: () => import('../id/UUID16.js'),
  UUID34: () => import('../id/UUID34.js'),
  UUID36: () => import('../id/UUID36.js'),
  UUID64: () => import('../id/UUID64.js'),
}

export const serializers: Readonly<Record<string, PluginLoader<Serializer>>> = {
  DataDumper: () => import('../serialize/DataDumper.js'),
  FreezeThaw: () => import('../serialize/FreezeThaw.js'),
  JSON: () => import('../serialize/JSON.js'),
  Storable: () => import('../serialize/Storable.js'),
  YAML: () => import('../serialize/YAML.js'),
}

/** The options of all plug-ins together. */
export type PluginOptions = Partial<AutoIncrementOptions> &
  Partial<BerkeleyDBOptions> &
  Partial<FileOptions> &
  Partial<MemcachedOptions> &
  Partial<MemoryOptions> &
  Partial<ODBCOptions> &
  Partial<OracleOptions> &
  Partial<PgOptions> &
  Partial<RedisOptions> &
  Partial<SQLiteOptions> &
  Partial<SerializerOptions> &
  Partial<StaticOptions> &
  Partial<mysqlOptions>
