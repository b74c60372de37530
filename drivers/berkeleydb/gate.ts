/**
 * Keeps the openings of an environment and the commits to it apart, in all processes.
 *
 * Whoever opens an environment writes into lock.mdb which state is the latest, as he read it a moment before and without a lock
 * (LMDB's ITS#9496, which lmdb 3 still has). A commit of another process in between is lost, or its pages are given out twice.
 * And whoever closes it as the last one takes LMDB's own locks away from somebody who is just opening it.
 */

import { closeSync, existsSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { acquire, type Flock, type LockMode } from '../../lib/flock.js'

export class Gate {
  readonly #flock: Flock
  readonly #timeout: number
  /** The folder. Held while somebody opens; passed by every commit, so that the next ones do not keep him waiting. */
  readonly #entrance: Place
  /** data.mdb, held by each commit. */
  readonly #data: Place

  /**
   * @param directory of the environment; it must be there
   * @param timeout how long to wait for others, in milliseconds
   */
  constructor(directory: string, flock: Flock, timeout: number) {
    this.#flock = flock
    this.#timeout = timeout
    this.#entrance = new Place(directory)
    this.#data = new Place(join(directory, 'data.mdb'))
  }

  /**
   * Open or close the environment while nobody opens, closes or writes.
   * @throws {DriverError} ERR_SESSION_LOCK_TIMEOUT
   */
  async alone<Result>(work: () => Result | Promise<Result>): Promise<Result> {
    const deadline = performance.now() + this.#timeout
    await this.#lock(this.#entrance, 'exclusive')
    try {
      if (this.#data.exists()) await this.#lock(this.#data, 'exclusive', deadline - performance.now())
      return await work()
    } finally {
      this.#data.unlock(this.#flock)
      this.#entrance.unlock(this.#flock)
    }
  }

  /**
   * Wait until nobody opens. From then on, until `leave`, nobody will.
   * @throws {DriverError} ERR_SESSION_LOCK_TIMEOUT
   */
  async enter(): Promise<void> {
    await this.#lock(this.#entrance, 'shared')
    try {
      await this.#lock(this.#data, 'shared')
    } finally {
      this.#entrance.unlock(this.#flock)
    }
  }

  leave(): void {
    this.#data.unlock(this.#flock)
  }

  close(): void {
    this.#entrance.close()
    this.#data.close()
  }

  #lock(place: Place, mode: LockMode, milliseconds = this.#timeout): Promise<void> {
    return acquire(this.#flock, place.open(), mode, Math.max(0, Math.round(milliseconds)), 'BerkeleyDB', 'timeout')
  }
}

/** A file or folder that is open for its lock. */
class Place {
  readonly #path: string
  #fd: number | undefined

  constructor(path: string) {
    this.#path = path
  }

  exists(): boolean {
    return existsSync(this.#path)
  }

  open(): number {
    this.#fd ??= openSync(this.#path, 'r')
    return this.#fd
  }

  unlock(flock: Flock): void {
    if (this.#fd === undefined) return
    try {
      flock.unlock(this.#fd)
    } catch {
      // What is closed has no lock.
      this.close()
    }
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd)
    this.#fd = undefined
  }
}
