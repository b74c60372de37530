/** Perl's strings in a record: what is written there, what Perl makes of it, and what is shown. */

import { Buffer, isAscii } from 'node:buffer'
import { noteSlot, type TextForm } from '../shared/origin.js'
import { decodeBytes, decodeUtf8, type Encoding, hasNonAscii } from '../shared/text.js'
import { unquote } from './quotes.js'

/** UTF-8 bytes, one character each. */
function toBytes(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1')
}

/** A string of Perl: its characters, and whether they are more than the bytes of a file. */
interface PerlString {
  readonly text: string
  readonly isChars: boolean
}

/**
 * The strings of one record. Perl's File driver decodes nothing, so to Perl a string has one character for each byte:
 * it is shown as the text that these bytes encode. Bytes that are no UTF-8 are Latin-1.
 */
export class Strings {
  readonly encoding: Encoding
  /** The record; decoded, where all of it is UTF-8, so that no byte of a character is taken for white space. */
  readonly text: string
  /** The form of each text that needs one, by the text. */
  readonly forms = new Map<string, TextForm>()
  private readonly isDecoded: boolean
  private form: TextForm | undefined = undefined

  constructor(record: Buffer, encoding: Encoding) {
    this.encoding = encoding
    const decoded = encoding === 'utf8' && !isAscii(record) ? decodeUtf8(record) : undefined
    this.isDecoded = decoded !== undefined
    this.text = decoded ?? record.toString('latin1')
  }

  /** How many bytes of the record are in front of a position in the text. */
  offsetOf(position: number): number {
    return this.isDecoded ? Buffer.byteLength(this.text.slice(0, position)) : position
  }

  /** The string that Perl gets from what is written between quotes, or without. */
  read(raw: string, quote: string | undefined): PerlString {
    const bytes = this.isDecoded && hasNonAscii(raw) ? toBytes(raw) : raw
    const text = unquote(bytes, quote)
    // \x80 to \x9f among the UTF-8 of a text that Perl wrote with characters: it meant characters.
    const isChars = bytes !== raw && text !== bytes && decodeUtf8(Buffer.from(text, 'latin1')) === undefined
    return isChars ? { text: unquote(raw, quote), isChars } : { text, isChars }
  }

  /** What is shown of a string; whoever stores it calls `note`. */
  show({ text: perl, isChars }: PerlString): string | Buffer {
    this.form = undefined
    if (!hasNonAscii(perl)) return perl
    if (this.encoding === 'bytes' && !isChars) return Buffer.from(perl, 'latin1')
    const { text, form } = isChars
      ? ({ text: perl, form: 'chars' } as const)
      : decodeBytes(perl, this.encoding as 'utf8')
    this.form = form
    this.noteText(text, form)
    return text
  }

  /** Note the form of the value that has been shown, if it needs one, where it is stored now. */
  note(container: object, key: string | number, shown: unknown): void {
    if (this.form !== undefined) noteSlot(container, key, shown, this.form)
    this.form = undefined
  }

  /** Remember the form of a text, unless it has been met in another. */
  noteText(text: string, form: TextForm): void {
    if (!this.forms.has(text)) this.forms.set(text, form)
  }
}
