/** Asking the program what becomes of a parameter that two writers changed. */

import type { Decide } from './changes.js'
import { isSameValue } from './clone.js'
import type { Engine } from './engine.js'
import { elementOf } from './hash.js'
import type { SessionData } from './record.js'

/**
 * Asks the option `merge` about parameters that both sides changed; undefined where there is no such option.
 * @param base the record from which both began; null when there was none
 */
export function decideByMerge({ options: { merge }, serializer }: Engine, base: Uint8Array | null): Decide | undefined {
  if (merge === undefined) return undefined
  let before: SessionData | undefined
  return (key, mine, theirs) => {
    before ??= base === null ? {} : (serializer.thaw(base) as SessionData)
    const was = elementOf(before, key)
    if (isSameValue(was, theirs) || isSameValue(mine, theirs)) return mine
    const merged = merge(key, was, mine, theirs)
    if (typeof (merged as PromiseLike<unknown> | undefined | null)?.then !== 'function') return merged
    throw new TypeError("Option 'merge' must give the value itself, not a promise of it")
  }
}
