/** `id:SHA512`: 128 lower-case hex digits, as Perl's SHA512 ids look; all 512 bits are random. */

import { HexGenerator } from './shared/hex.js'

/** Ids of the length of a SHA512 digest. */
export default class SHA512 extends HexGenerator {
  readonly length = 128
}
