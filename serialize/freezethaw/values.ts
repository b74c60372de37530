/**
 * Reads values: containers, references and objects around strings.
 *
 * One loop over a linked list of open containers instead of recursion: the depth of a record is limited by an option,
 * never by the stack. What is allocated for a count is never more than the bytes that follow could hold.
 */

import type { Hash } from '../../lib/hash.js'
import { PerlObject, PerlRegExp } from '../../lib/perl-values.js'
import { overLimit } from '../shared/failure.js'
import { booleanOf } from '../shared/json-boolean.js'
import type { SerializerOptions } from '../shared/options.js'
import { type Form, formOf, noteSlot, originOf } from '../shared/origin.js'
import { ShownTexts } from '../shared/shown-texts.js'
import { hasNonAscii } from '../shared/text.js'
import * as codes from './codes.js'
import { type Cursor, serializerName } from './cursor.js'
import { type Frame, HashFrame, ListFrame, ObjectFrame, opened, ScalarFrame } from './frames.js'

/** A value, and the form to note where it is put. */
export interface Entry {
  readonly value: unknown
  readonly form: Form | undefined
}

/** A place where a repeated thing belongs that had not been read yet. */
export interface Gap {
  readonly container: Hash
  readonly key: string
  readonly entry: number
}

/** Reads the values of one record. */
export class ValueReader {
  readonly texts: ShownTexts
  /** What is to be noted of the value that was read last: its form, or its number in the table of repeated things. */
  mark: Form | number | undefined = undefined
  /** The repeated things, when all of them have been read. */
  entries: readonly Entry[] | undefined = undefined
  readonly gaps: Gap[] = []
  private readonly cursor: Cursor
  private readonly isAscii: boolean
  private readonly options: SerializerOptions
  private readonly classes = new Map<number, string>()
  private frame: Frame | undefined = undefined
  private values = 0

  constructor(cursor: Cursor, isAscii: boolean, options: SerializerOptions) {
    this.cursor = cursor
    this.isAscii = isAscii
    this.options = options
    this.texts = new ShownTexts(options.encoding)
  }

  /** The value at the position, whose depth is one more than that of what is around it. */
  read(depthAround: number): Entry {
    const bottom = new ScalarFrame(depthAround, undefined)
    this.frame = bottom
    let value = this.start()
    if (value === opened) {
      while (this.frame !== bottom) this.frame.fill(this)
      value = bottom.scalar.value
    } else {
      bottom.put(this, value)
    }
    return { value, form: formOf(originOf(bottom.scalar), 'value', value) }
  }

  /** A scalar, an empty container, or `opened`. */
  start(): unknown {
    const { cursor } = this
    const code = cursor.peek()
    cursor.pos++
    switch (code) {
      case codes.text:
        return this.string()
      case codes.undef:
        return null
      case codes.list:
        return this.list()
      case codes.hash:
        return this.hash()
      case codes.repeated:
        return this.again()
      case codes.object:
        return this.object()
      case codes.reference:
        return this.reference()
      case codes.pattern:
        return this.pattern()
      default:
        cursor.pos--
        throw cursor.fail(complaint(code))
    }
  }

  /** A container is complete: put it where it belongs. */
  close(value: unknown): void {
    const outer = this.frame!.outer!
    this.frame = outer
    outer.put(this, value)
  }

  /** Take the mark for a value that has been put into a container. */
  note(container: object, key: string | number, value: unknown): void {
    if (typeof this.mark === 'number')
      this.gaps.push({ container: container as Hash, key: key as string, entry: this.mark })
    else noteSlot(container, key, value, this.mark!)
    this.mark = undefined
  }

  /** The name of a class, spelled out or by its number. */
  className(): string {
    const { cursor } = this
    const start = cursor.pos
    const code = cursor.peek()
    cursor.pos++
    if (code !== codes.object && code !== codes.knownClass) throw cursor.fail('expected a class', start)
    const number = cursor.number()
    if (code === codes.object) this.classes.set(number, this.spelledClass())
    const name = this.classes.get(number)
    if (name === undefined) throw cursor.fail('the number of a class that has not been met', start)
    return name
  }

  /** An object of a class; JSON's true and false are shown as such. */
  bless(className: string, value: unknown): unknown {
    const object = new PerlObject(className, value)
    const boolean = booleanOf(object)
    if (boolean === undefined) return object
    this.mark = 'json-boolean'
    return boolean
  }

  /**
   * Count values that are announced: they must be able to follow, and not be too many. Keys and hashes count, too, and
   * whatever else a hostile record could use to take more memory than its size excuses.
   */
  claim(count: number, bytes = count): void {
    if (bytes > this.cursor.left) throw this.cursor.fail('a count that is larger than what follows')
    this.charge(count)
  }

  private charge(count: number): void {
    this.values += count
    const { maxValues } = this.options
    if (this.values > maxValues) throw overLimit(serializerName, 'values', maxValues, 'maxValues')
  }

  private spelledClass(): string {
    const { cursor } = this
    if (cursor.peek() !== codes.text) throw cursor.fail('expected the name of a class')
    cursor.pos++
    const name = cursor.string()
    if (name === '') throw cursor.fail('a class without a name')
    return name
  }

  private string(): string | Buffer {
    const perl = this.cursor.string()
    if (this.isAscii) return perl
    const { texts } = this
    const shown = texts.show(perl, this.cursor.isChars)
    if (shown === perl && texts.form === undefined) return shown
    this.charge(typeof shown === 'string' ? 1 : 3)
    if (texts.form === undefined) return shown
    // A writer takes the form of a text from the texts of the record, and else UTF-8; a note of that is no news.
    if (texts.form !== 'utf8' || texts.forms.get(shown as string) !== 'utf8') this.mark = texts.form
    return shown
  }

  /** Open a container; what is empty is complete at once. */
  private open(frame: Frame): unknown {
    this.frame = frame
    return opened
  }

  private deeper(levels: number): number {
    const depth = this.frame!.depth + levels
    const { maxDepth } = this.options
    if (depth > maxDepth) throw overLimit(serializerName, 'levels of nesting', maxDepth, 'maxDepth')
    return depth
  }

  private reference(): unknown {
    this.claim(1)
    return this.open(new ScalarFrame(this.deeper(1), this.frame))
  }

  private list(): unknown {
    const count = this.cursor.number()
    this.claim(count)
    const depth = this.deeper(1)
    return count === 0 ? [] : this.open(new ListFrame(count, depth, this.frame))
  }

  private hash(): unknown {
    const count = this.cursor.number()
    const pairs = Math.floor(count / 2)
    this.claim(count + 1, count)
    const depth = this.deeper(1)
    const hash: Hash = {}
    if (count === 0) return hash
    if (count === 1) throw this.cursor.fail('a hash of a key without a value')
    return this.open(new HashFrame(hash, this.keys(hash, pairs), count - pairs, depth, this.frame))
  }

  private keys(hash: Hash, count: number): readonly string[] {
    const { cursor } = this
    const keys: string[] = []
    for (let left = count; left > 0; left--) {
      if (cursor.peek() !== codes.text) throw cursor.fail('expected a key')
      cursor.pos++
      keys.push(cursor.string())
    }
    if (this.isAscii) return keys
    this.charge(3 * keys.filter(hasNonAscii).length)
    return this.texts.showKeys(hash, keys, cursor.isChars)
  }

  /** A repeated thing; Perl reads undef where there is none of this number. */
  private again(): unknown {
    const number = this.cursor.number()
    if (this.entries === undefined) {
      this.charge(1)
      this.mark = number
      return null
    }
    const entry = this.entries[number]
    this.mark = entry?.form
    return entry === undefined ? null : entry.value
  }

  private object(): unknown {
    const className = this.className()
    if (!isReferent(this.cursor.peek())) throw this.cursor.fail('expected a reference that is an object')
    const frame = new ObjectFrame(className, this.deeper(0), this.frame)
    this.claim(1)
    return this.open(frame)
  }

  private pattern(): PerlRegExp {
    const { cursor } = this
    const start = cursor.pos - 1
    const perl = cursor.string()
    if (/\(\?\??\{/.test(perl)) throw cursor.fail('a pattern with code', start)
    // In Perl a pattern made of characters has the flag.
    const pattern = new PerlRegExp(this.texts.showText(perl, cursor.isChars), cursor.isChars ? 'u' : '')
    if (this.texts.form !== undefined) noteSlot(pattern, 'source', pattern.source, this.texts.form)
    return pattern
  }
}

/** Can what begins with this code be blessed? */
export function isReferent(code: number): boolean {
  return code === codes.list || code === codes.hash || code === codes.reference || code === codes.pattern
}

/** Why what begins with this code is no value. */
function complaint(code: number): string {
  if (Number.isNaN(code)) return 'the record ends where a value should be'
  if (code === codes.code || code === codes.glob) return 'code and typeglobs are never read; expected a value'
  if (code === codes.lock) return 'what safeFreeze() wrote is bound to its process; expected a value'
  return 'expected a value'
}
