/**
 * Data::Dumper: Perl source text, the default format of CGI::Session and Data::Session.
 *
 * Nothing is evaluated: the text is parsed by the grammar of what Data::Dumper writes, and what is not data is refused.
 * What is written is one statement in ASCII, with `;$D` at the end, so that every Perl reader returns the session also
 * where statements for shared references follow.
 */

import { readRecord } from './datadumper/reader.js'
import { writeRecord } from './datadumper/writer.js'
import { serializerOptions } from './shared/options.js'
import { RecordSerializer } from './shared/record-serializer.js'

/** Data::Session::Serialize::DataDumper, and CGI::Session's `default`. Perl's own Data::Dumper stops at 1000 levels. */
export default class DataDumper extends RecordSerializer {
  static readonly options = serializerOptions(1000)
  readonly output = 'text'
  readonly padding = true
  protected readonly read = readRecord
  protected readonly write = writeRecord
}
