/** The containers that a reader is in: each is filled with the values that follow, then handed to the one around it. */

import { type Hash, setElement } from '../../lib/hash.js'
import { ScalarRef } from '../../lib/perl-values.js'
import type { ValueReader } from './values.js'

/** Stands for "no value yet, a container has been opened". */
export const opened: unique symbol = Symbol('opened')

/** A container that is not complete. */
export abstract class Frame {
  readonly outer: Frame | undefined
  readonly depth: number
  protected done = 0
  private readonly size: number

  constructor(size: number, depth: number, outer: Frame | undefined) {
    this.size = size
    this.depth = depth
    this.outer = outer
  }

  /** Read values into the container until it is complete, or until another one begins. */
  fill(reader: ValueReader): void {
    while (this.done < this.size) {
      const value = reader.start()
      if (value === opened) return
      this.put(reader, value)
    }
    this.end(reader)
  }

  /** Put in the next value, which is complete. */
  abstract put(reader: ValueReader, value: unknown): void

  /** Hand over what is complete. */
  protected abstract end(reader: ValueReader): void
}

export class ListFrame extends Frame {
  private readonly list: unknown[]

  constructor(size: number, depth: number, outer: Frame | undefined) {
    super(size, depth, outer)
    this.list = new Array(size)
  }

  put(reader: ValueReader, value: unknown): void {
    const at = this.done++
    this.list[at] = value
    if (reader.mark !== undefined) reader.note(this.list, at, value)
  }

  protected end(reader: ValueReader): void {
    reader.close(this.list)
  }
}

export class HashFrame extends Frame {
  private readonly hash: Hash
  private readonly keys: readonly string[]

  /** A size beyond that of the keys: Perl ignores the values that have no key. */
  constructor(hash: Hash, keys: readonly string[], size: number, depth: number, outer: Frame | undefined) {
    super(size, depth, outer)
    this.hash = hash
    this.keys = keys
  }

  put(reader: ValueReader, value: unknown): void {
    const key = this.keys[this.done++]
    if (key === undefined) {
      reader.mark = undefined
      return
    }
    if (key === '__proto__') setElement(this.hash, key, value)
    else this.hash[key] = value
    if (reader.mark !== undefined) reader.note(this.hash, key, value)
  }

  protected end(reader: ValueReader): void {
    reader.close(this.hash)
  }
}

export class ScalarFrame extends Frame {
  readonly scalar = new ScalarRef(null)

  constructor(depth: number, outer: Frame | undefined) {
    super(1, depth, outer)
  }

  put(reader: ValueReader, value: unknown): void {
    this.done++
    this.scalar.value = value
    if (reader.mark !== undefined) reader.note(this.scalar, 'value', value)
  }

  protected end(reader: ValueReader): void {
    reader.close(this.scalar)
  }
}

/** The value that follows is an object of a class. */
export class ObjectFrame extends Frame {
  private readonly className: string
  private object: unknown = null

  constructor(className: string, depth: number, outer: Frame | undefined) {
    super(1, depth, outer)
    this.className = className
  }

  put(_reader: ValueReader, value: unknown): void {
    this.done++
    this.object = value
  }

  protected end(reader: ValueReader): void {
    reader.close(reader.bless(this.className, this.object))
  }
}
