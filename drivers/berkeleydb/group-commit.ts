/**
 * Writes of one turn of the event loop, committed together: syncing to the disk is what a commit costs, and it costs the same
 * for one write and for fifty.
 */

import { isBusy, whenFree } from './foreign-transaction.js'
import type { Gate } from './gate.js'
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
  readonly #gate: Gate | undefined
  #waiting: Waiting[] = []
  #isUnderWay = false

  /** @param timeout how long to wait for a transaction of the program's own, in milliseconds */
  constructor(db: Database, timeout: number, gate: Gate | undefined) {
    this.#db = db
    this.#gate = gate
    this.#flags = db.overlappingSync === true ? COMMIT | SYNC_LATER : COMMIT
    this.#timeout = timeout
    const path = db.env?.path
    if (typeof path === 'string') this.#file = new DataFile(path)
  }

  /** A change in a transaction with others; fulfilled when it is on the disk. It must be synchronous. */
  add<Outcome>(bytes: number, change: () => Outcome): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ bytes, change, resolve: resolve as Waiting['resolve'], reject })
      if (this.#isUnderWay) return
      this.#isUnderWay = true
      setImmediate(() => this.#commitAll())
    })
  }

  /** One commit after the other; what comes during one is in the next. */
  async #commitAll(): Promise<void> {
    const waiting = this.#waiting
    this.#waiting = []
    await this.#commit(waiting)
    this.#isUnderWay = this.#waiting.length > 0
    if (this.#isUnderWay) setImmediate(() => this.#commitAll())
  }

  async #commit(waiting: readonly Waiting[]): Promise<void> {
    try {
      for (let isFree = false; !isFree; ) {
        await whenFree(this.#db, this.#timeout)
        await this.#gate?.enter()
        try {
          isFree = !isBusy(this.#db)
          if (isFree) this.#write(waiting)
        } finally {
          this.#gate?.leave()
        }
      }
    } catch (error) {
      for (const { reject } of waiting) reject(error)
    }
  }

  #write(waiting: readonly Waiting[]): void {
    this.#file?.assertReady(
      waiting.reduce((sum, { bytes }) => sum + bytes, 0),
      waiting.length,
    )
    const settled = this.#db.transactionSync(() => waiting.map(settle), this.#flags)
    for (const [index, result] of settled.entries()) {
      if ('error' in result) waiting[index]!.reject(result.error)
      else waiting[index]!.resolve(result.outcome)
    }
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
