/** Connection strings: `DSN=name;UID=user;PWD={p;w}`. */

import { OptionError } from '../../../lib/errors.js'
import type { SqlDialect } from '../contracts.js'
import type { DataSource } from '../data-source.js'
import type { SqlOptions } from '../options.js'

/**
 * What may stand in a connection string without braces. PostgreSQL's ODBC driver decodes `%` and `+` in a password outside of
 * braces, and takes braces round a user for a part of the name.
 */
const plain = { UID: /^(?!\s)[^;{}]*(?<!\s)$/, PWD: /^[\w.-]*$/ } as const

function has(text: string, key: string): boolean {
  return new RegExp(String.raw`(?:^|;)\s*${key}\s*=`, 'i').test(text)
}

function attribute(key: 'UID' | 'PWD', value: string): string {
  return `${key}=${plain[key].test(value) ? value : `{${value.replaceAll('}', '}}')}}`}`
}

/**
 * The connection string for a data source: what has no `=` is the name of a DSN, as in Perl.
 * @throws {OptionError} for what ODBC drivers have no common name for, and for a user that is named twice
 */
export function connectionString(source: DataSource, options: SqlOptions): string {
  for (const name of ['host', 'port', 'socket'] as const) {
    if (options[name] !== '' && options[name] !== 0) {
      throw new OptionError(
        name,
        `Option '${name}' is not for driver:ODBC: write it into dataSource under the ODBC driver's own name, such as ` +
          'dbi:ODBC:Driver={PostgreSQL Unicode};Server=h;Port=5432;Database=x',
      )
    }
  }
  const given = source.database.includes('=') ? source.database.replace(/;\s*$/, '') : `DSN=${source.database}`
  const parts = [given]
  for (const [option, key] of [
    ['username', 'UID'],
    ['password', 'PWD'],
  ] as const) {
    if (source[option] === '') continue
    // Some ODBC drivers take the first one, others the last.
    if (has(given, key))
      throw new OptionError(option, `Option '${option}' is in dataSource too, as ${key}: give it once`)
    parts.push(attribute(key, source[option]))
  }
  return parts.join(';')
}

/** What ODBC drivers are told in their own words. */
const ownWords: Partial<Record<SqlDialect['name'], (seconds: number) => readonly [key: string, value: number]>> = {
  // It waits for a lock in one of Node's few threads: instead the shared half tries again. 0 would be its own 100 seconds.
  SQLite: () => ['Timeout', 1],
  // It does not know ODBC's time limit for connecting; others that speak to MySQL pass this over.
  mysql: (seconds) => ['CONN_TIMEOUT', seconds],
}

/** The connection string with the limits that the ODBC driver of this database wants there. */
export function withLimits(text: string, dialect: SqlDialect['name'] | undefined, seconds: number): string {
  const words = dialect && ownWords[dialect]
  if (words === undefined) return text
  const [key, value] = words(seconds)
  return has(text, key) ? text : `${text};${key}=${value}`
}

/** What the name of the ODBC driver says about its database, before it is asked. */
export function dialectOfDriver(text: string): SqlDialect['name'] | undefined {
  const driver = /(?:^|;)\s*driver\s*=([^;]*)/i.exec(text)?.[1] ?? ''
  if (/sqlite/i.test(driver)) return 'SQLite'
  return /maria|mysql|maodbc|myodbc/i.test(driver) ? 'mysql' : undefined
}
