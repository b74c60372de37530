/** A driver whose answers are waited for only as long as a signal allows: what `signal` means to every driver alike. */

import { streamUnlessAborted, Waits } from './abort.js'
import type { StoreOptions, StoreOutcome } from './contracts.js'
import type { DriverGuard } from './driver-guard.js'

/** What one operation of a session or a manager needs of the driver. */
export interface Store
  extends Pick<DriverGuard, 'name' | 'supports' | 'retrieve' | 'remove' | 'removeIfStill' | 'ids' | 'candidates'> {
  /** As the driver's. `late` is told how a write ended for which nobody waited any longer. */
  store(
    id: string,
    record: Uint8Array,
    options?: StoreOptions,
    late?: (outcome: StoreOutcome) => void,
  ): Promise<StoreOutcome>
  /** Fulfilled when also those requests have ended for which nobody waits any longer; absent where there is no signal. */
  settled?(): Promise<void>
}

/** The driver itself, where there is no signal. */
export function heeding(driver: DriverGuard, signal: AbortSignal | undefined): Store {
  if (signal === undefined) return driver
  const waits = new Waits(signal)
  return {
    name: driver.name,
    supports: driver.supports,
    retrieve: (id) => waits.unlessAborted(() => driver.retrieve(id)),
    store: (id, record, options, late) => waits.unlessAborted(() => driver.store(id, record, options), late),
    remove: (id, options) => waits.unlessAborted(() => driver.remove(id, options)),
    removeIfStill: (id, record) => waits.unlessAborted(() => driver.removeIfStill(id, record)),
    ids: () => streamUnlessAborted(waits, driver.ids()),
    candidates: (now) => streamUnlessAborted(waits, driver.candidates(now)),
    settled: () => waits.settled(),
  }
}
