/** Hidden files of processes that were killed. They do no harm, and are swept away when sessions are listed. */

import { existsSync, lstatSync } from 'node:fs'
import { unlinkIfThere } from './create.js'
import type { FileNames } from './names.js'

// No write takes this long, so nobody is still at work on the file.
const OLD_MS = 3_600_000

function isOld(path: string): boolean {
  const stats = lstatSync(path, { throwIfNoEntry: false })
  return stats?.isFile() === true && stats.mtimeMs < Date.now() - OLD_MS
}

/** Remove a file in the making, or the journal of a session that is gone, if it is more than an hour old. */
export function dropLeftover(name: string, names: FileNames): void {
  const session = names.journaled(name)
  if (!names.isTemporary(name) && (session === undefined || existsSync(session))) return
  const path = `${names.directory}/${name}`
  try {
    if (isOld(path)) unlinkIfThere(path)
  } catch {
    // It belongs to somebody else, who will sweep it.
  }
}
