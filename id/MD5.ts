/** `id:MD5`: 32 lower-case hex digits, as Perl's MD5 ids look; all 128 bits are random. */

import { HexGenerator } from './shared/hex.js'

/** Ids of the length of an MD5 digest. */
export default class MD5 extends HexGenerator {
  readonly length = 32
}
