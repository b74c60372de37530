/** Drivers as a manager makes them, for proofs that look below sessions. */

import type { Driver } from '../../../lib/contracts.js'
import { DriverGuard } from '../../../lib/driver-guard.js'
import { readOptions } from '../../../lib/options.js'
import { loadPlugin } from '../../../lib/registry.js'

/** A driver behind its guard. `padding`: records may be lengthened with line ends, as most serializers allow. */
export async function openDriver(name: string, options: object, padding = true): Promise<Driver> {
  const { Plugin } = await loadPlugin('driver', name)
  const given = readOptions(Plugin.options, { ...options })
  return new DriverGuard(name, new Plugin(given, { now: () => Math.floor(Date.now() / 1000), padding }), {
    isOurs: true,
  })
}

/** Open a driver, do something with it, and close it. */
export async function withDriver<T>(
  [name, options, padding]: readonly [name: string, options: object, padding?: boolean],
  work: (driver: Driver) => Promise<T>,
): Promise<T> {
  const driver = await openDriver(name, options, padding)
  try {
    return await work(driver)
  } finally {
    await driver.close()
  }
}
