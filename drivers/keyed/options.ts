/** The options that all drivers have whose store keeps a value under a key, named as in Data::Session. */

import type { OptionTable } from '../../lib/contracts.js'
import { integer } from '../../lib/options.js'
import { givenBy, type Handle, optionalHandle } from '../shared/handle.js'
import { within } from '../shared/within.js'

/** Options of every such driver. */
export interface KeyedOptions {
  /**
   * A live client or environment in place of one that the driver opens, or a function that gives one and is called when it is
   * first needed (Perl: `cache`). It is never changed, and stays open when the manager is closed.
   */
  cache: Handle | undefined
  /** How long connecting and an operation may take, in milliseconds. Default: 5000. */
  timeout: number
}

/** How they are read. */
export const keyedOptions: OptionTable<KeyedOptions> = {
  cache: optionalHandle('a live client'),
  timeout: integer(5000, { min: 1, max: 2_000_000_000 }),
}

/**
 * The live client of option `cache`.
 * @throws {Error} ETIMEDOUT when its function does not give one in time
 */
export function clientOf({ cache, timeout }: KeyedOptions): Promise<unknown> {
  return within(timeout, givenBy(cache), () => undefined, 'The function of option cache gave no client')
}
