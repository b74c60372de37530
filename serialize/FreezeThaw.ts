/**
 * FreezeThaw: lengths and raw bytes, one type sign a value. CGI::Session and Data::Session know it under this name.
 *
 * The format has nothing but strings, undef, containers, references, patterns and classes, so numbers come back as
 * their text. It has no escapes and Perl decodes nothing: Perl gets text with other characters than ASCII as its UTF-8
 * bytes (Latin-1 bytes with `encoding: 'latin1'`), whatever `newText` says, and each string that Perl wrote as the bytes
 * it was. True is written as "1" and false as "", as Perl itself does.
 *
 * For `maxValues` keys, hashes and texts with other characters than ASCII count as well, so that the shortest record that
 * reaches the limit does not take more memory than others.
 */

import type { OptionTable, Serializer } from '../lib/contracts.js'
import { readRecord } from './freezethaw/reader.js'
import { writeRecord } from './freezethaw/writer.js'
import { type SerializerOptions, serializerOptions } from './shared/options.js'

/** Data::Session::Serialize::FreezeThaw, and CGI::Session's `freezethaw`. Perl has no limit to the nesting. */
export default class FreezeThaw implements Serializer {
  static readonly options: OptionTable<SerializerOptions> = serializerOptions(2000)
  readonly output = 'bytes'
  /** Perl refuses whatever stands behind the value, line ends too. */
  readonly padding = false
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
