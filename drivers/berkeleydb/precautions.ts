/** What is looked at before each commit, because lmdb does not survive it, or does not notice. */

import { statfsSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { withCode } from '../../lib/coded-error.js'

/** What lock.mdb and the list of free pages may grow by, and then some. */
const LEAST_ROOM = 256 * 1024
/** The pages from the root of the tree to a record, which are written anew with it. */
const PAGES_OF_A_CHANGE = 6 * 4096
/** With so much room it is enough to look now and then. */
const PLENTY = 64 * 1024 * 1024
const NOW_AND_THEN = 500

/** The bytes that are free for this user. File systems that do not count have no blocks at all. */
function roomIn(folder: string): number {
  const { bsize, blocks, bavail, bfree } = statfsSync(folder)
  return blocks === 0 ? Number.POSITIVE_INFINITY : bsize * (process.getuid?.() === 0 ? bfree : bavail)
}

/** @throws {Error} ENOSPC when there is not room for so many bytes in so many changes */
export function assertRoom(folder: string, bytes = 0, changes = 0): number {
  const room = roomIn(folder)
  if (room >= LEAST_ROOM + 2 * bytes + changes * PAGES_OF_A_CHANGE) return room
  throw withCode('ENOSPC', 'no space left on device')
}

/** A folder that was changed so lately may be changed again at the same time, as its file system counts it. */
const SETTLED_MS = 50

/** The file of an environment. */
export class DataFile {
  readonly #path: string
  readonly #folder: string
  readonly #identity: string
  /** The folder as it was when the file was last looked at. */
  #seen = ''
  #lookAgain = 0

  /** @param path the environment's, as lmdb has it: a folder, or a file */
  constructor(path: string) {
    const absolute = resolve(path)
    this.#path = statSync(absolute).isDirectory() ? join(absolute, 'data.mdb') : absolute
    this.#folder = dirname(this.#path)
    this.#identity = identityOf(this.#path)
  }

  /**
   * lmdb damages its memory, and ends the process, when it cannot write all pages of a commit; and it goes on writing to a file
   * that has been removed.
   * @throws {Error} ENOSPC, or for a file that is not the one that was opened
   */
  assertReady(bytes: number, changes: number): void {
    this.#assertInPlace()
    const now = performance.now()
    if (now < this.#lookAgain && bytes < PLENTY / 8) return
    const room = assertRoom(this.#folder, bytes, changes)
    this.#lookAgain = room > PLENTY ? now + NOW_AND_THEN : 0
  }

  /**
   * The folder is looked at, which changes when a file in it is removed or replaced. Looking at the file itself each time would make
   * commits slower by a fifth: its times must then be exact, and so they are written with each one.
   */
  #assertInPlace(): void {
    const folder = statSync(this.#folder, { throwIfNoEntry: false })
    const state = folder === undefined ? '' : `${folder.dev}:${folder.ino}:${folder.mtimeMs}`
    if (state !== '' && state === this.#seen) return
    if (identityOf(this.#path) !== this.#identity) {
      throw withCode('DATA_FILE_MOVED', 'the file data.mdb is not the one that was opened')
    }
    this.#seen = folder !== undefined && Date.now() - folder.mtimeMs > SETTLED_MS ? state : ''
  }
}

/** Which file it is; empty when there is none. */
function identityOf(path: string): string {
  const stats = statSync(path, { throwIfNoEntry: false })
  return stats === undefined ? '' : `${stats.dev}:${stats.ino}`
}
