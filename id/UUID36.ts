/** `id:UUID36`: a UUID in upper case, with its dashes. */

import type { IdShape } from '../lib/contracts.js'
import { UuidGenerator } from './shared/uuid.js'

/** UUIDs as `0564671A-E550-41F1-AD8E-4CF7B0AE280D`: Perl's `create_str`. */
export default class UUID36 extends UuidGenerator {
  readonly shape: IdShape = 'word'
  readonly length = 36

  protected override write(uuid: string): string {
    return uuid.toUpperCase()
  }
}
