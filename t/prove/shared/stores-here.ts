/** A store of every driver that can be had here, and the time for each. */

import type { SessionStore } from '../../suite/session.js'
import { stores } from '../../support/stores.js'
import { driversHere } from './drivers.js'

/** A driver with a store of its own. */
export interface DriverStore {
  readonly driver: string
  readonly store: SessionStore
}

/** Each with its server running. */
export async function storesHere(log: (text: string) => void): Promise<DriverStore[]> {
  const opened: DriverStore[] = []
  for (const driver of driversHere(log)) opened.push({ driver, store: await stores[driver]!() })
  return opened
}

/** The first of so many parts of the time until `end` (of `performance.now()`): is it still going on? */
export function partOf(end: number, parts: number): () => boolean {
  const until = performance.now() + (end - performance.now()) / parts
  return () => performance.now() < until
}
