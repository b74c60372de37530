/** Live clients of the package redis (node-redis), versions 4 to 6: clients, pools, clusters and sentinels. */

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

/** How one call asks for texts as Buffers, which leaves the client as it is. */
interface CallOptions {
  /** Version 4. */
  readonly returnBuffers: true
  /** Since version 5: RESP's type of texts (`$`). */
  readonly typeMapping: { readonly 36: typeof Buffer }
  /** Looked at when a command is queued. */
  readonly abortSignal?: AbortSignal
}

const options: CallOptions = { returnBuffers: true, typeMapping: { 36: Buffer } }

/**
 * Lets a command be queued once. A sentinel's client sends whatever failed a second time when the connection ended meanwhile, and
 * a write that was carried out would meet itself.
 */
function onceSignal(): AbortSignal {
  const { signal } = new AbortController()
  let wasAsked = false
  Object.defineProperty(signal, 'aborted', {
    get: () => {
      const isAgain = wasAsked
      wasAsked = true
      return isAgain
    },
  })
  return signal
}

/** What is used of clients and pools. */
interface Simple {
  sendCommand(args: readonly Argument[], options: CallOptions): Promise<Reply>
}

/** What is used of sentinels. */
interface Sentinel {
  sendCommand(isReadonly: boolean, args: readonly Argument[], options: CallOptions): Promise<Reply>
}

/** What is used of clusters. */
interface Cluster {
  readonly masters: readonly object[]
  sendCommand(key: Argument, isReadonly: boolean, args: readonly Argument[], options: CallOptions): Promise<Reply>
  nodeClient(node: object): Simple | Promise<Simple>
}

/** How a kind of client is spoken to. Reads go to the primary too: a session must be found as it was written last. */
interface Way {
  send(key: Buffer, args: readonly Argument[], isWrite: boolean): Promise<Reply>
  scans(): readonly Page[]
}

/** SCAN, by what stands behind the name. */
type Page = (args: readonly Argument[]) => Promise<Reply>

function wayTo(handle: object): Way {
  if ('nodeClient' in handle) return clusterWay(handle as Cluster)
  const send = 'acquire' in handle ? sentinelWay(handle as unknown as Sentinel) : simpleWay(handle as Simple)
  return {
    send: (_key, args, isWrite) => send(args, isWrite),
    scans: () => [(args) => send(['SCAN', ...args], false)],
  }
}

const simpleWay = (client: Simple) => (args: readonly Argument[]) => client.sendCommand(args, options)

const sentinelWay = (sentinel: Sentinel) => (args: readonly Argument[], isWrite: boolean) =>
  sentinel.sendCommand(false, args, isWrite ? { ...options, abortSignal: onceSignal() } : options)

function clusterWay(cluster: Cluster): Way {
  const scanOf =
    (node: object): Page =>
    async (args) =>
      (await cluster.nodeClient(node)).sendCommand(['SCAN', ...args], options)
  return {
    send: (key, args) => cluster.sendCommand(key, false, args, options),
    scans: () => cluster.masters.map(scanOf),
  }
}

/** A live client; undefined for anything else. */
export function adoptNodeRedis(handle: object): RedisClient | undefined {
  const { sendCommand, isOpen } = handle as { sendCommand?: unknown; isOpen?: unknown }
  if (typeof sendCommand !== 'function') return undefined
  return isOpen === undefined && !('nodeClient' in handle) ? undefined : new NodeRedisClient(handle)
}

class NodeRedisClient implements RedisClient {
  readonly keyPrefix: Buffer
  readonly #handle: { readonly isOpen?: boolean }
  readonly #way: Way

  constructor(handle: object) {
    this.#handle = handle
    this.#way = wayTo(handle)
    // Version 6 has one, and hides the settings of all but plain clients.
    const { _keyPrefix: keyPrefix } = handle as { _keyPrefix?: unknown }
    this.keyPrefix = keyPrefixOf({ keyPrefix })
  }

  async run({ name, before, key, after, isWrite }: KeyCommand, deadline: number): Promise<Reply> {
    this.#assertOpen()
    // Commands by name are sent as they are.
    const whole = this.keyPrefix.length === 0 ? key : Buffer.concat([this.keyPrefix, key])
    const args = [name.toUpperCase(), ...before, whole, ...after]
    return outcomeUntil(deadline, this.#way.send(whole, args, isWrite))
  }

  async scans(): Promise<readonly Scan[]> {
    this.#assertOpen()
    return this.#way
      .scans()
      .map((scan) => (cursor, filter, deadline) => answerUntil(deadline, scan([cursor, ...filter])))
  }

  /** It connects only when it is told to, and that is the program's to do. */
  #assertOpen(): void {
    if (this.#handle.isOpen === false) throw new Error('The client is closed')
  }
}
