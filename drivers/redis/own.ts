/** The client that the driver opens itself: ioredis, told to send nothing twice and to leave no timers behind. */

import { loadPeer } from '../../lib/peer.js'
import { type KeyCommand, keyPrefixOf, type RedisClient, type Reply, type Scan } from './client.js'
import { Connection, type Shared } from './connection.js'
import { Deadlines } from './deadlines.js'
import { ownScans } from './listing.js'
import { type IoredisPackage, plain } from './package.js'
import { sendSafely } from './replicas.js'
import { send } from './sending.js'
import type { Settings } from './settings.js'

/** Milliseconds, and the option of this name. */
interface Demands {
  readonly timeout: number
  readonly replicas: number
}

export class OwnClient implements RedisClient {
  readonly keyPrefix: Buffer
  readonly #Command: IoredisPackage['Command']
  readonly #commandOptions: object
  readonly #replicas: number
  readonly #reads: Connection
  /** The same one, unless writes wait for replicas: that holds up a connection, and reads need not wait with them. */
  readonly #writes: Connection

  /** Connects at first use. @throws {PluginError} where ioredis is missing */
  constructor(settings: Settings, { timeout, replicas }: Demands) {
    const ioredis = loadPeer<IoredisPackage>('ioredis', 'driver:Redis')
    const shared: Shared = { timeout, deadlines: new Deadlines(), wasConnected: false }
    this.#Command = ioredis.Command
    this.#replicas = replicas
    this.#reads = new Connection(ioredis, settings, shared)
    this.#writes = replicas === 0 ? this.#reads : new Connection(ioredis, settings, shared)
    this.keyPrefix = keyPrefixOf(this.#reads.client.options)
    this.#commandOptions = this.keyPrefix.length === 0 ? plain : { ...plain, keyPrefix: this.keyPrefix }
  }

  close(): void {
    this.#reads.close()
    this.#writes.close()
  }

  run({ name, before, key, after, isWrite }: KeyCommand, deadline: number): Promise<Reply> {
    const replicas = isWrite ? this.#replicas : 0
    const connection = isWrite ? this.#writes : this.#reads
    const { client } = connection
    const task = {
      isWrite,
      send: (sending: object) => {
        const command = new this.#Command(name, [...before, key, ...after], this.#commandOptions)
        return replicas === 0
          ? send(client, command, sending)
          : sendSafely(this.#Command, { client, write: command, sending, replicas, deadline })
      },
    }
    return connection.run(task, deadline)
  }

  scans(deadline: number): Promise<readonly Scan[]> {
    return ownScans(this.#Command, this.#reads, deadline)
  }
}
