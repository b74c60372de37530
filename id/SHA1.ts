/** `id:SHA1`: 40 lower-case hex digits, as Perl's SHA1 ids look; all 160 bits are random. */

import { HexGenerator } from './shared/hex.js'

/** Ids of the length of a SHA1 digest. */
export default class SHA1 extends HexGenerator {
  readonly length = 40
}
