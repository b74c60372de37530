/** Errors of databases: what went wrong in a word, and what somebody who reads the message should do. */

import { DriverError, SessionError } from '../../lib/errors.js'
import { shortId } from '../../lib/id-check.js'
import type { SqlDialect, SqlProblem } from './contracts.js'

/** What clients hang on their errors, each some of it. */
interface NativeError extends Error {
  code?: unknown
  errno?: unknown
  sqlState?: unknown
  errorNum?: unknown
  odbcErrors?: readonly { state?: string; code?: number; message?: string }[]
}

/** Codes of the system and of clients that speak of the way to the database, whatever it is. */
const problemsOfTheWay: Readonly<Record<string, SqlProblem>> = {
  ECONNREFUSED: 'unreachable',
  ECONNRESET: 'unreachable',
  EPIPE: 'unreachable',
  ENOTFOUND: 'unreachable',
  EAI_AGAIN: 'unreachable',
  EHOSTUNREACH: 'unreachable',
  ENETUNREACH: 'unreachable',
  ENOENT: 'unreachable',
  EACCES: 'denied',
  ETIMEDOUT: 'timeout',
  PROTOCOL_CONNECTION_LOST: 'unreachable',
  PROTOCOL_SEQUENCE_TIMEOUT: 'timeout',
  PROTOCOL_ENQUEUE_AFTER_FATAL_ERROR: 'unreachable',
  'Connection terminated': 'unreachable',
  'Connection ended': 'unreachable',
  'Client has encountered a connection error': 'unreachable',
  'Client was closed': 'unreachable',
  'Pool is closed': 'unreachable',
  'database connection is not open': 'unreachable',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'tls',
  SELF_SIGNED_CERT_IN_CHAIN: 'tls',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'tls',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'tls',
  CERT_HAS_EXPIRED: 'tls',
  ERR_TLS_CERT_ALTNAME_INVALID: 'tls',
  EPROTO: 'tls',
  'The server does not support SSL connections': 'tls',
  'timeout expired': 'timeout',
  'timeout exceeded when trying to connect': 'timeout',
  'Query read timeout': 'timeout',
}

/** What to do, for each problem. The missing table is told by the driver, which knows its names. */
const advice: Readonly<Record<Exclude<SqlProblem, 'noTable'>, string>> = {
  duplicate: 'a key exists already that should not',
  noColumn:
    'the table lacks a column: the options idColName and dataColName name its columns, and createTable() makes them',
  noKey: 'the column of ids is no primary key, so two sessions could have one id: make it the primary key',
  busy: 'others held a lock for longer than the option timeout allows; the record is as it was, and it may be tried again',
  deadlock: 'the database gave this statement up in favour of others, again and again; it may be tried again',
  readOnly:
    'the database is read-only for this process: check the rights on its file and folder, or connect to the primary server',
  tooLong:
    'a value is longer than its column or the server allows (max_allowed_packet in MySQL); the record is as it was',
  badText: 'the column is a text column that cannot hold these characters: make it a binary one',
  denied: 'user, password or rights: the server refused them, and says which on its side',
  noDatabase: 'there is no such database, or it is none: check the option dataSource',
  full: 'the disk or the tablespace is full; the record is as it was',
  unreachable:
    'the connection failed or ended: is the server running, and is it the one that dataSource, host, port or socket name?',
  tls: 'the server does not offer the encryption that was asked for (sslmode, or the settings in dataSourceAttr), or its certificate does not fit',
  timeout: 'it took longer than the option timeout allows',
}

/** Errors about values quote them; their text is left out of messages. */
const quotesValues: ReadonlySet<SqlProblem | undefined> = new Set(['duplicate', 'tooLong', 'badText', undefined])

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
  const tables = dialect === undefined ? [problemsOfTheWay] : [dialect.problems, problemsOfTheWay]
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

/** The client's error without what may be a value: parameters, the statement with them, details that quote keys. */
function redact(cause: Error, problem: SqlProblem | undefined, quotesNothing: boolean): Error {
  const codes = codesOf(cause)
  const message = quotesValues.has(problem) && !quotesNothing ? (codes[0] ?? cause.name) : cause.message
  if (cause.stack !== undefined) cause.stack = cause.stack.replace(cause.message, () => message)
  cause.message = message
  for (const property of [
    'sql',
    'sqlMessage',
    'detail',
    'where',
    'hint',
    'parameters',
    'internalQuery',
    'odbcErrors',
  ]) {
    if (property in cause) delete (cause as unknown as Record<string, unknown>)[property]
  }
  return cause
}

/** What failed: where, at what, for whom. */
export interface Circumstances {
  readonly driver: string
  readonly operation: string
  readonly id?: string | undefined
  readonly table: string
  /** What the client says may be shown: the statement has no values, or the database never quotes them. */
  readonly quotesNothing?: boolean
}

/** The error that a program sees. Errors of this package pass unchanged. */
export function failure(error: unknown, problem: SqlProblem | undefined, where: Circumstances): unknown {
  // Not even a TypeError passes: some clients use it for a closed connection or a folder that does not exist.
  if (error instanceof SessionError) return error
  const { driver, operation, id, table } = where
  const of = id === undefined ? '' : ` session ${shortId(id)}`
  const native = error instanceof Error ? redact(error, problem, where.quotesNothing === true) : error
  const codes = native instanceof Error ? codesOf(native) : []
  const said = codes.length > 0 ? ` (${codes[0]})` : ''
  const code = problem === 'busy' || problem === 'deadlock' ? 'ERR_SESSION_LOCK_TIMEOUT' : 'ERR_SESSION_DRIVER'
  const reason =
    problem === 'noTable' ? missingTable(table) : problem === undefined ? unknown(native, where) : advice[problem]
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

function unknown(native: unknown, { quotesNothing }: Circumstances): string {
  if (!(native instanceof Error)) return 'the client gives no reason'
  return quotesNothing === true ? native.message : native.name
}
