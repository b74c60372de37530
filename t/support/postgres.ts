/** Tables of tests in the PostgreSQL of the run. */

import { afterAll } from 'vitest'
import { type PgPool, Pool } from './pg-client.js'
import type { PostgresSettings } from './postgres-server.js'
import { serverOf } from './server-desk.js'

/** A new, empty schema. */
export interface TestSchema {
  readonly name: string
  readonly server: PostgresSettings
  /** Options of driver:Pg that open it, over TCP, for a table named `sessions` in it. */
  readonly options: { dataSource: string; username: string; password: string; tableName: string }
  /** Run statements in it; the rows of the last. */
  run(...statements: string[]): Promise<Record<string, unknown>[]>
  drop(): Promise<void>
}

/** pg's own settings for the server. */
export function settingsFor(
  { host, port, username: user, password, database }: PostgresSettings,
  more: object = {},
): object {
  return { host, port, user, password, database, ...more }
}

let admin: PgPool | undefined
let schemas = 0

afterAll(async () => {
  await admin?.end()
  admin = undefined
})

export async function newSchema(): Promise<TestSchema> {
  const server = await serverOf('postgres')
  admin ??= new Pool(settingsFor(server, { max: 2, allowExitOnIdle: true }))
  const pool = admin
  const name = `data_session_${process.pid}_${Date.now().toString(36)}_${++schemas}`
  await pool.query(`create schema ${name}`)
  const { host, port, database, username, password } = server
  return {
    name,
    server,
    options: {
      dataSource: `dbi:Pg:dbname=${database};host=${host};port=${port}`,
      username,
      password,
      tableName: `${name}.sessions`,
    },
    run: async (...statements) => {
      const results = await pool.query([`set search_path to ${name}`, ...statements, 'reset search_path'].join(';\n'))
      return (results as unknown as { rows: Record<string, unknown>[] }[]).at(-2)!.rows
    },
    drop: async () => {
      await pool.query(`drop schema if exists ${name} cascade`)
    },
  }
}
