/** `id:SHA256`: 64 lower-case hex digits, as Perl's SHA256 ids look; all 256 bits are random. */

import { HexGenerator } from './shared/hex.js'

/** Ids of the length of a SHA256 digest. */
export default class SHA256 extends HexGenerator {
  readonly length = 64
}
