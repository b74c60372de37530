/**
 * `id:AutoIncrement`: 1, 2, 3 and so on, counted in a file that Perl programs may share: Data::Session's AutoIncrement
 * and CGI::Session's `incr`.
 *
 * Such ids can be guessed. They suit programs that never show them to a browser.
 */

import { closeSync } from 'node:fs'
import { join } from 'node:path'
import type { IdGenerator, IdShape, OptionTable } from '../lib/contracts.js'
import { DriverError, SessionError } from '../lib/errors.js'
import { acquire, type Flock, loadFlock } from '../lib/flock.js'
import { flag, integer, text } from '../lib/options.js'
import { perlTmpdir } from '../lib/perl-tmpdir.js'
import { type Counting, countOn, fileTrouble, isCurrent, openCounter } from './shared/counter-file.js'
import { cannotGenerate } from './shared/failure.js'

export interface AutoIncrementOptions {
  /** The file that holds the last number; `data.session.id` in the system's temporary folder by default. Perl: `id_file`, `IDFile`. */
  idFile: string
  /** What a new file counts from: the first id is `idBase + idStep`; 0 by default. Perl: `id_base`, `IDInit`. */
  idBase: number
  /** The distance from one id to the next; 1 by default. Perl: `id_step`, `IDIncr`. */
  idStep: number
  /** Permissions of a new file, before the umask of the process; 0o666 by default. Perl: `umask` (its own name for it). */
  umask: number
  /** Count without a lock: only where a single process uses the file. False by default. Perl: `no_flock`. */
  noFlock: boolean
  /** How long to wait for the lock, in milliseconds; 5000 by default. */
  lockTimeout: number
}

/** How often a file that vanishes under our hands is opened again. */
const MOST_ATTEMPTS = 10

const ignore = (): void => {}

/** Numbers from a counter file. */
export default class AutoIncrement implements IdGenerator {
  static readonly options: OptionTable<AutoIncrementOptions> = {
    idFile: text(() => join(perlTmpdir(), 'data.session.id')),
    idBase: integer(0),
    idStep: integer(1, { min: 1 }),
    umask: integer(0o666, { max: 0o777 }),
    noFlock: flag(false),
    lockTimeout: integer(5000),
  }

  readonly shape: IdShape = 'word'
  readonly isPredictable = true
  /** The usual width of the id column, as in Perl; the numbers have 20 digits at most. */
  readonly length = 32
  readonly #options: AutoIncrementOptions
  readonly #counting: Counting
  readonly #flock: Flock | undefined
  #turn: Promise<unknown> = Promise.resolve()

  /** @throws {PluginError} ERR_SESSION_PEER_MISSING when no package for flock is installed */
  constructor(options: AutoIncrementOptions) {
    const { idFile, idBase, idStep, noFlock } = options
    this.#options = options
    this.#flock = noFlock ? undefined : loadFlock('AutoIncrement')
    this.#counting = { file: idFile, base: BigInt(idBase), step: BigInt(idStep) }
  }

  /**
   * @throws {IdError} ERR_SESSION_ID_GENERATE when the file is no counter or cannot be written; it is left as it was
   * @throws {DriverError} ERR_SESSION_LOCK_TIMEOUT
   */
  generate(): Promise<string> {
    const deadline = performance.now() + this.#options.lockTimeout
    // One at a time: a thousand calls at once must not open a thousand descriptors while they wait for the lock.
    const id = this.#turn.then(() => this.#next(deadline))
    this.#turn = id.catch(ignore)
    return id
  }

  async #next(deadline: number): Promise<string> {
    const { idFile, umask } = this.#options
    const flock = this.#flock
    for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
      const fd = openCounter(idFile, umask)
      try {
        if (flock !== undefined) await this.#lock(flock, fd, deadline)
        if (isCurrent(fd, idFile)) return countOn(fd, this.#counting)
      } finally {
        closeSync(fd)
      }
    }
    throw cannotGenerate('AutoIncrement', `the counter file ${idFile} is removed again and again`)
  }

  async #lock(flock: Flock, fd: number, deadline: number): Promise<void> {
    const { idFile, lockTimeout } = this.#options
    const left = Math.max(0, deadline - performance.now())
    try {
      await acquire(flock, fd, 'exclusive', left, 'AutoIncrement')
    } catch (cause) {
      if (!(cause instanceof SessionError)) throw fileTrouble(idFile, 'lock', cause)
      const message = `AutoIncrement: the lock of ${idFile} was not free within ${lockTimeout} ms; another program holds it`
      throw new DriverError('AutoIncrement', 'lock', message, { code: 'ERR_SESSION_LOCK_TIMEOUT', cause })
    }
  }
}
