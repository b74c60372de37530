/** A Redis cluster of three primaries on loopback. */

import { type RedisNode, startRedisNode, until } from './redis-nodes.js'
import { freePort, PASSWORD } from './server.js'

export interface RedisCluster {
  readonly nodes: readonly RedisNode[]
  /** As driver:Redis takes it. */
  readonly options: { readonly dataSource: string; readonly password: string }
  /** The number of the node that has this key's slot. */
  ownerOf(key: string): Promise<number>
  /** One more node, a replica of this one. */
  addReplica(of: number): Promise<void>
  /** Begin to give a key's slot to another node: keys that are not there yet are written there (ASK). */
  beginToMove(key: string, to: number): Promise<void>
  /** Give a key's slot to another node, with all its keys, while clients go on. */
  move(key: string, to: number): Promise<void>
  stop(): Promise<void>
}

const SLOTS = 16_384

async function startMember(): Promise<{ node: RedisNode; bus: number }> {
  // The usual one, 10000 above the port, may be beyond the last.
  const bus = await freePort()
  const node = await startRedisNode(() => [
    ...['--cluster-enabled', 'yes', '--cluster-port', String(bus), '--cluster-announce-ip', '127.0.0.1'],
    ...['--cluster-node-timeout', '2000', '--cluster-require-full-coverage', 'no'],
  ])
  return { node, bus }
}

/** Start it, and wait until all agree. */
export async function startRedisCluster(): Promise<RedisCluster> {
  const members = await Promise.all([startMember(), startMember(), startMember()])
  const nodes = members.map(({ node }) => node)
  for (const [index, { node }] of members.entries()) {
    const [from, to] = [index, index + 1].map((part) => Math.floor((part * SLOTS) / members.length))
    await node.ask('cluster', 'addslotsrange', String(from), String(to! - 1))
    await node.ask('cluster', 'set-config-epoch', String(index + 1))
  }
  for (const { node, bus } of members.slice(1)) {
    await nodes[0]!.ask('cluster', 'meet', '127.0.0.1', String(node.settings.port), String(bus))
  }
  await until(async () => (await Promise.all(nodes.map(isWhole))).every(Boolean))
  const ids = await Promise.all(nodes.map(async (node) => String(await node.ask('cluster', 'myid'))))
  const ownerOf = async (key: string) => ownerOfSlot(nodes, Number(await nodes[0]!.ask('cluster', 'keyslot', key)))
  const others: RedisNode[] = []
  const slotOf = (key: string) => nodes[0]!.ask('cluster', 'keyslot', key)
  return {
    nodes,
    addReplica: async (of) => {
      const { node, bus } = await startMember()
      others.push(node)
      await nodes[0]!.ask('cluster', 'meet', '127.0.0.1', String(node.settings.port), String(bus))
      await until(async () => String(await node.ask('cluster', 'nodes')).includes(ids[of]!))
      await until(() => node.ask('cluster', 'replicate', ids[of]!))
      await until(async () => String(await nodes[of]!.ask('info', 'replication')).includes('state=online'))
    },
    beginToMove: async (key, to) => beginToMove(nodes, ids, await slotOf(key), await ownerOf(key), to),
    options: {
      dataSource: `redis+cluster://${nodes.map(({ settings }) => `127.0.0.1:${settings.port}`).join(',')}`,
      password: PASSWORD,
    },
    ownerOf,
    move: async (key, to) => moveSlot(nodes, ids, await slotOf(key), await ownerOf(key), to),
    stop: async () => {
      await Promise.all([...others, ...nodes].map((node) => node.stop()))
    },
  }
}

async function isWhole(node: RedisNode): Promise<boolean> {
  const info = String(await node.ask('cluster', 'info'))
  return info.includes('cluster_state:ok') && info.includes('cluster_slots_ok:16384') && info.includes('known_nodes:3')
}

async function ownerOfSlot(nodes: readonly RedisNode[], slot: number): Promise<number> {
  const ranges = (await nodes[0]!.ask('cluster', 'slots')) as [number, number, [string, number]][]
  const range = ranges.find(([from, to]) => from <= slot && slot <= to)!
  return nodes.findIndex(({ settings }) => settings.port === range[2][1])
}

async function beginToMove(
  nodes: readonly RedisNode[],
  ids: readonly string[],
  slot: unknown,
  from: number,
  to: number,
): Promise<void> {
  await nodes[to]!.ask('cluster', 'setslot', String(slot), 'importing', ids[from]!)
  await nodes[from]!.ask('cluster', 'setslot', String(slot), 'migrating', ids[to]!)
}

async function moveSlot(nodes: readonly RedisNode[], ids: readonly string[], slot: unknown, from: number, to: number) {
  const [source, target] = [nodes[from]!, nodes[to]!]
  const setSlot = (node: RedisNode, ...how: string[]) => node.ask('cluster', 'setslot', String(slot), ...how)
  await beginToMove(nodes, ids, slot, from, to)
  for (;;) {
    const keys = (await source.ask('cluster', 'getkeysinslot', String(slot), '10')) as string[]
    if (keys.length === 0) break
    const where = ['127.0.0.1', String(target.settings.port), '', '0', '5000', 'AUTH', PASSWORD]
    await source.ask('migrate', ...where, 'KEYS', ...keys)
  }
  await setSlot(target, 'node', ids[to]!)
  await setSlot(source, 'node', ids[to]!)
  for (const node of nodes) if (node !== source && node !== target) await setSlot(node, 'node', ids[to]!)
}
