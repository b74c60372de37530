/**
 * The client of `driver:Oracle`: an oracledb pool or a single connection.
 *
 * Records go to the server as large objects, however short they are: that is what a comparison of large objects takes.
 */

import { asBuffer } from '../../../lib/bytes.js'
import { loadPeer } from '../../../lib/peer.js'
import type { SqlClient, SqlResult, SqlValue } from '../contracts.js'
import type { SqlOptions } from '../options.js'

/** What is used of the package oracledb. */
interface OracleDb {
  readonly OUT_FORMAT_ARRAY: number
  readonly DB_TYPE_VARCHAR: DbType
  readonly DB_TYPE_NUMBER: DbType
  readonly DB_TYPE_RAW: DbType
  readonly DB_TYPE_BLOB: DbType
  readonly DB_TYPE_CLOB: DbType
  readonly DB_TYPE_NCLOB: DbType
  createPool(settings: object): Promise<OraclePool>
}

/** One of oracledb's constants. */
type DbType = object

interface OracleConnection {
  callTimeout: number
  execute(sql: string, values: readonly Bind[], settings: object): Promise<Result>
  close(): Promise<void>
}

interface OraclePool {
  getConnection(): Promise<OracleConnection>
  close(secondsToDrain: number): Promise<void>
}

interface Result {
  readonly rows?: readonly (readonly unknown[])[]
  readonly rowsAffected?: number
}

interface Bind {
  readonly type: DbType
  readonly val: SqlValue
}

/** The package, loaded when it is first needed. */
export function loadOracle(): OracleDb {
  return loadPeer<OracleDb>('oracledb', 'driver:Oracle')
}

/** A live oracledb connection or pool; undefined for anything else. */
export function adopt(handle: object, { timeout }: SqlOptions): SqlClient | undefined {
  const { execute, getConnection } = handle as Partial<OracleConnection & OraclePool>
  const has = (property: string): boolean => Reflect.has(handle, property)
  if (typeof getConnection === 'function' && has('poolMax')) return new PoolClient(handle as OraclePool, timeout)
  return typeof execute === 'function' && has('callTimeout')
    ? new ConnectionClient(handle as OracleConnection)
    : undefined
}

/** A connection of the pool for each statement, for which it also bounds how long the server may take. */
export class PoolClient implements SqlClient {
  readonly #pool: OraclePool
  readonly #timeout: number

  constructor(pool: OraclePool, timeout: number) {
    this.#pool = pool
    this.#timeout = timeout
  }

  async query(sql: string, values: readonly SqlValue[]): Promise<SqlResult> {
    const connection = await this.#pool.getConnection()
    const { callTimeout } = connection
    try {
      connection.callTimeout = this.#timeout
      return await new ConnectionClient(connection).query(sql, values)
    } finally {
      await giveBack(connection, callTimeout)
    }
  }
}

/** What the statement did is known by now: a connection that ends meanwhile changes nothing about it, and the pool drops it. */
async function giveBack(connection: OracleConnection, callTimeout: number): Promise<void> {
  try {
    // The pool may be the user's.
    connection.callTimeout = callTimeout
  } catch {
    // It is closed.
  }
  await connection.close().catch(() => undefined)
}

/** oracledb lets the calls of one connection wait for each other. */
class ConnectionClient implements SqlClient {
  readonly #connection: OracleConnection

  constructor(connection: OracleConnection) {
    this.#connection = connection
  }

  async query(sql: string, values: readonly SqlValue[]): Promise<SqlResult> {
    const oracledb = loadOracle()
    const binds = values.map((value) => bindOf(oracledb, value))
    // A query must not commit what the connection's owner has under way.
    const settings = { ...settingsOf(oracledb), autoCommit: !sql.startsWith('select ') }
    const { rows = [], rowsAffected = 0 } = await this.#connection.execute(sql, binds, settings)
    return { rows, count: rowsAffected }
  }
}

/** A VARCHAR2 in SQL has at most so many bytes; a longer text must be a large object to be compared. */
const LONGEST_VARCHAR = 4000

/** A value with its type, so that the statement stays the same for every value. */
function bindOf(oracledb: OracleDb, value: SqlValue): Bind {
  if (value instanceof Uint8Array) {
    return { type: oracledb.DB_TYPE_BLOB, val: asBuffer(value) }
  }
  if (typeof value === 'string') {
    const isLong = Buffer.byteLength(value) > LONGEST_VARCHAR
    return { type: isLong ? oracledb.DB_TYPE_CLOB : oracledb.DB_TYPE_VARCHAR, val: value }
  }
  // The only null is a time that is not set.
  return { type: oracledb.DB_TYPE_NUMBER, val: value }
}

/** All that the program may have set otherwise in oracledb's global settings. */
function settingsOf(oracledb: OracleDb): object {
  const { DB_TYPE_BLOB, DB_TYPE_CLOB, DB_TYPE_NCLOB, DB_TYPE_RAW, DB_TYPE_VARCHAR } = oracledb
  return {
    outFormat: oracledb.OUT_FORMAT_ARRAY,
    resultSet: false,
    maxRows: 0,
    fetchArraySize: 500,
    fetchTypeHandler: ({ dbType }: { dbType: DbType }) => {
      if (dbType === DB_TYPE_BLOB) return { type: DB_TYPE_RAW }
      return dbType === DB_TYPE_CLOB || dbType === DB_TYPE_NCLOB ? { type: DB_TYPE_VARCHAR } : undefined
    },
  }
}
