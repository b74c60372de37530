/** What the benchmarks have in common: their rounds and their sessions. */

/** The items in random order: what runs first in a round must not always be the same. */
export function shuffle<Item>(items: readonly Item[]): Item[] {
  return items
    .map((item) => ({ item, key: Math.random() }))
    .sort((a, b) => a.key - b.key)
    .map(({ item }) => item)
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)]!
}

/** Parameters like those of shops: text, numbers, nested lists and hashes; in the cart so many entries. */
export function parametersOf(entries: number): Record<string, unknown> {
  const items = Array.from({ length: entries }, (_, index) => ({
    sku: `A-${1000 + index}`,
    title: `The quick brown fox no. ${index} isn't lazy`,
    quantity: (index % 9) + 1,
    price: '19.95',
    tags: ['new', 'red', `size ${index % 40}`],
    delivery: { street: `${index} Main Street`, city: 'Springfield', express: index % 2 },
    note: null,
  }))
  return { user: 'alice', visits: 42, cart: { items } }
}
