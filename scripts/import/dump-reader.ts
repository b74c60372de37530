/**
 * Reads what db_dump prints of hash and btree databases (version 3, `-p` or not, several databases one after the other).
 * The text is hostile input: memory is bounded by the longest record, and no error quotes any of it but the header.
 */

import { type Decode, decoders } from './dump-text.js'
import { type Line, LineSplitter } from './lines.js'

/** A pair of a database, or what is wrong with it. */
export type DumpEntry =
  | { readonly key: Buffer; readonly value: Buffer; readonly problem?: never }
  | { readonly key: Buffer | undefined; readonly value?: never; readonly problem: string }

/** The text is no dump, or does not go on as one. */
export class DumpError extends Error {}

/** A line of data: its bytes, or why it has none. */
type Field = Buffer | string

/** What is known of a database before its data. */
interface Header {
  lines: number
  decode?: Decode
  type?: string
}

const BLANK = 0x20
const MOST_HEADER_LINES = 100
const typesRead = ['hash', 'btree']

export class DumpReader {
  readonly #maxBytes: number
  readonly #lines: LineSplitter
  #lineNumber = 0
  /** While a header is read, and at its place after the data of a database. */
  #header: Header | undefined = { lines: 0 }
  #decode: Decode = () => undefined
  #key: Field | undefined
  #databases = 0
  #bytes = 0

  /** @param maxBytes the longest key or value */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
    // A byte may be written with three characters.
    this.#lines = new LineSplitter(maxBytes * 3 + 2)
  }

  /** So many bytes of text were read. */
  get bytes(): number {
    return this.#bytes
  }

  /** The pairs that this chunk completes. @throws {DumpError} */
  *feed(chunk: Buffer): Iterable<DumpEntry> {
    this.#bytes += chunk.length
    for (const line of this.#lines.feed(chunk)) {
      const entry = this.#read(line)
      if (entry !== undefined) yield entry
    }
  }

  /** The text has ended. @throws {DumpError} when the dump has not */
  finish(): void {
    const rest = this.#lines.rest()
    // The last line end may be missing; half a line is not read.
    if (isEnd(rest)) this.#read(rest)
    else if (rest?.length !== 0) throw this.#lineNumber === 0 ? this.#noDump() : this.#cutOff()
    if (this.#header?.lines !== 0) throw this.#cutOff()
    if (this.#databases === 0) throw new DumpError('The dump is empty: not even a header is there')
  }

  #read(line: Line): DumpEntry | undefined {
    this.#lineNumber++
    if (this.#header !== undefined) {
      this.#readHeader(this.#header, line)
      return undefined
    }
    if (isEnd(line)) {
      if (this.#key !== undefined) throw this.#error('the last key has no value')
      this.#databases++
      this.#header = { lines: 0 }
      return undefined
    }
    if (line !== undefined && line[0] !== BLANK)
      throw this.#error('neither data, which begin with a blank, nor DATA=END')
    return this.#pair(this.#field(line))
  }

  #readHeader(header: Header, line: Line): void {
    const [, name, value] = /^(\w+)=(.*)$/.exec(line?.toString('latin1') ?? '') ?? []
    if (header.lines++ === 0) {
      if (name !== 'VERSION') throw this.#noDump()
      if (value !== '3') throw this.#error('only version 3 is read: dump the file with db5.3_dump')
      return
    }
    if (name === undefined || header.lines > MOST_HEADER_LINES) throw this.#error('the header has no HEADER=END')
    if (name === 'format') header.decode = this.#known(name, value!, decoders)
    if (name === 'type')
      header.type = this.#known(name, value!, Object.fromEntries(typesRead.map((type) => [type, type])))
    if (name === 'HEADER') this.#endHeader(header)
  }

  #endHeader({ decode, type }: Header): void {
    if (decode === undefined || type === undefined) throw this.#error('the header names no format, or no type')
    this.#decode = decode
    this.#header = undefined
  }

  #known<T>(name: string, value: string, known: Readonly<Record<string, T>>): T {
    if (Object.hasOwn(known, value)) return known[value]!
    const shown = /^\w{1,20}$/.test(value) ? value : '…'
    throw this.#error(`${name}=${shown} holds no sessions; read are ${Object.keys(known).join(' and ')}`)
  }

  #field(line: Line): Field {
    const tooLong = `it is longer than ${this.#maxBytes} bytes (the option maxBytes)`
    if (line === undefined) return tooLong
    const bytes = this.#decode(line.subarray(1))
    if (bytes === undefined) return `line ${this.#lineNumber} of the dump is damaged`
    return bytes.length > this.#maxBytes ? tooLong : bytes
  }

  #pair(field: Field): DumpEntry | undefined {
    const key = this.#key
    this.#key = key === undefined ? field : undefined
    if (key === undefined) return undefined
    if (typeof key === 'string') return { key: undefined, problem: key }
    return typeof field === 'string' ? { key, problem: field } : { key, value: field }
  }

  #cutOff(): DumpError {
    return new DumpError(`The dump is cut off after line ${this.#lineNumber}: there is no DATA=END`)
  }

  #noDump(): DumpError {
    return this.#error('this is no output of db_dump, which begins with VERSION=3')
  }

  #error(problem: string): DumpError {
    return new DumpError(`Line ${Math.max(1, this.#lineNumber)} of the dump: ${problem}`)
  }
}

function isEnd(line: Line): boolean {
  return line?.length === 8 && line.toString('latin1') === 'DATA=END'
}
