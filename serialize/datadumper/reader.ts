/** Reads a whole record: the assignment to `$D`, the fix-up statements behind it, and `$D` at the end. */

import { isAscii } from 'node:buffer'
import { asBuffer } from '../../lib/bytes.js'
import { setElement } from '../../lib/hash.js'
import { ScalarRef } from '../../lib/perl-values.js'
import { overLimit } from '../shared/failure.js'
import type { SerializerOptions } from '../shared/options.js'
import { noteSlot, noteTexts } from '../shared/origin.js'
import * as codes from './codes.js'
import { Cursor, serializerName } from './cursor.js'
import { type Place, readPath, type Variable } from './paths.js'
import { ValueReader } from './values.js'

const assignment = /(?:(?:my|our)\s+)?\$([A-Za-z_]\w*)\s*=(?![=~>])/y

/** The value of a record. */
export function readRecord(record: Uint8Array, options: SerializerOptions): unknown {
  if (record.length > options.maxBytes) throw overLimit(serializerName, 'bytes', options.maxBytes, 'maxBytes')
  const bytes = asBuffer(record)
  return new RecordReader(bytes, options).read()
}

class RecordReader {
  private readonly cursor: Cursor
  private readonly maxDepth: number
  private readonly variable: Variable = { name: undefined, holder: undefined }
  private readonly values: ValueReader

  constructor(bytes: Buffer, options: SerializerOptions) {
    this.cursor = new Cursor(bytes.toString('latin1'), isAscii(bytes), options.encoding)
    this.maxDepth = options.maxDepth
    this.values = new ValueReader(this.cursor, options, this.variable)
  }

  read(): unknown {
    const { cursor, variable } = this
    if (cursor.skip() === codes.end) throw cursor.fail('nothing but blanks')
    variable.name = cursor.match(assignment)?.[1]
    const value = this.values.read()
    if (value === null) throw cursor.fail('the undefined value')
    variable.holder = new ScalarRef(value)
    cursor.form = undefined
    while (this.skipSemicolons() !== codes.end) this.statement()
    if (typeof value === 'object') noteTexts(value, cursor.texts)
    return value
  }

  private skipSemicolons(): number {
    const { cursor } = this
    let code = cursor.skip()
    if (code !== codes.end && code !== codes.semicolon) throw cursor.fail('expected a semicolon or the end')
    while (code === codes.semicolon) {
      cursor.pos++
      code = cursor.skip()
    }
    return code
  }

  /** A fix-up, or the variable alone. */
  private statement(): void {
    const { cursor } = this
    const start = cursor.pos
    const place = readPath(cursor, this.variable, this.maxDepth)!
    if (cursor.skip() === codes.equals) {
      cursor.pos++
      this.assign(place, start)
    } else if (place.container !== this.variable.holder) {
      throw cursor.fail('expected an assignment', start)
    }
  }

  private assign(place: Place, start: number): void {
    const { cursor } = this
    if (place.container === this.variable.holder) throw cursor.fail('a second value of the variable', start)
    const value = this.values.read()
    const { container, key } = place
    setElement(container as Record<string, unknown>, key as string, value)
    if (cursor.form !== undefined) noteSlot(container, key, value, cursor.form)
    cursor.form = undefined
  }
}
