/**
 * `id:UUID64`: the bytes of a UUID in base64, 24 characters with the `==` at the end.
 *
 * There may be `/` and `+` in it, so it cannot name a file, and it must be escaped in a URL.
 */

import type { IdShape } from '../lib/contracts.js'
import { bytesOf, UuidGenerator } from './shared/uuid.js'

/** UUIDs as `fp1lBVDlQRG9jkz3sK4oDQ==`: Perl's `create_b64`. */
export default class UUID64 extends UuidGenerator {
  readonly shape: IdShape = 'text'
  readonly length = 24

  protected override write(uuid: string): string {
    return bytesOf(uuid).toString('base64')
  }
}
