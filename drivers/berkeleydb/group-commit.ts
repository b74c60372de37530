/**
 * Writes of one turn of the event loop, committed together: syncing to the disk is what a commit costs, and it costs the same
 * for one write and for fifty.
 */

import { whenFree } from './foreign-transaction.js'
import type { Database } from './lmdb.js'
import { DataFile } from './precautions.js'

/** A write that waits for the end of the turn. */
interface Waiting {
  /** As many are written at most. */
  readonly bytes: number
  readonly change: () => unknown
  resolve(outcome: unknown): void
  reject(error: unknown): void
}

/** How a change went, inside the transaction. */
type Settled = { readonly outcome: unknown } | { readonly error: unknown }

/** Commit now. (TransactionFlags.SYNCHRONOUS_COMMIT) */
const COMMIT = 2
/**
 * And sync to the disk after the lock is given back, so that others need not wait for it; as lmdb's own putSync does. Where the
 * environment has no `overlappingSync` it would mean not to sync at all. (TransactionFlags.NO_SYNC_FLUSH)
 */
const SYNC_LATER = 0x10000

export class GroupCommit {
  readonly #db: Database
  readonly #timeout: number
  readonly #flags: number
  readonly #file: DataFile | undefined
  #waiting: Waiting[] = []

  /** @param timeout how long to wait for a transaction of the program's own, in milliseconds */
  constructor(db: Database, timeout: number) {
    this.#db = db
    this.#flags = db.overlappingSync === true ? COMMIT | SYNC_LATER : COMMIT
    this.#timeout = timeout
    const path = db.env?.path
    if (typeof path === 'string') this.#file = new DataFile(path)
  }

  /** A change in a transaction with others; fulfilled when it is on the disk. It must be synchronous. */
  add<Outcome>(bytes: number, change: () => Outcome): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      const isFirst = this.#waiting.push({ bytes, change, resolve: resolve as Waiting['resolve'], reject }) === 1
      if (isFirst) setImmediate(() => this.#commit())
    })
  }

  async #commit(): Promise<void> {
    const waiting = this.#waiting
    this.#waiting = []
    try {
      for (let busy = this.#busy(); busy !== undefined; busy = this.#busy()) await busy
      this.#file?.assertReady(
        waiting.reduce((sum, { bytes }) => sum + bytes, 0),
        waiting.length,
      )
      const settled = this.#db.transactionSync(() => waiting.map(settle), this.#flags)
      for (const [index, result] of settled.entries()) {
        if ('error' in result) waiting[index]!.reject(result.error)
        else waiting[index]!.resolve(result.outcome)
      }
    } catch (error) {
      for (const { reject } of waiting) reject(error)
    }
  }

  #busy(): Promise<void> | undefined {
    return whenFree(this.#db, this.#timeout)
  }
}

/** One change that throws is no reason to give up the others. */
function settle({ change }: Waiting): Settled {
  try {
    return { outcome: change() }
  } catch (error) {
    return { error }
  }
}
