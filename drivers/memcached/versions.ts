/** Which version of an item a record was: it makes a write with a precondition one request. */

import type { Line } from './line.js'
import type { Version } from './protocol.js'

/** A version, and where it counts: a server that was started anew begins to count anew, and its connections have ended. */
interface Known {
  /** memcached counts all its items together; others that speak its protocol may not. */
  readonly key: string
  readonly connection: object
  readonly version: Version
}

/**
 * Remembers it by the very object that `retrieve` gave or `store` was given, which is what the engine expects at the next write.
 * Whoever changes such an object has another record, and must not say that he expects it.
 */
export class Versions {
  readonly #known = new WeakMap<Uint8Array, Known>()

  /** The version of this record under the key; undefined where it is not known. */
  of(record: Uint8Array, key: string, { connection }: Line): Version | undefined {
    const known = this.#known.get(record)
    return known !== undefined && known.key === key && known.connection === connection ? known.version : undefined
  }

  remember(record: Uint8Array, key: string, { connection }: Line, version: Version | undefined): void {
    if (connection !== undefined && version !== undefined) this.#known.set(record, { key, connection, version })
  }
}
