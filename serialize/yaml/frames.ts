/** The containers that the writer is in. */

import { type ContainerOrigin, originOf } from '../shared/origin.js'

/** The place of a value in its container. */
export type Key = string | number

/** A key of a hash: as Perl has it, one character for each of Perl's, and as JavaScript has it. */
export interface HashKey {
  readonly perl: string
  readonly key: string
}

/** A container that is being written. */
export class Frame {
  readonly target: object
  readonly origin: ContainerOrigin | undefined
  readonly outer: Frame | undefined
  /** Its place in `outer`. */
  readonly key: Key
  readonly depth: number
  readonly indent: string
  /** The keys of a hash; undefined: a list. */
  readonly keys: readonly HashKey[] | undefined
  readonly size: number
  done = 0

  constructor(target: object, outer: Frame | undefined, key: Key, keys: readonly HashKey[] | undefined) {
    this.target = target
    this.origin = originOf(target)
    this.outer = outer
    this.key = key
    this.depth = outer === undefined ? 1 : outer.depth + 1
    this.indent = outer === undefined ? '' : `${outer.indent}  `
    this.keys = keys
    this.size = keys?.length ?? (target as unknown[]).length
  }
}

/** The keys that lead to a value, for error messages. */
export function keysTo(frame: Frame | undefined, key: Key): Key[] {
  const keys: Key[] = []
  let last = key
  for (let at = frame; at !== undefined; at = at.outer) {
    keys.push(last)
    last = at.key
  }
  return keys.reverse()
}
