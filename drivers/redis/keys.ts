/** Keys: the prefix, then the bytes of the id. */

import type { Reply } from './client.js'

/** The key of an id, one byte a character. */
export function keyOf(prefix: Buffer, id: string): Buffer {
  const key = Buffer.allocUnsafe(prefix.length + id.length)
  prefix.copy(key)
  key.write(id, prefix.length, 'latin1')
  return key
}

/** The pattern of all keys with this prefix, which may have signs that mean something in a pattern. */
export function patternOf(prefix: Buffer): Buffer {
  const escaped = prefix.toString('latin1').replace(/[\\*?[\]]/g, '\\$&')
  return Buffer.from(`${escaped}*`, 'latin1')
}

/**
 * A page of SCAN: where the next one begins (`0`: there is none), and keys.
 * @throws {Error} for the answer to something else: what was sent between may not be what came
 */
export function pageOf(reply: Reply): { cursor: string; keys: readonly Buffer[] } {
  const [cursor, keys]: unknown[] = Array.isArray(reply) ? reply : []
  if (!Array.isArray(keys) || keys.some((key) => !(key instanceof Uint8Array))) throw unexpected()
  return { cursor: String(cursor), keys }
}

/** The error for an answer that is none to what was asked. */
export function unexpected(): Error {
  return new Error('the server gave an answer of another kind than was asked for')
}

/** So many ids are remembered, twice. */
const REMEMBERED = 5000

/**
 * Drops ids that came a moment ago. SCAN repeats keys when the server's table of keys shrinks on the way, as in a purge: those of
 * the place that it goes on from, which have come just before. It remembers a bounded number, whatever the store's size is.
 */
export class Recent {
  #current = new Set<string>()
  #before = new Set<string>()

  isNew(id: string): boolean {
    if (this.#current.has(id) || this.#before.has(id)) return false
    if (this.#current.size === REMEMBERED) {
      this.#before = this.#current
      this.#current = new Set()
    }
    this.#current.add(id)
    return true
  }
}
