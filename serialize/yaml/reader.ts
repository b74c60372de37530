/** From a record to a value: by the grammar of YAML::Tiny, or by js-yaml where CGI::Session wrote more than that. */

import { asBuffer } from '../../lib/bytes.js'
import { cannotThaw, overLimit } from '../shared/failure.js'
import type { SerializerOptions } from '../shared/options.js'
import { noteTexts } from '../shared/origin.js'
import { isDialect, readDialect } from './dialect.js'
import { DocumentReader, serializerName } from './documents.js'
import { NotTiny } from './scalars.js'
import { Strings } from './strings.js'

/** The value of a record. */
export function readRecord(record: Uint8Array, options: SerializerOptions): unknown {
  if (record.length > options.maxBytes) throw overLimit(serializerName, 'bytes', options.maxBytes, 'maxBytes')
  const bytes = asBuffer(record)
  const strings = new Strings(bytes, options.encoding)
  const value = readDocuments(bytes, strings, options)
  if (value === null || value === undefined) throw cannotThaw(serializerName, 0, 'there is no value')
  return value
}

function readDocuments(bytes: Buffer, strings: Strings, options: SerializerOptions): unknown {
  const isForeign = isDialect(strings.text)
  const reader = new DocumentReader(strings, isForeign, options)
  try {
    return noted(reader.read(), strings)
  } catch (error) {
    if (!(error instanceof NotTiny)) throw error
    if (!isForeign && !error.isForeign) throw cannotThaw(serializerName, reader.offset, `${error.message}, in the line`)
  }
  const others = new Strings(bytes, options.encoding)
  return noted(readDialect(bytes, others, options), others)
}

function noted(value: unknown, strings: Strings): unknown {
  if (typeof value === 'object' && value !== null) noteTexts(value, strings.forms)
  return value
}
