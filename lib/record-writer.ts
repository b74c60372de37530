/** Writing a session's record with its precondition, and what happens when somebody else wrote first. */

import { type Changes, keepIdentity } from './changes.js'
import { MOST_ATTEMPTS, stepAside } from './contention.js'
import type { StoreOutcome } from './contracts.js'
import type { Engine } from './engine.js'
import { ConflictError, IdError } from './errors.js'
import type { Store } from './heeding.js'
import { logId } from './id-check.js'
import { decideByMerge } from './merge.js'
import type { Operation } from './operations.js'
import { type SessionData, timeOf } from './record.js'
import { removeForGood } from './removal.js'
import { forwardOf, forwardRecord, MOST_FORWARDS, provisionalRecord, settle } from './renewal.js'
import { sha256 } from './sha256.js'
import { thawRecord } from './thaw-record.js'

/** How a write ended: the data as written (with the other writer's changes in it), or gone: the session was removed. */
export interface WriteOutcome {
  readonly data: SessionData
  readonly gone: boolean
}

/** What is to be written, and over which driver. */
export interface Write {
  readonly store: Store
  readonly signal: AbortSignal | undefined
  readonly data: SessionData
  /** What was changed since the record was read: this is laid over somebody else's record. */
  readonly changes: Changes
  /** Adds to the changes, and to the data, what was changed while the store was busy. */
  takeLater(mine: SessionData): void
}

/** How a write ends that is refused. */
type Refusal = Exclude<StoreOutcome, 'stored'>

/** A record that is in the store in place of the expected one. */
interface Present {
  readonly record: Uint8Array
  readonly data: SessionData
  /** It is one of this session's own that were uncertain. */
  readonly own?: Uncertain | undefined
}

/** A record that was written, or was not: the store failed, perhaps only in telling. */
interface Uncertain {
  /** A hash of the record: a store may fail many times, and records are long. */
  readonly digest: string
  /** What was done to parameters in it. */
  readonly operations: ReadonlySet<Operation>
}

/** A write that was done when nobody waited for it any longer. */
interface Late {
  /** The record, if it was the first one. */
  readonly created: Uint8Array | undefined
  readonly operations: ReadonlySet<Operation>
}

/** Where a session has its second record, while the first one is still there. */
interface Moved {
  readonly id: string
  /** For so many seconds the old id leads to the new one. */
  readonly grace: number
  readonly record: Uint8Array
}

/** Knows the record as this process last saw it. */
export class RecordWriter {
  readonly #engine: Engine
  #agreed: boolean
  #id: string
  #record: Uint8Array | undefined
  #uncertain: Uncertain[] = []
  #late: Late | undefined

  /** `agreed`: the program gave the id, so another writer of a new session is expected. */
  constructor(engine: Engine, state: { id: string; record?: Uint8Array; agreed: boolean }) {
    this.#engine = engine
    this.#agreed = state.agreed
    this.#id = state.id
    this.#record = state.record
  }

  /** The session's id, which another request may have renewed. */
  get id(): string {
    return this.#id
  }

  /** The program gave the id. */
  get agreed(): boolean {
    return this.#agreed
  }

  /** The record is in the store, as far as is known here. */
  get isStored(): boolean {
    return this.#record !== undefined
  }

  /** The session begins anew: there is no record. */
  begin(id: string, agreed: boolean): void {
    this.#id = id
    this.#agreed = agreed
    this.#record = undefined
    this.#uncertain = []
    this.#late = undefined
  }

  /**
   * Write the data. When another writer was first, the changes are laid over its record, and that is written; or the whole record
   * is, or neither, as `onConflict` says.
   */
  async write(write: Write): Promise<WriteOutcome> {
    this.#takeLate(write.changes)
    const outcome = await this.#attempt(write, write.data, this.#record ?? null)
    if (outcome === 'stored') return { data: write.data, gone: false }
    return this.#engine.turns.take(this.#id, write.signal, () => this.#writeOver(write, outcome))
  }

  /** Write although somebody else was first. */
  async #writeOver(write: Write, refusal: Refusal): Promise<WriteOutcome> {
    let mine = write.data
    let expected = this.#record ?? null
    let outcome = refusal
    for (let attempt = 1; attempt <= MOST_ATTEMPTS; attempt++) {
      const present = await this.#present(write, outcome)
      if (present === undefined || this.#isAnother(present.data, mine)) return { data: mine, gone: true }
      mine = this.#resolve(write, mine, present, present.own ? present.record : expected)
      expected = present.record
      const result = await this.#attempt(write, mine, expected)
      if (result === 'stored') return { data: mine, gone: false }
      outcome = result
      await stepAside(attempt)
    }
    throw new ConflictError(
      `Session ${logId(this.#id)} was written by others ${MOST_ATTEMPTS} times in a row; flush again`,
    )
  }

  /**
   * Learn of a write that was done when nobody waited. Its record may have another writer's changes in it, which the session does not
   * know: so it is met as one of somebody else's, on which nothing is to be done twice.
   */
  #takeLate(changes: Changes): void {
    const late = this.#late
    this.#late = undefined
    if (late === undefined) return
    changes.forget(late.operations)
    this.#record ??= late.created
  }

  /** Write the data if the store has what is expected. */
  async #attempt({ store, changes }: Write, data: SessionData, expect: Uint8Array | null): Promise<StoreOutcome> {
    const record = this.#engine.serializer.freeze(data)
    const ttl = this.#engine.timeToLive(data)
    try {
      const outcome = store.supports.expect
        ? // What is not waited for may end when the changes are others already.
          await store.store(this.#id, record, { ttl, expect }, store.settled && this.#lateOf(record, changes, expect))
        : await this.#storeBlindly(store, record, ttl)
      if (outcome === 'stored') this.#saw(record)
      return outcome
    } catch (error) {
      this.#uncertain.push({ digest: sha256(record), operations: changes.applied() })
      throw error
    }
  }

  #lateOf(record: Uint8Array, changes: Changes, expect: Uint8Array | null): (outcome: StoreOutcome) => void {
    const operations = changes.applied()
    return (outcome) => {
      if (outcome === 'stored') this.#late = { created: expect === null ? record : undefined, operations }
    }
  }

  async #storeBlindly(store: Store, record: Uint8Array, ttl: number): Promise<StoreOutcome> {
    const refusal = this.#record && (await this.#refusalBy(store))
    return refusal ?? store.store(this.#id, record, { ttl })
  }

  /**
   * Write the data under another id, and only then remove the old record; or let it lead to the new one for so many seconds. The
   * new record is provisional: the next write makes it last.
   */
  async move(write: Write, newId: string, grace: number): Promise<WriteOutcome> {
    const { store } = write
    this.#takeLate(write.changes)
    let mine = write.data
    let old = this.#record as Uint8Array
    let placed: Uint8Array | null = null
    for (let attempt = 1; attempt <= MOST_ATTEMPTS; attempt++) {
      placed = await this.#place(store, mine, newId, placed)
      const outcome = await this.#leave(write, mine, old, { id: newId, grace, record: placed })
      if (outcome === 'stored') {
        this.begin(newId, false)
        this.#saw(placed)
        mine._SESSION_ID = newId
        return { data: mine, gone: false }
      }
      const oldId = this.#id
      const present = await this.#present(write, outcome).catch(async (error) => {
        if (error instanceof ConflictError) await store.remove(newId)
        throw error
      })
      if (present === undefined || this.#isAnother(present.data, mine)) {
        await store.remove(newId)
        return { data: mine, gone: true }
      }
      mine = this.#resolve(write, mine, present, present.own ? present.record : old)
      // Within the grace of one another, one new id is enough. Without grace, who holds the old one must not be led to the new one.
      if (this.#id !== oldId && grace > 0) {
        await store.remove(newId)
        return this.write({ ...write, data: mine })
      }
      old = present.record
      await stepAside(attempt)
    }
    throw new ConflictError(
      `Session ${logId(this.#id)} was written by others ${MOST_ATTEMPTS} times in a row; try again`,
    )
  }

  /** Remove the session, also where it leads to a new id by now. True when there was one to remove. */
  async remove(store: Store): Promise<boolean> {
    if (this.#record !== undefined && store.supports.expect) {
      if (await store.remove(this.#id, { expect: this.#record })) return true
    }
    return removeForGood(this.#engine.serializer, store, this.#id)
  }

  #saw(record: Uint8Array): void {
    this.#record = record
    this.#uncertain = []
  }

  /** All that can be done for a session that was removed, or has a new id, where the store cannot compare. */
  async #refusalBy(store: Store): Promise<Refusal | undefined> {
    const present = await store.retrieve(this.#id)
    if (present === undefined) return 'gone'
    return forwardOf(thawRecord(this.#engine, this.#id, present)) === undefined ? undefined : 'conflict'
  }

  /** Which of the uncertain records is this one? */
  #ownOf(record: Uint8Array): Uncertain | undefined {
    if (this.#uncertain.length === 0) return undefined
    const digest = sha256(record)
    return this.#uncertain.find((one) => one.digest === digest)
  }

  /** Remove what a failed write of this session's may have left, and nothing else. */
  async removeUncertain(store: Store): Promise<void> {
    if (this.#uncertain.length === 0) return
    const present = await store.retrieve(this.#id)
    if (present !== undefined && this.#ownOf(present) !== undefined) await store.removeIfStill(this.#id, present)
  }

  /** Put the provisional record under the new id. */
  async #place(store: Store, mine: SessionData, newId: string, placed: Uint8Array | null): Promise<Uint8Array> {
    const data = provisionalRecord(mine, newId, this.#engine.now())
    const record = this.#engine.serializer.freeze(data)
    const expect = store.supports.expect ? placed : undefined
    const outcome = await store.store(newId, record, { ttl: this.#engine.timeToLive(data), expect })
    if (outcome === 'stored') return record
    throw idTaken(newId)
  }

  /** Remove the old record, or let it lead to the new one. */
  async #leave(write: Write, mine: SessionData, old: Uint8Array, moved: Moved): Promise<StoreOutcome> {
    const { store, changes } = write
    try {
      const refusal = store.supports.expect ? undefined : await this.#refusalBy(store)
      if (refusal !== undefined) return refusal
      const expect = store.supports.expect ? old : undefined
      if (moved.grace === 0) return (await store.remove(this.#id, { expect })) ? 'stored' : 'conflict'
      const data = forwardRecord(mine, this.#id, moved.id, this.#engine.now(), moved.grace)
      const record = this.#engine.serializer.freeze(data)
      return await store.store(this.#id, record, { ttl: this.#engine.timeToLive(data), expect })
    } catch (error) {
      this.#uncertain.push({ digest: sha256(moved.record), operations: changes.applied() })
      throw error
    }
  }

  /**
   * What is there in place of the expected record; undefined when the session is gone.
   * @throws {ConflictError} when it is another writer's, and `onConflict` is `fail`
   */
  async #present(write: Write, outcome: Refusal): Promise<Present | undefined> {
    const present = this.#uncertain.length === 0 ? undefined : await this.#read(write.store)
    this.#uncertain = []
    if (present?.own !== undefined) {
      write.changes.forget(present.own.operations)
      return present
    }
    if (outcome === 'gone') return undefined
    if (outcome === 'exists' && !this.#agreed) throw idTaken(this.#id)
    if (this.#engine.options.onConflict === 'fail') {
      throw new ConflictError(
        `Session ${logId(this.#id)} was changed by somebody else since it was opened; open it again`,
      )
    }
    return present ?? this.#read(write.store)
  }

  /** The session as it is in the store, under its new id if it was renewed. */
  async #read(store: Store): Promise<Present | undefined> {
    for (let hop = 0; hop < MOST_FORWARDS; hop++) {
      const record = await store.retrieve(this.#id)
      if (record === undefined) return undefined
      const data = thawRecord(this.#engine, this.#id, record)
      const forward = forwardOf(data)
      if (forward === undefined) {
        settle(data)
        return { record, data, own: this.#ownOf(record) }
      }
      // Whoever held the session when it was renewed goes on with it, however long that took.
      this.#id = forward.id
      this.#agreed = false
    }
    return undefined
  }

  /** The data to write, now that another record is there. */
  #resolve(write: Write, mine: SessionData, present: Present, base: Uint8Array | null): SessionData {
    if (this.#engine.options.onConflict !== 'merge') {
      mine._SESSION_ID = present.data._SESSION_ID
      return mine
    }
    write.takeLater(mine)
    write.changes.layOver(present.data, mine, decideByMerge(this.#engine, base))
    keepIdentity(present.data, mine)
    return present.data
  }

  /** Removed, and made anew under the same id: this session ended with the removal. */
  #isAnother(theirs: SessionData, mine: SessionData): boolean {
    return this.#record !== undefined && timeOf(theirs, 'CTIME') !== timeOf(mine, 'CTIME')
  }
}

function idTaken(id: string): IdError {
  return new IdError(
    'ERR_SESSION_ID_TAKEN',
    `The id ${logId(id)} that was made for this session belongs to another one; nothing was written. ` +
      'Was a counter of ids set back?',
  )
}
