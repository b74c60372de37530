/** JSON as Perl's `Data::Session::Serialize::JSON` reads and writes it (`JSON->new`, so JSON::XS or JSON::PP). */

import { readJson } from './json/reader.js'
import { writeJson } from './json/writer.js'
import { serializerOptions } from './shared/options.js'
import { RecordSerializer } from './shared/record-serializer.js'

/**
 * The serializer `JSON`. What it writes is pure ASCII, because Perl does not decode what it reads from a file: with
 * escapes every reader gets the same characters. Shared containers are written out at each place, as Perl does.
 */
export default class JsonSerializer extends RecordSerializer {
  /** Perl's JSON reads and writes 512 levels (`max_depth`). */
  static readonly options = serializerOptions(512)

  readonly output = 'text'
  readonly padding = true
  protected readonly read = readJson
  protected readonly write = writeJson
}
