/** The client that the driver opens itself: ioredis, told to send nothing twice and to leave no timers behind. */

import { loadPeer } from '../../lib/peer.js'
import { wayProblems } from '../shared/way.js'
import { answerWithin, NO_ANSWER } from '../shared/within.js'
import { type Argument, type KeyCommand, keyPrefixOf, type RedisClient, type Reply, type Scan } from './client.js'
import { Deadlines } from './deadlines.js'
import type { Settings } from './settings.js'

/** What is used of a connection's stream. */
interface Stream {
  unref(): unknown
  destroy(): unknown
}

/** What is used of ioredis's clients and clusters. */
interface Ioredis {
  readonly status: string
  readonly options: unknown
  readonly stream?: Stream
  connect(): Promise<void>
  disconnect(): void
  sendCommand(command: Command): Promise<Reply>
  callBuffer(name: string, ...args: readonly Argument[]): Promise<Reply>
  nodes(role: 'master'): readonly Ioredis[]
  on(event: string, listener: (what: never) => void): unknown
  once(event: string, listener: () => void): unknown
  off(event: string, listener: () => void): unknown
}

/** One command of ioredis, before and after it is sent. */
interface Command {
  /** Called when it is written to a connection: each time, and never before. */
  toWritable(stream: Stream): unknown
  getSlot(): number | null
}

interface IoredisPackage {
  readonly Redis: new (options: object) => Ioredis
  readonly Cluster: new (nodes: readonly object[], options: object) => Ioredis
  readonly Command: new (name: string, args: readonly Argument[], options: object) => Command
}

/** A command on its way: the connection that it was written to last, if it was. */
interface Sending {
  stream?: Stream
  /** When that was: milliseconds since 1970. */
  since?: number
  /** Nobody waits for it any longer. */
  isGivenUp?: true
}

/** What is sent in place of a command that was given up before its turn came: a late write could undo a later one. */
const NOTHING = '*1\r\n$4\r\nPING\r\n'

/** Milliseconds between attempts to reach a server: the first, and the most. */
const FIRST_PAUSE = 10
const LONGEST_PAUSE = 500
/** The server's own limit for WAIT comes first. */
const GRACE = 1000

/** The server did nothing, and soon may. */
const refused = /\b(?:LOADING|MASTERDOWN|CLUSTERDOWN|TRYAGAIN) /
/** What ioredis says when there is no connection. */
const closed = /^(?:Connection is closed|All sentinels|None of startup|Failed to refresh|Cluster is|Cluster isn't)/

/** Texts in answers are bytes. */
const plain = { replyEncoding: null }

/** Milliseconds, and the option of this name. */
interface Demands {
  readonly timeout: number
  readonly replicas: number
}

/** A connection, or those of a cluster; opened when something is asked, and again when that is needed. */
export class OwnClient implements RedisClient {
  readonly keyPrefix: Buffer
  readonly #kind: Settings['kind']
  readonly #demands: Demands
  readonly #client: Ioredis
  readonly #Command: IoredisPackage['Command']
  readonly #commandOptions: object
  readonly #deadlines: Deadlines
  #connecting: Promise<void> | undefined
  #wasConnected = false
  /** What the client said last when a connection failed. */
  #trouble: unknown

  /** Connects at first use. @throws {PluginError} where ioredis is missing */
  constructor({ kind, nodes, options }: Settings, demands: Demands) {
    const { Redis, Cluster, Command } = loadPeer<IoredisPackage>('ioredis', 'driver:Redis')
    this.#kind = kind
    this.#demands = demands
    this.#Command = Command
    this.#client = kind === 'cluster' ? new Cluster(nodes, options) : new Redis(options)
    this.keyPrefix = keyPrefixOf(this.#client.options)
    this.#commandOptions = this.keyPrefix.length === 0 ? plain : { ...plain, keyPrefix: this.keyPrefix }
    this.#deadlines = new Deadlines(demands.replicas === 0 ? demands.timeout : demands.timeout + GRACE)
    this.#client.on('error', (error: unknown) => {
      this.#trouble = error
    })
    if (kind === 'cluster') this.#client.on('+node', letGo)
    else letGo(this.#client)
  }

  close(): void {
    this.#client.disconnect()
  }

  /** As often as it takes until `timeout`, while nothing was sent; a command that only reads is sent again. */
  async run(command: KeyCommand): Promise<Reply> {
    const deadline = Date.now() + this.#demands.timeout
    for (let pause = FIRST_PAUSE; ; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
      const sending: Sending = {}
      try {
        const left = deadline - Date.now()
        if (this.#client.status !== 'ready') await answerWithin(left, this.#ready())
        const answer = this.#attempt(command, sending)
        return await (pause === FIRST_PAUSE ? this.#deadlines.within(answer) : answerWithin(left, answer))
      } catch (error) {
        if (codeOf(error) === NO_ANSWER) throw this.#overdue(sending, error)
        if (Date.now() + pause > deadline || !this.#mayTryAgain(error, command, sending)) throw reasonOf(error, sending)
      }
      await new Promise((resolve) => setTimeout(resolve, pause))
    }
  }

  async scans(): Promise<readonly Scan[]> {
    const { timeout } = this.#demands
    await answerWithin(timeout, this.#ready())
    const servers = this.#kind === 'cluster' ? this.#client.nodes('master') : [this.#client]
    return servers.map((server) => async (args) => {
      // A cluster's server that has gone away is not found again by the same object.
      if (server === this.#client) await answerWithin(timeout, this.#ready())
      return answerWithin(timeout, server.callBuffer('scan', ...args))
    })
  }

  #attempt({ name, before, key, after, isWrite }: KeyCommand, sending: Sending): Promise<Reply> {
    const { replicas } = this.#demands
    const command = new this.#Command(name, [...before, key, ...after], this.#commandOptions)
    return isWrite && replicas > 0 ? this.#sendSafely(command, sending) : this.#send(command, sending)
  }

  /** The answer, and on the way the connection that the command was written to. */
  #send(command: Command, sending: Sending): Promise<Reply> {
    const { toWritable } = command
    command.toWritable = (stream) => {
      if (sending.isGivenUp) return NOTHING
      sending.stream = stream
      sending.since = Date.now()
      return toWritable.call(command, stream)
    }
    return this.#client.sendCommand(command)
  }

  /** A write, and in the same round trip the question how many replicas have it. */
  async #sendSafely(write: Command, sending: Sending): Promise<Reply> {
    const asking: Sending = {}
    const written = this.#send(write, sending)
    const asked = this.#send(this.#wait(write), asking)
    const [reply, copies] = await Promise.all([written, asked])
    const hasWritten = Buffer.isBuffer(reply) || Number(reply) === 1
    if (!hasWritten) return reply
    // A cluster may have sent the write on to another server.
    const count = sending.stream === asking.stream ? copies : await this.#send(this.#wait(write), {})
    if (Number(count) < this.#demands.replicas) {
      throw new Error(`${Number(count)} of ${this.#demands.replicas} replicas have it`)
    }
    return reply
  }

  /** WAIT is about the connection that it is sent on, and names no key: a cluster must send it where the write goes. */
  #wait(write: Command): Command {
    const { replicas, timeout } = this.#demands
    const wait = new this.#Command('wait', [String(replicas), String(timeout)], plain)
    wait.getSlot = () => write.getSlot()
    return wait
  }

  /** Nothing was sent, or nothing that would matter twice. */
  #mayTryAgain(error: unknown, { isWrite }: KeyCommand, { stream }: Sending): boolean {
    if (!(error instanceof Error)) return false
    if (refused.test(error.message)) return true
    if (error.message.startsWith('READONLY')) return this.#kind === 'sentinel'
    const problem = wayProblems[codeOf(error) ?? '']
    const isOutage = problem === 'unreachable' || problem === 'timeout' || closed.test(error.message)
    // A single server that was never there is told at once.
    const mayCome = this.#wasConnected || this.#kind !== 'single'
    return isOutage && mayCome && (stream === undefined || !isWrite)
  }

  /** A connection that has owed an answer for long is as good as dead: who comes next gets another one. */
  #overdue(sending: Sending, error: unknown): unknown {
    sending.isGivenUp = true
    const { stream = this.#client.stream, since = 0 } = sending
    // A cluster may have sent the command on to another server just now.
    if (Date.now() - since >= this.#demands.timeout / 2) stream?.destroy()
    if (sending.stream !== undefined) return error
    return this.#trouble ?? Object.assign(new Error('The server does not answer'), { code: 'ETIMEDOUT' })
  }

  /** Once, however many commands wait. */
  #ready(): Promise<void> {
    this.#connecting ??= this.#connect().finally(() => {
      this.#connecting = undefined
    })
    return this.#connecting
  }

  #connect(): Promise<void> {
    const client = this.#client
    this.#trouble = undefined
    return new Promise((resolve, reject) => {
      const settle = (how: () => void) => () => {
        client.off('ready', succeed)
        client.off('end', fail)
        how()
      }
      const succeed = settle(() => {
        this.#wasConnected = true
        resolve()
      })
      const fail = settle(() => reject(this.#reason()))
      if (client.status === 'ready') return resolve()
      client.once('ready', succeed)
      client.once('end', fail)
      // Its failure is told by the events.
      if (client.status === 'wait' || client.status === 'end') client.connect().catch(() => undefined)
    })
  }

  /** Why there is no connection; of a cluster, what its last server said. */
  #reason(): unknown {
    const { lastNodeError } = (this.#trouble ?? {}) as { lastNodeError?: unknown }
    return lastNodeError ?? this.#trouble ?? notConnected()
  }
}

const notConnected = (): Error => Object.assign(new Error('The connection ended'), { code: 'ECONNRESET' })

/** A command that was not sent has not taken place. */
function reasonOf(error: unknown, { stream }: Sending): unknown {
  const isClosed = error instanceof Error && error.message.startsWith('Connection is closed')
  return isClosed && stream === undefined ? notConnected() : error
}

/** An idle connection keeps no script alive. What is under way does, by its timer. */
function letGo(client: Ioredis): void {
  client.on('connect', () => client.stream?.unref())
}

function codeOf(error: unknown): string | undefined {
  const { code } = (error ?? {}) as { code?: unknown }
  return typeof code === 'string' ? code : undefined
}
