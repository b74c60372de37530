/** SCAN on the driver's own connections, which outlasts an outage as reads do. */

import type { Argument, Reply, Scan } from './client.js'
import { type Connection, notConnected } from './connection.js'
import { type Ioredis, type IoredisCluster, type IoredisPackage, plain, type Stream } from './package.js'
import { type Sending, send } from './sending.js'

/** Which server has the keys: asked for each page, and told whether the page before it failed. */
type Finder = (isAgain: boolean) => Ioredis | Promise<Ioredis>

/** One for each server that has keys. */
export async function ownScans(
  Class: IoredisPackage['Command'],
  connection: Connection,
  deadline: number,
): Promise<readonly Scan[]> {
  const { client } = connection
  const finders =
    'slots' in client ? await findersIn(client as IoredisCluster, connection, deadline) : [(): Ioredis => client]
  return finders.map((find) => scanOf(Class, connection, find))
}

function scanOf(Class: IoredisPackage['Command'], connection: Connection, find: Finder): Scan {
  let known: Stream | undefined
  return (cursor, filter, deadline) => {
    let isAgain = false
    const page = async (sending: Sending): Promise<Reply> => {
      const isSecond = isAgain
      isAgain = true
      const server = await find(isSecond)
      // A new connection may lead to a server that was started anew, or to another one: a cursor of old would miss keys there.
      const from = server.stream === known ? cursor : '0'
      const args: Argument[] = [from, ...filter]
      const reply = await send(server, new Class('scan', args, plain), sending)
      known = sending.stream
      return reply
    }
    return connection.run({ isWrite: false, send: page }, deadline)
  }
}

/** The primaries of a cluster, each found by one of its slots: another server may take over on the way. */
async function findersIn(cluster: IoredisCluster, connection: Connection, deadline: number): Promise<Finder[]> {
  await connection.run({ isWrite: false, send: () => refresh(cluster) }, deadline)
  const slotOf = new Map<string, number>()
  for (const [slot, servers] of cluster.slots.entries()) if (servers?.[0]) slotOf.set(servers[0], slot)
  return [...slotOf.values()].map((slot) => async (isAgain) => {
    if (isAgain) await refresh(cluster)
    return primaryOf(cluster, slot)
  })
}

/** @throws {Error} ECONNRESET where it is not known at the moment */
function primaryOf(cluster: IoredisCluster, slot: number): Ioredis {
  const address = cluster.slots[slot]?.[0]
  const found = cluster.nodes().find(({ options }) => {
    const { host, port } = options as { host?: unknown; port?: unknown }
    return `${host}:${port}` === address
  })
  if (found === undefined) throw notConnected()
  return found
}

function refresh(cluster: IoredisCluster): Promise<void> {
  return new Promise((resolve, reject) => {
    cluster.refreshSlotsCache((error) => (error ? reject(error) : resolve()))
  })
}
