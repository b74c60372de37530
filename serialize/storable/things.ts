/** Reads what references refer to: containers, objects, patterns, and things that have a tag. */

import type { Hash } from '../../lib/hash.js'
import { PerlObject, ScalarRef } from '../../lib/perl-values.js'
import { overLimit } from '../shared/failure.js'
import { booleanClass, booleanOf } from '../shared/json-boolean.js'
import type { SerializerOptions } from '../shared/options.js'
import { type Form, noteOverloaded } from '../shared/origin.js'
import { Cell, type SharedCells } from './cells.js'
import { Frame } from './frames.js'
import * as codes from './opcodes.js'
import { StringReader } from './strings.js'

/** Thrown where a scalar is met that only cells can stand for. */
export const needsCells = Symbol('needs cells')

/** Stands for "no value yet, a container has been opened". */
export const opened = Symbol('opened')

/** What is in front of a thing. */
interface Front {
  readonly className: string | undefined
  /** The form of the reference. */
  readonly form: Form | undefined
  readonly isOverloaded: boolean
}

const plainThing: Front = { className: undefined, form: undefined, isOverloaded: false }

/** A value and its key take this many bytes at least. */
const smallestPair = 5

export class ThingReader extends StringReader {
  protected readonly shared: SharedCells | undefined
  /** What the tags stand for: a container or an object, a cell, or undefined for a scalar without one. */
  protected readonly things: unknown[] = []
  /** The innermost container that is open. */
  protected frame: Frame | undefined = undefined
  private readonly options: SerializerOptions
  private next: Front = plainThing
  private values = 0

  constructor(bytes: Buffer, options: SerializerOptions, shared: SharedCells | undefined) {
    super(bytes, options.encoding)
    this.options = options
    this.shared = shared
  }

  protected tagged(tag: number, start: number): unknown {
    if (tag >= this.things.length) throw this.fail('the tag of a thing that has not been met', start)
    return this.things[tag]
  }

  /** What a reference refers to, as the value of the reference; `opened` when it has to be read first. */
  protected thing(form: Form | undefined, isOverloaded: boolean): unknown {
    const first = this.pos
    const code = this.byte()
    const className = this.className(code)
    this.next =
      className === undefined && form === undefined && !isOverloaded ? plainThing : { className, form, isOverloaded }
    if (className === undefined) return this.target(code, first)
    const start = this.pos
    return this.target(this.byte(), start)
  }

  /** The name of a class, if this is the opcode before an object of it. */
  protected className(code: number): string | undefined {
    if (code === codes.bless) return this.newClass(this.classNumber())
    return code === codes.knownBless ? this.knownClass(this.classNumber()) : undefined
  }

  private target(code: number, start: number): unknown {
    switch (code) {
      case codes.hash:
        return this.openHash(this.length())
      case codes.array:
        return this.openArray(this.length())
      case codes.flagHash: {
        const flags = this.byte()
        return this.openFlagHash(flags, this.length())
      }
      case codes.object:
        return this.again(this.tag(), start, this.frame!.element)
      case codes.largeObject:
        return this.largeTarget(start)
      case codes.hook:
        return this.openHook()
      case codes.regexp:
        return this.completePattern()
      case codes.bless:
      case codes.knownBless:
        throw this.fail('an object of two classes', start)
      default:
        this.pos = start
        return this.openScalar()
    }
  }

  private largeTarget(start: number): unknown {
    const code = this.byte()
    switch (code) {
      case codes.object:
        return this.again(this.longLength(), start, this.frame!.element)
      case codes.hash:
        return this.openHash(this.longLength())
      case codes.array:
        return this.openArray(this.longLength())
      case codes.flagHash: {
        const flags = this.byte()
        return this.openFlagHash(flags, this.longLength())
      }
      default:
        this.pos = start
        return this.openScalar()
    }
  }

  /** What stands for a reference to a thing: the thing, or an object with it. */
  private referenceTo(target: object): object {
    const { className, isOverloaded } = this.next
    if (className === undefined) return target
    const object = new PerlObject(className, target)
    if (isOverloaded && className !== booleanClass) noteOverloaded(object)
    return object
  }

  /** A thing that has a tag. */
  protected again(tag: number, start: number, referrer: unknown): unknown {
    const thing = this.tagged(tag, start)
    this.form = this.next.form
    if (thing instanceof Cell) return this.shared!.refer(thing, referrer as Cell)
    if (thing === undefined) throw needsCells
    return this.shown(thing)
  }

  /** JSON's true and false are shown as such. */
  protected shown(reference: unknown): unknown {
    const boolean = booleanOf(reference)
    if (boolean === undefined) return reference
    this.form = 'json-boolean'
    return boolean
  }

  private open(kind: Frame['kind'], target: Frame['target'], reference: object, size: number): typeof opened {
    const frame = new Frame(kind, target, reference, size, this.frame, this.next.form)
    const { maxDepth } = this.options
    if (frame.depth > maxDepth) throw overLimit(codes.serializerName, 'levels of nesting', maxDepth, 'maxDepth')
    this.frame = frame
    return opened
  }

  /** A count of what takes some bytes each at least. */
  private announced(count: number, bytesEach: number): number {
    const { maxValues } = this.options
    if (count * bytesEach > this.end - this.pos) throw this.fail('a count that is larger than what follows')
    this.values += count
    if (this.values > maxValues) throw overLimit(codes.serializerName, 'values', maxValues, 'maxValues')
    return count
  }

  /** The things whose tags stand here, as values that are references to them. */
  protected listed(count: number): unknown[] {
    const values: unknown[] = []
    this.next = plainThing
    this.announced(count, 4)
    for (let index = 0; index < count; index++) {
      const referrer = new Cell()
      referrer.homes.push({ container: values, key: index })
      values.push(this.again(this.tag(), this.pos - 4, referrer))
    }
    return values
  }

  private openHash(size: number): unknown {
    this.announced(size, smallestPair)
    const hash: Hash = {}
    const reference = this.referenceTo(hash)
    this.things.push(reference)
    return this.open('hash', hash, reference, size)
  }

  private openFlagHash(flags: number, size: number): unknown {
    const result = this.openHash(size)
    this.frame!.flags = { isRestricted: (flags & codes.restricted) !== 0, locked: [], allowed: [] }
    return result
  }

  private openArray(size: number): unknown {
    const items: unknown[] = []
    const reference = this.referenceTo(items)
    this.things.push(reference)
    return this.open('array', items, reference, this.announced(size, 1))
  }

  /** The target is a scalar: its opcode is read as that of an element. */
  private openScalar(): unknown {
    const scalar = new ScalarRef(null)
    return this.open('scalar', scalar, this.referenceTo(scalar), 1)
  }

  private completePattern(): unknown {
    const pattern = this.pattern()
    const reference = this.next.className === 'Regexp' ? pattern : this.referenceTo(pattern)
    this.things.push(reference)
    this.form = this.next.form
    return reference
  }

  private openHook(): unknown {
    const flags = this.byte()
    if ((flags & codes.hookKind) === codes.hookTied) throw this.fail('a tied value is no data', this.pos - 1)
    const object = new PerlObject('', null)
    if (this.next.isOverloaded) noteOverloaded(object)
    this.things.push(object)
    const result = this.open('hook', object, object, 0)
    this.frame!.hookFlags = flags
    return result
  }
}
