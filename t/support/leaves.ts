/** All leaves of a value, and how many of them differ in two descriptions: to change one and see that only it changed. */

import { ElementRef, PerlObject, ScalarRef } from '../../lib/perl-values.js'

// biome-ignore lint/suspicious/noExplicitAny: values of every shape
type Loose = any

/** The places of all leaves below a value, each container once. */
export function leavesOf(value: unknown): [Loose, string | number][] {
  const seen = new Set<unknown>()
  const leaves: [Loose, string | number][] = []
  const open: unknown[] = [value]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (seen.has(next)) continue
    seen.add(next)
    const keys = next instanceof ScalarRef || next instanceof PerlObject ? ['value'] : Object.keys(next as object)
    for (const key of next instanceof ElementRef ? [] : keys) {
      const child = (next as Loose)[key]
      if (typeof child === 'object' && child !== null) open.push(child)
      else leaves.push([next, Array.isArray(next) ? Number(key) : key])
    }
  }
  return leaves
}

/** How many leaves of two nodes (t/support/perl-notation.ts) differ. */
export function countDifferences(one: Loose, other: Loose): number {
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null)
    return one === other ? 0 : 1
  if (Array.isArray(one) !== Array.isArray(other)) return 1
  const keys = new Set([...Object.keys(one), ...Object.keys(other)])
  const isContainer = (node: Loose) => Array.isArray(node) || 'h' in node || 'a' in node || 'r' in node
  if (!isContainer(one) || !isContainer(other)) return JSON.stringify(one) === JSON.stringify(other) ? 0 : 1
  return [...keys].reduce((sum, key) => sum + countDifferences(one[key] ?? null, other[key] ?? null), 0)
}
