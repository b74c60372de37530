/**
 * Ids of hex digits, straight from the operating system's random source.
 *
 * Perl hashes the process id, the time and `rand`, all of which can be guessed. Hashing adds no randomness, so here the
 * digits are the random bytes themselves: as many as the digest of that name has.
 */

import type { IdGenerator, IdShape, OptionTable } from '../../lib/contracts.js'
import { cannotGenerate, saidBy } from './failure.js'

// One call to the system costs the same for 16 bytes and for 1024. Each byte is handed out once, then wiped.
const pool = Buffer.alloc(1024)
let used = pool.length

function refill(): void {
  // Found at the first id only: loading node:crypto costs milliseconds, and opening a stored session needs no new id.
  process.getBuiltinModule('node:crypto').randomFillSync(pool)
  used = 0
}

/** This many random bytes as lower-case hex digits. */
function randomHex(bytes: number): string {
  if (used + bytes > pool.length) refill()
  const start = used
  used += bytes
  const digits = pool.toString('hex', start, used)
  pool.fill(0, start, used)
  return digits
}

/** What the four generators of hex ids have in common; all that differs is `length`. */
export abstract class HexGenerator implements IdGenerator {
  static readonly options: OptionTable<Record<never, never>> = {}

  readonly shape: IdShape = 'word'
  abstract readonly length: number

  /** @throws {IdError} ERR_SESSION_ID_GENERATE when the random source fails */
  async generate(): Promise<string> {
    try {
      return randomHex(this.length / 2)
    } catch (cause) {
      throw cannotGenerate(this.constructor.name, `the system's random source failed: ${saidBy(cause)}`, cause)
    }
  }
}
