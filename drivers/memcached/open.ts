/** Where the servers come from: `dataSource` names them, or a live client has them. */

import { OptionError } from '../../lib/errors.js'
import { loadPeer } from '../../lib/peer.js'
import type { Opened } from '../keyed/keyed-driver.js'
import type { KeyedOptions } from '../keyed/options.js'
import { type Address, Connection } from './connection.js'
import { Items } from './items.js'
import { LiveLine } from './live.js'
import type { Memjs, MemjsClient, MemjsServer } from './memjs.js'

/** What says where to connect. */
export interface AddressOptions extends KeyedOptions {
  readonly dataSource: string
  readonly username: string
  readonly password: string
}

/** @throws {OptionError} for a dataSource that cannot be read */
export function openItems(options: AddressOptions): () => Opened<Items> | Promise<Opened<Items>> {
  if (options.cache !== undefined) return () => adopt(options)
  const addresses = options.dataSource.split(',').map((part) => readAddress(part.trim(), options))
  return () => connectTo(addresses, options.timeout)
}

const address = /^(?:([^:@]*):(.*)@)?(?:\[([^\]]+)\]|([^\s:@[\]/]+))(?::(\d{1,5}))?$/

function readAddress(part: string, options: AddressOptions): Address {
  const [, username = options.username, password = options.password, host6, host4, port = '11211'] =
    address.exec(part) ?? []
  const host = host6 ?? host4
  if (host !== undefined && Number(port) <= 65_535) return { host, port: Number(port), username, password }
  // Not even the part at fault is shown: there may be a password in it.
  throw new OptionError(
    'dataSource',
    "Option 'dataSource' must be [user:password@]host[:port], or several with commas between them",
  )
}

function connectTo(addresses: readonly Address[], timeout: number): Opened<Items> {
  const { Client } = loadPeer<Memjs>('memjs', 'driver:Memcached')
  const connections = addresses.map((one) => new Connection(one, timeout))
  const memjs = new Client(connections, {})
  return {
    client: new Items((key) => memjs.server(key)!),
    close: () => {
      for (const connection of connections) connection.close()
    },
  }
}

async function adopt({ cache, timeout }: AddressOptions): Promise<Opened<Items>> {
  const client: unknown = typeof cache === 'function' ? await cache() : cache
  if (!isMemjs(client)) {
    throw new OptionError(
      'cache',
      "Option 'cache' must be a live client of memjs (memjs.Client.create()), or a function that gives one",
    )
  }
  const lineOf = (key: string): LiveLine => {
    const server = client.server(key)
    if (server) return new LiveLine(server, client, timeout)
    throw Object.assign(new Error('no server is left'), { code: 'ALL_FAILED' })
  }
  return { client: new Items(lineOf) }
}

function isMemjs(handle: unknown): handle is MemjsClient<MemjsServer> {
  const { server, servers } = (handle ?? {}) as Partial<MemjsClient<MemjsServer>>
  return typeof server === 'function' && Array.isArray(servers) && typeof servers[0]?.onResponse === 'function'
}
