/** Perl's strings as JavaScript text. Byte strings travel here as "binary" strings: one character a byte. */

import { Buffer, isUtf8 } from 'node:buffer'
import type { TextForm } from './origin.js'

/** What byte strings are read as; see `SerializerOptions.encoding`. */
export type Encoding = 'utf8' | 'latin1' | 'bytes'

const nonAscii = /[^\x00-\x7f]/

/** Does the text have a character above 0x7f? Only such text has more than one form. */
export function hasNonAscii(text: string): boolean {
  return nonAscii.test(text)
}

/** Bytes as UTF-8 text, or undefined when they are not valid UTF-8. */
export function decodeUtf8(bytes: Buffer): string | undefined {
  return isUtf8(bytes) ? bytes.toString('utf8') : undefined
}

/** The text of a binary string that has non-ASCII bytes, and the form that leads back to the same bytes. */
export function decodeBytes(binary: string, encoding: 'utf8' | 'latin1'): { text: string; form: TextForm } {
  const text = encoding === 'utf8' ? decodeUtf8(Buffer.from(binary, 'latin1')) : undefined
  return text === undefined ? { text: binary, form: 'latin1' } : { text, form: 'utf8' }
}

/** The bytes of a text in a form, as a binary string; undefined when the form cannot give this text back when read. */
export function encodeBytes(text: string, form: TextForm, encoding: Encoding): string | undefined {
  if (form === 'chars') return undefined
  if (form === 'utf8') {
    const binary = Buffer.from(text, 'utf8').toString('latin1')
    return text.isWellFormed() ? binary : undefined
  }
  if (/[^\x00-\xff]/.test(text)) return undefined
  // Latin-1 bytes that happen to be valid UTF-8 would be shown as another text next time.
  return encoding === 'utf8' && decodeUtf8(Buffer.from(text, 'latin1')) !== undefined ? undefined : text
}
