/** Perl's hashes as plain objects: any key is an ordinary key. */

/** A plain object with the keys of a hash. */
export type Hash = Record<string, unknown>

/** Set a key of a hash, or an element of an array; `__proto__` becomes a property like any other and never reaches a prototype. */
export function setElement(container: Hash, key: string, value: unknown): void {
  if (key === '__proto__') {
    Object.defineProperty(container, key, { value, writable: true, enumerable: true, configurable: true })
  } else {
    container[key] = value
  }
}

/** What is under a key of a hash; undefined when there is nothing. */
export function elementOf(hash: Hash, key: string): unknown {
  return Object.hasOwn(hash, key) ? hash[key] : undefined
}

/** Is it an object without a class, of this or another realm (`vm` contexts have an `Object` of their own)? */
export function isPlainObject(value: unknown): value is Hash {
  if (typeof value !== 'object' || value === null) return false
  const prototype: object | null = Object.getPrototypeOf(value)
  if (prototype === Object.prototype || prototype === null) return true
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, 'isPrototypeOf')
}
