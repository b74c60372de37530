/** A new, empty store for each driver, as the suites need it. A new driver adds one line to `stores`. */

import { join } from 'node:path'
import type { ManagerOptions } from '../../lib/index.js'
import type { SessionStore } from '../suite/session.js'
import { temporaryFolder } from './folders.js'

let spaces = 0

/** Driver -> a store of it; the options go to every manager on that store. */
export const stores: Readonly<Record<string, () => Promise<SessionStore> | SessionStore>> = {
  File: () => ({ options: { directory: temporaryFolder() } }),
  Memory: () => ({ options: { space: `stores ${++spaces}` } }),
}

/** Options that an id generator needs beside its name. */
export function idOptions(id: string): { options: ManagerOptions } {
  if (id === 'Static') return { options: { id: 'chosen-by-the-program' } as ManagerOptions }
  if (id !== 'AutoIncrement') return { options: {} }
  return { options: { idFile: join(temporaryFolder(), 'counter') } }
}
