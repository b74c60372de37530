/** Random sessions with everything that Perl data can have: sharing, cycles, references, objects, odd texts. */

import { ElementRef, PerlObject, ScalarRef } from '../../lib/perl-values.js'

const texts = [
  '',
  'a',
  "it's",
  'é',
  'Ã©',
  '☺',
  '😀x',
  'a\\',
  '$x @y',
  '"q"',
  '\0',
  '\r\n',
  'b\ud800',
  '0',
  '12',
  'é☺\n$',
]
const plain = [null, true, false, 0, -5, 1.5, 1e300, -0, 2 ** 60, 123456789012345000n, Buffer.from([200, 65])]
const keys = [...texts, '__proto__', 'k', 'l', '10']

/** Pseudo-random numbers below 1, the same for the same seed. */
export function randomNumbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

/** Sessions, the same for the same seed. */
export function randomSessions(seed: number, count: number): Record<string, unknown>[] {
  const random = randomNumbers(seed)
  return Array.from({ length: count }, () => new RandomSession(random).root)
}

class RandomSession {
  readonly root: Record<string, unknown> = {}
  private readonly random: () => number
  /** What may be used again. */
  private readonly made: object[] = [this.root]

  constructor(random: () => number) {
    this.random = random
    for (const name of ['one', 'two', 'three', 'four']) this.root[name] = this.value(4)
  }

  private below(limit: number): number {
    return Math.floor(this.random() * limit)
  }

  private pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!
  }

  private value(depth: number): unknown {
    const kind = depth === 0 ? 0 : this.random()
    if (kind < 0.3) return this.random() < 0.4 ? this.pick(plain) : this.pick(texts)
    if (kind < 0.45) return this.pick(this.made)
    if (kind < 0.52) return this.elementReference()
    if (kind < 0.6) return this.scalarReference(depth)
    return kind < 0.8 ? this.array(depth) : this.hash(depth)
  }

  private keep(target: object, className: string): object {
    const value = this.random() < 0.25 ? new PerlObject(className, target) : target
    this.made.push(value)
    return value
  }

  private elementReference(): unknown {
    const container = this.pick(this.made)
    if (container instanceof ScalarRef || container instanceof PerlObject) return container
    const key = this.pick(Object.keys(container))
    if (key === undefined) return container
    return new ElementRef(container as Record<string, unknown>, Array.isArray(container) ? Number(key) : key)
  }

  private scalarReference(depth: number): unknown {
    const scalar = new ScalarRef(null)
    const value = this.keep(scalar, "It's")
    scalar.value = this.value(depth - 1)
    return value
  }

  private array(depth: number): unknown {
    const array: unknown[] = []
    const value = this.keep(array, 'My::Array')
    for (let count = this.below(4); count > 0; count--) array.push(this.value(depth - 1))
    return value
  }

  private hash(depth: number): unknown {
    const hash: Record<string, unknown> = {}
    const made = this.keep(hash, 'My::Hash')
    for (let count = this.below(4); count > 0; count--) {
      const key = this.pick(keys)
      if (Object.hasOwn(hash, key)) continue
      Object.defineProperty(hash, key, { value: null, writable: true, enumerable: true, configurable: true })
      hash[key] = this.value(depth - 1)
    }
    return made
  }
}
