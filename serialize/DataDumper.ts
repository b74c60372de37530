/**
 * Data::Dumper: Perl source text, the default format of CGI::Session and Data::Session.
 *
 * Nothing is evaluated: the text is parsed by the grammar of what Data::Dumper writes, and what is not data is refused.
 * What is written is one statement in ASCII, with `;$D` at the end, so that every Perl reader returns the session also
 * where statements for shared references follow.
 */

import type { Serializer } from '../lib/contracts.js'
import { readRecord } from './datadumper/reader.js'
import { writeRecord } from './datadumper/writer.js'
import { type SerializerOptions, serializerOptions } from './shared/options.js'

/** Data::Session::Serialize::DataDumper, and CGI::Session's `default`. Perl's own Data::Dumper stops at 1000 levels. */
export default class DataDumper implements Serializer {
  static readonly options = serializerOptions(1000)
  readonly output = 'text'
  readonly padding = true
  private readonly settings: SerializerOptions

  constructor(options: SerializerOptions) {
    this.settings = options
  }

  /** @throws {SerializeError} ERR_SESSION_FREEZE with the path of a value that is no data; ERR_SESSION_LIMIT */
  freeze(session: unknown): Uint8Array {
    return writeRecord(session, this.settings)
  }

  /** @throws {SerializeError} ERR_SESSION_THAW with the offset of what is not understood; ERR_SESSION_LIMIT */
  thaw(record: Uint8Array): unknown {
    return readRecord(record, this.settings)
  }
}
