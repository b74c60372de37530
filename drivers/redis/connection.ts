/** A connection of the driver's own, or those to a cluster: opened when something is asked, and again when that is needed. */

import { codeOf, withCode } from '../../lib/coded-error.js'
import { wayProblems } from '../shared/way.js'
import { NO_ANSWER } from '../shared/within.js'
import type { Deadlines } from './deadlines.js'
import { type Ioredis, type IoredisPackage, plain, type Stream } from './package.js'
import type { Sending } from './sending.js'
import type { Settings } from './settings.js'

/** Something to ask, perhaps more than once. */
export interface Task<Answer> {
  /** It may change something, so it must not be sent twice. */
  readonly isWrite: boolean
  /** It notes where it was written. */
  send(sending: Sending): Promise<Answer>
}

/** What the connections of one driver share. */
export interface Shared {
  readonly timeout: number
  readonly deadlines: Deadlines
  /** A connection came about before. */
  wasConnected: boolean
}

/** Milliseconds between attempts to reach a server: the first, and the most. */
const FIRST_PAUSE = 10
const LONGEST_PAUSE = 500

/** The server did nothing, and soon may. */
const refused = /\b(?:LOADING|MASTERDOWN|CLUSTERDOWN|TRYAGAIN) /
/** What ioredis says when there is no connection. */
const closed = /^(?:Connection is closed|All sentinels|None of startup|Failed to refresh|Cluster is|Cluster isn't)/

export class Connection {
  readonly client: Ioredis
  readonly #kind: Settings['kind']
  readonly #shared: Shared
  readonly #Command: IoredisPackage['Command']
  readonly #database: number
  /** The stream on which the database was selected. */
  #selected: Stream | undefined
  #connecting: Promise<void> | undefined
  /** What the client said last when a connection failed. */
  #trouble: unknown

  /** Connects at first use. */
  constructor({ Redis, Cluster, Command }: IoredisPackage, { kind, nodes, options }: Settings, shared: Shared) {
    this.#kind = kind
    this.#shared = shared
    this.#Command = Command
    this.client = kind === 'cluster' ? new Cluster(nodes, options) : new Redis(options)
    this.#database = Number((this.client.options as { db?: unknown }).db ?? 0)
    this.client.on('error', (error: unknown) => {
      this.#trouble = error
    })
    if (kind === 'cluster') this.client.on('+node', letGo)
    else letGo(this.client)
  }

  close(): void {
    this.client.disconnect()
  }

  /** As often as it takes until `deadline`, while nothing was sent; what only reads is sent again. */
  async run<Answer>(task: Task<Answer>, deadline: number): Promise<Answer> {
    const { deadlines } = this.#shared
    for (let pause = FIRST_PAUSE; ; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
      const sending: Sending = {}
      try {
        if (!this.#isReady()) await deadlines.within(this.#ready(), deadline)
        return await deadlines.within(task.send(sending), deadline)
      } catch (error) {
        if (codeOf(error) === NO_ANSWER) throw this.#overdue(error, task.isWrite, sending)
        const isTooLate = performance.now() + pause > deadline
        if (isTooLate || !this.#mayTryAgain(error, task.isWrite, sending)) throw reasonOf(error, task.isWrite, sending)
      }
      await new Promise((resolve) => setTimeout(resolve, pause))
    }
  }

  /** Nothing was sent, or nothing that would matter twice. */
  #mayTryAgain(error: unknown, isWrite: boolean, { stream, isDone }: Sending): boolean {
    if (!(error instanceof Error) || isDone) return false
    if (refused.test(error.message)) return true
    if (error.message.startsWith('READONLY')) return this.#kind === 'sentinel'
    const problem = wayProblems[codeOf(error) ?? '']
    const isOutage = problem === 'unreachable' || problem === 'timeout' || closed.test(error.message)
    // A single server that was never there is told at once.
    const mayCome = this.#shared.wasConnected || this.#kind !== 'single'
    return isOutage && mayCome && (stream === undefined || !isWrite)
  }

  /** A connection that has owed an answer for long is as good as dead: who comes next gets another one. */
  #overdue(error: unknown, isWrite: boolean, sending: Sending): unknown {
    sending.isGivenUp = true
    const { stream = this.client.stream, since = Number.NEGATIVE_INFINITY } = sending
    // A cluster may have sent the command on to another server just now, or the time was spent on connecting.
    if (performance.now() - since >= this.#shared.timeout / 2) stream?.destroy()
    const wasSent = sending.stream !== undefined
    if (wasSent && isWrite) return error
    // Nothing has taken place, so no doubt is told.
    const trouble = wasSent ? undefined : this.#trouble
    return trouble ?? withCode('ETIMEDOUT', 'The server does not answer')
  }

  /** Once, however many commands wait. */
  #ready(): Promise<void> {
    this.#connecting ??= this.#connect()
      .then(() => this.#select())
      .finally(() => {
        this.#connecting = undefined
      })
    return this.#connecting
  }

  #isReady(): boolean {
    const { status, stream } = this.client
    return status === 'ready' && (this.#database === 0 || stream === this.#selected)
  }

  /** ioredis selects the database too, and goes on with database 0 where the server refuses. */
  async #select(): Promise<void> {
    if (this.#isReady()) return
    const { stream } = this.client
    await this.client.sendCommand(new this.#Command('select', [String(this.#database)], plain))
    this.#selected = stream
  }

  #connect(): Promise<void> {
    const { client } = this
    this.#trouble = undefined
    return new Promise((resolve, reject) => {
      const settle = (how: () => void) => () => {
        client.off('ready', succeed)
        client.off('end', fail)
        how()
      }
      const succeed = settle(() => {
        this.#shared.wasConnected = true
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

/** The error for a connection that is not there. */
export function notConnected(): Error {
  return withCode('ECONNRESET', 'The connection ended')
}

/** A command that was not sent has not taken place, and one that only reads changes nothing. */
function reasonOf(error: unknown, isWrite: boolean, { stream }: Sending): unknown {
  const isClosed = error instanceof Error && error.message.startsWith('Connection is closed')
  return isClosed && (stream === undefined || !isWrite) ? notConnected() : error
}

/** An idle connection keeps no script alive. What is under way does, by its timer. */
function letGo(client: Ioredis): void {
  client.on('connect', () => client.stream?.unref())
}
