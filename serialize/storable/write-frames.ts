/** The containers that a writer is in. */

import { type ContainerOrigin, originOf } from '../shared/origin.js'

export type Key = string | number

/** What is written of an object that its class wrote, behind what it refers to. */
export interface HookParts {
  readonly kind: number
  readonly frozen: Uint8Array
  readonly className: string
}

/** A container, a scalar that is referred to, or the values of an object that its class wrote. */
export class WriteFrame {
  readonly kind: 'hash' | 'array' | 'scalar' | 'hook'
  /** The container whose elements are written; for a scalar, whatever the scalar is an element of. */
  readonly target: object
  readonly origin: ContainerOrigin | undefined
  readonly outer: WriteFrame | undefined
  /** Its place in `outer`. */
  readonly key: Key
  readonly depth: number
  /** The keys of the elements; those of arrays are numbers from 0. */
  readonly keys: readonly Key[]
  readonly size: number
  /** How many elements are done. */
  done = 0
  /** An element of a hash is done, but for its key. */
  isKeyDue = false
  /** Of a hash: how many elements have been written, and where their number belongs. */
  count = 0
  countAt = 0
  /** Of a hash: keys have flags. */
  hasFlags = false
  hook: HookParts | undefined = undefined

  constructor(
    kind: WriteFrame['kind'],
    target: object,
    keys: readonly Key[],
    size: number,
    outer: WriteFrame | undefined,
    key: Key,
  ) {
    this.kind = kind
    this.target = target
    this.origin = originOf(target)
    this.outer = outer
    this.key = key
    this.depth = outer === undefined ? 1 : outer.depth + 1
    this.keys = keys
    this.size = size
  }
}

/** The keys that lead to an element, for error messages. */
export function keysTo(frame: WriteFrame | undefined, key: Key): Key[] {
  const keys: Key[] = []
  let last = key
  for (let at = frame; at !== undefined; at = at.outer) {
    if (at.kind !== 'scalar') keys.unshift(last)
    last = at.key
  }
  return keys
}
