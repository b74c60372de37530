/**
 * YAML as Perl's YAML::Tiny reads and writes it, and (reading only) as CGI::Session's Serialize::yaml writes it with
 * YAML::Syck or YAML.pm.
 *
 * To YAML::Tiny every value is a string or undef: numbers come back as their text, true as "1" and false as "". What is
 * written is ASCII, so a record means the same in every file and database, and whichever way Perl reads it. Characters up
 * to U+00FF have escapes in YAML::Tiny. For others there is none, and Perl gets the UTF-8 bytes of the whole text: that
 * is also what Perl itself gets when it reads such a text from a file. `newText: 'bytes'` makes that the rule for every
 * text with other characters than ASCII.
 */

import type { OptionTable, Serializer } from '../lib/contracts.js'
import { type SerializerOptions, serializerOptions } from './shared/options.js'
import { readRecord } from './yaml/reader.js'
import { writeRecord } from './yaml/writer.js'

/** Data::Session::Serialize::YAML, and CGI::Session's `yaml`. Perl has no limit to the nesting. */
export default class Yaml implements Serializer {
  static readonly options: OptionTable<SerializerOptions> = serializerOptions(512)
  readonly output = 'text'
  readonly padding = true
  private readonly settings: SerializerOptions

  constructor(options: SerializerOptions) {
    this.settings = options
  }

  /** @throws {SerializeError} ERR_SESSION_FREEZE with the path of what YAML::Tiny cannot hold; ERR_SESSION_LIMIT */
  freeze(session: unknown): Uint8Array {
    return writeRecord(session, this.settings)
  }

  /**
   * @throws {SerializeError} ERR_SESSION_THAW with the offset of the line that is not understood; ERR_SESSION_LIMIT
   * @throws {PluginError} a record has tags or anchors of CGI::Session, and the package js-yaml is not installed
   */
  thaw(record: Uint8Array): unknown {
    return readRecord(record, this.settings)
  }
}
