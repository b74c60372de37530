/** The command line of data-session-import-berkeleydb. */

import { type ParseArgsConfig, parseArgs } from 'node:util'
import type { ManagerOptions } from '../../lib/session-options.js'

export const usage = `data-session-import-berkeleydb --type TYPE [options] FILE
data-session-import-berkeleydb --type TYPE [options] --dump FILE
db5.3_dump -p FILE | data-session-import-berkeleydb --type TYPE [options]

Copies the sessions of a Berkeley DB file (CGI::Session's db_file, Data::Session's BerkeleyDB) into another store.
Sessions that are there already stay as they are, so it can be repeated.

  FILE                         a hash or btree file, which db5.3_dump reads (Debian: apt install db5.3-util)
  --home FOLDER                the environment in which Perl opens the file: it has what was not written to the file yet
  --dump-program PROGRAM       in place of db5.3_dump
  --dump FILE                  what db5.3_dump prints of it, with or without -p; - is the standard input

  --type TYPE                  the store, and the serializer that wrote the sessions: 'driver:SQLite;serialize:Storable'
  --data-source SOURCE         where the store is: 'dbi:SQLite:dbname=/tmp/x.sqlite', or a URL
  --username USER              whose password is in the environment: DATA_SESSION_PASSWORD
  --table-name NAME            SQL; the table must be there: data-session-create-table makes it
  --directory FOLDER           File, BerkeleyDB
  --namespace NAME             Memcached
  --prefix TEXT                Redis
  --option NAME=VALUE          any other option of the program: --option pgText=true --option idColName=sid
  --overwrite                  replace sessions that are there and differ
  --help

Ends with 0 when every session is in the store or has expired, with 1 when some were refused or the input was not whole.
`

const flags = {
  home: { type: 'string' },
  'dump-program': { type: 'string', default: 'db5.3_dump' },
  dump: { type: 'string' },
  type: { type: 'string' },
  'data-source': { type: 'string' },
  username: { type: 'string' },
  'table-name': { type: 'string' },
  directory: { type: 'string' },
  namespace: { type: 'string' },
  prefix: { type: 'string' },
  option: { type: 'string', multiple: true, default: [] as string[] },
  overwrite: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const satisfies ParseArgsConfig['options']

/** Those that are a manager's options, whose names have capitals in place of the dashes. */
const forManager = ['type', 'data-source', 'username', 'table-name', 'directory', 'namespace', 'prefix'] as const

/** Wrong use of the command line. */
export class UsageError extends Error {}

/** What the command line says. */
export interface Arguments {
  readonly help: boolean
  readonly overwrite: boolean
  /** The database; otherwise there is a dump. */
  readonly file: string | undefined
  readonly home: string | undefined
  readonly program: string
  /** The text of a dump; undefined and `-`: the standard input. */
  readonly dump: string | undefined
  readonly options: ManagerOptions
}

/** @throws {UsageError} */
export function readArguments(args: readonly string[]): Arguments {
  const { values, positionals } = parse(args)
  const { help, overwrite, dump, home } = values
  const [file, ...more] = positionals
  if (!help) {
    if (values.type === undefined) throw new UsageError("--type is missing, such as --type 'driver:SQLite'")
    if (more.length > 0) throw new UsageError('One file at a time')
    if (file !== undefined && dump !== undefined) throw new UsageError('Give either a file or --dump, not both')
    if (file === undefined && home !== undefined) throw new UsageError('--home goes with a file')
  }
  const program = values['dump-program']
  return { help, overwrite, file, home, program, dump, options: managerOptions(values) }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: flags, allowPositionals: true })
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

function managerOptions(values: ReturnType<typeof parse>['values']): ManagerOptions {
  const options: Record<string, unknown> = Object.fromEntries(values.option.map(readOption))
  for (const name of forManager) {
    if (values[name] !== undefined) options[name.replace(/-(\w)/g, (_, letter) => letter.toUpperCase())] = values[name]
  }
  return options
}

/** `name=value`; the value is JSON where it can be: a number, `true`, or a text in quotes. */
function readOption(text: string): [string, unknown] {
  const [, name, value] = /^(\w+)=(.*)$/s.exec(text) ?? []
  if (name === undefined || value === undefined) throw new UsageError('--option is given as NAME=VALUE')
  if (name === 'password') throw new UsageError('A password is given in the environment: DATA_SESSION_PASSWORD')
  try {
    return [name, JSON.parse(value)]
  } catch {
    return [name, value]
  }
}
