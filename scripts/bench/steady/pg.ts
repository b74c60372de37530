/** Who takes part for PostgreSQL: each with a connection and a table of its own, in a schema that is dropped again. */

import type { ManagerOptions } from 'data-session'
import { startPostgres } from '../../../t/support/postgres-server.js'
import { AsyncByHand, type Contender, DataSession, type PeerStore } from './contender.js'
import { knexContender, knexPeer } from './knex.js'
import { tryPackage, tryStore } from './packages.js'
import { type Entry, filledPeer, fillTable, openManager, type Sessions } from './places.js'

/** What is used of pg. */
interface Queries {
  query(query: string | { name: string; text: string; values: unknown[] }): Promise<{
    rows: { a_session: Buffer }[]
    rowCount: number
  }>
  end(): Promise<void>
}
interface Pg {
  Client: new (settings: object) => Queries & { connect(): Promise<void> }
  Pool: new (settings: object) => Queries
}

const schema = 'data_session_bench'

/** The contenders, ready. The server is that of DATA_SESSION_TEST_PG, or a private one that does not wait for its disk. */
export async function pgEntry(_folder: string, sessions: Sessions): Promise<Entry | undefined> {
  const pg = tryPackage<Pg>('pg')
  if (pg === undefined) return undefined
  const { settings, stop } = await startPostgres()
  const { host, port, database, username, password } = settings
  const connection = { host, port, database, user: username, password }
  const admin = new pg.Client(connection)
  await admin.connect()
  await admin.query(`drop schema if exists ${schema} cascade`)
  await admin.query(`create schema ${schema}`)
  const dataSource = `dbi:Pg:dbname=${database};host=${host};port=${port}`
  const optionsFor = async (table: string) => {
    const tableName = `${schema}.${table}`
    const options: ManagerOptions = { type: 'driver:Pg;serialize:JSON', dataSource, username, password, tableName }
    await fillTable(options, sessions)
    return options
  }
  const byHand = async (name: string, table: string) => {
    await optionsFor(table)
    const client = new pg.Client(connection)
    await client.connect()
    return pgByHand(name, client, `${schema}.${table}`)
  }
  const config = { client: 'pg', connection, searchPath: [schema], pool: { min: 1, max: 1 } }
  const contenders: Contender[] = [
    await byHand('by hand', 'one'),
    await byHand('by hand, again (control)', 'two'),
    new DataSession(await openManager(await optionsFor('three'))),
  ]
  await optionsFor('four')
  contenders.push(...knexContender(config, 'four'))
  contenders.push(...(await simplePeer(new pg.Pool({ ...connection, max: 1 }), sessions)))
  contenders.push(...(await knexPeer(config, sessions)))
  const end = async () => {
    await admin.query(`drop schema ${schema} cascade`)
    await admin.end()
    await stop()
  }
  return { contenders, end }
}

function pgByHand(name: string, client: Queries, table: string): Contender {
  const fetch = `select a_session from ${table} where id = $1`
  const replace = `update ${table} set a_session = $1 where id = $2 and a_session = $3`
  const statements = {
    fetch: async (id: string) => (await client.query({ name: 'fetch', text: fetch, values: [id] })).rows[0]!.a_session,
    replace: async (id: string, record: Buffer, expected: Buffer) =>
      (await client.query({ name: 'replace', text: replace, values: [record, id, expected] })).rowCount === 1,
  }
  return new AsyncByHand(name, statements, () => client.end())
}

async function simplePeer(pool: Queries, sessions: Sessions): Promise<Contender[]> {
  const Store = tryStore<new (options: object) => PeerStore>('connect-pg-simple')
  if (Store === undefined) {
    await pool.end()
    return []
  }
  const settings = { schemaName: schema, tableName: 'simple', createTableIfMissing: true, pruneSessionInterval: false }
  return [await filledPeer('connect-pg-simple', new Store({ pool, ...settings }), sessions, () => pool.end())]
}
