/** Text and patterns as Perl's bytes: the record is a binary string, one character a byte. */

import type { PerlRegExp, PerlVString } from '../../lib/perl-values.js'
import type { SerializerOptions } from '../shared/options.js'
import { type ContainerOrigin, type Form, formOf, originOf, type TextForm } from '../shared/origin.js'
import { encodeBytes, hasNonAscii } from '../shared/text.js'

const wide = /[^\x00-\xff]/

/** The reason why a text is refused. */
export const notBytes = 'a text that no bytes stand for: it has half a surrogate pair, or does not fit encoding: latin1'

/** A string behind its sign and its length. */
export function counted(bytes: string): string {
  return `$${bytes.length}|${bytes}`
}

/** What texts are written as in one record. All give undefined for what bytes cannot hold. */
export class TextWriter {
  private readonly encoding: SerializerOptions['encoding']
  /** What keys and patterns are read as: they are texts in every encoding. */
  private readonly keyEncoding: 'utf8' | 'latin1'
  private readonly texts: ReadonlyMap<string, TextForm> | undefined

  constructor(root: unknown, encoding: SerializerOptions['encoding']) {
    this.encoding = encoding
    this.keyEncoding = encoding === 'utf8' ? 'utf8' : 'latin1'
    this.texts = typeof root === 'object' && root !== null ? originOf(root)?.texts : undefined
  }

  /** A text with the form that is noted for its slot. */
  text(text: string, noted: Form | undefined): string | undefined {
    return this.bytes(text, noted, this.encoding === 'latin1' ? 'latin1' : 'utf8')
  }

  key(key: string, origin: ContainerOrigin | undefined): string | undefined {
    if (!hasNonAscii(key)) return key
    const form = origin?.keys?.get(key)
    // The code points that a reader has shown are the bytes, whatever else they could be decoded as.
    return form === 'latin1' && !wide.test(key) ? key : this.bytes(key, form, this.keyEncoding)
  }

  /** A pattern with its flags, as Perl's qr// prints it; undefined also for one that Perl would not compile. */
  pattern(pattern: PerlRegExp): string | undefined {
    const { source, flags } = pattern
    // Perl compiles no code when it thaws, and its default characters have no flag there.
    if (/\(\?\??\{/.test(source) || !/^[msixnpadlu]*$/.test(flags)) return undefined
    const perl = this.bytes(source, formOf(originOf(pattern), 'source', source), this.keyEncoding)
    const inner = flags.replace(/[dp]/g, '')
    if (inner === '' || perl === undefined) return perl
    const commentEnd = inner.includes('x') && /#.*$/.test(perl) ? '\n' : ''
    return `(?^${inner}:${perl}${commentEnd})`
  }

  private bytes(text: string, noted: Form | undefined, usual: 'utf8' | 'latin1'): string | undefined {
    if (!hasNonAscii(text)) return text
    const form = (noted as TextForm | undefined) ?? this.texts?.get(text) ?? usual
    // Perl takes bytes for equal to the characters of Latin-1 with the same numbers.
    return encodeBytes(text, form === 'chars' ? 'latin1' : form, usual) ?? encodeBytes(text, usual, usual)
  }
}

/** A version string is the string of its numbers; undefined where they are no bytes. */
export function versionBytes(version: PerlVString): string | undefined {
  return wide.test(version.value) ? undefined : version.value
}

/** The name of a class: Perl compares its bytes. */
export function classBytes(className: string): string {
  if (className === '') return 'main'
  return wide.test(className) ? Buffer.from(className, 'utf8').toString('latin1') : className
}
