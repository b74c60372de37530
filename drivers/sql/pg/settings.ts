/** What pg is told to open a pool: as libpq, and so Perl's DBD::Pg, understands the same data source. */

import { existsSync, readFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { OptionError } from '../../../lib/errors.js'
import type { DataSource } from '../data-source.js'
import type { SqlOptions } from '../options.js'

/** The server gives up a little before we do: so nothing is written after an error, and the connection stays usable. */
const GRACE = 250

/**
 * Settings for pg's Pool.
 * @throws {OptionError} for an sslmode that is none, or a certificate that cannot be read
 */
export function poolSettings(
  source: DataSource,
  { dataSourceAttr, timeout, prepare }: Pick<SqlOptions, 'dataSourceAttr' | 'timeout'> & { prepare: boolean },
): object {
  const { options, application_name, sslmode } = source.extra
  const { host, port } = address(source)
  const ssl = host?.startsWith('/') ? false : tls(sslmode, source.extra)
  return {
    host,
    ...(port > 0 && { port }),
    user: source.username || userOfSystem(),
    ...(source.password !== '' && { password: source.password }),
    database: source.database,
    options,
    application_name,
    fallback_application_name: 'data-session',
    ...(ssl !== undefined && { ssl }),
    // A script that forgets close() ends all the same.
    allowExitOnIdle: true,
    keepAlive: true,
    connectionTimeoutMillis: timeout,
    // PgBouncer refuses connections with these.
    ...(prepare && { lock_timeout: timeout, statement_timeout: timeout + GRACE }),
    ...dataSourceAttr,
  }
}

/** Where libpq is told by its packagers to look for the socket when no host is named. */
const socketFolders = ['/var/run/postgresql', '/tmp']

const DEFAULT_PORT = 5432

function address({ host, port, socket }: DataSource): { host: string | undefined; port: number } {
  if (socket !== '') {
    // pg wants the folder, and the port that the file is named for.
    const [, folder, number] = /^(.*)\/\.s\.PGSQL\.(\d+)$/.exec(socket) ?? []
    return folder === undefined ? { host: socket, port } : { host: folder, port: Number(number) }
  }
  if (host !== '') return { host, port }
  if (process.env.PGHOST) return { host: undefined, port }
  const file = `.s.PGSQL.${port || Number(process.env.PGPORT) || DEFAULT_PORT}`
  return { host: socketFolders.find((folder) => existsSync(`${folder}/${file}`)) ?? 'localhost', port }
}

/** A web server's environment may have no USER, which pg goes by. */
function userOfSystem(): string | undefined {
  if (process.env.PGUSER) return undefined
  try {
    return userInfo().username
  } catch {
    return undefined
  }
}

type Tls = false | Readonly<Record<string, unknown>>

const certificates = { ca: 'sslrootcert', cert: 'sslcert', key: 'sslkey' } as const

/** Undefined: as PGSSLMODE says. `allow` and `prefer` would try both ways: pg cannot, and they promise no TLS. */
function tls(mode: string | undefined, extra: DataSource['extra']): Tls | undefined {
  const files = Object.fromEntries(
    Object.entries(certificates)
      .filter(([, attribute]) => extra[attribute] !== undefined)
      .map(([name, attribute]) => [name, certificate(attribute, extra[attribute]!)]),
  )
  switch (mode) {
    case undefined:
      return undefined
    case 'disable':
    case 'allow':
    case 'prefer':
      return false
    case 'require':
      // libpq: whoever names a root certificate wants it checked.
      return 'ca' in files ? { ...files, checkServerIdentity: anyName } : { ...files, rejectUnauthorized: false }
    case 'verify-ca':
      return { ...files, checkServerIdentity: anyName }
    case 'verify-full':
      return files
    default:
      throw new OptionError(
        'dataSource',
        "Option 'dataSource' has an sslmode that is none of disable, allow, prefer, require, verify-ca, verify-full",
      )
  }
}

const anyName = (): undefined => undefined

function certificate(attribute: string, file: string): Buffer {
  try {
    return readFileSync(file)
  } catch (cause) {
    throw new OptionError('dataSource', `Option 'dataSource' names a file as ${attribute} that cannot be read`, {
      cause,
    })
  }
}
