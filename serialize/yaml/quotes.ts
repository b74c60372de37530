/** Undoing quotes, in linear time and without memory for each escape. */

import { Buffer } from 'node:buffer'

const apostrophe = 0x27
const backslash = 0x5c

/** What stands behind a backslash, and for which character. A backslash before anything else stays as it is. */
const escapes: ReadonlyMap<number, number> = new Map(
  Object.entries({
    '"': 0x22,
    '\\': backslash,
    '0': 0,
    z: 0,
    N: 0x85,
    a: 7,
    b: 8,
    t: 9,
    n: 10,
    v: 11,
    f: 12,
    r: 13,
    e: 0x1b,
  }).map(([sign, code]) => [sign.charCodeAt(0), code]),
)

/** The text that is written between quotes, or without. */
export function unquote(raw: string, quote: string | undefined): string {
  if (quote === '"') return raw.includes('\\') ? decode(raw, readEscape) : raw
  return quote === "'" && raw.includes("'") ? decode(raw, readApostrophe) : raw
}

/** The code at a position and how much of the text it takes, as `code * 8 + length`: a pair would cost memory. */
type Read = (raw: string, at: number) => number

function decode(raw: string, read: Read): string {
  const units = new Uint16Array(raw.length)
  let length = 0
  for (let at = 0; at < raw.length; ) {
    const found = read(raw, at)
    units[length++] = found >> 3
    at += found & 7
  }
  return Buffer.from(units.buffer, 0, length * 2).toString('utf16le')
}

function readApostrophe(raw: string, at: number): number {
  const code = raw.charCodeAt(at)
  return code * 8 + (code === apostrophe ? 2 : 1)
}

function readEscape(raw: string, at: number): number {
  const code = raw.charCodeAt(at)
  if (code !== backslash) return code * 8 + 1
  const sign = raw.charCodeAt(at + 1)
  const hex = sign === 0x78 ? raw.slice(at + 2, at + 4) : ''
  if (/^[\da-fA-F]{2}$/.test(hex)) return Number.parseInt(hex, 16) * 8 + 4
  const escaped = escapes.get(sign)
  return escaped === undefined ? code * 8 + 1 : escaped * 8 + 2
}
