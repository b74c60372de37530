/** Perl literals, in ASCII without NUL: what the writer makes of strings, numbers and patterns. */

import type { PerlRegExp } from '../../lib/perl-values.js'

const simple = /^[\t\n\x20-\x26\x28-\x5b\x5d-\x7e]*$/
const printable = /^[\t\n\x20-\x7e]*$/
const escaped = /["$@\\\x00-\x1f\x7f-\u{10ffff}]/gu

/** Single quotes around the text are all it needs. */
export function isSimple(text: string): boolean {
  return simple.test(text)
}

/** A byte string, given as one character a byte. */
export function quoteBytes(binary: string): string {
  if (printable.test(binary)) return `'${binary.replace(/['\\]/g, '\\$&')}'`
  return quoteDouble(binary, 'x')
}

/** A character string. `\x{e9}` alone makes a byte string in Perl; `\N{U+e9}` always makes characters. */
export function quoteChars(text: string): string {
  return quoteDouble(text, /[^\x00-\xff]/.test(text) ? 'x' : 'N')
}

function quoteDouble(text: string, wide: 'x' | 'N'): string {
  return `"${text.replace(escaped, (char) => escapeChar(char, wide))}"`
}

function escapeChar(char: string, wide: 'x' | 'N'): string {
  if (char === '\n') return '\\n'
  if (char === '\t') return '\\t'
  const point = char.codePointAt(0)!
  if (point > 0x1f && point < 0x7f) return `\\${char}`
  return wide === 'N' && point > 0x7f ? `\\N{U+${point.toString(16)}}` : `\\x{${point.toString(16)}}`
}

/** A number; undefined for one that Perl has no literal for. `isDouble`: floating point, though it is whole. */
export function numberLiteral(value: number, isDouble: boolean): string | undefined {
  if (Object.is(value, -0)) return '-0.0'
  if (!Number.isFinite(value)) return isDouble && !Number.isNaN(value) ? `${value < 0 ? '-' : ''}1e999` : undefined
  const text = String(value)
  return Number.isInteger(value) && (isDouble || !Number.isSafeInteger(value)) && !text.includes('e')
    ? `${text}.0`
    : text
}

/** A big integer; undefined beyond Perl's 64 bits. */
export function bigintLiteral(value: bigint): string | undefined {
  return value >= -(2n ** 63n) && value < 2n ** 64n ? String(value) : undefined
}

/** What cannot stand in a pattern as it is: it would be a variable to Perl, or is not ASCII. */
const unwritable = /[\0\x80-\u{10ffff}@]|\$(?![|)]|$)/u

/**
 * A pattern, given as one character for each of Perl's; undefined for one that cannot be written between slashes.
 * Where need be it is interpolated as a string (Data::Dumper does so with `$`), so that it comes back to the letter.
 */
export function patternLiteral({ flags }: PerlRegExp, source: string, isChars: boolean): string | undefined {
  const unescaped = source.replace(/\\[\x01-\x7f]/g, '')
  if (/\(\?\??\{/.test(source) || unescaped.endsWith('\\') || !/^[msixnpadlu]*$/.test(flags)) return undefined
  const isWritable = !unwritable.test(unescaped) && !source.includes('\\/')
  if (isWritable) return `qr/${source.replaceAll('/', '\\/')}/${flags}`
  const text = isChars ? quoteChars(source) : quoteDouble(source, 'x')
  return `qr/\${\\${text.replaceAll('/', '\\x{2f}')}}/${flags}`
}
