/** Numbers by chance that a seed repeats. */

export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** At least 0 and below 1. (The generator mulberry32.) */
  fraction(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = this.#state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }

  /** A whole number, at least 0 and below the limit. */
  below(limit: number): number {
    return Math.floor(this.fraction() * limit)
  }

  /** One of them. */
  pick<Item>(items: readonly Item[]): Item {
    return items[this.below(items.length)]!
  }

  /** A seed for a process of its own. */
  seed(): number {
    return this.below(2 ** 32)
  }
}
