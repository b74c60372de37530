/** Live clients of ioredis and of iovalkey, and clusters of them. */

import { answerWithin } from '../shared/within.js'
import { type Argument, type KeyCommand, keyPrefixOf, type RedisClient, type Reply, type Scan } from './client.js'

/** What is used of a live client. Its `callBuffer` puts the client's own prefix before the keys of the commands it knows. */
interface LiveIoredis {
  callBuffer(name: string, ...args: Argument[]): Promise<Reply>
  readonly options?: unknown
  /** Clusters have it. */
  nodes?(role: 'master'): readonly LiveIoredis[]
}

/** A live client or cluster; undefined for anything else. */
export function adoptIoredis(handle: object, timeout: number): RedisClient | undefined {
  const { callBuffer } = handle as Partial<LiveIoredis>
  return typeof callBuffer === 'function' ? new IoredisClient(handle as LiveIoredis, timeout) : undefined
}

class IoredisClient implements RedisClient {
  readonly keyPrefix: Buffer
  readonly #client: LiveIoredis
  readonly #timeout: number

  constructor(client: LiveIoredis, timeout: number) {
    this.#client = client
    this.#timeout = timeout
    this.keyPrefix = keyPrefixOf(client.options)
  }

  run({ name, before, key, after }: KeyCommand): Promise<Reply> {
    return answerWithin(this.#timeout, this.#client.callBuffer(name, ...before, key, ...after))
  }

  async scans(): Promise<readonly Scan[]> {
    const client = this.#client
    const servers = client.nodes === undefined ? [client] : await this.#primaries()
    return servers.map((server) => (args) => answerWithin(this.#timeout, server.callBuffer('scan', ...args)))
  }

  /** A cluster knows its servers once it has answered something. */
  async #primaries(): Promise<readonly LiveIoredis[]> {
    await answerWithin(this.#timeout, this.#client.callBuffer('cluster', 'info'))
    return this.#client.nodes!('master')
  }
}
