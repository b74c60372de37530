/** Reads what consists of bytes: strings, names of classes, patterns and version strings. */

import { PerlRegExp, PerlVString } from '../../lib/perl-values.js'
import { decodeLoosely } from '../shared/loose-utf8.js'
import { type Form, noteSlot, type TextForm } from '../shared/origin.js'
import { decodeBytes, type Encoding, hasNonAscii } from '../shared/text.js'
import { Input } from './input.js'
import * as codes from './opcodes.js'

export class StringReader extends Input {
  readonly encoding: Encoding
  /** The form of the value that was read last, if it needs a note; whoever stores the value takes it. */
  form: Form | undefined = undefined
  /** The forms of all texts so far, the first form of each. */
  readonly texts = new Map<string, TextForm>()
  private readonly classes: string[] = []

  constructor(bytes: Buffer, encoding: Encoding) {
    super(bytes)
    this.encoding = encoding
  }

  /** Remember the form of a text, unless it has been met in another. */
  noteText(text: string, form: TextForm): void {
    if (!this.texts.has(text)) this.texts.set(text, form)
  }

  /** A byte string. */
  protected string(length: number): string | Buffer {
    const start = this.take(length)
    if (this.isAscii(start, this.pos)) return this.binary.slice(start, this.pos)
    if (this.encoding === 'bytes') return Buffer.from(this.bytes.subarray(start, this.pos))
    const { text, form } = decodeBytes(this.binary.slice(start, this.pos), this.encoding)
    return this.remember(text, form)
  }

  /** A character string. */
  protected chars(length: number): string {
    const start = this.take(length)
    if (this.isAscii(start, this.pos)) return this.binary.slice(start, this.pos)
    return this.remember(this.decode(start, this.pos), 'chars')
  }

  /** The text of UTF-8 as Perl writes it. */
  protected decode(start: number, end: number): string {
    const text = decodeLoosely(this.bytes.subarray(start, end))
    if (text === undefined) throw this.fail('characters that are not UTF-8, or not in Unicode', start)
    return text
  }

  private remember(text: string, form: TextForm): string {
    this.noteText(text, form)
    this.form = form
    return text
  }

  /** The name of a class that is spelled out, and gets the next number. Perl knows classes by the bytes of the name. */
  protected newClass(length: number): string {
    const start = this.take(length)
    const name = this.binary.slice(start, this.pos)
    if (name === '') throw this.fail('a class without a name', start)
    this.classes.push(name)
    return name
  }

  /** The name of a class by its number. */
  protected knownClass(number: number): string {
    const name = this.classes[number]
    if (name === undefined) throw this.fail('the number of a class that has not been met')
    return name
  }

  /** SX_REGEXP; the position is behind the opcode. */
  protected pattern(): PerlRegExp {
    const length = this.shortLength((this.byte() & codes.longPattern) !== 0)
    const start = this.take(length)
    const perl = this.binary.slice(start, this.pos)
    const flagLength = this.byte()
    const flagStart = this.take(flagLength)
    const flags = this.binary.slice(flagStart, this.pos)
    if (!/^[a-z]*$/.test(flags)) throw this.fail('a pattern with unknown flags', flagStart)
    if (!hasNonAscii(perl)) return new PerlRegExp(perl, flags)
    const { text, form } = decodeBytes(perl, this.encoding === 'utf8' ? 'utf8' : 'latin1')
    const pattern = new PerlRegExp(text, flags)
    noteSlot(pattern, 'source', text, form)
    return pattern
  }

  /** The source of a version string; the position is behind the opcode. */
  protected versionString(isLong: boolean): PerlVString {
    const length = this.shortLength(isLong)
    const start = this.take(length)
    const source = this.binary.slice(start, this.pos)
    if (!PerlVString.isSource(source)) throw this.fail('a version string that is none', start)
    return new PerlVString(source)
  }
}
