/** Second names of a session file: left by a process that died while it created the file, or planted by somebody. */

import { fstatSync, lstatSync, opendirSync } from 'node:fs'
import { unlinkIfThere } from './create.js'
import type { FileNames } from './names.js'

function isSameFile(path: string, dev: number, ino: number): boolean {
  const stats = lstatSync(path, { throwIfNoEntry: false })
  return stats?.ino === ino && stats.dev === dev
}

/** Remove the hidden names of an open file. How many names it has left. */
export function dropHiddenLinks(fd: number, names: FileNames): number {
  const { dev, ino } = fstatSync(fd)
  const directory = opendirSync(names.directory)
  try {
    for (let entry = directory.readSync(); entry !== null; entry = directory.readSync()) {
      const path = `${names.directory}/${entry.name}`
      if (names.isTemporary(entry.name) && isSameFile(path, dev, ino)) unlinkIfThere(path)
    }
  } finally {
    directory.closeSync()
  }
  return fstatSync(fd).nlink
}
