#!/usr/bin/env node
/** Makes the table that an SQL driver needs, or prints the statements for a DBA. */

import { type ParseArgsConfig, parseArgs } from 'node:util'
import { OptionError, SessionError } from '../lib/errors.js'
import { SessionManager } from '../lib/session-manager.js'
import type { ManagerOptions } from '../lib/session-options.js'
import { withPassword } from './shared/password.js'

const usage = `data-session-create-table --type TYPE --data-source SOURCE [options]

  --type TYPE                  as in the program: 'driver:Pg;id:SHA1' (the id says how long ids are)
  --data-source SOURCE         where the database is: 'dbi:Pg:dbname=x;host=h', or a URL
  --username USER              whose password is in the environment: DATA_SESSION_PASSWORD
  --table-name NAME            sessions, app.sessions, '"My Table"'
  --id-col-name NAME           id
  --data-col-name NAME         a_session
  --expires-col-name NAME      expires
  --id-length N                as many characters as an id has
  --expires                    with a column of expiry times, so that a purge is fast
  --pg-text                    PostgreSQL: the records in a text column, as CGI::Session has it
  --odbc-dialect DIALECT       ODBC: what the database is, where it is not asked: SQLite Pg mysql Oracle mssql
  --print                      print the statements, and change nothing; needs no --data-source

A table that is there is not changed, but for the column of expiry times where --expires asks for it.
`

const flags = {
  type: { type: 'string' },
  'data-source': { type: 'string' },
  username: { type: 'string' },
  'table-name': { type: 'string' },
  'id-col-name': { type: 'string' },
  'data-col-name': { type: 'string' },
  'expires-col-name': { type: 'string' },
  'id-length': { type: 'string' },
  expires: { type: 'boolean' },
  'pg-text': { type: 'boolean' },
  'odbc-dialect': { type: 'string' },
  print: { type: 'boolean' },
  help: { type: 'boolean' },
} as const satisfies ParseArgsConfig['options']

/** Those that are a manager's options, whose names have capitals in place of the dashes. */
const forManager = [
  'type',
  'data-source',
  'username',
  'table-name',
  'id-col-name',
  'data-col-name',
  'expires-col-name',
  'pg-text',
  'odbc-dialect',
] as const

/** Wrong use of the command line. */
class UsageError extends Error {}

type Given = ReturnType<typeof read>

function read(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: flags }).values
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

function managerOptions(given: Given): ManagerOptions {
  const options: Record<string, unknown> = {}
  for (const name of forManager) {
    if (given[name] !== undefined) options[name.replace(/-(\w)/g, (_, letter) => letter.toUpperCase())] = given[name]
  }
  if (given.print && given['data-source'] === undefined) options.dbh = refuseToConnect
  return options
}

/** In place of a database, for statements that are only printed. */
function refuseToConnect(): never {
  throw new OptionError('dataSource', 'Which database it is must be asked of it: give --data-source or --odbc-dialect')
}

function idLength(given: Given): { idLength?: number } {
  const text = given['id-length']
  if (text === undefined) return {}
  if (!/^\d{1,3}$/.test(text)) throw new UsageError(`--id-length is a number of characters, not '${text}'`)
  return { idLength: Number(text) }
}

/** @returns what is printed */
async function run(given: Given): Promise<string> {
  if (given.help) return usage
  if (given.type === undefined) throw new UsageError("--type is missing, such as --type 'driver:Pg;id:SHA1'")
  const options = { ...idLength(given), expires: given.expires === true }
  const sessions = await SessionManager.create(await withPassword(managerOptions(given)))
  try {
    if (given.print) return await sessions.createTableSql(options)
    await sessions.createTable(options)
    return `The table ${given['table-name'] ?? 'sessions'} is there.\n`
  } finally {
    await sessions.close()
  }
}

async function main(): Promise<void> {
  try {
    process.stdout.write(await run(read(process.argv.slice(2))))
  } catch (error) {
    const isWrongUse = error instanceof UsageError
    if (!isWrongUse && !(error instanceof SessionError)) throw error
    process.stderr.write(`${error.message}\n${isWrongUse ? `\n${usage}` : ''}`)
    process.exitCode = isWrongUse ? 2 : 1
  }
}

main().catch((error: unknown) => {
  console.error(error)
  process.exitCode = 1
})
