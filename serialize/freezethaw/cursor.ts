/** Where a reader stands in a record: the numbers and strings that all else is made of. */

import type { SerializeError } from '../../lib/errors.js'
import { cannotThaw } from '../shared/failure.js'
import * as codes from './codes.js'

/** The name in error messages. */
export const serializerName = 'FreezeThaw'

/** Numbers with more digits than this cannot be the length of anything. */
const longestNumber = 15

/** A record as text, in one of its two readings, and a position in it. */
export class Cursor {
  readonly text: string
  /** The characters are those of the record decoded as UTF-8; otherwise each stands for a byte. */
  readonly isChars: boolean
  pos = 0
  /** Perl counts one character where JavaScript has two units. */
  private readonly hasPairs: boolean

  constructor(text: string, isChars: boolean) {
    this.text = text
    this.isChars = isChars
    this.hasPairs = isChars && /[\ud800-\udfff]/.test(text)
  }

  /** The error for what stands at a position. */
  fail(reason: string, at = this.pos): SerializeError {
    return cannotThaw(serializerName, at, reason)
  }

  /** The code at the position; NaN at the end. */
  peek(): number {
    return this.text.charCodeAt(this.pos)
  }

  /** How many characters are left, at most. */
  get left(): number {
    return this.text.length - this.pos
  }

  /** Go over a number and the bar behind it. */
  number(): number {
    const { text } = this
    const start = this.pos
    let pos = start
    let value = 0
    let digit = text.charCodeAt(pos) - 0x30
    while (digit >= 0 && digit <= 9) {
      value = value * 10 + digit
      digit = text.charCodeAt(++pos) - 0x30
    }
    if (pos === start || pos - start > longestNumber || text.charCodeAt(pos) !== codes.bar) {
      throw this.fail('expected a number and a bar')
    }
    this.pos = pos + 1
    return value
  }

  /** Go over a length and as many characters. */
  string(): string {
    const start = this.pos
    const length = this.number()
    const end = this.hasPairs ? this.endOf(length) : this.pos + length
    if (end > this.text.length) throw this.fail('the record ends within a string', start)
    const string = this.text.slice(this.pos, end)
    this.pos = end
    return string
  }

  private endOf(length: number): number {
    let end = this.pos
    for (let left = length; left > 0 && end <= this.text.length; left--) {
      end += (this.text.charCodeAt(end) & 0xfc00) === 0xd800 ? 2 : 1
    }
    return end
  }
}
