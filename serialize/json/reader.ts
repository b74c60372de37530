/** From a record to a value: by `JSON.parse` where that agrees with Perl, which is nearly always. */

import { Buffer, isAscii } from 'node:buffer'
import { asBuffer } from '../../lib/bytes.js'
import { cannotThaw, overLimit } from '../shared/failure.js'
import type { SerializerOptions } from '../shared/options.js'
import { decodeUtf8 } from '../shared/text.js'
import { isOrdinaryNumber } from './numbers.js'
import { parseExactly } from './parser.js'

/**
 * The value of a record. Bytes are UTF-8 where they are valid UTF-8, else Latin-1: Perl's File driver writes either.
 * @throws {SerializeError}
 */
export function readJson(record: Uint8Array, options: SerializerOptions): unknown {
  if (record.length > options.maxBytes) throw overLimit('JSON', 'bytes', options.maxBytes, 'maxBytes')
  const bytes = asBuffer(record)
  const utf8 = options.encoding === 'latin1' || isAscii(bytes) ? undefined : decodeUtf8(bytes)
  const text = utf8 ?? bytes.toString('latin1')
  const value = parseFast(text, options)
  if (value !== undefined) return value
  return parseExactly(text, options, (position, reason) => {
    const before = text.slice(0, position)
    throw cannotThaw('JSON', utf8 === undefined ? position : Buffer.byteLength(before), `${reason}${placeOf(before)}`)
  })
}

/** Line and column of what follows a text, counted from 1. */
function placeOf(before: string): string {
  const start = before.lastIndexOf('\n') + 1
  return ` (line ${before.split('\n').length}, column ${before.length - start + 1})`
}

/** The value, or undefined where the exact parser must look: something unusual, an error, or a limit. */
function parseFast(text: string, { maxDepth, maxValues }: SerializerOptions): unknown {
  // A value takes two characters at least, with its comma or brackets, so fewer cannot be over the limit.
  if (text.length > 2 * maxValues || hasUnusualNumber(text) || hasUnusualEscape(text)) return undefined
  try {
    const value: unknown = JSON.parse(text)
    return isOrdinary(value, maxDepth) ? value : undefined
  } catch {
    return undefined
  }
}

/** An exponent, or nothing but zeros (or nearly so) behind the point: this may be a whole number that Perl holds as a double. */
const perhapsDouble = /\d(?:[eE][-+\d]|\.(?:0+(?!\d)|0{5}|9{5}))/g

/** Numbers and the blanks before them are rarely longer; a longer one is taken for unusual. */
const lookBehind = 48

function hasUnusualNumber(text: string): boolean {
  perhapsDouble.lastIndex = 0
  for (let match = perhapsDouble.exec(text); match !== null; match = perhapsDouble.exec(text)) {
    if (isInNumber(text, match.index)) return true
  }
  return false
}

/** Is a digit part of a number, and not of a string? In doubt it is. */
function isInNumber(text: string, digit: number): boolean {
  const stop = digit - lookBehind
  let at = digit - 1
  while (at > stop && /[-.\d]/.test(text.charAt(at))) at--
  while (at > stop && /\s/.test(text.charAt(at))) at--
  return at <= stop || at < 0 || /[[:,]/.test(text.charAt(at))
}

const surrogateEscape = /\\u[dD][89a-fA-F]/
const escapedBackslash = /\\\\u[dD]/
const loneEscape = /\\u[dD][89abAB]..(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB][\da-fA-F]{2})\\u[dD][c-fC-F]/

/** `JSON.parse` accepts half of a surrogate pair, Perl does not. */
function hasUnusualEscape(text: string): boolean {
  return text.includes('\\u') && surrogateEscape.test(text) && (escapedBackslash.test(text) || loneEscape.test(text))
}

/** Nothing but what `JSON.parse` shows as Perl holds it, and not too deep. */
function isOrdinary(value: unknown, levels: number): boolean {
  if (typeof value === 'number') return isOrdinaryNumber(value)
  if (typeof value !== 'object' || value === null) return true
  if (levels === 0) return false
  return Array.isArray(value) ? areItemsOrdinary(value, levels - 1) : areMembersOrdinary(value, levels - 1)
}

// Texts, the most frequent values, are passed over without a call.

function areItemsOrdinary(items: readonly unknown[], levels: number): boolean {
  for (let i = 0; i < items.length; i++) {
    const item = items[i]
    if (typeof item !== 'string' && !isOrdinary(item, levels)) return false
  }
  return true
}

function areMembersOrdinary(container: object, levels: number): boolean {
  for (const key in container) {
    const member = (container as Record<string, unknown>)[key]
    if (typeof member !== 'string' && !isOrdinary(member, levels)) return false
  }
  return true
}
