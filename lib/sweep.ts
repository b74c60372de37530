/** Going through a store, and removing what is to go. */

import type { PurgeCandidate } from './driver-guard.js'
import type { Engine } from './engine.js'
import { DriverError, SessionError } from './errors.js'
import type { Store } from './heeding.js'
import type { SessionData } from './record.js'
import { forwardOf, MOST_FORWARDS } from './renewal.js'
import { thawRecord } from './thaw-record.js'

/** How a purge ended. */
export interface PurgeResult {
  /** Sessions that had expired and are gone now. */
  removed: number
  /**
   * Sessions that were looked at and are alive; their time of access is as it was. A table with a column of expiry times spares
   * the look at most of them.
   */
  kept: number
  /** Records that could not be read or removed; they are still there. */
  unreadable: number
}

/**
 * So many sessions are looked at and removed at once by a purge: a server answers many requests in little more time than one,
 * and an embedded store syncs its file once for all of them.
 */
const PURGED_AT_ONCE = 32

/** Is a session to be removed? */
export type Test = (data: SessionData, id: string) => boolean

/** What a sweep goes through, and what is to go. */
export interface Sweep {
  readonly candidates: AsyncIterable<PurgeCandidate>
  readonly isToGo: Test
}

/** What became of one candidate. `vanished`: it was listed, and is no longer there. `elsewhere`: it leads to a session that stays. */
type Fate = keyof PurgeResult | 'vanished' | 'elsewhere'

/** Remove the sessions of which the test says so; what cannot be read or removed is counted, and does not stop the rest. */
export async function sweep(engine: Engine, store: Store, { candidates, isToGo }: Sweep): Promise<PurgeResult> {
  const { removed, kept, unreadable } = await countFates(engine, store, { candidates, isToGo })
  return { removed, kept, unreadable }
}

/** So often a store is gone through at most. */
const MOST_PASSES = 10

/**
 * Go through all sessions until there is nothing more to remove. One that is given a new id may be under neither in one list: then
 * its old one has vanished, so the store is gone through once more.
 */
export async function sweepUntilClean(engine: Engine, store: Store, isToGo: Test): Promise<PurgeResult> {
  let removed = 0
  for (let pass = 1; ; pass++) {
    const fates = await countFates(engine, store, { candidates: eachOf(store), isToGo })
    removed += fates.removed
    const isClean = fates.removed + fates.vanished === 0
    if (isClean || pass === MOST_PASSES) return { removed, kept: fates.kept, unreadable: fates.unreadable }
  }
}

async function countFates(engine: Engine, store: Store, { candidates, isToGo }: Sweep): Promise<Record<Fate, number>> {
  const counts: Record<Fate, number> = { removed: 0, kept: 0, unreadable: 0, vanished: 0, elsewhere: 0 }
  let failure: unknown
  const check = async (candidate: PurgeCandidate): Promise<void> => {
    try {
      counts[await sweepOne(engine, store, candidate, isToGo)]++
    } catch (error) {
      if (!(error instanceof SessionError)) throw error
      if (error instanceof DriverError) failure ??= error
      counts.unreadable++
    }
  }
  for await (const group of groupsOf(candidates, PURGED_AT_ONCE)) await Promise.all(group.map(check))
  if (failure !== undefined && counts.removed + counts.kept === 0) throw failure
  return counts
}

async function sweepOne(
  engine: Engine,
  store: Store,
  { id, isDated, read }: PurgeCandidate,
  isToGo: Test,
  forwards = MOST_FORWARDS,
): Promise<Fate> {
  for (let record = await read(); record !== undefined; ) {
    const data = thawRecord(engine, id, record)
    const forward = forwardOf(data)
    if (forward !== undefined && !engine.hasEnded(data)) return sweepTarget(engine, store, forward.id, isToGo, forwards)
    if (!isToGo(data, id)) {
      const ttl = engine.timeToLive(data)
      // A program that does not know the store's expiry time prolonged the session, or began it.
      if (isDated && ttl > 0) await store.store(id, record, { ttl, expect: record })
      return 'kept'
    }
    if (await removeExactly(store, id, record)) {
      engine.log?.('sweep', id, 'removed')
      return 'removed'
    }
    const present = await store.retrieve(id)
    if (present !== undefined && Buffer.compare(present, record) === 0) return 'unreadable'
    record = present
  }
  return 'vanished'
}

/** True for the one who removed it: two may come to it on different ways. */
function removeExactly(store: Store, id: string, record: Uint8Array): Promise<boolean> {
  return store.supports.expect ? store.remove(id, { expect: record }) : store.removeIfStill(id, record)
}

/** A session may have been given a new id that is not in the list. */
async function sweepTarget(engine: Engine, store: Store, id: string, isToGo: Test, forwards: number): Promise<Fate> {
  if (forwards === 0) return 'elsewhere'
  const target = { id, isDated: false, read: () => store.retrieve(id) }
  const fate = await sweepOne(engine, store, target, isToGo, forwards - 1)
  return fate === 'removed' ? 'removed' : 'elsewhere'
}

/** All sessions of a store. */
async function* eachOf(store: Store): AsyncIterable<PurgeCandidate> {
  for await (const id of store.ids()) yield { id, isDated: false, read: () => store.retrieve(id) }
}

/** The items of a stream, so many at a time. */
async function* groupsOf<Item>(items: AsyncIterable<Item>, size: number): AsyncIterable<readonly Item[]> {
  let group: Item[] = []
  for await (const item of items) {
    if (group.push(item) < size) continue
    yield group
    group = []
  }
  if (group.length > 0) yield group
}
