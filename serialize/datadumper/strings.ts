/** Perl's quoted strings. All readers return the string as Perl has it, one character for each of Perl's. */

import * as codes from './codes.js'
import type { Cursor } from './cursor.js'

/** A Perl string: its characters, and whether it has the UTF8 flag. */
export interface PerlString {
  readonly text: string
  readonly isChars: boolean
}

/** `'...'`, where bytes stay bytes. The position is at the quote. */
export function readSingle(cursor: Cursor): string {
  const start = cursor.pos + 1
  const end = cursor.text.indexOf("'", start)
  if (end >= 0 && !cursor.hasBackslash(start, end)) {
    cursor.pos = end + 1
    return cursor.text.slice(start, end)
  }
  return unescapeSingle(readDelimited(cursor, codes.quote, codes.quote), "'")
}

/** `"..."`. The position is at the quote. */
export function readDouble(cursor: Cursor): PerlString {
  const start = cursor.pos + 1
  return unescapeDouble(cursor, readDelimited(cursor, codes.doubleQuote, codes.doubleQuote), start)
}

/** A string in any quotes, in pieces joined by dots. Undefined: there is none here. */
export function readString(cursor: Cursor): PerlString | undefined {
  const piece = readPiece(cursor)
  return piece && joinPieces(cursor, piece)
}

/** A string with the pieces that dots join to it. */
export function joinPieces(cursor: Cursor, first: PerlString): PerlString {
  let { text, isChars } = first
  while (cursor.match(concatenation) !== undefined) {
    const piece = readPiece(cursor)
    if (piece === undefined) throw cursor.fail('expected a quoted string behind the dot')
    text += piece.text
    isChars ||= piece.isChars
  }
  return { text, isChars }
}

const concatenation = /\s*\.(?!\.)\s*/y

function readPiece(cursor: Cursor): PerlString | undefined {
  const code = cursor.peek()
  if (code === codes.quote) return { text: readSingle(cursor), isChars: false }
  return code === codes.doubleQuote ? readDouble(cursor) : readNamedQuotes(cursor)
}

const namedQuotes = /qq?(?=[([{<])/y

/** `q(...)` and `qq(...)`, in any brackets. */
function readNamedQuotes(cursor: Cursor): PerlString | undefined {
  const name = cursor.match(namedQuotes)?.[0]
  if (name === undefined) return undefined
  const start = cursor.pos + 1
  const open = cursor.text[cursor.pos]!
  const close = { '(': ')', '[': ']', '{': '}', '<': '>' }[open]!
  const inner = readDelimited(cursor, open.charCodeAt(0), close.charCodeAt(0))
  return name === 'qq'
    ? unescapeDouble(cursor, inner, start)
    : { text: unescapeSingle(inner, open + close), isChars: false }
}

/** What stands between delimiters, raw. Brackets nest; what follows a backslash is no delimiter. */
export function readDelimited(cursor: Cursor, open: number, close: number): string {
  const { text } = cursor
  const start = cursor.pos + 1
  let depth = 1
  for (let pos = start; pos < text.length; pos++) {
    const code = text.charCodeAt(pos)
    if (code === codes.backslash) pos++
    else if (code === close) depth--
    else if (code === open) depth++
    if (depth === 0) {
      cursor.pos = pos + 1
      return text.slice(start, pos)
    }
  }
  throw cursor.fail('a string that does not end')
}

/** In single quotes only the backslash and the delimiters are escaped; any other backslash stays. */
function unescapeSingle(raw: string, delimiters: string): string {
  return raw.replace(/\\(.)/gs, (whole, char: string) => (char === '\\' || delimiters.includes(char) ? char : whole))
}

const letters: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  f: '\f',
  b: '\b',
  a: '\x07',
  e: '\x1b',
}

/** The next thing in double quotes that is not itself, in the order of preference. */
const special =
  /\\(?:x\{ *([\da-fA-F]+) *\}|x([\da-fA-F]{0,2})(?!\{)|([0-7]{1,3})|o\{([0-7]+)\}|N\{U\+([\da-fA-F]+)\}|c([ -~])|([^xcoNLUQEFlu0-7])|([\s\S]?))|(\$)|@(?=([\w:'{$+\-!]))/g

/** The meaning of what stood in double quotes; `start` is its place in the record. */
export function unescapeDouble(cursor: Cursor, raw: string, start: number): PerlString {
  special.lastIndex = 0
  if (!special.test(raw)) return { text: raw, isChars: false }
  let text = ''
  let isChars = false
  let done = 0
  let before = ''
  special.lastIndex = 0
  for (let match = special.exec(raw); match !== null; match = special.exec(raw)) {
    const char = meaning(match)
    if (char === undefined) throw cursor.fail(complaint(match), start + match.index)
    const plain = raw.slice(done, match.index)
    // Not the text so far: to look at the end of what is still being put together costs as much as all of it.
    if (plain === '' && isPair(before, char)) throw cursor.fail('two surrogates in a row', start + match.index)
    text += plain + char
    before = char
    done = special.lastIndex
    isChars ||= match[5] !== undefined || /[^\x00-\xff]/.test(char)
  }
  return { text: text + raw.slice(done), isChars }
}

/** The character of an escape; undefined for what cannot be read. */
function meaning(match: RegExpExecArray): string | undefined {
  const [, braced, hex, octal, bracedOctal, unicode, control, other] = match
  const digits = braced ?? hex ?? unicode
  if (digits !== undefined) return character(Number.parseInt(digits === '' ? '0' : digits, 16))
  const octals = octal ?? bracedOctal
  if (octals !== undefined) return character(Number.parseInt(octals, 8))
  if (control !== undefined) return String.fromCharCode(control.toUpperCase().charCodeAt(0) ^ 0x40)
  return other === undefined ? undefined : (letters[other] ?? other)
}

function character(point: number): string | undefined {
  return point <= 0x10ffff ? String.fromCodePoint(point) : undefined
}

function complaint(match: RegExpExecArray): string {
  if (match[9] !== undefined || match[10] !== undefined) return 'a variable in double quotes'
  return match[8] === undefined ? 'a character beyond U+10FFFF' : 'an escape that is not supported'
}

/** Two surrogates that Perl holds as two characters would be one here, and could not be given back. */
function isPair(before: string, after: string): boolean {
  return (before.charCodeAt(before.length - 1) & 0xfc00) === 0xd800 && (after.charCodeAt(0) & 0xfc00) === 0xdc00
}
