/** Hashes as plain objects: any key is an ordinary key. */

/** A plain object with the keys of a hash. */
export type Hash = Record<string, unknown>

/** Set an element of a hash or an array; `__proto__` is a key like any other. */
export function setElement(container: Hash, key: string, value: unknown): void {
  if (key === '__proto__') {
    Object.defineProperty(container, key, { value, writable: true, enumerable: true, configurable: true })
  } else {
    container[key] = value
  }
}
