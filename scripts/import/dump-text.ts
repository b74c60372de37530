/** The two ways in which db_dump writes bytes. */

const BACKSLASH = 0x5c

/** The bytes that a text stands for; undefined when it stands for none. */
export type Decode = (text: Buffer) => Buffer | undefined

/** The value of each hexadecimal digit, by its character; others are -1. */
const digits = new Int8Array(256).fill(-1)
for (let value = 0; value < 16; value++) {
  const digit = value.toString(16)
  digits[digit.charCodeAt(0)] = value
  digits[digit.toUpperCase().charCodeAt(0)] = value
}

/** The byte that two digits stand for; -1 when they are none, or missing. */
function byteAt(text: Buffer, at: number): number {
  const [high, low] = [digits[text[at] ?? 0]!, digits[text[at + 1] ?? 0]!]
  return high < 0 || low < 0 ? -1 : high * 16 + low
}

/** `format=bytevalue`: two digits a byte. */
function decodeByteValues(text: Buffer): Buffer | undefined {
  if (text.length % 2 !== 0) return undefined
  const bytes = Buffer.allocUnsafe(text.length / 2)
  for (let at = 0; at < bytes.length; at++) {
    const byte = byteAt(text, at * 2)
    if (byte < 0) return undefined
    bytes[at] = byte
  }
  return bytes
}

/** `format=print`: a character that can be printed is itself, a backslash is two, and any other byte is `\hh`. */
function decodePrint(text: Buffer): Buffer | undefined {
  const bytes = Buffer.allocUnsafe(text.length)
  let length = 0
  let start = 0
  for (let at = text.indexOf(BACKSLASH); at !== -1; at = text.indexOf(BACKSLASH, start)) {
    length += text.copy(bytes, length, start, at)
    const isBackslash = text[at + 1] === BACKSLASH
    const byte = isBackslash ? BACKSLASH : byteAt(text, at + 1)
    if (byte < 0) return undefined
    bytes[length++] = byte
    start = at + (isBackslash ? 2 : 3)
  }
  length += text.copy(bytes, length, start)
  return bytes.subarray(0, length)
}

/** By what the header says. */
export const decoders: Readonly<Record<string, Decode>> = { print: decodePrint, bytevalue: decodeByteValues }
