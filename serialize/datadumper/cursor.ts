/** Where a reader stands in a record, and what it remembers of the texts it has met. */

import type { SerializeError } from '../../lib/errors.js'
import { cannotThaw } from '../shared/failure.js'
import type { Form, TextForm } from '../shared/origin.js'
import { decodeBytes, type Encoding, hasNonAscii } from '../shared/text.js'
import * as codes from './codes.js'

/** The name in error messages. */
export const serializerName = 'DataDumper'

/** A record as a binary string (one character a byte), and a position in it. */
export class Cursor {
  readonly text: string
  readonly encoding: Encoding
  /** No byte of the record is above 0x7f. */
  readonly ascii: boolean
  pos = 0
  /** The form of the scalar that was read last, if it needs a note; whoever stores the scalar takes it. */
  form: Form | undefined = undefined
  /** The forms of all texts so far, the first form of each. */
  readonly texts = new Map<string, TextForm>()
  private nextBackslash = -1

  constructor(text: string, ascii: boolean, encoding: Encoding) {
    this.text = text
    this.ascii = ascii
    this.encoding = encoding
  }

  /** The error for what stands at a position. */
  fail(reason: string, at = this.pos): SerializeError {
    const line = this.text.slice(0, at).split('\n')
    const place = `line ${line.length}, column ${line.at(-1)!.length + 1}`
    return cannotThaw(serializerName, at, `${reason} (${place})`)
  }

  /** The code at the position, or -1 at the end. */
  peek(): number {
    return this.pos < this.text.length ? this.text.charCodeAt(this.pos) : codes.end
  }

  /** Go over blanks, line ends and comments; the code of what follows. */
  skip(): number {
    const { text } = this
    let code = this.peek()
    while (code === codes.hash || isBlank(code)) {
      if (code === codes.hash) {
        const end = text.indexOf('\n', this.pos)
        this.pos = end < 0 ? text.length : end
      } else {
        this.pos++
      }
      code = this.peek()
    }
    return code
  }

  /** Go over blanks and one character that must be there. */
  expect(code: number, reason: string): void {
    if (this.skip() !== code) throw this.fail(reason)
    this.pos++
  }

  /** Go over what a sticky pattern matches here; undefined, and no move, when it does not. */
  match(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.pos
    const match = pattern.exec(this.text)
    if (match === null) return undefined
    this.pos = pattern.lastIndex
    return match
  }

  /** Is there a backslash between two positions? `start` never goes back. */
  hasBackslash(start: number, end: number): boolean {
    if (this.nextBackslash < start) {
      const found = this.text.indexOf('\\', start)
      this.nextBackslash = found < 0 ? this.text.length : found
    }
    return this.nextBackslash < end
  }

  /** What is shown of a Perl string; `form` is set where that needs a note. */
  show(perl: string, isChars: boolean): string | Buffer {
    if (!hasNonAscii(perl)) return perl
    if (isChars) return this.remember(perl, 'chars')
    if (this.encoding === 'bytes') return Buffer.from(perl, 'latin1')
    const { text, form } = decodeBytes(perl, this.encoding)
    return this.remember(text, form)
  }

  private remember(text: string, form: TextForm): string {
    this.noteText(text, form)
    this.form = form
    return text
  }

  /** Remember the form of a text, unless it has been met in another. */
  noteText(text: string, form: TextForm): void {
    if (!this.texts.has(text)) this.texts.set(text, form)
  }
}

function isBlank(code: number): boolean {
  return code === codes.blank || (code >= 9 && code <= 13)
}
