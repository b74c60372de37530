/** Where the servers are: the URLs of option `dataSource`. */

import { OptionError } from '../../lib/errors.js'

/** One server. */
export interface Address {
  readonly host: string
  readonly port: number
}

/** What a dataSource says. */
export interface Place {
  /** One server, a cluster, or a primary that sentinels know. */
  readonly kind: 'single' | 'cluster' | 'sentinel'
  /** Servers to ask; none where there is a Unix socket. */
  readonly addresses: readonly Address[]
  readonly path?: string
  readonly tls: boolean
  readonly username: string
  readonly password: string
  /** What the sentinels call the primary. */
  readonly primary: string
  readonly database: number
}

const forms =
  'redis://host:6379/0, rediss://… for TLS (valkey:// and valkeys:// are the same), unix:/path, redis+cluster://host:port,host:port or redis+sentinel://host:port,host:port/name-of-the-primary/0'

/** The URL is not shown: it may have a password. */
function refuse(what: string): never {
  throw new OptionError('dataSource', `Option 'dataSource' ${what}; it may be ${forms}`)
}

const ports = { single: 6379, cluster: 6379, sentinel: 26_379 } as const

/** @throws {OptionError} for what is none of the forms */
export function readPlace(given: string): Place {
  const dataSource = given.trim()
  const [source = '', query] = splitAt(dataSource, dataSource.indexOf('?', dataSource.lastIndexOf('@') + 1))
  const nowhere = { addresses: [], tls: false, username: '', password: '', primary: '' }
  const path = /^(?:unix:)?(?:\/\/)?(\/[^/].*)$/.exec(source)?.[1]
  if (path !== undefined) return { ...nowhere, kind: 'single', path, database: databaseOf(undefined, query) }
  const [, scheme, kind = 'single', rest = ''] =
    /^(rediss?|valkeys?)(?:\+(cluster|sentinel))?:\/\/(.*)$/is.exec(source) ?? []
  if (scheme === undefined) refuse('is no such URL')
  return { ...readAddress(rest, kind.toLowerCase() as Place['kind'], query), tls: /^(?:rediss|valkeys)$/i.test(scheme) }
}

function readAddress(rest: string, kind: Place['kind'], query: string | undefined): Omit<Place, 'tls'> {
  // A password may have any sign in it, an unescaped @ too.
  const at = rest.lastIndexOf('@')
  const [user = '', password = ''] = at < 0 ? [] : splitAt(rest.slice(0, at), rest.indexOf(':'))
  const [hosts = '', ...parts] = rest.slice(at + 1).split('/')
  const primary = kind === 'sentinel' ? decoded(parts.shift() ?? '') : ''
  if (kind === 'sentinel' && primary === '') refuse('names no primary after the sentinels')
  const addresses = hosts.split(',').map((host) => readHost(host, ports[kind]))
  if (kind === 'single' && addresses.length > 1) refuse('has several servers, so it must say of which kind')
  if (kind === 'cluster' && (parts[0] ?? '') !== '') refuse('names a database, but a cluster has only one')
  if (parts.length > 1) refuse('has more behind the database')
  const database = databaseOf(parts[0], query)
  return { kind, addresses, username: decoded(user), password: decoded(password), primary, database }
}

function readHost(host: string, defaultPort: number): Address {
  const [, six, four = '', port] =
    /^(?:\[([\da-f:.%]+)\]|([^:[\]]*))(?::(\d{1,5}))?$/i.exec(host) ?? refuse('has no host')
  return { host: six ?? (four || '127.0.0.1'), port: port === undefined ? defaultPort : readPort(port) }
}

function readPort(port: string): number {
  const number = Number(port)
  return number >= 1 && number <= 65_535 ? number : refuse('has a port that is not from 1 to 65535')
}

function databaseOf(inPath: string | undefined, query: string | undefined): number {
  const others = new URLSearchParams(query ?? '')
  const database = inPath || others.get('db') || '0'
  others.delete('db')
  if (others.size > 0) refuse('has settings after the ?, which belong into option dataSourceAttr')
  return /^\d{1,5}$/.test(database) ? Number(database) : refuse('has a database that is no number')
}

/** The parts before and after a sign; one part where it is not there. */
function splitAt(text: string, index: number): [string, string?] {
  return index < 0 ? [text] : [text.slice(0, index), text.slice(index + 1)]
}

/** A sign that is not escaped well stands for itself. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
