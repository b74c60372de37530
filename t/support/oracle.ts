/** Oracle in tests: tables in a server that is there, and without one the real client with the wire cut off. */

import { createRequire } from 'node:module'

const requirePackage = createRequire(import.meta.url)

/** Where a test's table is. */
export interface OracleTable {
  readonly dataSource: string
  readonly tableName: string
}

let tables = 0

/** Options of driver:Oracle for a table of its own, which is not there yet, in the server of DATA_SESSION_TEST_ORACLE. */
export function newOracleTable(): OracleTable {
  const tableName = `ds_${process.pid}_${Date.now().toString(36)}_${++tables}`
  return { dataSource: process.env.DATA_SESSION_TEST_ORACLE ?? '', tableName }
}

export async function dropOracleTable({ dataSource, tableName }: OracleTable): Promise<void> {
  const { username, password, host, pathname } = new URL(dataSource)
  const connection = await requirePackage('oracledb').getConnection({
    user: decodeURIComponent(username),
    password: decodeURIComponent(password),
    connectString: `//${host}${decodeURIComponent(pathname)}`,
  })
  await connection.execute(`drop table ${tableName} purge`)
  await connection.close()
}

/** A value as it would go to the server, and the name of its type there. */
export interface SentBind {
  readonly type: string
  readonly value: unknown
}

/** A statement as it would go to the server. */
export interface SentStatement {
  readonly sql: string
  readonly binds: readonly SentBind[]
  readonly commits: boolean
  readonly callTimeout: number
}

/** What the server would say: rows of a query, the count of a write, or an error. */
export interface Answer {
  readonly columns?: readonly { readonly name: string; readonly type: string }[]
  readonly rows?: readonly (readonly unknown[])[]
  readonly count?: number
  readonly error?: { readonly num: number; readonly text: string }
}

/** A connection of oracledb that checks, converts and binds as ever, and hands over what it would send. */
export interface CutConnection {
  /** A real `oracledb.Connection`, and a real `oracledb.Pool` that gives it. */
  readonly connection: object
  readonly pool: object
  readonly protocol: { callTimeout: number }
  readonly sent: SentStatement[]
}

interface Message {
  readonly operation?: number
  readonly sourceLobImpl?: object
  readonly data?: Uint8Array | string
  readonly options: { autoCommit?: boolean }
  readonly statement?: Statement
  resultSet?: object
}

interface Statement {
  readonly sql: string
  readonly isQuery: boolean
  readonly bindInfoList: readonly { type: { name: string }; bindVar: { values: unknown[] } }[]
  queryVars: object[]
  numQueryVars: number
  bufferRowCount: number
  moreRowsToFetch: boolean
  rowCount?: number
}

/**
 * The real client, down to the messages of its protocol; only what would write them to a socket is replaced.
 * @param answer what the server says to a statement
 */
export function cutConnection(answer: (statement: SentStatement) => Answer): CutConnection {
  const oracledb = requirePackage('oracledb')
  const Implementation = requirePackage('oracledb/lib/thin/connection.js')
  const StatementCache = requirePackage('oracledb/lib/thin/statementCache.js')
  const sent: SentStatement[] = []
  const texts = new Map<unknown, Uint8Array | string>()
  const implementation = new Implementation()
  const protocol = {
    callTimeout: 0,
    async _processMessage(message: Message): Promise<void> {
      if (message.statement === undefined) {
        // A large object is made on the server, and then written.
        if (message.data !== undefined) texts.set(message.sourceLobImpl, message.data)
        return
      }
      const statement = sentStatement(message.statement, message.options, texts, protocol.callTimeout)
      sent.push(statement)
      receive(implementation, message, message.statement, answer(statement))
    },
  }
  Object.assign(implementation, {
    statementCache: new StatementCache(30),
    nscon: { connected: true },
    _tempLobsToClose: [],
    _tempLobsTotalSize: 0,
    _protocol: protocol,
  })
  const connection = new oracledb.Connection()
  connection._impl = implementation
  const pool = new oracledb.Pool()
  pool._impl = { getPoolMax: () => 1, getConnection: async () => implementation }
  pool._setup({ queueTimeout: 0, queueMax: -1 })
  implementation.close = async () => undefined
  return { connection, pool, protocol, sent }
}

function sentStatement(
  { sql, bindInfoList }: Statement,
  { autoCommit }: Message['options'],
  texts: ReadonlyMap<unknown, unknown>,
  callTimeout: number,
): SentStatement {
  const binds = bindInfoList.map(({ type, bindVar: { values } }) => {
    const value = values[0] ?? null
    return { type: type.name, value: texts.get(value) ?? value }
  })
  return { sql, binds, commits: autoCommit === true, callTimeout }
}

/** What the client makes of the answer. */
function receive(
  implementation: { _createResultSet(options: object, statement: Statement): object },
  message: Message,
  statement: Statement,
  { columns = [], rows = [], count = 0, error }: Answer,
): void {
  if (error !== undefined) throw Object.assign(new Error(error.text), { errorNum: error.num })
  if (!statement.isQuery) {
    statement.rowCount = count
    return
  }
  const oracledb = requirePackage('oracledb')
  const vars = columns.map(({ name, type }, index) => ({
    type: oracledb[type],
    fetchInfo: { name, dbType: oracledb[type] } as { fetchType?: { name: string } },
    values: rows.map((row) => row[index] ?? null),
  }))
  Object.assign(statement, {
    queryVars: vars,
    numQueryVars: vars.length,
    bufferRowCount: rows.length,
    moreRowsToFetch: false,
  })
  message.resultSet = implementation._createResultSet(message.options, statement)
  for (const [index, { fetchInfo }] of vars.entries()) {
    // A large object that is not fetched as bytes would come as a locator, to be read in more round trips.
    if (columns[index]!.type.endsWith('LOB') && fetchInfo.fetchType!.name.endsWith('LOB')) {
      throw new Error(`${columns[index]!.name} is fetched as a locator`)
    }
  }
}
