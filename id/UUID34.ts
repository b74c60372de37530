/** `id:UUID34`: `0x` and the 32 upper-case hex digits of a UUID. */

import type { IdShape } from '../lib/contracts.js'
import { digitsOf, UuidGenerator } from './shared/uuid.js'

/** UUIDs as `0x0564671AE55041F1AD8E4CF7B0AE280D`: Perl's `create_hex`. */
export default class UUID34 extends UuidGenerator {
  readonly shape: IdShape = 'word'
  readonly length = 34

  protected override write(uuid: string): string {
    return `0x${digitsOf(uuid).toUpperCase()}`
  }
}
