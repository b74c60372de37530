/**
 * Records in text columns, as Perl sees them: DBD::Pg gives characters, and a frozen session is a string of bytes.
 *
 * Characters up to U+00FF are one byte each; a text with any beyond them is UTF-8. So two texts may have the same bytes:
 * a comparison takes both.
 */

import { asBuffer } from '../../lib/bytes.js'

const beyondBytes = /[^\x00-\xff]/

/** The record that a text stands for. */
export function charactersToBytes(text: string): Uint8Array {
  return Buffer.from(text, beyondBytes.test(text) ? 'utf8' : 'latin1')
}

/**
 * The two texts that stand for a record, each in UTF-8: as Latin-1, and as UTF-8 (the first again, where it is none). They are
 * bytes, because a database in another encoding refuses a text that it cannot hold.
 */
export function readingsOf(record: Uint8Array): [Uint8Array, Uint8Array] {
  const bytes = asBuffer(record)
  const latin1 = Buffer.from(bytes.toString('latin1'))
  const utf8 = bytes.toString('utf8')
  return [latin1, beyondBytes.test(utf8) && Buffer.from(utf8).equals(bytes) ? bytes : latin1]
}
