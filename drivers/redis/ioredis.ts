/** Live clients of ioredis and of iovalkey, and clusters of them. */

import {
  type Argument,
  answerUntil,
  type KeyCommand,
  keyPrefixOf,
  outcomeUntil,
  type RedisClient,
  type Reply,
  type Scan,
} from './client.js'

/** A command by its name, with bytes in its answer. */
type Method = (...args: readonly Argument[]) => Promise<Reply>

/**
 * What is used of a live client. These put the client's own prefix before the keys. `callBuffer` would throw where nobody can
 * catch it when the client has `enableAutoPipelining`.
 */
interface LiveIoredis extends Record<`${KeyCommand['name']}Buffer`, Method> {
  readonly scanBuffer: Method
  readonly options?: unknown
}

/** What clusters have beside it. */
interface LiveCluster {
  clusterBuffer(question: 'info'): Promise<Reply>
  nodes(role: 'master'): readonly LiveIoredis[]
}

/** A live client or cluster; undefined for anything else. */
export function adoptIoredis(handle: object): RedisClient | undefined {
  const { scanBuffer } = handle as Partial<LiveIoredis>
  return typeof scanBuffer === 'function' ? new IoredisClient(handle as LiveIoredis) : undefined
}

class IoredisClient implements RedisClient {
  readonly keyPrefix: Buffer
  readonly #client: LiveIoredis

  constructor(client: LiveIoredis) {
    this.#client = client
    this.keyPrefix = keyPrefixOf(client.options)
  }

  run({ name, before, key, after }: KeyCommand, deadline: number): Promise<Reply> {
    return outcomeUntil(deadline, this.#client[`${name}Buffer`](...before, key, ...after))
  }

  async scans(deadline: number): Promise<readonly Scan[]> {
    const client = this.#client
    const servers = 'nodes' in client ? await primariesOf(client as unknown as LiveCluster, deadline) : [client]
    return servers.map((server) => (cursor, filter, until) => answerUntil(until, server.scanBuffer(cursor, ...filter)))
  }
}

/** A cluster knows its servers once it has answered something. */
async function primariesOf(cluster: LiveCluster, deadline: number): Promise<readonly LiveIoredis[]> {
  await answerUntil(deadline, cluster.clusterBuffer('info'))
  return cluster.nodes('master')
}
