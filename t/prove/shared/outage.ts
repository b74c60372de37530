/** Operations during an outage, and what must hold of them afterwards. */

import { type Session, SessionError, type SessionManager } from '../../../lib/index.js'
import type { FaultyProxy } from './faulty-proxy.js'
import { standstill, stopwatch } from './standstill.js'
import type { Tally } from './tally.js'

/** Whether there is a connection when it begins to go wrong; `new`: the manager never had one. */
export type State = 'connected' | 'cut off' | 'new'

/** Milliseconds within which an operation works when nothing is wrong any longer. */
const SOON = 1000
/** Milliseconds after which it is not waited for any longer. */
const NEVER = 20_000
/** Milliseconds after which a program aborts. */
const PATIENCE = 50
/** Milliseconds beyond `timeout`, or the abort, that an operation may take. */
const MARGIN = 1000

/** Milliseconds for which the process may stand still before that is the reason of a failure. */
const UNFAIR = 100

/** Something that is tried, what is true when it succeeds, and what is done when it did not. */
interface Attempt {
  act(signal?: AbortSignal): Promise<unknown>
  isTrue(result: unknown): Promise<boolean>
  /** A second time, when all is well: must do what the first did not. */
  again?(): Promise<boolean>
}

/** Operation -> what it needs to be tried. */
export const attempts: Readonly<Record<string, (lane: Lane) => Promise<Attempt>>> = {
  open: async (lane) => {
    const [id, mark] = await lane.stored()
    return {
      act: (signal) => lane.sessions.open({ clientId: id, ...(signal && { signal }) }),
      isTrue: async (result) => (result as Session).id() === id && (result as Session).param('mark') === mark,
    }
  },
  create: async (lane) => flushing(lane, await lane.sessions.open()),
  update: async (lane) => flushing(lane, await lane.sessions.open({ clientId: (await lane.stored())[0] })),
  delete: async (lane) => {
    const session = await lane.sessions.open({ clientId: (await lane.stored())[0] })
    const isGone = async () => (await lane.straight.open({ clientId: session.id() })).isNew()
    return {
      act: (signal) => session.delete(signal && { signal }),
      isTrue: isGone,
      again: () => session.delete().then(isGone),
    }
  },
  list: async (lane) => ({
    act: async (signal) => {
      const ids = new Set<string>()
      for await (const id of lane.sessions.ids(signal && { signal })) ids.add(id)
      return ids
    },
    isTrue: async (ids) => (ids as Set<string>).has(lane.known[0]),
  }),
  close: async (lane) => ({ act: () => lane.sessions.close(), isTrue: async () => true }),
}

/** In which states it makes sense: opening what is to be changed or removed connects. */
export function states(operation: string): State[] {
  return /open|create|list/.test(operation) ? ['connected', 'cut off', 'new'] : ['connected', 'cut off']
}

async function flushing(lane: Lane, session: Session): Promise<Attempt> {
  const mark = lane.newMark()
  session.param('mark', mark)
  const isThere = async (result: unknown) =>
    result === true && (await lane.straight.open({ clientId: session.id() })).param('mark') === mark
  return {
    act: (signal) => session.flush(signal && { signal }),
    isTrue: isThere,
    again: async () => isThere(await session.flush()),
  }
}

/** How it begins to go wrong, and ends; the program may give up by itself meanwhile. */
export interface Outage {
  readonly isAborted?: boolean
  begin(): Promise<void>
  end(): Promise<void>
}

let marks = 0

/** A manager that reaches its server over a proxy, and one that has a way of its own. */
export class Lane {
  sessions!: SessionManager
  /** A session that is always there, with its mark. */
  known!: readonly [id: string, mark: string]
  readonly #driver: string
  readonly #create: () => Promise<SessionManager>
  readonly straight: SessionManager
  readonly #proxy: FaultyProxy
  readonly #tally: Tally

  constructor(
    driver: string,
    create: () => Promise<SessionManager>,
    straight: SessionManager,
    proxy: FaultyProxy,
    tally: Tally,
  ) {
    this.#driver = driver
    this.#create = create
    this.straight = straight
    this.#proxy = proxy
    this.#tally = tally
  }

  async open(): Promise<this> {
    this.sessions = await this.#create()
    this.known = await this.stored()
    return this
  }

  async close(): Promise<void> {
    await this.sessions.close()
    await this.straight.close()
  }

  newMark = () => `mark ${++marks}`

  /** A new session in the store. */
  async stored(): Promise<readonly [id: string, mark: string]> {
    const session = await this.straight.open()
    const mark = this.newMark()
    await session.param('mark', mark).flush()
    return [session.id(), mark]
  }

  #state: State = 'connected'

  put(state: State): void {
    this.#state = state
  }

  /** Try something while something is wrong, and look at what became of it. */
  async attempt(what: string, operation: string, fault: Outage): Promise<void> {
    const where = `${this.#driver}, ${operation}, ${what}, ${this.#state}`
    if (this.#state === 'new') {
      await this.sessions.close()
      this.sessions = await this.#create()
    } else await this.sessions.open({ clientId: this.known[0] })
    const attempt = await attempts[operation]!(this)
    if (this.#state === 'cut off') this.#proxy.cut()
    await fault.begin()
    const time = stopwatch()
    const signal = fault.isAborted ? AbortSignal.timeout(PATIENCE) : undefined
    const outcome = await settled(attempt.act(signal))
    const took = time()
    await fault.end()
    if (operation === 'close') this.sessions = await this.#create()
    // A connection that hangs is found out when the time of its operation is over.
    const recovery = await this.#recovery(where, signal === undefined ? SOON : this.#tally.timeout + SOON)
    this.#tally.count(this.#driver, 'result' in outcome, took, recovery)
    if (took > (signal === undefined ? this.#tally.timeout : PATIENCE) + MARGIN)
      this.#tally.note('hangs', where, `it took ${Math.round(took)} ms`)
    if ('result' in outcome) await this.#checkSuccess(where, attempt, outcome.result)
    else await this.#checkFailure(where, attempt, outcome.error, signal)
  }

  /** For how long nothing works after the fault has ended. */
  async #recovery(where: string, limit: number): Promise<number> {
    const time = stopwatch()
    let error: unknown
    for (;;) {
      const outcome = await settled(this.sessions.open({ clientId: this.known[0] }))
      const took = time()
      if ('result' in outcome && outcome.result.param('mark') === this.known[1]) {
        if (took > limit) this.#tally.note('slowRecoveries', where, `${Math.round(took)} ms: ${error}`)
        return took
      }
      error = 'error' in outcome ? outcome.error : 'another session'
      if (took > NEVER) {
        this.#tally.note('slowRecoveries', where, `never: ${error}`)
        return took
      }
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }

  async #checkSuccess(where: string, attempt: Attempt, result: unknown): Promise<void> {
    if (!(await attempt.isTrue(result))) this.#tally.note('falseSuccesses', where, 'it is not so')
  }

  async #checkFailure(
    where: string,
    { again }: Attempt,
    error: unknown,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const isRight = error instanceof SessionError || (signal !== undefined && error === signal.reason)
    if (!isRight) this.#tally.note('untyped', where, String(error))
    // What was aborted goes on for as long as it may, and others that need the same wait with it.
    if (signal !== undefined) await new Promise((resolve) => setTimeout(resolve, this.#tally.timeout + MARGIN))
    if (again === undefined) return
    const before = standstill()
    let second = await settled(again())
    // The time of an operation may have been over before it had a turn.
    if ('error' in second && standstill() - before > UNFAIR) second = await settled(again())
    if ('result' in second && second.result) return
    this.#tally.note('lostAfterRetry', where, 'error' in second ? String(second.error) : 'it is not there')
  }
}

/** How something ended. */
async function settled<Result>(promise: Promise<Result>): Promise<{ result: Result } | { error: unknown }> {
  return promise.then(
    (result) => ({ result }),
    (error: unknown) => ({ error }),
  )
}
