/**
 * UUIDs of version 4: 122 random bits each.
 *
 * Perl's are of version 1, made of the time and the machine's address, so they can be guessed; the text looks alike.
 */

import type { IdGenerator, IdShape, OptionTable } from '../../lib/contracts.js'
import { assertPeer, loadPeer } from '../../lib/peer.js'
import { cannotGenerate, saidBy } from './failure.js'

/** What is used of the package `uuid`. */
interface UuidPackage {
  v4(): string
}

let uuid: UuidPackage | undefined

/** What the four generators of UUIDs have in common; all that differs is how a UUID is written. */
export abstract class UuidGenerator implements IdGenerator {
  static readonly options: OptionTable<Record<never, never>> = {}

  abstract readonly shape: IdShape
  abstract readonly length: number

  /** @throws {PluginError} ERR_SESSION_PEER_MISSING when the package `uuid` is not installed */
  constructor() {
    assertPeer('uuid', this.constructor.name)
  }

  /** The id for a UUID in its usual form: lower-case, with dashes. */
  protected abstract write(uuid: string): string

  /**
   * @throws {PluginError} ERR_SESSION_PEER_MISSING when the package `uuid` is not installed
   * @throws {IdError} ERR_SESSION_ID_GENERATE when the random source fails
   */
  async generate(): Promise<string> {
    uuid ??= loadPeer<UuidPackage>('uuid', this.constructor.name)
    return this.write(this.#next(uuid))
  }

  #next({ v4 }: UuidPackage): string {
    try {
      return v4()
    } catch (cause) {
      throw cannotGenerate(this.constructor.name, `the system's random source failed: ${saidBy(cause)}`, cause)
    }
  }
}

/** The 32 hex digits of a UUID. */
export function digitsOf(uuid: string): string {
  return uuid.replaceAll('-', '')
}

/** The 16 bytes of a UUID. */
export function bytesOf(uuid: string): Buffer {
  return Buffer.from(digitsOf(uuid), 'hex')
}
