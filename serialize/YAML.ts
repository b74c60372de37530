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

import { serializerOptions } from './shared/options.js'
import { RecordSerializer } from './shared/record-serializer.js'
import { readRecord } from './yaml/reader.js'
import { writeRecord } from './yaml/writer.js'

/**
 * Data::Session::Serialize::YAML, and CGI::Session's `yaml`. Perl has no limit to the nesting. Thawing a record with tags or
 * anchors of CGI::Session needs the package js-yaml (PluginError).
 */
export default class Yaml extends RecordSerializer {
  static readonly options = serializerOptions(512)
  readonly output = 'text'
  readonly padding = true
  protected readonly read = readRecord
  protected readonly write = writeRecord
}
