/**
 * What one session object did to its record since the record was last read or written: the part that is laid over
 * somebody else's record when two writers meet.
 */

import { cloneValue, collectContainers, isSameValue } from './clone.js'
import { elementOf, setElement } from './hash.js'
import type { Operation } from './operations.js'
import {
  dialectOf,
  isReserved,
  parameterLifetimes,
  parameterNames,
  type SessionData,
  setLifetime,
  setParameterLifetime,
  timeOf,
} from './record.js'
import { settle } from './renewal.js'

/** What becomes of a parameter that is set here, and may have been set by somebody else: its value, or undefined for none. */
export type Decide = (key: string, mine: unknown, theirs: unknown) => unknown

const lastWins: Decide = (_key, mine) => mine

/** Parameters set or cleared, and times changed. */
export class Changes {
  /** Keys whose value is now this session's own, present or cleared. */
  readonly keys = new Set<string>()
  /** What was done to keys that are not among those, and counts on top of what others did. */
  readonly operations = new Map<string, readonly Operation[]>()
  /** Parameters whose lifetime was set or taken away. */
  readonly lifetimes = new Set<string>()
  /** The session's lifetime was set. */
  lifetime = false
  /** The time of access moved, or the program said `modified(true)`. */
  touched = false

  /** Is there anything to write? */
  get any(): boolean {
    return this.touched || this.lifetime || this.keys.size + this.operations.size + this.lifetimes.size > 0
  }

  /** The value of a key is this session's own now. */
  set(key: string): void {
    this.keys.add(key)
    this.operations.delete(key)
  }

  /** Something was done to a key. */
  operate(key: string, ...operations: readonly Operation[]): void {
    if (!this.keys.has(key)) this.operations.set(key, [...(this.operations.get(key) ?? []), ...operations])
  }

  /** All that was done to keys up to now. */
  applied(): ReadonlySet<Operation> {
    return new Set([...this.operations.values()].flat())
  }

  /** These are in the store already, whatever is written on top of them. */
  forget(applied: ReadonlySet<Operation>): void {
    for (const [key, operations] of this.operations) {
      const left = operations.filter((operation) => !applied.has(operation))
      if (left.length > 0) this.operations.set(key, left)
      else this.operations.delete(key)
    }
  }

  /** Take up later changes. */
  add(later: Changes): void {
    for (const key of later.keys) this.set(key)
    for (const [key, operations] of later.operations) this.operate(key, ...operations)
    for (const key of later.lifetimes) this.lifetimes.add(key)
    this.lifetime ||= later.lifetime
    this.touched ||= later.touched
  }

  /** Lay these changes, with the values they have in `mine`, over a fresher record. */
  layOver(fresh: SessionData, mine: SessionData, decide = lastWins): void {
    for (const key of withShared(this.keys, mine)) {
      const value = decide(key, elementOf(mine, key), elementOf(fresh, key))
      if (value === undefined) this.#clear(fresh, key)
      else setElement(fresh, key, value)
    }
    for (const [key, operations] of this.operations) this.#operateOn(fresh, mine, key, operations)
    const lifetimes = parameterLifetimes(mine)
    for (const key of this.lifetimes) {
      // The lifetime of a parameter that somebody else cleared would end a later one of that name.
      const clearedByOther = Object.hasOwn(mine, key) && !Object.hasOwn(fresh, key)
      if (!clearedByOther) setParameterLifetime(fresh, key, lifetimes.get(key) ?? 0)
    }
    if (this.lifetime) {
      settle(fresh)
      setLifetime(fresh, timeOf(mine, 'ETIME'))
    }
    fresh._SESSION_ATIME = Math.max(timeOf(fresh, 'ATIME'), timeOf(mine, 'ATIME'))
  }

  /** What somebody else has put there may be no number, or no list: then the last one wins, as with any value. */
  #operateOn(fresh: SessionData, mine: SessionData, key: string, operations: readonly Operation[]): void {
    const theirs = elementOf(fresh, key)
    // The very list that this session has changed already: it came along with another parameter, or was set before.
    if (typeof theirs === 'object' && theirs !== null && theirs === elementOf(mine, key)) return
    const fits = operations.every((operation) => operation.fits(theirs))
    const value = fits ? operations.reduce((value, operation) => operation.apply(value), theirs) : elementOf(mine, key)
    if (value === undefined) this.#clear(fresh, key)
    else setElement(fresh, key, value)
  }

  #clear(fresh: SessionData, key: string): void {
    delete fresh[key]
    setParameterLifetime(fresh, key, 0)
  }
}

/** The keys, and those of parameters that share a container with one of them: a change in place is a change of both. */
function withShared(keys: ReadonlySet<string>, data: SessionData): Set<string> {
  const all = new Set(keys)
  const mine = new Set<object>()
  for (const key of keys) if (Object.hasOwn(data, key)) collectContainers(data[key], mine)
  if (mine.size === 0) return all
  for (const key of parameterNames(data)) {
    if (all.has(key) || typeof data[key] !== 'object') continue
    const containers = collectContainers(data[key], new Set())
    if ([...containers].some((container) => mine.has(container))) all.add(key)
  }
  return all
}

/** A value that a program has in its hands, and what was in it then. */
interface Held {
  readonly key: string
  readonly value: object
  readonly copy: unknown
}

const isChanged = ({ value, copy }: Held) => !isSameValue(copy, value)

/**
 * The containers that a program has had in its hands, each with a copy of what was in it: a change made in place
 * (`session.param('cart').items.push(item)`) is found by comparing. Values that nobody asked for cost nothing.
 */
export class Exposed {
  readonly #held = new Map<string, Held>()
  /** Values that a merge replaced by another writer's, while the program may still hold them. */
  #replaced: Held[] = []

  /** Remember what a parameter holds now, if it could be changed in place. */
  note(key: string, value: unknown): void {
    if (typeof value !== 'object' || value === null || this.#held.has(key)) return
    this.#held.set(key, { key, value, copy: cloneValue(value) })
  }

  /**
   * The parameters that were changed in place. A replaced value that the program went on to change takes its place again:
   * for one parameter the last one wins.
   */
  changed(data: SessionData): readonly string[] {
    if (this.#held.size + this.#replaced.length === 0) return []
    this.#replaced = this.#replaced.filter((held) => {
      if (!isChanged(held)) return true
      setElement(data, held.key, held.value)
      this.#held.set(held.key, held)
      return false
    })
    const keys: string[] = []
    for (const held of this.#held.values()) if (isChanged(held)) keys.push(held.key)
    return keys
  }

  /** Take the present values, and those of the `written` keys, as the ones to compare with from now on. */
  renew(data: SessionData, written: Iterable<string>): void {
    const held = [...this.#held.keys()]
    this.#held.clear()
    for (const key of held) this.#noteIn(data, key)
    for (const key of written) this.#noteIn(data, key)
  }

  #noteIn(data: SessionData, key: string): void {
    if (Object.hasOwn(data, key)) this.note(key, data[key])
  }

  /** The data is another record now: what a merge took from it is compared with what it was there. */
  moveTo(data: SessionData): void {
    for (const held of [...this.#held.values()]) {
      if (data[held.key] === held.value) continue
      this.#held.delete(held.key)
      this.#replaced.push(held)
      this.#noteIn(data, held.key)
    }
  }

  /** Was this one changed in place? */
  isChanged(key: string): boolean {
    const held = this.#held.get(key)
    return held !== undefined && isChanged(held)
  }

  /** Compare what a parameter holds with what is in it now. */
  noteAnew(key: string, value: unknown): void {
    this.#held.delete(key)
    this.note(key, value)
  }

  /** A parameter that was set or cleared is compared no longer: it is a change already. */
  forget(key: string): void {
    this.#held.delete(key)
    this.#replaced = this.#replaced.filter((held) => held.key !== key)
  }
}

/** Keep the objects that a program holds where a merge found them unchanged. */
export function keepIdentity(fresh: SessionData, mine: SessionData): void {
  const dialect = dialectOf(fresh)
  for (const key of Object.keys(fresh)) {
    if (isReserved(key, dialect) || typeof fresh[key] !== 'object' || !Object.hasOwn(mine, key)) continue
    if (isSameValue(fresh[key], mine[key])) setElement(fresh, key, mine[key])
  }
}
