/** A driver whose answers are waited for only as long as a signal allows: what `signal` means to every driver alike. */

import { streamUnlessAborted, unlessAborted } from './abort.js'
import type { DriverGuard } from './driver-guard.js'

/** What one operation of a session or a manager needs of the driver. */
export type Store = Pick<
  DriverGuard,
  'name' | 'supports' | 'retrieve' | 'store' | 'remove' | 'removeIfStill' | 'ids' | 'candidates'
>

/** The driver itself, where there is no signal. */
export function heeding(driver: DriverGuard, signal: AbortSignal | undefined): Store {
  if (signal === undefined) return driver
  return {
    name: driver.name,
    supports: driver.supports,
    retrieve: (id) => unlessAborted(signal, () => driver.retrieve(id)),
    store: (id, record, options) => unlessAborted(signal, () => driver.store(id, record, options)),
    remove: (id, options) => unlessAborted(signal, () => driver.remove(id, options)),
    removeIfStill: (id, record) => unlessAborted(signal, () => driver.removeIfStill(id, record)),
    ids: () => streamUnlessAborted(signal, driver.ids()),
    candidates: (now) => streamUnlessAborted(signal, driver.candidates(now)),
  }
}
