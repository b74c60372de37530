/** Databases of tests in the MariaDB of the run. */

import { createRequire } from 'node:module'
import { afterAll } from 'vitest'
import type { MariadbSettings } from './mariadb-server.js'
import { serverOf } from './server-desk.js'

/** What the tests use of mysql2's promise API. */
export interface Admin {
  query(sql: string, values?: unknown[]): Promise<[unknown[], unknown]>
  end(): Promise<void>
}

/** A new, empty database. */
export interface TestDatabase {
  readonly name: string
  readonly server: MariadbSettings
  /** Options of driver:mysql that open it, over TCP. */
  readonly options: { dataSource: string; username: string; password: string }
  /** Run statements in it, one after the other; the rows of the last. */
  run(...statements: string[]): Promise<unknown[]>
  drop(): Promise<void>
}

/** mysql2, with settings that reach a database of the server. */
export const mysql2 = createRequire(import.meta.url)('mysql2')

/** mysql2's own settings for a database. */
export function settingsFor({ name, server }: Pick<TestDatabase, 'name' | 'server'>, more: object = {}): object {
  const { host, port, username: user, password } = server
  return { host, port, user, password, database: name, ...more }
}

let admin: Promise<Admin> | undefined
let databases = 0

async function connectAdmin(): Promise<Admin> {
  const { host, port, username: user, password } = await serverOf('mariadb')
  return mysql2.createPool({ host, port, user, password, connectionLimit: 2 }).promise()
}

afterAll(async () => {
  await (await admin)?.end()
})

/** @param charset its default character set */
export async function newDatabase(charset = 'utf8mb4'): Promise<TestDatabase> {
  const server = await serverOf('mariadb')
  admin ??= connectAdmin()
  const { query } = await admin.then((pool) => ({ query: pool.query.bind(pool) }))
  const name = `data_session_${process.pid}_${Date.now().toString(36)}_${++databases}`
  await query(`create database ${name} character set ${charset}`)
  return {
    name,
    server,
    options: {
      dataSource: `dbi:mysql:database=${name};host=${server.host};port=${server.port}`,
      username: server.username,
      password: server.password,
    },
    run: async (...statements) => {
      const connection = await mysql2.createConnection(settingsFor({ name, server })).promise()
      try {
        let rows: unknown[] = []
        for (const statement of statements) [rows] = await connection.query(statement)
        return rows
      } finally {
        await connection.end()
      }
    },
    drop: async () => {
      await query(`drop database if exists ${name}`)
    },
  }
}
