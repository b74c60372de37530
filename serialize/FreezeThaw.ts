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

import { readRecord } from './freezethaw/reader.js'
import { writeRecord } from './freezethaw/writer.js'
import { serializerOptions } from './shared/options.js'
import { RecordSerializer } from './shared/record-serializer.js'

/** Data::Session::Serialize::FreezeThaw, and CGI::Session's `freezethaw`. Perl has no limit to the nesting. */
export default class FreezeThaw extends RecordSerializer {
  static readonly options = serializerOptions(2000)
  readonly output = 'bytes'
  /** Perl refuses whatever stands behind the value, line ends too. */
  readonly padding = false
  protected readonly read = readRecord
  protected readonly write = writeRecord
}
