/**
 * `id:UUID16`: the 16 raw bytes of a UUID, one character a byte.
 *
 * They are neither text nor safe in a file name, so few drivers can hold them; those that cannot refuse this generator.
 */

import type { IdShape } from '../lib/contracts.js'
import { bytesOf, UuidGenerator } from './shared/uuid.js'

/** UUIDs as 16 bytes: Perl's `create_bin`. */
export default class UUID16 extends UuidGenerator {
  readonly shape: IdShape = 'bytes'
  readonly length = 16

  protected override write(uuid: string): string {
    return bytesOf(uuid).toString('latin1')
  }
}
