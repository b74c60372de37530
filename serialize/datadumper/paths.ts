/** Paths such as `$D->{'cart'}[0]` and `${$D->{'x'}}->{'y'}`: how fix-up statements name a place in the data. */

import type { Hash } from '../../lib/hash.js'
import { ElementRef, PerlObject, ScalarRef } from '../../lib/perl-values.js'
import { overLimit } from '../shared/failure.js'
import { formOf, originOf } from '../shared/origin.js'
import { hasNonAscii } from '../shared/text.js'
import { findKey } from '../shared/wide-keys.js'
import * as codes from './codes.js'
import { type Cursor, serializerName } from './cursor.js'
import { readString } from './strings.js'

/** The variable of the record. */
export interface Variable {
  /** `D`, `VAR1`…; undefined where the record is a value without one. */
  name: string | undefined
  /** What holds its value; undefined before the first statement is complete. */
  holder: ScalarRef | undefined
}

/** A Perl scalar: an element, or the target of a reference. */
export class Place {
  readonly container: Hash | unknown[] | ScalarRef
  readonly key: string | number
  /** The reference through which the path came here, if it came through one. */
  readonly reference: unknown

  constructor(container: Place['container'], key: string | number, reference?: unknown) {
    this.container = container
    this.key = key
    this.reference = reference
  }

  /** What the scalar holds; undefined when there is no such element. */
  get value(): unknown {
    return Object.hasOwn(this.container, this.key) ? (this.container as Hash)[this.key] : undefined
  }
}

/** The value at a path. A variable that has no value yet is undef, as in Perl. */
export function readVariable(cursor: Cursor, variable: Variable, maxDepth: number): unknown {
  const start = cursor.pos
  const place = readPath(cursor, variable, maxDepth)
  if (place === undefined) return null
  const { value } = place
  if (value === undefined) throw cursor.fail('a path that leads to nothing', start)
  cursor.form = formOf(originOf(place.container), place.key, value)
  return value
}

/** A reference to the scalar at a path; the position is behind the backslash. */
export function readReference(cursor: Cursor, variable: Variable, maxDepth: number): unknown {
  const start = cursor.pos
  const place = readPath(cursor, variable, maxDepth)
  if (place === undefined) return new ScalarRef(null)
  if (place.reference !== undefined) return place.reference
  if (place.container instanceof ScalarRef) return place.container
  if (place.value === undefined) throw cursor.fail('a reference to nothing', start)
  return new ElementRef(place.container, place.key)
}

const variableName = /[A-Za-z_]\w*/y

/** The place that a path names; undefined while the variable has no value. The position is at a dollar sign. */
export function readPath(cursor: Cursor, variable: Variable, maxDepth: number): Place | undefined {
  const openers = readOpeners(cursor, maxDepth)
  const start = cursor.pos
  if (cursor.match(variableName)?.[0] !== variable.name || variable.name === undefined) {
    throw cursor.fail('a variable that is not the one of the record', start)
  }
  const { holder } = variable
  let place = holder === undefined ? undefined : new Place(holder, 'value')
  if (openers.at(-1) !== codes.dollar) place = readSubscripts(cursor, place, true)
  for (let opener = openers.pop(); opener !== undefined; opener = openers.pop()) {
    if (opener !== codes.dollar) cursor.expect(codes.closeBrace, 'expected a closing brace')
    if (opener !== codes.backslash) place = readTarget(cursor, place, openers.at(-1) === codes.dollar)
    if (openers.at(-1) !== codes.dollar) place = readSubscripts(cursor, place, true)
  }
  return place
}

/** What stands in front of the name: `$` for `$$D`, `{` for `${$D}`, `\` for `${\$D}`; outermost first. */
function readOpeners(cursor: Cursor, maxDepth: number): number[] {
  const openers: number[] = []
  for (;;) {
    cursor.expect(codes.dollar, 'expected a variable')
    const code = cursor.peek()
    if (code === codes.dollar) {
      openers.push(code)
    } else if (code === codes.openBrace) {
      cursor.pos++
      const inner = cursor.skip()
      if (inner === codes.backslash) cursor.pos++
      openers.push(inner === codes.backslash ? inner : code)
    } else {
      return openers
    }
    if (openers.length > maxDepth) throw overLimit(serializerName, 'levels of nesting', maxDepth, 'maxDepth')
  }
}

/** What the reference at a place refers to: `${PATH}`; or, with a subscript behind it, `${PATH}{key}`. */
function readTarget(cursor: Cursor, place: Place | undefined, isInner: boolean): Place | undefined {
  const code = cursor.peek()
  if (!isInner && (code === codes.openBrace || code === codes.openSquare)) {
    return readSubscripts(cursor, readElement(cursor, place), false)
  }
  if (place === undefined) return undefined
  const { value } = place
  const target = value instanceof PerlObject ? value.value : value
  if (target instanceof ScalarRef) return new Place(target, 'value', value)
  if (target instanceof ElementRef) return new Place(target.container as Hash, target.key, value)
  throw cursor.fail('a path through something that is not a reference to a scalar')
}

/** `->{key}`, `[1]`… as far as they go. An arrow stands in front of the first, and may stand in front of the others. */
function readSubscripts(cursor: Cursor, from: Place | undefined, needsArrow: boolean): Place | undefined {
  let place = from
  for (let first = needsArrow; ; first = false) {
    const hasArrow = skipArrow(cursor)
    const code = cursor.skip()
    const isSubscript = (hasArrow || !first) && (code === codes.openBrace || code === codes.openSquare)
    if (hasArrow && !isSubscript) throw cursor.fail('expected a subscript behind the arrow')
    if (!isSubscript) return place
    place = readElement(cursor, place)
  }
}

function skipArrow(cursor: Cursor): boolean {
  if (cursor.skip() !== codes.minus || cursor.text.charCodeAt(cursor.pos + 1) !== codes.greater) return false
  cursor.pos += 2
  return true
}

const index = /\[\s*(\d{1,15})\s*\]/y
const bareSubscript = /\{\s*(0|[1-9]\d{0,14}|[A-Za-z_]\w*)\s*\}/y

/** As in `{${\"key"}}`. */
const interpolation = /\$\{\\(?=")/y

/** One subscript: `{'key'}` or `[index]`, of what is at a place. */
function readElement(cursor: Cursor, place: Place | undefined): Place | undefined {
  const start = cursor.pos
  if (cursor.peek() === codes.openSquare) {
    const match = cursor.match(index)
    if (match === undefined) throw cursor.fail('an index that is not a number')
    return place && arrayElement(cursor, place, Number(match[1]), start)
  }
  const key = readKey(cursor)
  return place && hashElement(cursor, place, key, start)
}

function readKey(cursor: Cursor): string {
  const bare = cursor.match(bareSubscript)?.[1]
  if (bare !== undefined) return bare
  cursor.pos++
  cursor.skip()
  const isInterpolated = cursor.match(interpolation) !== undefined
  const key = readString(cursor)?.text
  if (key === undefined) throw cursor.fail('a key that is not a string')
  if (isInterpolated) cursor.expect(codes.closeBrace, 'expected a closing brace behind the string')
  cursor.expect(codes.closeBrace, 'expected a closing brace behind the key')
  return key
}

function arrayElement(cursor: Cursor, place: Place, at: number, start: number): Place {
  const array = unblessed(place.value)
  if (!Array.isArray(array)) throw cursor.fail('an index into something that is not an array', start)
  if (at >= array.length) throw cursor.fail('an index behind the end of an array', start)
  return new Place(array, at)
}

function hashElement(cursor: Cursor, place: Place, perl: string, start: number): Place {
  const hash = unblessed(place.value)
  if (!isHash(hash)) throw cursor.fail('a key of something that is not a hash', start)
  const key = findKey(hash, perl)
  if (key === undefined && hasNonAscii(perl)) throw cursor.fail('a key that is not in the hash', start)
  return new Place(hash, key ?? perl)
}

function unblessed(value: unknown): unknown {
  return value instanceof PerlObject ? value.value : value
}

function isHash(value: unknown): value is Hash {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
}
