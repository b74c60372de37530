/**
 * Keeps the openings of an environment and the commits to it apart, in all processes.
 *
 * Whoever opens an environment writes into lock.mdb which state is the latest, as he read it a moment before and without a lock
 * (LMDB's ITS#9496, which lmdb 3 still has). A commit of another process in between is lost, or its pages are given out twice.
 * And whoever closes it as the last one takes LMDB's own locks away from somebody who is just opening it.
 */

import { closeSync, existsSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { acquire, type Flock } from '../../lib/flock.js'

export class Gate {
  readonly #flock: Flock
  readonly #timeout: number
  /** Held while somebody opens; passed by every commit, so that the next ones do not keep him waiting. */
  readonly #entrance: number
  readonly #dataPath: string
  /** data.mdb: held by each commit. Undefined until there is one. */
  #data: number | undefined

  /**
   * @param directory of the environment; it must be there
   * @param timeout how long to wait for others, in milliseconds
   */
  constructor(directory: string, flock: Flock, timeout: number) {
    this.#flock = flock
    this.#timeout = timeout
    this.#entrance = openSync(directory, 'r')
    this.#dataPath = join(directory, 'data.mdb')
  }

  /**
   * Open or close the environment while nobody opens, closes or writes.
   * @throws {DriverError} ERR_SESSION_LOCK_TIMEOUT
   */
  async alone<Result>(work: () => Result | Promise<Result>): Promise<Result> {
    await this.#lock(this.#entrance, 'exclusive')
    try {
      if (existsSync(this.#dataPath)) await this.#lock(this.#dataFile(), 'exclusive')
      return await work()
    } finally {
      this.leave()
      this.#flock.unlock(this.#entrance)
    }
  }

  /**
   * Wait until nobody opens. From then on, until `leave`, nobody will.
   * @throws {DriverError} ERR_SESSION_LOCK_TIMEOUT
   */
  async enter(): Promise<void> {
    await this.#lock(this.#entrance, 'shared')
    try {
      await this.#lock(this.#dataFile(), 'shared')
    } finally {
      this.#flock.unlock(this.#entrance)
    }
  }

  leave(): void {
    if (this.#data !== undefined) this.#flock.unlock(this.#data)
  }

  close(): void {
    for (const fd of [this.#entrance, this.#data]) if (fd !== undefined) closeSync(fd)
  }

  #dataFile(): number {
    this.#data ??= openSync(this.#dataPath, 'r')
    return this.#data
  }

  #lock(fd: number, mode: 'shared' | 'exclusive'): Promise<void> {
    return acquire(this.#flock, fd, mode, this.#timeout, 'BerkeleyDB', 'timeout')
  }
}
