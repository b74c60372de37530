/** Writes what consists of bytes: texts, keys, names of classes, patterns. */

import type { PerlRegExp } from '../../lib/perl-values.js'
import { cannotFreeze } from '../shared/failure.js'
import { encodeLoosely } from '../shared/loose-utf8.js'
import type { SerializerOptions } from '../shared/options.js'
import { type Form, formOf, originOf, type TextForm } from '../shared/origin.js'
import { encodeBytes, hasNonAscii } from '../shared/text.js'
import * as codes from './opcodes.js'
import { Output } from './output.js'
import type { Plan } from './plan.js'
import { type Key, keysTo, type WriteFrame } from './write-frames.js'

/** The minor versions of the format that brought something. */
const plainMinor = 7
export const vstringMinor = 8
export const regexpMinor = 11

/** Class names are short up to this length, and so are the numbers of classes. */
const longestShort = 127

export class TextWriter {
  protected readonly options: SerializerOptions
  protected readonly plan: Plan
  protected readonly out: Output
  /** The number of the next thing. */
  protected tag = 0
  protected minor = plainMinor
  private readonly texts: ReadonlyMap<string, TextForm> | undefined
  private readonly classNumbers = new Map<string, number>()

  constructor(root: object, options: SerializerOptions, plan: Plan) {
    this.options = options
    this.plan = plan
    this.out = new Output(plan.isNative, options.maxBytes)
    this.texts = originOf(root)?.texts
  }

  protected refuse(frame: WriteFrame | undefined, key: Key, reason: string): never {
    throw cannotFreeze(codes.serializerName, keysTo(frame, key), reason)
  }

  /** A value that is one byte. */
  protected single(opcode: number): void {
    this.tag++
    this.out.byte(opcode)
  }

  /** A text with other characters than ASCII. */
  protected wideText(frame: WriteFrame, key: Key, text: string): void {
    const bytes = this.bytesOf(text, formOf(frame.origin, key, text))
    if (bytes === undefined) this.out.charString(text)
    else this.out.byteString(bytes)
  }

  /** The bytes of a text that Perl gets as bytes; undefined for characters. */
  private bytesOf(text: string, noted: Form | undefined): Uint8Array | undefined {
    const { newText, encoding } = this.options
    const form = noted ?? this.texts?.get(text) ?? (newText === 'bytes' ? 'utf8' : 'chars')
    const binary = encodeBytes(text, form as TextForm, encoding)
    return binary === undefined ? undefined : Buffer.from(binary, 'latin1')
  }

  /** What stands in front of an object. Perl knows classes by bytes: one a character, or UTF-8 for wide ones. */
  protected writeClass(className: string): void {
    const { out } = this
    const known = this.classNumbers.get(className)
    if (known !== undefined) {
      out.byte(codes.knownBless)
      this.classNumber(known)
      return
    }
    this.classNumbers.set(className, this.classNumbers.size)
    const name = classBytes(className)
    out.byte(codes.bless)
    this.classNumber(name.length)
    out.raw(name)
  }

  private classNumber(value: number): void {
    const { out } = this
    if (value <= longestShort) {
      out.byte(value)
    } else {
      out.byte(codes.longLength)
      out.length(value)
    }
  }

  /** The class of an object that its class wrote. */
  protected hookClass(className: string): void {
    const known = this.classNumbers.get(className)
    if (known === undefined) {
      this.classNumbers.set(className, this.classNumbers.size)
      const name = classBytes(className)
      this.shortLength(name.length)
      this.out.raw(name)
    } else {
      this.shortLength(known)
    }
  }

  /** The flags that `hookClass` asks for. */
  protected hookClassFlags(className: string): number {
    const known = this.classNumbers.get(className)
    const number = known ?? classBytes(className).length
    return (known === undefined ? 0 : codes.hookKnownClass) | (number > 255 ? codes.hookLongClass : 0)
  }

  /** One byte, or four where that is not enough; flags say which. */
  protected shortLength(value: number): void {
    if (value > 255) this.out.length(value)
    else this.out.byte(value)
  }

  /** Behind the value of an element of a hash: its key. */
  protected key(frame: WriteFrame, key: string): void {
    const { out } = this
    if (frame.hasFlags) {
      this.flaggedKey(frame, key)
      return
    }
    if (out.asciiKey(key)) return
    const bytes = this.keyBytes(frame, key)
    if (bytes === undefined) this.plan.needKeyChecks()
    else this.rawKey(bytes)
  }

  /** Does a key need flags? */
  protected isCharKey(frame: WriteFrame, key: string): boolean {
    return hasNonAscii(key) && this.keyBytes(frame, key) === undefined
  }

  private rawKey(bytes: Uint8Array): void {
    this.out.length(bytes.length)
    this.out.raw(bytes)
  }

  private flaggedKey(frame: WriteFrame, key: string): void {
    const locked = frame.origin?.lock?.locked.has(key) ? codes.keyLocked : 0
    const bytes = hasNonAscii(key) ? this.keyBytes(frame, key) : Buffer.from(key, 'latin1')
    if (bytes === undefined) {
      this.charKey(key, locked)
    } else {
      this.out.byte(locked)
      this.rawKey(bytes)
    }
  }

  /** A key of characters; Perl keeps it as Latin-1 where it can. */
  protected charKey(key: string, flags: number): void {
    const isLatin1 = !/[^\x00-\xff]/.test(key)
    this.out.byte(flags | (isLatin1 ? codes.keyWasUtf8 : codes.keyUtf8))
    this.rawKey(isLatin1 ? Buffer.from(key, 'latin1') : encodeLoosely(key))
  }

  /** The bytes of a wide key that Perl has as bytes; undefined for characters. */
  protected keyBytes({ origin }: WriteFrame, key: string): Uint8Array | undefined {
    const form = origin?.keys?.get(key)
    // The code points that a reader has shown are the bytes, whatever else they could be decoded as.
    if (form === 'latin1' && !/[^\x00-\xff]/.test(key)) return Buffer.from(key, 'latin1')
    return this.bytesOf(key, form)
  }

  /** A key that does not exist in a locked hash, but may: a value that is none, and the key. */
  protected placeholder({ text, isChars }: { readonly text: string; readonly isChars: boolean }): void {
    this.single(codes.constantUndef)
    if (isChars) {
      this.charKey(text, codes.keyPlaceholder)
    } else {
      this.out.byte(codes.keyPlaceholder)
      this.rawKey(Buffer.from(text, 'latin1'))
    }
  }

  /** A pattern; Perl writes its UTF-8 without saying so, and reads it as bytes. */
  protected pattern(frame: WriteFrame | undefined, key: Key, pattern: PerlRegExp): void {
    const { out } = this
    const { source, flags } = pattern
    const form = formOf(originOf(pattern), 'source', source) ?? 'chars'
    const perl = hasNonAscii(source) ? encodeBytes(source, form as TextForm, this.options.encoding) : source
    if (perl === undefined) this.refuse(frame, key, 'Perl loses the characters of a pattern; write them as \\x{263a}')
    if (!/^[a-z]{0,255}$/.test(flags)) this.refuse(frame, key, 'a pattern with unknown flags')
    this.tag++
    this.minor = regexpMinor
    out.twoBytes(codes.regexp, perl.length > 255 ? codes.longPattern : 0)
    this.shortLength(perl.length)
    out.raw(Buffer.from(perl, 'latin1'))
    out.byte(flags.length)
    out.raw(Buffer.from(flags, 'latin1'))
  }
}

function classBytes(className: string): Buffer {
  return Buffer.from(className, /[^\x00-\xff]/.test(className) ? 'utf8' : 'latin1')
}
