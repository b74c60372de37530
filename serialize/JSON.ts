/** JSON as Perl's `Data::Session::Serialize::JSON` reads and writes it (`JSON->new`, so JSON::XS or JSON::PP). */

import type { OptionTable, Serializer } from '../lib/contracts.js'
import { readJson } from './json/reader.js'
import { writeJson } from './json/writer.js'
import { type SerializerOptions, serializerOptions } from './shared/options.js'

/**
 * The serializer `JSON`. What it writes is pure ASCII, because Perl does not decode what it reads from a file: with
 * escapes every reader gets the same characters. Shared containers are written out at each place, as Perl does.
 */
export default class JsonSerializer implements Serializer {
  /** Perl's JSON reads and writes 512 levels (`max_depth`). */
  static readonly options: OptionTable<SerializerOptions> = serializerOptions(512)

  readonly output = 'text'
  readonly padding = true
  private readonly options: SerializerOptions

  constructor(options: SerializerOptions) {
    this.options = options
  }

  /** @throws {SerializeError} a value that JSON, or Perl's JSON, cannot hold */
  freeze(session: unknown): Uint8Array {
    return writeJson(session, this.options)
  }

  /** @throws {SerializeError} anything but strict JSON within the limits */
  thaw(record: Uint8Array): unknown {
    return readJson(record, this.options)
  }
}
