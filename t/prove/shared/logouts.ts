/** What the processes of a race for a session do: some have it open and flush late, another one removes it. */

import { setTimeout } from 'node:timers/promises'
import { ConflictError, type ManagerOptions, type Session } from '../../../lib/index.js'
import type { Managers } from './managers.js'

/** One step for all sessions of a round. */
export interface Step {
  readonly does: 'open' | 'flush' | 'delete'
  readonly options: ManagerOptions
  readonly ids: readonly string[]
  /** For each of the sessions, what a flush does about other writers, and how long to wait before, in milliseconds. */
  readonly modes: readonly ManagerOptions['onConflict'][]
  readonly after: readonly number[]
}

/** What a process says that has done a step: how many flushes wrote something. */
export type Written = number

export class Racer {
  readonly #managers: Managers
  readonly #held = new Map<string, Session>()

  constructor(managers: Managers) {
    this.#managers = managers
  }

  /** Do a step for all sessions at the same time. */
  async do({ does, options, ids, modes, after }: Step): Promise<Written> {
    const steps = { open: this.#open, flush: this.#flush, delete: this.#delete }
    const written = ids.map(async (id, index) => {
      await setTimeout(after[index])
      return steps[does].call(this, id, { ...options, onConflict: modes[index] })
    })
    return (await Promise.all(written)).reduce((sum, count) => sum + count, 0)
  }

  async #open(id: string, options: ManagerOptions): Promise<Written> {
    const sessions = await this.#managers.for(options)
    this.#held.set(id, await sessions.open({ id }))
    return 0
  }

  /** Twice, as a request may: the second is surely late when the first was. */
  async #flush(id: string): Promise<Written> {
    const session = this.#held.get(id)!
    let written = 0
    for (const value of ['once', 'twice']) {
      session.param(`by${process.pid}`, `${value} ${Math.random()}`)
      try {
        if (await session.flush()) written++
      } catch (error) {
        // With onConflict 'fail', when another one flushed first.
        if (!(error instanceof ConflictError)) throw error
      }
    }
    return written
  }

  async #delete(id: string, options: ManagerOptions): Promise<Written> {
    const sessions = await this.#managers.for(options)
    await (await sessions.open({ clientId: id })).delete()
    return 0
  }
}
