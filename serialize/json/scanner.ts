/** The words of a JSON text: marks, strings, numbers, constants. */

import { isNotedDouble, readInteger } from './numbers.js'

const blanks = /[ \t\r\n]*/y
const plainText = /[^"\\\x00-\x1f]*/y
const hexUnit = /\\u([\da-fA-F]{4})/y
const numeral = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?/y
const constant = /true|false|null/y

const constants: Readonly<Record<string, boolean | null>> = { true: true, false: false, null: null }

const escapes = new Map([
  ['"', '"'],
  ['\\', '\\'],
  ['/', '/'],
  ['b', '\b'],
  ['f', '\f'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
])

/** Goes through a text once. Whatever is not there as it must be goes to `fail`, with its position. */
export class JsonScanner {
  /** The number that `scalar` read last is a double with a whole value, such as 3.0, which would pass for an integer. */
  isNotedDouble = false
  private position = 0

  constructor(
    private readonly text: string,
    private readonly fail: (position: number, reason: string) => never,
  ) {}

  /** Step over a mark, and blanks before it, if it is there. */
  take(mark: string): boolean {
    this.skip(blanks)
    if (this.text[this.position] !== mark) return false
    this.position++
    return true
  }

  expect(mark: string, wanted: string): void {
    if (!this.take(mark)) this.refuse(`expected ${wanted}`)
  }

  /** The key of a member, and its colon. */
  key(): string {
    this.expect('"', 'a key in double quotes')
    const key = this.string()
    this.expect(':', '":"')
    return key
  }

  scalar(): unknown {
    this.isNotedDouble = false
    if (this.take('"')) return this.string()
    const number = this.match(numeral)
    if (number !== null) return this.number(number[0], number[1] !== undefined || number[2] !== undefined)
    const word = this.match(constant)
    return word === null ? this.refuse('expected a value') : constants[word[0]]
  }

  /** Nothing but blanks may follow. */
  end(): void {
    this.skip(blanks)
    if (this.position < this.text.length) this.fail(this.position, 'something behind the value')
  }

  /** Step over what the pattern, which matches the empty text too, finds here. */
  private skip(pattern: RegExp): void {
    pattern.lastIndex = this.position
    pattern.test(this.text)
    this.position = pattern.lastIndex
  }

  private plain(): string {
    const start = this.position
    this.skip(plainText)
    return this.text.slice(start, this.position)
  }

  private match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.position
    const match = pattern.exec(this.text)
    if (match !== null) this.position += match[0].length
    return match
  }

  private refuse(wanted: string): never {
    const isEnd = this.position >= this.text.length
    return this.fail(this.position, isEnd ? `${wanted}, and the text ends` : wanted)
  }

  /** The rest of a string, from behind its opening quote. */
  private string(): string {
    let result = this.plain()
    while (this.text[this.position] !== '"') {
      if (this.text[this.position] !== '\\') this.refuse('expected the end of a string or an escape')
      result += this.escape() + this.plain()
    }
    this.position++
    return result
  }

  private escape(): string {
    const letter = this.text[this.position + 1]
    if (letter === 'u') return this.character()
    const char = escapes.get(letter ?? '') ?? this.refuse('an unknown escape')
    this.position += 2
    return char
  }

  private character(): string {
    const start = this.position
    const unit = this.unit()
    const pair = isHighSurrogate(unit) && this.text.startsWith('\\u', this.position) ? unit + this.unit() : unit
    if (!pair.isWellFormed()) this.fail(start, 'half of a surrogate pair')
    return pair
  }

  private unit(): string {
    const match = this.match(hexUnit) ?? this.refuse('four hexadecimal digits must follow \\u')
    return String.fromCharCode(Number.parseInt(match[1]!, 16))
  }

  private number(digits: string, isDouble: boolean): number | bigint | string {
    if (!isDouble) return readInteger(digits)
    const value = Number(digits)
    this.isNotedDouble = isNotedDouble(value)
    return value
  }
}

function isHighSurrogate(unit: string): boolean {
  return unit >= '\ud800' && unit <= '\udbff'
}
