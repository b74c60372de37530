/** What has to be known about a value before it can be written: found out by trying. */

import type { Key } from './write-frames.js'

/** Thrown where something is met that the plan did not provide for, after the plan has been changed. */
export const startAgain = Symbol('start again')

/** A map by container and key: by Perl scalar, so to speak. */
export class ElementMap<Value> {
  private readonly maps = new Map<object, Map<Key, Value>>()

  get(container: object, key: Key): Value | undefined {
    return this.maps.get(container)?.get(key)
  }

  set(container: object, key: Key, value: Value): void {
    let map = this.maps.get(container)
    if (map === undefined) {
      map = new Map()
      this.maps.set(container, map)
    }
    map.set(key, value)
  }
}

/** How a value is to be written. */
export class Plan {
  /** There are numbers that network order does not have. */
  isNative = false
  /** There are references to elements, so the tags of all elements are kept. */
  keepsTags = false
  /** The classes of elements: Perl blesses the scalar, and it has to be known where the scalar is written first. */
  readonly classes = new ElementMap<string>()
  /** There are keys with the UTF8 flag: before a hash is written, its keys are looked at. */
  checksKeys = false
  /** An element was written before its class was known. */
  isLate = false

  needNative(): void {
    if (this.isNative) return
    this.isNative = true
    throw startAgain
  }

  needKeyChecks(): void {
    this.checksKeys = true
    throw startAgain
  }

  needTags(): void {
    if (this.keepsTags) return
    this.keepsTags = true
    throw startAgain
  }
}
