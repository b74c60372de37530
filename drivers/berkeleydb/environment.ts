/** How this driver reads and writes a database of lmdb. */

import { whenFree } from './foreign-transaction.js'
import type { Gate } from './gate.js'
import { GroupCommit } from './group-commit.js'
import type { Database } from './lmdb.js'

/** A database as this driver uses it. */
export class Environment {
  readonly #db: Database
  readonly #timeout: number
  readonly #commits: GroupCommit

  /**
   * @param timeout how long to wait for a transaction of the program's own, in milliseconds
   * @param gate absent where no other process may open the environment
   */
  constructor(db: Database, timeout: number, gate: Gate | undefined) {
    this.#db = db
    this.#timeout = timeout
    this.#commits = new GroupCommit(db, timeout, gate)
  }

  /** Read what is there now, whoever wrote it. */
  read<Result>(read: (db: Database) => Result): Result | Promise<Result> {
    const busy = whenFree(this.#db, this.#timeout)
    return busy === undefined ? this.#readNow(read) : busy.then(() => this.#readNow(read))
  }

  /** Read and write in one transaction; fulfilled when it is on the disk. @param bytes as many are written at most */
  write<Result>(bytes: number, change: (db: Database) => Result): Promise<Result> {
    return this.#commits.add(bytes, () => change(this.#db))
  }

  #readNow<Result>(read: (db: Database) => Result): Result {
    // Otherwise lmdb gives all reads of a turn of the event loop the state at its first one.
    this.#db.resetReadTxn()
    return read(this.#db)
  }
}

/**
 * The caller's own copy of a value, or undefined when there is none. `get` of lmdb gives one too, but each in memory that is
 * asked for anew, which costs more than the read; a small Buffer is a part of Node's pool.
 */
export function recordUnder(db: Database, key: Buffer): Buffer | undefined {
  const value = db.getBinaryFast(key)
  if (value === undefined) return undefined
  const copy = Buffer.allocUnsafe(value.length)
  // lmdb gives its memory a length that is not the one that JavaScript knows.
  copy.set(new Uint8Array(value.buffer, value.byteOffset, value.length))
  return copy
}
