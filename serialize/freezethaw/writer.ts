/**
 * Writes a whole record, as Perl's module does: once as it comes; and if anything was met twice, once more with a table
 * of these things in front.
 *
 * One loop over a linked list of open containers instead of recursion, as in the reader.
 */

import { asBuffer } from '../../lib/bytes.js'
import { isPlainObject } from '../../lib/hash.js'
import { ElementRef, PerlObject, PerlRegExp, PerlVString, ScalarRef } from '../../lib/perl-values.js'
import { ElementCopies } from '../shared/element-copies.js'
import { cannotFreeze, kindOf, overLimit } from '../shared/failure.js'
import { booleanClass } from '../shared/json-boolean.js'
import type { SerializerOptions } from '../shared/options.js'
import { formOf, originOf } from '../shared/origin.js'
import { hasNonAscii } from '../shared/text.js'
import { serializerName } from './cursor.js'
import { KeyWriter } from './keys.js'
import { classBytes, counted, notBytes, TextWriter, versionBytes } from './strings.js'

type Key = string | number

/** A container that is being written. */
interface Frame {
  readonly target: Record<Key, unknown>
  /** The keys of a hash or a scalar; undefined for an array. */
  readonly keys: readonly string[] | undefined
  readonly size: number
  done: number
  readonly depth: number
  readonly outer: Frame | undefined
}

/** The record of a value. */
export function writeRecord(value: unknown, options: SerializerOptions): Uint8Array {
  if (value === null || value === undefined) throw cannotFreeze(serializerName, [], 'there is no value')
  return Buffer.from(new RecordWriter(value, options).write(), 'latin1')
}

/** In `seen`: met once so far. */
const once = -1

class RecordWriter {
  private readonly root: unknown
  private readonly maxDepth: number
  private readonly maxBytes: number
  private readonly texts: TextWriter
  private readonly keys: KeyWriter
  /** The containers that have been met: `once`, or the number in the table. */
  private readonly seen = new Map<object, number>()
  /** The containers that were met twice, in the order of the second time. */
  private readonly repeated: object[] = []
  /** The classes of all containers that are objects. */
  private readonly classes = new Map<object, string>()
  private readonly copies = new ElementCopies()
  private readonly classNumbers = new Map<string, number>()
  private isAgain = false
  private out = ''
  private frame: Frame | undefined = undefined

  constructor(root: unknown, options: SerializerOptions) {
    this.root = root
    this.maxDepth = options.maxDepth
    this.maxBytes = options.maxBytes
    this.texts = new TextWriter(root, options.encoding)
    this.keys = new KeyWriter(this.texts)
  }

  write(): string {
    this.out = 'FrT;'
    this.arguments()
    if (this.repeated.length > 0) this.writeAgain()
    return this.out
  }

  /** The list of what Perl's function was called with: the session. */
  private arguments(): void {
    this.add('@1|')
    this.value(undefined, '', this.root)
    this.finish()
  }

  private writeAgain(): void {
    this.isAgain = true
    this.classNumbers.clear()
    this.out = `FrT;!${this.repeated.length - 1}|`
    for (const target of this.repeated) this.empty(target)
    for (const target of this.repeated) this.content(target)
    this.arguments()
  }

  private empty(target: object): void {
    const className = this.classes.get(target)
    if (className !== undefined) this.add(`{${this.classOf(className)}`)
    this.add(target instanceof ScalarRef ? '\\_' : Array.isArray(target) ? '@0|' : '%0|')
  }

  private content(target: object): void {
    const className = this.classes.get(target)
    if (className !== undefined) this.add(`}${this.classOf(className)}`)
    this.open(undefined, '', target)
    this.finish()
  }

  private add(text: string): void {
    this.out += text
    this.limit(this.out.length)
  }

  private limit(length: number): void {
    if (length > this.maxBytes) throw overLimit(serializerName, 'bytes', this.maxBytes, 'maxBytes')
  }

  /** Write the open containers to their end. */
  private finish(): void {
    for (let frame = this.frame; frame !== undefined; frame = this.frame) {
      if (frame.done === frame.size) this.frame = frame.outer
      else this.elements(frame)
    }
  }

  /** Write elements, until the end or one that is a container. */
  private elements(frame: Frame): void {
    const { target, keys, size } = frame
    while (frame.done < size && this.frame === frame) {
      const key = keys === undefined ? frame.done : keys[frame.done]!
      frame.done++
      this.value(frame, key, target[key])
    }
  }

  private value(frame: Frame | undefined, key: Key, value: unknown): void {
    switch (typeof value) {
      case 'string':
        this.add(counted(hasNonAscii(value) ? this.text(frame, key, value) : value))
        break
      case 'object':
        if (value === null) this.add('_')
        else this.reference(frame, key, value)
        break
      case 'undefined':
        this.add('_')
        break
      case 'number':
        if (!Number.isFinite(value)) this.refuse(frame, key, `${value} is no number to Perl`)
        this.add(counted(String(value)))
        break
      case 'boolean':
        this.boolean(frame, key, value)
        break
      case 'bigint':
        this.add(counted(String(value)))
        break
      default:
        this.refuse(frame, key, `${kindOf(value)} is no data`)
    }
  }

  private refuse(frame: Frame | undefined, key: Key, reason: string): never {
    throw cannotFreeze(serializerName, pathOf(frame, key), reason)
  }

  private text(frame: Frame | undefined, key: Key, text: string): string {
    const origin = frame && originOf(frame.target)
    return this.texts.text(text, formOf(origin, key, text)) ?? this.refuse(frame, key, notBytes)
  }

  private boolean(frame: Frame | undefined, key: Key, value: boolean): void {
    const origin = frame && originOf(frame.target)
    if (formOf(origin, key, value) === 'json-boolean') {
      this.add(`>${this.classOf(booleanClass)}\\$1|${value ? 1 : 0}`)
    } else {
      this.add(value ? '$1|1' : '$0|')
    }
  }

  /** Anything that is an object in JavaScript. */
  private reference(frame: Frame | undefined, key: Key, value: object): void {
    if (value instanceof PerlObject) this.container(frame, key, this.referent(frame, key, value), value.className)
    else if (value instanceof Uint8Array) this.add(counted(latin1(value)))
    else if (value instanceof PerlVString) {
      const bytes = versionBytes(value) ?? this.refuse(frame, key, 'a version string with a number above 255')
      this.add(counted(bytes))
    } else this.container(frame, key, value instanceof ElementRef ? this.copies.of(value) : value, undefined)
  }

  /** What is blessed. */
  private referent(frame: Frame | undefined, key: Key, { value }: PerlObject): object {
    if (value instanceof ElementRef) return this.copies.of(value)
    if (typeof value === 'object' && value !== null && !isScalar(value)) return value
    return this.refuse(frame, key, 'in Perl only hashes, arrays, references and patterns can be objects')
  }

  private container(frame: Frame | undefined, key: Key, target: object, className: string | undefined): void {
    if (className !== undefined) this.noteClass(frame, key, target, className)
    // Perl loses the pattern of a reference that is repeated.
    const number = target instanceof PerlRegExp ? undefined : this.seen.get(target)
    if (number === undefined || (this.isAgain && number === once)) this.first(frame, key, target)
    else this.add(`<${number === once ? this.repeat(target) : number}|`)
  }

  private noteClass(frame: Frame | undefined, key: Key, target: object, className: string): void {
    const known = this.classes.get(target)
    if (known !== undefined && known !== className) {
      this.refuse(frame, key, 'the same container is an object of another class in another place')
    }
    this.classes.set(target, className)
  }

  private repeat(target: object): number {
    const number = this.repeated.push(target) - 1
    this.seen.set(target, number)
    return number
  }

  /** A container in the first place where it stands. */
  private first(frame: Frame | undefined, key: Key, target: object): void {
    this.seen.set(target, once)
    const className = this.classes.get(target)
    if (className !== undefined) this.add(`>${this.classOf(className)}`)
    this.open(frame, key, target)
  }

  private open(frame: Frame | undefined, key: Key, target: object): void {
    if (Array.isArray(target)) {
      // Each element takes a byte at least, also those that a sparse array only counts.
      this.limit(target.length)
      this.add(`@${target.length}|`)
      this.push(frame, target, undefined, target.length)
    } else if (isPlainObject(target)) {
      this.hash(frame, key, target)
    } else if (target instanceof ScalarRef) {
      this.add('\\')
      this.push(frame, target, ['value'], 1)
    } else if (target instanceof PerlRegExp) {
      const text = this.texts.pattern(target) ?? this.refuse(frame, key, 'a pattern that Perl could not read back')
      this.add(`/${text.length}|${text}`)
    } else {
      this.refuse(frame, key, `${kindOf(target)} is no data; convert it to plain objects, arrays and scalars`)
    }
  }

  private push(frame: Frame | undefined, target: object, keys: readonly string[] | undefined, size: number): void {
    const depth = frame === undefined ? 1 : frame.depth + 1
    if (depth > this.maxDepth) throw overLimit(serializerName, 'levels of nesting', this.maxDepth, 'maxDepth')
    this.frame = { target: target as Record<Key, unknown>, keys, size, done: 0, depth, outer: frame }
  }

  /** All keys of a hash come first; the values follow in the same order. */
  private hash(frame: Frame | undefined, key: Key, target: Record<string, unknown>): void {
    const { names, text } = this.keys.of(target, () => pathOf(frame, key))
    this.add(`%${2 * names.length}|${text}`)
    this.push(frame, target, names, names.length)
  }

  /** A class: its name at first, then its number. */
  private classOf(className: string): string {
    const known = this.classNumbers.get(className)
    if (known !== undefined) return `)${known}|`
    const number = this.classNumbers.size
    this.classNumbers.set(className, number)
    return `>${number}|${counted(classBytes(className))}`
  }
}

/** The keys that lead to an element, for error messages. */
function pathOf(frame: Frame | undefined, key: Key): Key[] {
  const path: Key[] = []
  for (let at = frame, last = key; at !== undefined; at = at.outer) {
    path.unshift(last)
    const { outer } = at
    if (outer !== undefined) last = outer.keys === undefined ? outer.done - 1 : outer.keys[outer.done - 1]!
  }
  return path
}

function isScalar(value: object): boolean {
  return value instanceof PerlObject || value instanceof Uint8Array || value instanceof PerlVString
}

function latin1(bytes: Uint8Array): string {
  return asBuffer(bytes).toString('latin1')
}
