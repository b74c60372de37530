/** Perl's own UTF-8, in which surrogates are characters like any other. */

import { Buffer } from 'node:buffer'
import { decodeUtf8 } from './text.js'

/** The UTF-8 bytes of a text; half of a surrogate pair takes three bytes. */
export function encodeLoosely(text: string): Buffer {
  if (text.isWellFormed()) return Buffer.from(text, 'utf8')
  const parts: Buffer[] = []
  for (const part of text.split(/(\p{Surrogate})/u)) {
    const unit = part.charCodeAt(0)
    const isLone = part.length === 1 && unit >= 0xd800 && unit <= 0xdfff
    parts.push(
      isLone
        ? Buffer.from([0xe0 | (unit >> 12), 0x80 | ((unit >> 6) & 0x3f), 0x80 | (unit & 0x3f)])
        : Buffer.from(part),
    )
  }
  return Buffer.concat(parts)
}

/**
 * The text that bytes encode; undefined for anything that JavaScript could not give back: bytes that are not UTF-8,
 * characters beyond U+10FFFF, and pairs of surrogates, which are two characters to Perl.
 */
export function decodeLoosely(bytes: Buffer): string | undefined {
  const strict = decodeUtf8(bytes)
  if (strict !== undefined) return strict
  const parts: string[] = []
  let start = 0
  // In UTF-8 0xed begins a character always, and a surrogate if the next byte is above 0x9f.
  for (let at = bytes.indexOf(0xed); at >= 0; at = bytes.indexOf(0xed, at + 1)) {
    if (bytes[at + 1]! < 0xa0 || at + 2 >= bytes.length) continue
    const part = decodeUtf8(bytes.subarray(start, at))
    if (part === undefined || (bytes[at + 1]! & 0xe0) !== 0xa0 || (bytes[at + 2]! & 0xc0) !== 0x80) return undefined
    parts.push(part, String.fromCharCode(0xd000 | ((bytes[at + 1]! & 0x3f) << 6) | (bytes[at + 2]! & 0x3f)))
    start = at + 3
  }
  const rest = decodeUtf8(bytes.subarray(start))
  const text = rest === undefined ? '' : parts.join('') + rest
  return rest !== undefined && Buffer.compare(encodeLoosely(text), bytes) === 0 ? text : undefined
}
