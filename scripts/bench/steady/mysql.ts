/** Who takes part for MySQL: each with a connection and a table of its own, in a database that is dropped again. */

import type { ManagerOptions } from 'data-session'
import { mariadbMissing, startMariadb } from '../../../t/support/mariadb-server.js'
import { AsyncByHand, type Contender, DataSession, type PeerStore } from './contender.js'
import { knexContender, knexPeer } from './knex.js'
import { tryPackage, tryStore } from './packages.js'
import { type Entry, filledPeer, fillTable, openManager, type Sessions } from './places.js'

/** What is used of mysql2. */
interface Connection {
  query(sql: string): Promise<unknown>
  execute(sql: string, values: unknown[]): Promise<[{ a_session: Buffer }[] & { affectedRows: number }, unknown]>
  end(): Promise<void>
}
type Mysql2 = { createConnection(settings: object): Promise<Connection> }

const database = 'data_session_bench'

/** The contenders, ready. The server is that of DATA_SESSION_TEST_MYSQL, or a private one that does not wait for its disk. */
export async function mysqlEntry(_folder: string, sessions: Sessions): Promise<Entry | undefined> {
  const mysql2 = tryPackage<Mysql2>('mysql2/promise')
  const reason = mariadbMissing()
  if (reason !== undefined) console.log(`\nwithout mysql: ${reason}`)
  if (mysql2 === undefined || reason !== undefined) return undefined
  const { settings, stop } = await startMariadb()
  const { host, port, username, password } = settings
  const server = { host, port, user: username, password }
  const admin = await mysql2.createConnection(server)
  await admin.query(`drop database if exists ${database}`)
  await admin.query(`create database ${database}`)
  const connection = { ...server, database }
  const dataSource = `dbi:mysql:database=${database};host=${host};port=${port}`
  const optionsFor = async (tableName: string) => {
    const options: ManagerOptions = { type: 'driver:mysql;serialize:JSON', dataSource, username, password, tableName }
    await fillTable(options, sessions)
    return options
  }
  const byHand = async (name: string, table: string) => {
    await optionsFor(table)
    return mysqlByHand(name, await mysql2.createConnection(connection), table)
  }
  const config = { client: 'mysql2', connection, pool: { min: 1, max: 1 } }
  const contenders: Contender[] = [
    await byHand('by hand', 'one'),
    await byHand('by hand, again (control)', 'two'),
    new DataSession(await openManager(await optionsFor('three'))),
  ]
  await optionsFor('four')
  contenders.push(...knexContender(config, 'four'))
  contenders.push(...(await expressPeer({ ...connection, connectionLimit: 1, clearExpired: false }, sessions)))
  contenders.push(...(await knexPeer(config, sessions)))
  const end = async () => {
    await admin.query(`drop database ${database}`)
    await admin.end()
    await stop()
  }
  return { contenders, end }
}

function mysqlByHand(name: string, connection: Connection, table: string): Contender {
  const fetch = `select a_session from ${table} where id = ?`
  const replace = `update ${table} set a_session = ? where id = ? and a_session = ?`
  const statements = {
    fetch: async (id: string) => (await connection.execute(fetch, [id]))[0][0]!.a_session,
    replace: async (id: string, record: Buffer, expected: Buffer) =>
      (await connection.execute(replace, [record, id, expected]))[0].affectedRows === 1,
  }
  return new AsyncByHand(name, statements, () => connection.end())
}

async function expressPeer(settings: object, sessions: Sessions): Promise<Contender[]> {
  const Store =
    tryStore<new (options: object) => PeerStore & { close(): unknown; onReady(): Promise<void> }>(
      'express-mysql-session',
    )
  if (Store === undefined) return []
  const store = new Store(settings)
  await store.onReady()
  return [await filledPeer('express-mysql-session', store, sessions, () => store.close())]
}
