/** Reads a whole record: the signature, the table of things that are repeated, and the value. */

import { isAscii, isUtf8 } from 'node:buffer'
import { asBuffer } from '../../lib/bytes.js'
import { SerializeError } from '../../lib/errors.js'
import { setElement } from '../../lib/hash.js'
import { overLimit } from '../shared/failure.js'
import type { SerializerOptions } from '../shared/options.js'
import { noteSlot, noteTexts } from '../shared/origin.js'
import * as codes from './codes.js'
import { Cursor, serializerName } from './cursor.js'
import { type Entry, isReferent, ValueReader } from './values.js'

const signature = 'FrT;'

/**
 * The value of a record. Lengths count bytes, as Perl reads them. Where that does not lead to the very end, Perl has
 * written characters beyond Latin-1 to a file (and cannot read them again): the file is UTF-8, and lengths count its
 * characters.
 */
export function readRecord(record: Uint8Array, options: SerializerOptions): unknown {
  if (record.length > options.maxBytes) throw overLimit(serializerName, 'bytes', options.maxBytes, 'maxBytes')
  const bytes = asBuffer(record)
  const ascii = isAscii(bytes)
  try {
    return read(new Cursor(bytes.toString('latin1'), false), ascii, options)
  } catch (error) {
    if (ascii || !(error instanceof SerializeError) || !isUtf8(bytes)) throw error
    return readChars(bytes, options, error)
  }
}

function readChars(bytes: Buffer, options: SerializerOptions, firstError: SerializeError): unknown {
  try {
    return read(new Cursor(bytes.toString('utf8'), true), false, options)
  } catch (error) {
    throw error instanceof SerializeError ? firstError : error
  }
}

function read(cursor: Cursor, ascii: boolean, options: SerializerOptions): unknown {
  return new RecordReader(cursor, ascii, options).read()
}

/** What stands for a repeated thing until its content is read. */
interface Empty {
  readonly code: number
  readonly isObject: boolean
}

class RecordReader {
  private readonly cursor: Cursor
  private readonly values: ValueReader

  constructor(cursor: Cursor, ascii: boolean, options: SerializerOptions) {
    this.cursor = cursor
    this.values = new ValueReader(cursor, ascii, options)
  }

  read(): unknown {
    const { cursor, values } = this
    if (!cursor.text.startsWith(signature)) throw cursor.fail(`expected ${signature}`)
    cursor.pos = signature.length
    if (cursor.peek() === codes.table) this.table()
    const start = cursor.pos
    if (cursor.peek() !== codes.list) throw cursor.fail('expected a list of values')
    // The session is one level below the list.
    const [value] = values.read(-1).value as unknown[]
    if (cursor.left > 0) throw cursor.fail('something behind the value')
    if (value === null || value === undefined) throw cursor.fail('the undefined value', start)
    if (typeof value === 'object') noteTexts(value, values.texts.forms)
    return value
  }

  /** Empty things, one for each that is repeated, and then their contents in the same order. */
  private table(): void {
    const { cursor, values } = this
    cursor.pos++
    const count = cursor.number() + 1
    values.claim(count)
    const empties: Empty[] = []
    while (empties.length < count) empties.push(this.empty())
    const entries = empties.map((empty) => this.content(empty))
    values.entries = entries
    for (const { container, key, entry } of values.gaps) {
      const found = entries[entry]
      if (found === undefined) continue
      setElement(container, key, found.value)
      if (found.form !== undefined) noteSlot(container, key, found.value, found.form)
    }
  }

  private empty(): Empty {
    const { cursor } = this
    const start = cursor.pos
    const isObject = cursor.peek() === codes.emptyObject
    if (isObject) {
      cursor.pos++
      this.values.className()
    }
    const code = cursor.peek()
    cursor.pos++
    if (!isReferent(code) || !this.skipEmpty(code)) throw cursor.fail('expected something empty', start)
    return { code, isObject }
  }

  private skipEmpty(code: number): boolean {
    const { cursor } = this
    if (code === codes.list || code === codes.hash) return cursor.number() === 0
    if (code === codes.reference) return cursor.text.charCodeAt(cursor.pos++) === codes.undef
    cursor.string()
    return true
  }

  private content({ code, isObject }: Empty): Entry {
    const { cursor, values } = this
    const start = cursor.pos
    if (!isObject) return this.contentOf(code, start)
    if (cursor.peek() !== codes.objectContent) throw cursor.fail('expected the content of an object')
    cursor.pos++
    const className = values.className()
    const { value } = this.contentOf(code, start)
    const object = values.bless(className, value)
    values.mark = undefined
    return { value: object, form: typeof object === 'boolean' ? 'json-boolean' : undefined }
  }

  private contentOf(code: number, start: number): Entry {
    if (this.cursor.peek() !== code) throw this.cursor.fail('a content of another kind than announced', start)
    return this.values.read(0)
  }
}
