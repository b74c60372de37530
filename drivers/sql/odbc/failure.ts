/** Errors of the package odbc and of ODBC drivers. */

import { DriverError, SessionError } from '../../../lib/errors.js'
import type { SqlProblem } from '../contracts.js'
import type { OdbcError } from './package.js'

/** SQLSTATEs that mean the same with every ODBC driver. Not 23000: that is any constraint, and the database's own code says which. */
export const odbcProblems: Readonly<Record<string, SqlProblem>> = {
  '42S02': 'noTable',
  '42S22': 'noColumn',
  '40001': 'deadlock',
  '22001': 'tooLong',
  '25006': 'readOnly',
  '28000': 'denied',
  '08001': 'unreachable',
  '08003': 'unreachable',
  '08004': 'unreachable',
  '08007': 'unreachable',
  '08S01': 'unreachable',
  HYT00: 'timeout',
  HYT01: 'timeout',
}

/** Some ODBC drivers say only in words that the connection has ended. */
const ended =
  /server closed the connection|terminating connection|connection (?:has been |was |is )?(?:lost|closed|reset|not open)|communication link/i

/**
 * Throw an error on with the best of its codes: the SQLSTATE, or the database's number where that says nothing. The ODBC
 * driver's words stay for whoever looks for a problem in them.
 */
export function named(error: OdbcError): never {
  const first = error.odbcErrors?.[0]
  if (first !== undefined) error.code = codeOf(first)
  throw error
}

function codeOf({ state, code, message }: NonNullable<OdbcError['odbcErrors']>[number]): string {
  if (state !== 'HY000' && state !== '') return state
  return ended.test(message) ? '08S01' : String(code)
}

/** SQLSTATEs after which a connection is good for nothing, or may be. */
const ends = /^(?:08|57P0|HYT|HY008|HY010)/
/** Numbers of MySQL for a connection that ended. */
const endNumbers: ReadonlySet<number> = new Set([1053, 1927, 2002, 2003, 2006, 2013, 4031])

/** Is the connection to be thrown away after this error? */
export function isBroken(error: unknown): boolean {
  const { code, odbcErrors } = error as OdbcError
  if (error instanceof SessionError || odbcErrors === undefined || odbcErrors.length === 0) return true
  return ends.test(String(code)) || odbcErrors.some((one) => ends.test(one.state) || endNumbers.has(one.code))
}

/** Why there is no connection, by SQLSTATE and by what the driver manager says. */
const reasons: readonly (readonly [test: RegExp, reason: string])[] = [
  [
    /can't open lib|specified driver could not be loaded|^IM003|^IM004/i,
    'the ODBC driver is not installed, or does not load: `odbcinst -q -d` lists those that are there',
  ],
  [
    /^IM002|^IM010|^IM012/,
    'there is no DSN or ODBC driver of that name: `odbcinst -q -s` and `odbcinst -q -d` list those that are there',
  ],
  [
    /^28|password|access denied|authentication|login failed|no pg_hba|role .* does not exist/i,
    'user or password: the server refused them',
  ],
  [
    /^3D|unknown database|database .* does not exist|cannot open database|unable to open|^14 \[SQLite\]/i,
    'there is no such database, or it is none',
  ],
  [/^HYT|timeout|timed out/i, 'it took longer than the option timeout allows'],
  [/^08|refused|connect|translate host|not found/i, 'is the server running, and is it the one that dataSource names?'],
]

/**
 * The error for a connection that could not be made.
 * @param text the connection string, which a native error may quote: then that is left out
 */
export function connectFailure(error: unknown, text: string): unknown {
  if (error instanceof SessionError) return error
  const odbcErrors = (error as OdbcError).odbcErrors ?? []
  const texts = odbcErrors.flatMap(({ state, code, message }) => [state, `${code} ${message}`])
  const reason = reasons.find(([test]) => texts.some((one) => test.test(one)))?.[1] ?? 'the ODBC driver refused'
  const { state = '', code = 0 } = odbcErrors[0] ?? {}
  const codes = [state, code === 0 ? '' : String(code)].filter((one) => one !== '').join(', ')
  const said = odbcErrors.map(({ message }) => message).join('; ')
  const cause = said === '' || mayQuote(said, text) ? undefined : new Error(said)
  return new DriverError('ODBC', 'connect', `ODBC: cannot connect: ${reason}${codes === '' ? '' : ` (${codes})`}`, {
    cause,
  })
}

/** Is a password of the connection string in what an ODBC driver says? */
function mayQuote(said: string, text: string): boolean {
  const passwords = [...text.matchAll(/(?:^|;)\s*(?:pwd|password)\s*=\s*(?:\{((?:[^}]|\}\})*)\}|([^;]*))/gi)]
  return passwords.some(([, braced, plain]) => {
    const password = braced?.replaceAll('}}', '}') ?? plain!.trim()
    return /pwd\s*=|password\s*=/i.test(said) || (password !== '' && said.includes(password))
  })
}
