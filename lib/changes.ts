/**
 * What one session object did to its record since the record was last read or written: the part that is laid over
 * somebody else's record when two writers meet.
 */

import { cloneValue, isSameValue } from './clone.js'
import {
  dialectOf,
  isReserved,
  parameterLifetimes,
  type SessionData,
  setKey,
  setLifetime,
  setParameterLifetime,
  timeOf,
} from './record.js'

/** Parameters set or cleared, and times changed. */
export class Changes {
  /** Keys whose value is now this session's own, present or cleared. */
  readonly keys = new Set<string>()
  /** Parameters whose lifetime was set or taken away. */
  readonly lifetimes = new Set<string>()
  /** The session's lifetime was set. */
  lifetime = false
  /** The time of access moved, or the program said `modified(true)`. */
  touched = false

  /** Is there anything to write? */
  get any(): boolean {
    return this.touched || this.lifetime || this.keys.size > 0 || this.lifetimes.size > 0
  }

  /** Take up changes that could not be written. */
  add(other: Changes): void {
    for (const key of other.keys) this.keys.add(key)
    for (const key of other.lifetimes) this.lifetimes.add(key)
    this.lifetime ||= other.lifetime
    this.touched ||= other.touched
  }

  /** Lay these changes, with the values they have in `mine`, over a fresher record. */
  layOver(fresh: SessionData, mine: SessionData): void {
    for (const key of this.keys) {
      if (Object.hasOwn(mine, key)) setKey(fresh, key, mine[key])
      else delete fresh[key]
    }
    const lifetimes = parameterLifetimes(mine)
    for (const key of this.lifetimes) setParameterLifetime(fresh, key, lifetimes[key] ?? 0)
    if (this.lifetime) setLifetime(fresh, timeOf(mine, 'ETIME'))
    fresh._SESSION_ATIME = Math.max(timeOf(fresh, 'ATIME'), timeOf(mine, 'ATIME'))
  }
}

/**
 * The containers that a program has had in its hands, each with a copy of what was in it: a change made in place
 * (`session.param('cart').items.push(item)`) is found by comparing. Values that nobody asked for cost nothing.
 */
export class Exposed {
  readonly #copies = new Map<string, unknown>()

  /** Remember what a parameter holds now, if it could be changed in place. */
  note(key: string, value: unknown): void {
    if (typeof value === 'object' && value !== null && !this.#copies.has(key)) this.#copies.set(key, cloneValue(value))
  }

  /** The parameters that were changed in place. */
  changed(data: SessionData): string[] {
    const keys: string[] = []
    for (const [key, copy] of this.#copies) if (!isSameValue(copy, data[key])) keys.push(key)
    return keys
  }

  /** Take the present values, and those of the `written` keys, as the ones to compare with from now on. */
  renew(data: SessionData, written: Iterable<string>): void {
    const keys = new Set([...this.#copies.keys(), ...written])
    this.#copies.clear()
    for (const key of keys) if (Object.hasOwn(data, key)) this.note(key, data[key])
  }

  /** The data is another record now: what a merge took from it is compared with what it was there. */
  moveTo(data: SessionData, before: SessionData): void {
    for (const key of [...this.#copies.keys()]) {
      if (Object.is(data[key], before[key])) continue
      this.#copies.delete(key)
      if (Object.hasOwn(data, key)) this.note(key, data[key])
    }
  }

  /** A parameter that was set or cleared is compared no longer: it is a change already. */
  forget(key: string): void {
    this.#copies.delete(key)
  }
}

/** Keep the objects that a program holds where a merge found them unchanged. */
export function keepIdentity(fresh: SessionData, mine: SessionData): void {
  const dialect = dialectOf(fresh)
  for (const key of Object.keys(fresh)) {
    if (isReserved(key, dialect) || typeof fresh[key] !== 'object' || !Object.hasOwn(mine, key)) continue
    if (isSameValue(fresh[key], mine[key])) setKey(fresh, key, mine[key])
  }
}
