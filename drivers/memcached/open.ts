/**
 * Where the servers come from: `dataSource` names them, or a live client has them. The connections are the driver's own in both
 * cases: after a timeout memjs 1.3.2 goes on reading the old connection into the answers of the new one, so that a record
 * could hold bytes of another session.
 */

import { withCode } from '../../lib/coded-error.js'
import { OptionError } from '../../lib/errors.js'
import { loadPeer } from '../../lib/peer.js'
import type { Opened } from '../keyed/keyed-driver.js'
import { clientOf, type KeyedOptions } from '../keyed/options.js'
import { type AddressOptions, readAddresses } from './addresses.js'
import { type Address, Connection } from './connection.js'
import { Items } from './items.js'
import type { Memjs, MemjsClient, MemjsServer } from './memjs.js'

const places = ['dataSource', 'username', 'password'] as const

/** @throws {OptionError} for options that name no servers, or two kinds of place */
export function openItems(options: KeyedOptions & AddressOptions): () => Opened<Items> | Promise<Opened<Items>> {
  const { cache, timeout } = options
  if (cache === undefined) {
    const addresses = readAddresses(options)
    return () => connectTo(addresses, timeout)
  }
  const other = places.find((name) => Boolean(options[name]))
  if (other === undefined) return async () => adopt(await clientOf(options), timeout)
  throw new OptionError(
    other,
    `Option '${other}' and option 'cache' are two places for the sessions: a live client has its own servers and login`,
  )
}

function connectTo(addresses: readonly Address[], timeout: number): Opened<Items> {
  const { Client } = loadPeer<Memjs>('memjs', 'driver:Memcached')
  const connections = addresses.map((one) => new Connection(one, timeout))
  const memjs = new Client(connections, {})
  return { client: new Items((key) => memjs.server(key)!), close: () => closeAll(connections) }
}

function adopt(client: unknown, timeout: number): Opened<Items> {
  if (!isMemjs(client)) {
    throw new OptionError(
      'cache',
      "Option 'cache' must be a live client of memjs (memjs.Client.create()), or a function that gives one",
    )
  }
  const connections = new Map<MemjsServer, Connection>()
  const connectionOf = (key: string): Connection => {
    const server = client.server(key)
    if (!server) throw withCode('ALL_FAILED', 'no server is left')
    const connection =
      connections.get(server) ?? new Connection(addressOf(server), timeout, () => passOver(client, server))
    connections.set(server, connection)
    return connection
  }
  return { client: new Items(connectionOf), close: () => closeAll(connections.values()) }
}

function addressOf({ host, port, username, password }: MemjsServer): Address {
  return username && password ? { host, port, username, password } : { host, port, username: '', password: '' }
}

/** What memjs itself does in a client with `failover`: the next call, and the next of the program's own, go to the next server. */
function passOver({ options }: MemjsClient<MemjsServer>, server: MemjsServer): void {
  const { failover = false, failoverTime = 60 } = options ?? {}
  if (failover) server.wakeupAt = Date.now() + failoverTime * 1000
}

function closeAll(connections: Iterable<Connection>): void {
  for (const connection of connections) connection.close()
}

function isMemjs(handle: unknown): handle is MemjsClient<MemjsServer> {
  const { server, servers } = (handle ?? {}) as Partial<MemjsClient<MemjsServer>>
  return typeof server === 'function' && Array.isArray(servers) && servers.length > 0 && servers.every(isServer)
}

function isServer(server: unknown): boolean {
  const { host, port } = (server ?? {}) as Partial<MemjsServer>
  return typeof host === 'string' && Number.isInteger(port) && port! >= 0 && port! <= 65_535
}
