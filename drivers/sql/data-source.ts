/**
 * Where a database is: from what DBI writes (`dbi:Pg:dbname=x;host=h`), a URL, or the single options. No message shows what was
 * given, for a password may be in it.
 */

import { OptionError } from '../../lib/errors.js'
import type { SqlOptions } from './options.js'

/** What is known of a database; text that was not given is ''. */
export interface DataSource {
  readonly database: string
  readonly host: string
  /** 0: the database's own. */
  readonly port: number
  readonly socket: string
  readonly username: string
  readonly password: string
  /** Attributes that only one client knows, under DBI's names. */
  readonly extra: Readonly<Record<string, string>>
}

/** What attributes may be called, and what they are here. */
type Field = Exclude<keyof DataSource, 'extra'>

/** How a driver's data sources are written. */
interface Format {
  /** The names between `dbi:` and the next colon. */
  readonly dbi: readonly string[]
  readonly urls: readonly string[]
  readonly attributes: Readonly<Record<string, Field>>
  /** Attributes that the driver's client has use for, or that change nothing here. */
  readonly extra: readonly string[]
  /** What stands there without `=`; `path` takes all of it. */
  readonly bare: 'path' | 'database:host:port' | 'none'
  readonly examples: readonly string[]
}

const names: Readonly<Record<string, Field>> = {
  database: 'database',
  dbname: 'database',
  db: 'database',
  host: 'host',
  hostname: 'host',
  port: 'port',
  user: 'username',
  username: 'username',
  password: 'password',
}

const formats = {
  SQLite: {
    dbi: ['sqlite'],
    urls: ['sqlite', 'file'],
    attributes: { dbname: 'database', database: 'database', db: 'database' },
    extra: [],
    bare: 'path',
    examples: [
      'dbi:SQLite:dbname=/path/to/file',
      'dbi:SQLite:/path/to/file',
      'sqlite:///path/to/file',
      '/path/to/file',
    ],
  },
  Pg: {
    dbi: ['pg'],
    urls: ['postgres', 'postgresql'],
    attributes: { ...names, hostaddr: 'host' },
    extra: ['options', 'application_name', 'sslmode', 'sslrootcert', 'sslcert', 'sslkey'],
    bare: 'none',
    examples: ['dbi:Pg:dbname=x;host=h;port=5432', 'postgres://user@host:5432/database'],
  },
  mysql: {
    dbi: ['mysql', 'mariadb'],
    urls: ['mysql', 'mariadb'],
    attributes: { ...names, mysql_socket: 'socket', mariadb_socket: 'socket' },
    extra: ['mysql_enable_utf8', 'mysql_enable_utf8mb4', 'mysql_ssl'],
    bare: 'database:host:port',
    examples: [
      'dbi:mysql:database=x;host=h;port=3306',
      'dbi:mysql:database=x;mysql_socket=/path',
      'mysql://user@host:3306/database',
    ],
  },
  Oracle: {
    dbi: ['oracle'],
    urls: ['oracle'],
    attributes: { ...names, service_name: 'database', service: 'database' },
    extra: ['sid'],
    bare: 'path',
    examples: ['dbi:Oracle:host=h;port=1521;service_name=x', 'dbi:Oracle://host:1521/x', 'oracle://user@host:1521/x'],
  },
  ODBC: {
    dbi: ['odbc'],
    urls: [],
    attributes: {},
    extra: [],
    bare: 'path',
    examples: ['dbi:ODBC:DSN=name', 'dbi:ODBC:Driver={SQLite3};Database=/path/to/file', 'dbi:ODBC:name'],
  },
} as const satisfies Record<string, Format>

type DriverName = keyof typeof formats

/**
 * The data source that the options describe; an option of its own (`host`, `username`…) outweighs what dataSource says.
 * @throws {OptionError} that shows the forms that are accepted
 */
export function readDataSource(driver: DriverName, options: SqlOptions): DataSource {
  const given = parse(driver, options.dataSource)
  const source: DataSource = {
    database: given.database ?? '',
    host: options.host || (given.host ?? ''),
    port: options.port || portOf(driver, given.port),
    socket: options.socket || (given.socket ?? ''),
    username: options.username || (given.username ?? ''),
    password: options.password || (given.password ?? ''),
    extra: given.extra ?? {},
  }
  if (source.database === '' && source.extra.sid === undefined) refuse(driver, 'names no database')
  return source
}

type Parsed = Partial<Record<Field, string>> & { extra?: Record<string, string> }

function parse(driver: DriverName, text: string): Parsed {
  const format: Format = formats[driver]
  if (text.includes('\0')) refuse(driver, 'has a NUL in it')
  const dbi = /^dbi:(\w*)(?:\([^)]*\))?:(.*)$/is.exec(text)
  if (dbi !== null) {
    if (!format.dbi.includes(dbi[1]!.toLowerCase()))
      refuse(driver, `is for another driver, dbi:${dbi[1]!.slice(0, 20)}`)
    return parseAttributes(driver, format, dbi[2]!)
  }
  const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(text)?.[1]?.toLowerCase()
  if (scheme !== undefined && format.urls.includes(scheme)) return parseUrl(driver, text)
  const isPath = format.bare === 'path' && (scheme === undefined || format.urls.length === 0)
  return isPath
    ? parseAttributes(driver, format, text)
    : refuse(driver, text === '' ? 'is missing' : 'is not understood')
}

/** `key=value;key=value`, values perhaps in single quotes; or the one thing that a driver takes without a key. */
function parseAttributes(driver: DriverName, format: Format, text: string): Parsed {
  const keys = Object.keys(format.attributes).concat(format.extra)
  const first = /^\s*(\w+)\s*=/.exec(text)?.[1]?.toLowerCase()
  const isBare = first === undefined || (format.bare === 'path' && !keys.includes(first))
  return isBare ? parseBare(driver, format, text) : parseNamed(driver, format, text)
}

function parseNamed(driver: DriverName, format: Format, text: string): Parsed {
  const result: Parsed = {}
  const attribute = /\s*(\w+)\s*=\s*(?:'((?:[^'\\]|\\.)*)'\s*|([^;]*))(?:;|$)/gsy
  while (attribute.lastIndex < text.length) {
    const [, key, quoted, plain] = attribute.exec(text) ?? refuse(driver, 'has an attribute that is not key=value')
    const value = quoted?.replace(/\\(.)/gs, '$1') ?? plain!.trim()
    assign(driver, format, result, key!.toLowerCase(), value)
  }
  return result
}

function assign(driver: DriverName, format: Format, result: Parsed, key: string, value: string): void {
  const field = Object.hasOwn(format.attributes, key) ? format.attributes[key] : undefined
  if (field !== undefined) result[field] = value
  else if (format.extra.includes(key)) result.extra = { ...result.extra, [key]: value }
  else refuse(driver, unknownAttribute(format))
}

/** The name of one that is not known is not shown: it may be the rest of a password with a semicolon in it. */
function unknownAttribute({ attributes, extra }: Format): string {
  const known = [...Object.keys(attributes), ...extra]
  return known.length === 0
    ? 'takes no attributes'
    : `has an attribute that is not known (there are ${known.join(', ')}); settings of the client belong into dataSourceAttr`
}

function parseBare(driver: DriverName, format: Format, text: string): Parsed {
  if (format.bare === 'none') return refuse(driver, 'has an attribute that is not key=value')
  if (format.bare === 'path') return { database: text }
  // As in `x:h:3307;mysql_socket=/path`.
  const [place = '', attributes = ''] = text.split(/;(.*)/s)
  const [database, host, port] = place.split(':')
  const named = parseNamed(driver, format, attributes)
  return { ...named, database, ...(host !== undefined && { host }), ...(port !== undefined && { port }) }
}

function parseUrl(driver: DriverName, text: string): Parsed {
  if (driver === 'SQLite') return { database: pathOf(driver, text) }
  try {
    const url = new URL(text)
    const result: Parsed = {
      database: decodeURIComponent(url.pathname.slice(1)),
      host: decodeURIComponent(url.hostname.replace(/^\[(.*)\]$/, '$1')),
      port: url.port,
      username: decodeURIComponent(url.username),
      password: decodeURIComponent(url.password),
    }
    for (const [key, value] of url.searchParams) assign(driver, formats[driver], result, key.toLowerCase(), value)
    return result
  } catch (error) {
    if (error instanceof OptionError) throw error
    return refuse(driver, 'is no URL that can be read')
  }
}

/** The path in a URL of a file. Settings there are not for better-sqlite3, which would make them a part of the file's name. */
function pathOf(driver: DriverName, text: string): string {
  const path = text.replace(/^\w+:(?:\/\/(?:localhost)?(?=\/))?/i, '')
  if (/[?#]/.test(path))
    refuse(
      driver,
      'has a ? or # in its URL: settings such as readonly belong into dataSourceAttr, and in a name they are %3F and %23',
    )
  try {
    return decodeURIComponent(path)
  } catch {
    return refuse(driver, 'has a % in its URL that is not followed by a code: a percent sign is %25')
  }
}

function portOf(driver: DriverName, port: string | undefined): number {
  if (port === undefined || port === '') return 0
  return /^\d{1,5}$/.test(port) && Number(port) <= 65_535
    ? Number(port)
    : refuse(driver, 'has a port that is no port number')
}

function refuse(driver: DriverName, reason: string): never {
  const { examples } = formats[driver]
  throw new OptionError(
    'dataSource',
    `Option 'dataSource' of driver:${driver} ${reason}; it is written as ${examples.join(' or ')}. Or give a live handle as dbh`,
  )
}
