/** What `dataSource`, `username` and `password` say: where the servers are, and who logs in. */

import { OptionError } from '../../lib/errors.js'
import type { Address } from './connection.js'

/** The options, as they were given. */
export interface AddressOptions {
  readonly dataSource: string | undefined
  readonly username: string | undefined
  readonly password: string | undefined
}

const { env } = process
const parts = /^(?:([^:@]+):(.*)@)?(?:\[([^\]]+)\]|([^\s:@[\]/]+))(?::(\d{1,5}))?$/

/**
 * The servers. What the options leave out is taken from the environment, as memjs does it.
 * @throws {OptionError} for a dataSource that cannot be read, and for a password that is nobody's
 */
export function readAddresses(options: AddressOptions): Address[] {
  const {
    dataSource = env.MEMCACHIER_SERVERS || env.MEMCACHE_SERVERS || 'localhost:11211',
    username = env.MEMCACHIER_USERNAME || env.MEMCACHE_USERNAME || '',
    password = env.MEMCACHIER_PASSWORD || env.MEMCACHE_PASSWORD || '',
  } = options
  const addresses = dataSource.split(',').map((part) => readAddress(part.trim(), username, password))
  if (options.password && addresses.some((one) => one.username === '')) {
    throw new OptionError('username', "Option 'password' needs option 'username': whose password is it?")
  }
  return addresses
}

function readAddress(part: string, defaultUser: string, defaultPassword: string): Address {
  const [, username = defaultUser, password = defaultPassword, host6, host4, port = '11211'] = parts.exec(part) ?? []
  const host = host6 ?? host4
  if (host !== undefined && Number(port) <= 65_535) return { host, port: Number(port), username, password }
  // Not even the part at fault is shown: there may be a password in it.
  throw new OptionError(
    'dataSource',
    "Option 'dataSource' must be [user:password@]host[:port], or several with commas between them",
  )
}
