/** Scalars that are not quoted: numbers, version strings, patterns. */

import { PerlRegExp, PerlVString } from '../../lib/perl-values.js'
import { noteSlot } from '../shared/origin.js'
import { decodeBytes, hasNonAscii } from '../shared/text.js'
import * as codes from './codes.js'
import type { Cursor } from './cursor.js'
import { type PerlString, readDelimited, unescapeDouble } from './strings.js'

const versionString = /v\d{1,9}(?:\.\d{1,9}){0,499}(?![\w.])|\d{1,9}(?:\.\d{1,9}){2,499}(?![\w.])/y
const number =
  /([-+]?)\s*(?:0([xX]_*[\da-fA-F][\da-fA-F_]*|[bB]_*[01][01_]*|[oO]?_*[0-7][0-7_]*)|((?:\d[\d_]*(?:\.[\d_]*)?|\.\d[\d_]*)(?:[eE][-+]?\d+)?))(?![\w.])/y

/** A number or a version string; undefined when there is none here. */
export function readNumber(cursor: Cursor): number | bigint | PerlVString | undefined {
  return readShortInteger(cursor) ?? readVersionString(cursor) ?? readLongNumber(cursor)
}

/** The usual number, without the cost of a pattern: up to 15 digits, and a comma or a bracket behind them. */
function readShortInteger(cursor: Cursor): number | undefined {
  const { text } = cursor
  const isNegative = text.charCodeAt(cursor.pos) === codes.minus
  const start = isNegative ? cursor.pos + 1 : cursor.pos
  let pos = start
  let value = 0
  let code = text.charCodeAt(pos)
  for (; code >= codes.zero && code <= codes.nine; code = text.charCodeAt(++pos)) value = value * 10 + code - codes.zero
  if (code !== codes.comma && code !== codes.closeBrace && code !== codes.closeSquare) return undefined
  const length = pos - start
  if (length === 0 || length > 15 || (length > 1 && text.charCodeAt(start) === codes.zero)) return undefined
  cursor.pos = pos
  return isNegative && value > 0 ? -value : value
}

function readVersionString(cursor: Cursor): PerlVString | undefined {
  const start = cursor.pos
  const source = cursor.match(versionString)?.[0]
  if (source === undefined) return undefined
  if (!PerlVString.isSource(source)) throw cursor.fail('a character beyond U+10FFFF, or a long version string', start)
  return new PerlVString(source)
}

function readLongNumber(cursor: Cursor): number | bigint | undefined {
  const match = cursor.match(number)
  if (match === undefined) return undefined
  const [, sign, based, decimal] = match
  const digits = (based === undefined ? decimal! : basedDigits(based)).replaceAll('_', '')
  const isInteger = based !== undefined || /^\d+$/.test(digits)
  if (isInteger && digits.length < 100) return integer(BigInt(digits), sign === '-')
  return double(cursor, sign === '-' ? -Number(digits) : Number(digits))
}

/** Perl's `0x1f`, `0b101`, `017` as JavaScript spells them. */
function basedDigits(digits: string): string {
  return `0${/^[xXbBoO]/.test(digits) ? digits : `o${digits}`}`
}

/** Perl's integers have 64 bits, with or without a sign; beyond them it takes a double. */
function integer(magnitude: bigint, isNegative: boolean): number | bigint {
  const value = isNegative ? -magnitude : magnitude
  if (value < -(2n ** 63n) || value >= 2n ** 64n) return Number(value)
  const near = Number(value)
  return Number.isSafeInteger(near) ? near : value
}

function double(cursor: Cursor, value: number): number {
  const isWhole = Number.isSafeInteger(value) && !Object.is(value, -0)
  // Too large for a double, as in Perl: only such a number may be written as infinite again.
  if (isWhole || !Number.isFinite(value)) cursor.form = 'double'
  return value
}

const patternStart = /qr(?=\/)/y
const patternFlags = /[a-z]*/y

/** `qr/.../flags`; undefined when there is none here. */
export function readPattern(cursor: Cursor): PerlRegExp | undefined {
  const start = cursor.pos
  if (cursor.match(patternStart) === undefined) return undefined
  const raw = readDelimited(cursor, codes.end, codes.slash)
  const flags = cursor.match(patternFlags)![0]
  if (!/^[msixnpadlu]*$/.test(flags)) throw cursor.fail('a pattern with unknown flags', start)
  const perl = patternSource(cursor, raw, start + 3)
  if (/\(\?\??\{/.test(perl.text)) throw cursor.fail('a pattern with code', start)
  return makePattern(cursor, perl, flags)
}

/** A `$` or an `@` that Perl would take for the start of a variable. */
const variable = /^(?:\$(?![()| \r\n\t]|$)|@[\w:'{$])/
const pieces = /\\[\s\S]|\$\{\\q\(([$@])\)\}|\$\{\\"((?:[^"\\]|\\[\s\S])*)"\}|[$@]|[^\\$@]+/g

/** Undo what was done to write the pattern between slashes. */
function patternSource(cursor: Cursor, raw: string, start: number): PerlString {
  let text = ''
  let isChars = false
  for (const { 0: piece, 1: sign, 2: quoted, index } of raw.matchAll(pieces)) {
    if (quoted !== undefined) {
      const string = unescapeDouble(cursor, quoted, start + index + 4)
      text += string.text
      isChars ||= string.isChars
    } else if (sign === undefined && variable.test(raw.slice(index, index + 2))) {
      throw cursor.fail('a variable in a pattern', start + index)
    } else {
      text += sign ?? (piece === '\\/' ? '/' : piece)
    }
  }
  return { text, isChars }
}

function makePattern(cursor: Cursor, perl: PerlString, flags: string): PerlRegExp {
  if (!hasNonAscii(perl.text)) return new PerlRegExp(perl.text, flags)
  const decoded = decodeBytes(perl.text, cursor.encoding === 'utf8' ? 'utf8' : 'latin1')
  const { text, form } = perl.isChars ? ({ text: perl.text, form: 'chars' } as const) : decoded
  // Perl adds the flag u to patterns with other characters than ASCII.
  const pattern = new PerlRegExp(text, perl.isChars && !/[ual]/.test(flags) ? `u${flags}` : flags)
  noteSlot(pattern, 'source', text, form)
  return pattern
}
