/** A new, empty store for each driver, as the suites need it. A new driver adds one line to `stores`. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ManagerOptions } from '../../lib/index.js'
import type { SessionStore } from '../suite/session.js'

/** A temporary folder and the function that removes it. */
export function temporaryFolder(): { path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'data-session-test-'))
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}

let spaces = 0

/** Driver -> a store of it; the options go to every manager on that store. */
export const stores: Readonly<Record<string, () => Promise<SessionStore> | SessionStore>> = {
  File: () => {
    const { path, remove } = temporaryFolder()
    return { options: { directory: path }, remove }
  },
  Memory: () => ({ options: { space: `stores ${++spaces}` } }),
}

/** Options that an id generator needs beside its name. */
export function idOptions(id: string): { options: ManagerOptions; remove?: () => void } {
  if (id === 'Static') return { options: { id: 'chosen-by-the-program' } as ManagerOptions }
  if (id !== 'AutoIncrement') return { options: {} }
  const { path, remove } = temporaryFolder()
  return { options: { idFile: join(path, 'counter') }, remove }
}
