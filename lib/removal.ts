/** Removing a session for good: also under the id that it was given meanwhile. */

import { MOST_ATTEMPTS, stepAside } from './contention.js'
import type { Serializer } from './contracts.js'
import type { Store } from './heeding.js'
import type { SessionData } from './record.js'
import { forwardOf, MOST_FORWARDS } from './renewal.js'

/**
 * Remove what is under an id, and what it leads to. The record that was looked at is the one that is removed, as the session may be
 * given a new id at this very moment. True when there was a session.
 */
export async function removeForGood(
  serializer: Serializer,
  store: Store,
  id: string,
  forwards = MOST_FORWARDS,
): Promise<boolean> {
  for (let attempt = 1; attempt <= MOST_ATTEMPTS && store.supports.expect; attempt++) {
    const record = await store.retrieve(id)
    if (record === undefined) return false
    const next = targetOf(serializer, record)
    const wasThere =
      next === undefined || (forwards > 0 && (await removeForGood(serializer, store, next, forwards - 1)))
    if (await store.remove(id, { expect: record })) return wasThere
    await stepAside(attempt)
  }
  return store.remove(id)
}

/** Where a record leads, if it can be read: one that cannot is to be removed, too. */
function targetOf(serializer: Serializer, record: Uint8Array): string | undefined {
  try {
    return forwardOf(serializer.thaw(record) as SessionData)?.id
  } catch {
    return undefined
  }
}
