/** Which version of an item a record was: it makes a write with a precondition one request. */

import type { Version } from './protocol.js'

/** memcached counts all its items together; others that speak its protocol may not, so that the key belongs to it. */
interface Known {
  readonly key: string
  readonly version: Version
}

/**
 * Remembers it by the very object that `retrieve` gave or `store` was given, which is what the engine expects at the next write.
 * Whoever changes such an object has another record, and must not say that he expects it.
 */
export class Versions {
  readonly #known = new WeakMap<Uint8Array, Known>()

  /** The version of this record under the key; undefined where it is not known. */
  of(record: Uint8Array, key: string): Version | undefined {
    const known = this.#known.get(record)
    return known?.key === key ? known.version : undefined
  }

  remember(record: Uint8Array, key: string, version: Version | undefined): void {
    if (version !== undefined) this.#known.set(record, { key, version })
  }
}
