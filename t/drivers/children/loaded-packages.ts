/** Prints which packages are loaded after sessions were used, and after the statements of every database were asked for. */

import { createRequire } from 'node:module'
import { tableChanges } from '../../../drivers/sql/create-table.js'
import { mssql } from '../../../drivers/sql/dialects/mssql.js'
import { mysql } from '../../../drivers/sql/dialects/mysql.js'
import { oracle } from '../../../drivers/sql/dialects/oracle.js'
import { pg } from '../../../drivers/sql/dialects/pg.js'
import { sqlite } from '../../../drivers/sql/dialects/sqlite.js'
import { tableNames } from '../../../drivers/sql/names.js'
import { sqlOptions } from '../../../drivers/sql/options.js'
import { SessionManager } from '../../../lib/index.js'
import { readOptions } from '../../../lib/options.js'

const [file = ''] = process.argv.slice(2)
const requirePackage = createRequire(import.meta.url)
const ofInterest = ['better-sqlite3', 'knex', 'mysql2', 'odbc', 'oracledb', 'pg', 'tedious']

function loaded(): string[] {
  const paths = Object.keys(requirePackage.cache)
  return ofInterest.filter((name) => paths.some((path) => path.includes(`/node_modules/${name}/`)))
}

async function main(): Promise<void> {
  const Database = requirePackage('better-sqlite3')
  const db = new Database(file)
  db.exec('create table sessions (id char(40) not null primary key, a_session blob not null)')
  db.close()
  const sessions = await SessionManager.create({ type: 'driver:SQLite;id:SHA1', dataSource: file })
  const session = await sessions.open()
  await session.param('n', 1).flush()
  await sessions.open({ id: session.id() })
  await sessions.purge()
  await sessions.close()
  const before = loaded()
  for (const dialect of [sqlite, pg, mysql, oracle, mssql]) {
    const names = tableNames(dialect, readOptions(sqlOptions, {}))
    tableChanges(dialect, names, [], { idLength: 40, expires: true })
  }
  console.log(JSON.stringify([before, loaded()]))
}

main().catch((error: unknown) => {
  console.error(error)
  process.exitCode = 1
})
