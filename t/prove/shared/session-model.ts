/** Sessions as simply as they can be told: what `model` compares every driver with. Nothing here waits, fails or serializes. */

export type Value = number | string | readonly number[]

/** A parameter is set, or changed on top of what another writer did. */
type Operation = (value: Value | undefined) => Value | undefined

/** A session as it is stored. Times are seconds. */
interface Stored {
  readonly id: string
  readonly ctime: number
  atime: number
  etime: number
  readonly params: Map<string, Value>
  readonly lifetimes: Map<string, number>
}

const copyOf = (stored: Stored): Stored => ({
  ...stored,
  params: new Map(stored.params),
  lifetimes: new Map(stored.lifetimes),
})

/** The last second of a lifetime belongs to it. */
const hasEnded = ({ etime, atime }: Stored, now: number) => etime !== 0 && atime + etime < now

/** A store, and the time. */
export class ModelStore {
  readonly stored = new Map<string, Stored>()
  now = 0

  purge(): number {
    const ended = [...this.stored.values()].filter((one) => hasEnded(one, this.now))
    for (const { id } of ended) this.stored.delete(id)
    return ended.length
  }
}

/** What one session object does and shows. */
export class ModelSession {
  isNew = true
  expired = false
  deleted = false
  readonly #store: ModelStore
  #mine: Stored
  #isStored = false
  #agreed: boolean
  #keys = new Set<string>()
  #operations = new Map<string, Operation[]>()
  #lifetimes = new Set<string>()
  #lifetime = false
  #touched = false

  /** @param generated the id for a new session, where the given one is a client's */
  constructor(store: ModelStore, id: string, generated?: string) {
    this.#store = store
    this.#agreed = generated === undefined
    this.#mine = this.#begin(generated ?? id)
    const found = store.stored.get(id)
    this.expired = found !== undefined && hasEnded(found, store.now)
    if (this.expired) store.stored.delete(id)
    if (found === undefined || this.expired) return
    this.#mine = copyOf(found)
    this.#isStored = true
    this.isNew = false
    this.#dropExpired()
    this.#touched = this.#mine.atime < store.now
    this.#mine.atime = store.now
  }

  #begin(id: string): Stored {
    const { now } = this.#store
    return { id, ctime: now, atime: now, etime: 0, params: new Map(), lifetimes: new Map() }
  }

  get id(): string {
    return this.#mine.id
  }

  get isModified(): boolean {
    const sets = this.#keys.size + this.#operations.size + this.#lifetimes.size
    return sets > 0 || this.#lifetime || this.#touched
  }

  /** All that can be seen. */
  get view(): object {
    const { isNew, expired, deleted, isModified } = this
    const { id, ctime, atime, etime, params, lifetimes } = this.#mine
    return {
      id,
      isNew,
      expired,
      deleted,
      isModified,
      ctime,
      atime,
      etime,
      params: sorted(params),
      ptime: sorted(lifetimes),
    }
  }

  get(key: string): Value | undefined {
    return this.#mine.params.get(key)
  }

  /** `undefined` clears. */
  set(key: string, value: Value | undefined): void {
    if (JSON.stringify(this.get(key)) !== JSON.stringify(value)) this.#own(key, value)
    if (value === undefined) this.expireParameter(key, 0)
  }

  #own(key: string, value: Value | undefined): void {
    put(this.#mine.params, key, value)
    this.#keys.add(key)
    this.#operations.delete(key)
  }

  /** A list that the program has in its hands grows. */
  grow(key: string, item: number): void {
    const list = this.get(key)
    if (Array.isArray(list)) this.#own(key, [...list, item])
  }

  operate(key: string, operation: Operation): void {
    const value = operation(this.get(key))
    if (value === undefined) return
    put(this.#mine.params, key, value)
    if (!this.#keys.has(key)) this.#operations.set(key, [...(this.#operations.get(key) ?? []), operation])
  }

  clear(): void {
    for (const key of [...this.#mine.params.keys()]) this.set(key, undefined)
  }

  expire(seconds: number): void {
    this.#lifetime ||= this.#mine.etime !== seconds
    this.#mine.etime = seconds
  }

  expireParameter(key: string, seconds: number): void {
    if ((this.#mine.lifetimes.get(key) ?? 0) === seconds) return
    put(this.#mine.lifetimes, key, seconds === 0 ? undefined : seconds)
    this.#lifetimes.add(key)
  }

  flush(): boolean {
    if (this.deleted || !this.isModified || (!this.#isStored && this.#mine.params.size === 0)) return false
    return this.#write(this.#mine.id)
  }

  /** Own changes over what is there; whatever removed the session, it stays removed. */
  #write(newId: string): boolean {
    const { id, ctime, etime, atime, params, lifetimes } = this.#mine
    const present = this.#store.stored.get(id)
    // Whole seconds are all that tells a session from one that was begun under its id when it had been removed.
    if (this.#isStored && present?.ctime !== ctime) return this.#forget()
    const fresh = { ...copyOf(present ?? this.#mine), id: newId }
    for (const key of this.#keys) {
      put(fresh.params, key, params.get(key))
      if (!params.has(key)) fresh.lifetimes.delete(key)
    }
    for (const [key, operations] of present === undefined ? [] : this.#operations) {
      put(fresh.params, key, applied(operations, fresh.params.get(key)) ?? params.get(key))
    }
    for (const key of this.#lifetimes) {
      const isClearedByOther = params.has(key) && !fresh.params.has(key)
      if (!isClearedByOther) put(fresh.lifetimes, key, lifetimes.get(key))
    }
    if (this.#lifetime) fresh.etime = etime
    fresh.atime = Math.max(fresh.atime, atime)
    this.#store.stored.delete(id)
    this.#store.stored.set(newId, copyOf(fresh))
    this.#mine = fresh
    this.#isStored = true
    this.#settle()
    return true
  }

  #settle(): void {
    this.#keys = new Set()
    this.#operations = new Map()
    this.#lifetimes = new Set()
    this.#lifetime = false
    this.#touched = false
  }

  #forget(): false {
    this.#mine.params.clear()
    this.#settle()
    this.deleted = true
    return false
  }

  delete(): boolean {
    this.#forget()
    return this.#store.stored.delete(this.id)
  }

  /** @param newId what the generator gave */
  regenerate(newId: string): boolean {
    if (this.deleted) return false
    this.#agreed = false
    if (this.#isStored) return this.#write(newId)
    this.#mine = { ...this.#mine, id: newId }
    this.flush()
    return true
  }

  /** @param newId what the generator gave, if it was asked */
  checkExpiry(newId: string): boolean {
    const { now, stored } = this.#store
    const theirs = stored.get(this.id)
    const isOver = !this.deleted && hasEnded(this.#mine, now) && (theirs === undefined || hasEnded(theirs, now))
    if (!isOver) {
      if (!this.deleted && hasEnded(this.#mine, now)) this.#mine.atime = theirs!.atime
      this.#dropExpired()
      return false
    }
    stored.delete(this.id)
    this.#forget()
    this.#mine = this.#begin(this.#agreed ? this.id : newId)
    this.#isStored = false
    this.deleted = false
    this.isNew = true
    this.expired = true
    return true
  }

  #dropExpired(): void {
    const { atime, lifetimes } = this.#mine
    for (const [key, seconds] of [...lifetimes]) if (atime + seconds < this.#store.now) this.set(key, undefined)
  }
}

/** Undefined where the value is none that this can be done to. */
function applied(operations: readonly Operation[], value: Value | undefined): Value | undefined {
  let result = value
  for (const operation of operations) {
    result = operation(result)
    if (result === undefined) return undefined
  }
  return result
}

function put<V>(map: Map<string, V>, key: string, value: V | undefined): void {
  if (value === undefined) map.delete(key)
  else map.set(key, value)
}

function sorted(map: Map<string, unknown>): unknown {
  return [...map].sort(([one], [other]) => (one < other ? -1 : 1))
}
