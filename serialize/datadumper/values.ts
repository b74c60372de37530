/**
 * Reads a value: containers, references and objects around scalars.
 *
 * One loop over a linked list of open containers instead of recursion: the depth of a record is limited by an option,
 * never by the stack.
 */

import { type Hash, setElement } from '../../lib/hash.js'
import { ElementRef, PerlGlob, PerlObject, PerlRegExp, ScalarRef } from '../../lib/perl-values.js'
import { overLimit } from '../shared/failure.js'
import { booleanOf } from '../shared/json-boolean.js'
import { noteSlot } from '../shared/origin.js'
import { hasNonAscii } from '../shared/text.js'
import { WideKeys } from '../shared/wide-keys.js'
import * as codes from './codes.js'
import { type Cursor, serializerName } from './cursor.js'
import { readReference, readVariable, type Variable } from './paths.js'
import { readNumber, readPattern } from './scalars.js'
import { joinPieces, type PerlString, readSingle, readString } from './strings.js'

/** The limits of SerializerOptions that concern values. */
export interface Limits {
  readonly maxDepth: number
  readonly maxValues: number
}

/** What is open around a value: a hash, an array, `\`, `bless(`, or `do{\(my $o =`. */
type Kind = 'hash' | 'array' | 'reference' | 'bless' | 'scalar'

/** Something open, and what is open around it. */
class Frame {
  /** Where the next value goes in a hash. */
  key = ''
  wideKeys: WideKeys | undefined = undefined
  readonly kind: Kind
  readonly target: Hash | unknown[] | ScalarRef | PerlObject
  readonly depth: number
  readonly outer: Frame | undefined

  constructor(kind: Kind, target: Frame['target'], depth: number, outer: Frame | undefined) {
    this.kind = kind
    this.target = target
    this.depth = depth
    this.outer = outer
  }
}

/** Stands for "no value yet, one has been opened". */
const opened = Symbol('opened')

const scalarObject = /do\s*\{\s*\\\s*\(\s*my\s*\$\w+\s*=/y
const placeholder = /do\s*\{\s*my\s*\$\w+\s*;?\s*\}/y
const undef = /undef\b/y
const truth = /!!([01])(?![\w.])/y
const bless = /bless\s*\(/y
const glob = /\*(?:::)?[A-Za-z_]\w{0,250}(?:::\w{1,250}){0,2}/y
const bareKey = /(?:0|-?[1-9]\d{0,8}|[A-Za-z_]\w*)(?=\s*=>)|(?:0|[1-9]\d{0,8})(?=\s*,)/y
const separator = /\s*(?:=>|,)/y

/** Reads the values of one record. */
export class ValueReader {
  private readonly cursor: Cursor
  private readonly limits: Limits
  private readonly variable: Variable
  private frame: Frame | undefined = undefined
  private values = 0

  constructor(cursor: Cursor, limits: Limits, variable: Variable) {
    this.cursor = cursor
    this.limits = limits
    this.variable = variable
  }

  /** The value at the position. Its form is in `cursor.form`, for whoever stores it. */
  read(): unknown {
    let value = this.start()
    for (;;) {
      if (value === opened) value = this.start()
      else if (this.frame === undefined) return value
      else value = this.place(this.frame, value)
    }
  }

  /** A scalar, an empty container, or `opened`. */
  private start(): unknown {
    const { cursor } = this
    switch (cursor.skip()) {
      case codes.quote:
        return this.single()
      case codes.openBrace:
        return this.nextKey(this.open('hash', {}))
      case codes.doubleQuote:
        return this.quoted()
      case codes.openSquare:
        return this.nextItem(this.open('array', []))
      case codes.backslash:
        return this.reference()
      case codes.dollar:
        return readVariable(cursor, this.variable, this.limits.maxDepth)
      default:
        return readNumber(cursor) ?? this.quoted() ?? this.word()
    }
  }

  private single(): unknown {
    const { cursor } = this
    const text = readSingle(cursor)
    const next = cursor.text.charCodeAt(cursor.pos)
    const isWhole = next === codes.comma || next === codes.closeBrace || next === codes.closeSquare
    if (isWhole) return cursor.ascii ? text : cursor.show(text, false)
    const joined = joinPieces(cursor, { text, isChars: false })
    return cursor.show(joined.text, joined.isChars)
  }

  private quoted(): unknown {
    const string = readString(this.cursor)
    return string && this.cursor.show(string.text, string.isChars)
  }

  /** What begins with a letter or a `!`. */
  private word(): unknown {
    const { cursor } = this
    if (cursor.match(undef) !== undefined || cursor.match(placeholder) !== undefined) return null
    const boolean = cursor.match(truth)?.[1]
    if (boolean !== undefined) return boolean === '1'
    if (cursor.match(bless) !== undefined)
      return this.push(new Frame('bless', new PerlObject('', null), this.depth, this.frame))
    if (cursor.match(scalarObject) !== undefined) return this.push(this.deeper('scalar', new ScalarRef(null)))
    const name = cursor.match(glob)?.[0]
    if (name !== undefined) return new PerlGlob(name)
    const pattern = readPattern(cursor)
    if (pattern !== undefined) return pattern
    throw cursor.fail(complaint(cursor))
  }

  private reference(): unknown {
    const { cursor } = this
    cursor.pos++
    if (cursor.skip() === codes.dollar) return readReference(cursor, this.variable, this.limits.maxDepth)
    return this.push(this.deeper('reference', new ScalarRef(null)))
  }

  private get depth(): number {
    return this.frame === undefined ? 0 : this.frame.depth
  }

  private deeper(kind: Kind, target: Frame['target']): Frame {
    const depth = this.depth + 1
    const { maxDepth } = this.limits
    if (depth > maxDepth) throw overLimit(serializerName, 'levels of nesting', maxDepth, 'maxDepth')
    return new Frame(kind, target, depth, this.frame)
  }

  private push(frame: Frame): unknown {
    this.frame = frame
    return opened
  }

  /** Go over an opening bracket. */
  private open(kind: Kind, target: Hash | unknown[]): Frame {
    this.cursor.pos++
    const frame = this.deeper(kind, target)
    this.frame = frame
    return frame
  }

  /** Go over a closing bracket; the container is complete. */
  private close(frame: Frame): unknown {
    this.cursor.pos++
    this.frame = frame.outer
    return frame.target
  }

  /** Put a complete value into the innermost open container; the container when that is now complete, or `opened`. */
  private place(frame: Frame, value: unknown): unknown {
    switch (frame.kind) {
      case 'hash':
        setElement(frame.target as Hash, frame.key, value)
        this.stored(frame.target, frame.key, value)
        return this.behindPair(frame)
      case 'array': {
        const length = (frame.target as unknown[]).push(value)
        this.stored(frame.target, length - 1, value)
        return this.behindItem(frame)
      }
      case 'bless':
        return this.blessed(frame, value)
      default:
        ;(frame.target as ScalarRef).value = value
        this.stored(frame.target, 'value', value)
        return this.behindScalar(frame)
    }
  }

  private stored(container: object, key: string | number, value: unknown): void {
    const { cursor } = this
    if (cursor.form !== undefined) {
      noteSlot(container, key, value, cursor.form)
      cursor.form = undefined
    }
    if (++this.values > this.limits.maxValues) {
      throw overLimit(serializerName, 'values', this.limits.maxValues, 'maxValues')
    }
  }

  private behindPair(frame: Frame): unknown {
    const code = this.cursor.skip()
    if (code === codes.closeBrace) return this.close(frame)
    if (code !== codes.comma) throw this.cursor.fail('expected a comma or a closing brace')
    this.cursor.pos++
    return this.nextKey(frame)
  }

  private behindItem(frame: Frame): unknown {
    const code = this.cursor.skip()
    if (code === codes.closeSquare) return this.close(frame)
    if (code !== codes.comma) throw this.cursor.fail('expected a comma or a closing bracket')
    this.cursor.pos++
    return this.nextItem(frame)
  }

  private behindScalar(frame: Frame): unknown {
    if (frame.kind === 'scalar') {
      this.cursor.expect(codes.closeRound, 'expected a closing parenthesis')
      this.cursor.expect(codes.closeBrace, 'expected a closing brace')
    }
    this.frame = frame.outer
    return frame.target
  }

  private nextItem(frame: Frame): unknown {
    return this.cursor.skip() === codes.closeSquare ? this.close(frame) : opened
  }

  private nextKey(frame: Frame): unknown {
    const { cursor } = this
    const code = cursor.skip()
    if (code === codes.closeBrace) return this.close(frame)
    if (code === codes.quote) {
      const text = readSingle(cursor)
      frame.key = cursor.ascii ? text : this.shownKey(frame, { text, isChars: false })
    } else {
      frame.key = this.otherKey(frame)
    }
    this.skipArrow()
    return opened
  }

  /** A bare key, or one in double quotes. */
  private otherKey(frame: Frame): string {
    const bare = this.cursor.match(bareKey)?.[0]
    if (bare !== undefined) return bare
    const string = readString(this.cursor)
    if (string === undefined) throw this.cursor.fail('expected a key')
    return this.shownKey(frame, string)
  }

  private shownKey(frame: Frame, string: PerlString): string {
    if (!hasNonAscii(string.text)) return string.text
    frame.wideKeys ??= new WideKeys(frame.target as Hash)
    return frame.wideKeys.show(this.cursor, string)
  }

  /** Go over the arrow behind a key, or the comma that may stand for it. */
  private skipArrow(): void {
    const { cursor } = this
    if (cursor.text.startsWith(' => ', cursor.pos)) cursor.pos += 4
    else if (cursor.match(separator) === undefined) throw cursor.fail('expected => behind the key')
  }

  /** The rest of `bless( VALUE, 'Class' )`. */
  private blessed(frame: Frame, value: unknown): unknown {
    const { cursor } = this
    if (!isBlessable(value)) throw cursor.fail('bless() of something that is not a reference')
    cursor.expect(codes.comma, 'expected a comma and a class')
    cursor.skip()
    const className = readString(cursor)?.text
    if (className === undefined) throw cursor.fail('expected the name of a class')
    cursor.expect(codes.closeRound, 'expected a closing parenthesis')
    this.frame = frame.outer
    const object = frame.target as PerlObject
    object.className = className === '' ? 'main' : className
    object.value = value
    const boolean = booleanOf(object)
    if (boolean === undefined) return object
    cursor.form = 'json-boolean'
    return boolean
  }
}

function isBlessable(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || value instanceof PerlObject) return false
  if (value instanceof ScalarRef || value instanceof ElementRef || value instanceof PerlRegExp) return true
  return Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype
}

const code = /sub\s*\{|\*\{|`/y

/** Why what stands here is no value. */
function complaint(cursor: Cursor): string {
  if (cursor.peek() === codes.end) return 'the record ends where a value should be'
  if (cursor.match(code) === undefined) return 'expected a value'
  return 'code is never read; expected a value'
}
