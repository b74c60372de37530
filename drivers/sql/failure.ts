/** Errors of databases: what went wrong in a word, and what somebody who reads the message should do. */

import { DriverError, SessionError } from '../../lib/errors.js'
import { logId } from '../../lib/id-check.js'
import { textTest } from '../shared/quoting.js'
import { wayProblems } from '../shared/way.js'
import type { SqlDialect, SqlProblem, SqlValue } from './contracts.js'

/** What clients hang on their errors, each some of it. */
interface NativeError extends Error {
  code?: unknown
  errno?: unknown
  sqlState?: unknown
  errorNum?: unknown
  odbcErrors?: readonly { state?: string; code?: number; message?: string }[]
  syscall?: unknown
  address?: unknown
}

/** Codes of the system and of clients that speak of the way to the database, whatever it is. */
const problemsOfTheWay: Readonly<Record<string, SqlProblem>> = {
  ...wayProblems,
  PROTOCOL_CONNECTION_LOST: 'unreachable',
  PROTOCOL_SEQUENCE_TIMEOUT: 'timeout',
  PROTOCOL_ENQUEUE_AFTER_FATAL_ERROR: 'unreachable',
  'Connection terminated': 'unreachable',
  'Connection ended': 'unreachable',
  'Client has encountered a connection error': 'unreachable',
  'Client was closed': 'unreachable',
  'Pool is closed': 'unreachable',
  'Cannot use a pool after calling end': 'unreachable',
  'database connection is not open': 'unreachable',
  'The server does not support SSL connections': 'tls',
  'timeout expired': 'timeout',
  'timeout exceeded when trying to connect': 'timeout',
  'Query read timeout': 'timeout',
  'Timeout acquiring a connection': 'timeout',
  'Unable to acquire a connection': 'unreachable',
}

/** What to do, for each problem. The missing table is told by the driver, which knows its names. */
const advice: Readonly<Record<Exclude<SqlProblem, 'noTable'>, string>> = {
  duplicate: 'a key exists already that should not',
  notAnId: 'the column of ids cannot hold this id',
  noColumn:
    'the table lacks a column: the options idColName and dataColName name its columns, and createTable() makes them',
  noKey:
    'the column of ids is no primary key, or a deferrable one, so two sessions could have one id: make it the primary key',
  busy: 'others held a lock for longer than the option timeout allows; the record is as it was, and it may be tried again',
  crowded: 'the server has no connection to spare: raise its limit, or lower that of the pools (max, connectionLimit)',
  deadlock: 'the database gave this statement up in favour of others, again and again; it may be tried again',
  readOnly:
    'the database is read-only for this process: check the rights on its file and folder, or connect to the primary server',
  tooLong:
    'a value is longer than its column or the server allows (max_allowed_packet in MySQL); the record is as it was',
  badText: 'the column is a text column that cannot hold these characters: make it a binary one',
  refused:
    'a constraint, a trigger or a function of the table refused it; its reason is left out, for it may quote the record',
  denied: 'user, password or rights: the server refused them, and says which on its side',
  noDatabase: 'there is no such database, or it is none: check the option dataSource',
  full: 'the disk or the tablespace is full; the record is as it was',
  unreachable:
    'the connection failed or ended: is the server running, and is it the one that dataSource, host, port or socket name?',
  tls: 'the server does not offer the encryption that was asked for (sslmode, or the settings in dataSourceAttr), or its certificate does not fit',
  timeout: 'it took longer than the option timeout allows',
  unanswered:
    'no answer came for longer than the option timeout allows; a write may have taken place, or may yet: flush again, which finds out',
}

/** What to do, where a code says more than its problem. */
const adviceOnCode: Readonly<Record<string, string>> = {
  SQLITE_READONLY_DBMOVED:
    'the database file was moved, removed or replaced while it was open: start the program anew; nothing was written',
}

/** Errors about values quote them; their text is left out of messages. */
const quotesValues: ReadonlySet<SqlProblem | undefined> = new Set([
  'duplicate',
  'tooLong',
  'badText',
  'notAnId',
  undefined,
])

/** System calls on the way to a database; any other is one on a file. */
const networkCalls = /^(?:connect|getaddrinfo|read|write|writev|shutdown|query\w*)$/

function codesOf(error: NativeError): string[] {
  const odbc = error.odbcErrors?.[0]
  const codes = [error.code, error.errno, error.errorNum, odbc?.code, error.sqlState, odbc?.state]
  return codes
    .filter((code) => (typeof code === 'string' && code !== '') || (typeof code === 'number' && code !== 0))
    .map(String)
}

function textOf(error: NativeError): string {
  return [error.message, ...(error.odbcErrors ?? []).map(({ message }) => message)].join(' ')
}

/** What went wrong; undefined when none of the tables knows. */
export function problemOf(error: unknown, dialect: SqlDialect | undefined): SqlProblem | undefined {
  if (!(error instanceof Error)) return undefined
  const tables = [...(dialect === undefined ? [] : [dialect.problems]), ...(isOfFiles(error) ? [] : [problemsOfTheWay])]
  const codes = codesOf(error)
  for (const table of tables) {
    const code = codes.find((one) => Object.hasOwn(table, one))
    if (code !== undefined) return table[code]
  }
  const text = textOf(error)
  for (const table of tables) {
    // Some clients say it in words only.
    const words = Object.keys(table).find((key) => key.includes(' ') && text.includes(key))
    if (words !== undefined) return table[words]
  }
  // Several addresses were tried (`localhost`).
  return error instanceof AggregateError ? problemOf(error.errors[0], dialect) : undefined
}

/** Is it about a file (of a function that should give a handle, say), with codes that a socket has too? */
function isOfFiles({ syscall, address }: NativeError): boolean {
  return typeof syscall === 'string' && address === undefined && !networkCalls.test(syscall)
}

/** Properties of errors that quote statements, values or keys; the rest is looked at where there are values. */
const quotingProperties: ReadonlySet<string> = new Set([
  'sql',
  'sqlMessage',
  'detail',
  'where',
  'hint',
  'parameters',
  'internalQuery',
  'odbcErrors',
])

/** What has been looked at, and codes, which are too short to quote anything. */
const codeProperties: ReadonlySet<string> = new Set(['name', 'message', 'stack', 'code', 'errno', 'sqlState'])

/** The client's error without what may be a value: parameters, the statement with them, details that quote keys. */
function redact(cause: NativeError, problem: SqlProblem | undefined, where: Circumstances): Error {
  const isHarmless = textTest(where.values ?? [])
  if (!isShown(cause, problem, where) || !isHarmless(cause.message)) {
    const frames = (cause.stack ?? '')
      .replace(cause.message, '')
      .split('\n')
      .filter((line) => /^ +at /.test(line))
    cause.message = codesOf(cause)[0] ?? cause.name
    cause.stack = [`${cause.name}: ${cause.message}`, ...frames].join('\n')
  }
  for (const property of Object.getOwnPropertyNames(cause)) {
    const value = (cause as unknown as Record<string, unknown>)[property]
    const quotes = quotingProperties.has(property) && where.quotesNothing !== true
    const isQuoting = quotes || (typeof value === 'string' && !isHarmless(value))
    if (isQuoting && !codeProperties.has(property)) delete (cause as unknown as Record<string, unknown>)[property]
  }
  return cause
}

function isShown(cause: NativeError, problem: SqlProblem | undefined, { quotesNothing }: Circumstances): boolean {
  if (problem === 'refused') return false
  return quotesNothing === true || !quotesValues.has(problem) || typeof cause.syscall === 'string'
}

/** What failed: where, at what, for whom. */
export interface Circumstances {
  readonly driver: string
  readonly operation: string
  readonly id?: string | undefined
  readonly table: string
  /** What the client says may be shown: the statement has no values, or the database never quotes them by itself. */
  readonly quotesNothing?: boolean
  /** The statement's values, no part of which is shown. */
  readonly values?: readonly SqlValue[]
}

/** The error that a program sees. Errors of this package pass unchanged. */
export function failure(error: unknown, problem: SqlProblem | undefined, where: Circumstances): unknown {
  // Not even a TypeError passes: some clients use it for a closed connection or a folder that does not exist.
  if (error instanceof SessionError) return error
  const { driver, operation, id, table } = where
  const of = id === undefined ? '' : ` session ${logId(id)}`
  const native = error instanceof Error ? redact(error, problem, where) : error
  const codes = native instanceof Error ? codesOf(native) : []
  const said = codes.length > 0 ? ` (${codes[0]})` : ''
  const code = problem === 'busy' || problem === 'deadlock' ? 'ERR_SESSION_LOCK_TIMEOUT' : 'ERR_SESSION_DRIVER'
  const reason = reasonOf(native, problem, codes[0], table)
  return new DriverError(driver, operation, `${driver}: cannot ${operation}${of}: ${reason}${said}`, {
    cause: native,
    code,
  })
}

function missingTable(table: string): string {
  return (
    `there is no table ${table}. Make it once with \`await sessions.createTable()\` or \`npx data-session-create-table\`, ` +
    'whose --print (or `sessions.createTableSql()`) gives the statements for a DBA'
  )
}

function reasonOf(native: unknown, problem: SqlProblem | undefined, code = '', table: string): string {
  if (Object.hasOwn(adviceOnCode, code)) return adviceOnCode[code]!
  if (problem === 'noTable') return missingTable(table)
  if (problem !== undefined) return advice[problem]
  if (!(native instanceof Error)) return 'the client gives no reason'
  // The code is said already.
  return native.message === code ? native.name : native.message
}
