/** Writing a session's record with its precondition, and what happens when somebody else wrote first. */

import { type Changes, keepIdentity } from './changes.js'
import type { StoreOptions, StoreOutcome } from './contracts.js'
import type { Engine } from './engine.js'
import { ConflictError, IdError } from './errors.js'
import { shortId } from './id-check.js'
import { type SessionData, timeOf, timeToLive } from './record.js'
import { thawRecord } from './thaw-record.js'

/** How a write ended: the data as written (with the other writer's changes in it), or gone: the session was removed. */
export interface WriteOutcome {
  readonly data: SessionData
  readonly gone: boolean
}

/** So many writers cannot be in front of one by chance: something is wrong. */
const mostAttempts = 1000

/** Wait a little, longer from attempt to attempt, so that many writers do not keep in each other's way. */
function stepAside(attempt: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.random() * Math.min(attempt, 10)))
}

/** Knows the record as this process last saw it. */
export class RecordWriter {
  readonly #engine: Engine
  readonly #agreed: boolean
  #id: string
  #record: Uint8Array | undefined
  /** What was written, or was not: the store failed, perhaps only in telling. */
  #uncertain: Uint8Array[] = []

  /** `agreed`: the program gave the id, so another writer of a new session is expected. */
  constructor(engine: Engine, state: { id: string; record?: Uint8Array; agreed: boolean }) {
    this.#engine = engine
    this.#agreed = state.agreed
    this.#id = state.id
    this.#record = state.record
  }

  get id(): string {
    return this.#id
  }

  /** The record is in the store, as far as is known here. */
  get isStored(): boolean {
    return this.#record !== undefined
  }

  /** The session begins anew: there is no record. */
  begin(id: string): void {
    this.#id = id
    this.#record = undefined
    this.#uncertain = []
  }

  /**
   * Write the data. When another writer was first, `changes` (with those that `takeLater` adds to them, made while the
   * store was busy) are laid over its record, and that is written; or the whole record is, or neither, as `onConflict` says.
   */
  async write(data: SessionData, changes: Changes, takeLater: (mine: SessionData) => void): Promise<WriteOutcome> {
    const { driver, serializer } = this.#engine
    const id = this.#id
    let mine = data
    let expect = this.#record ?? null
    for (let attempt = 1; attempt <= mostAttempts; attempt++) {
      const record = serializer.freeze(mine)
      const ttl = timeToLive(mine, this.#engine.now())
      const outcome = await this.#store(record, { ttl, expect: driver.supports.expect ? expect : undefined })
      if (outcome === 'stored') {
        this.#record = record
        this.#uncertain = []
        return { data: mine, gone: false }
      }
      const ours = await this.#writtenBefore()
      if (ours !== undefined) {
        this.#record = ours
        expect = ours
        continue
      }
      const fresh = outcome === 'gone' ? undefined : await this.#reload(id, outcome)
      const theirs = fresh && thawRecord(this.#engine, id, fresh)
      if (fresh === undefined || theirs === undefined || this.#isAnother(theirs, mine))
        return { data: mine, gone: true }
      if (this.#engine.options.onConflict === 'merge') {
        takeLater(mine)
        keepIdentity(theirs, mine)
        changes.layOver(theirs, mine)
        mine = theirs
      }
      expect = fresh
      if (attempt > 3) await stepAside(attempt)
    }
    throw new ConflictError(`Session ${shortId(id)} was written by others ${mostAttempts} times in a row; flush again`)
  }

  async #store(record: Uint8Array, options: StoreOptions): Promise<StoreOutcome> {
    try {
      return await this.#engine.driver.store(this.#id, record, options)
    } catch (error) {
      this.#uncertain.push(record)
      throw error
    }
  }

  /** The present record, when an earlier flush wrote it and failed all the same: the connection ended before the answer. */
  async #writtenBefore(): Promise<Uint8Array | undefined> {
    const written = this.#uncertain
    this.#uncertain = []
    if (written.length === 0) return undefined
    const present = await this.#engine.driver.retrieve(this.#id)
    return present && written.find((record) => Buffer.compare(record, present) === 0)
  }

  /** The record of the writer who was first; undefined when it is gone already. */
  async #reload(id: string, outcome: 'exists' | 'conflict'): Promise<Uint8Array | undefined> {
    if (outcome === 'exists' && !this.#agreed) {
      throw new IdError(
        'ERR_SESSION_ID_TAKEN',
        `The id ${shortId(id)} that was made for this new session belongs to another one; nothing was written. ` +
          'Was a counter of ids set back?',
      )
    }
    if (this.#engine.options.onConflict === 'fail') {
      throw new ConflictError(`Session ${shortId(id)} was changed by somebody else since it was opened; open it again`)
    }
    return this.#engine.driver.retrieve(id)
  }

  /** Removed, and made anew under the same id: this session ended with the removal. */
  #isAnother(theirs: SessionData, mine: SessionData): boolean {
    return this.#record !== undefined && timeOf(theirs, 'CTIME') !== timeOf(mine, 'CTIME')
  }
}
