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

/** Is it an object without a class, of this or another realm (`vm` contexts have an `Object` of their own)? */
export function isPlainObject(value: object): value is Hash {
  const prototype: object | null = Object.getPrototypeOf(value)
  if (prototype === Object.prototype || prototype === null) return true
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, 'isPrototypeOf')
}
