/** The options that all serializers share. */

import type { OptionTable } from '../../lib/contracts.js'
import { integer, oneOf } from '../../lib/options.js'
import type { Encoding } from './text.js'

export interface SerializerOptions {
  /**
   * What Perl's byte strings with non-ASCII bytes are read as: `utf8` (the default) gives text where the bytes are valid
   * UTF-8 and Latin-1 text where not; `latin1` always Latin-1; `bytes` a Buffer. ASCII strings are text in any case.
   * An untouched string goes back as the same bytes.
   */
  encoding: Encoding
  /**
   * What Perl gets for a new text with non-ASCII characters: `chars` (the default), a character string, as from
   * `use utf8` or `decode`; or `bytes`, its UTF-8 bytes, for Perl programs that never decode. It does not concern texts
   * that Perl wrote, nor JSON, whose readers give characters always. YAML has characters up to U+00FF only: Perl gets a
   * new text with others in bytes.
   */
  newText: 'chars' | 'bytes'
  /** The deepest nesting that is read or written. */
  maxDepth: number
  /** The longest record that is read or written, in bytes; 4 MiB by default. */
  maxBytes: number
  /** The most values (elements of all containers together) that are read; 100,000 by default. */
  maxValues: number
}

/** The table of these options for a format that Perl can read down to `depth` levels. */
export function serializerOptions(depth: number): OptionTable<SerializerOptions> {
  return {
    encoding: oneOf(['utf8', 'latin1', 'bytes'], 'utf8'),
    newText: oneOf(['chars', 'bytes'], 'chars'),
    maxDepth: integer(depth, { min: 1, max: 10_000 }),
    maxBytes: integer(4 * 1024 * 1024, { min: 1 }),
    maxValues: integer(100_000, { min: 1 }),
  }
}
