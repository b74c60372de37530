/**
 * New session files. A file is written under a hidden name and then linked to its own, so that nobody, Perl included, ever
 * finds it empty; a link never replaces what is there.
 */

import { closeSync, constants, fdatasyncSync, fsyncSync, linkSync, mkdirSync, openSync, unlinkSync } from 'node:fs'
import { codeOf } from '../../lib/coded-error.js'
import { tryAcquire } from '../../lib/flock.js'
import { writeAll } from './bytes.js'
import type { Settings } from './settings.js'

const { O_CREAT, O_EXCL, O_RDONLY, O_WRONLY } = constants

/** File systems without hard links say one of these. */
const withoutLinks = new Set(['EPERM', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP', 'EMLINK'])

function openNew(path: string, settings: Settings): number {
  const flags = O_WRONLY | O_CREAT | O_EXCL | settings.openFlags
  try {
    return openSync(path, flags, settings.mode)
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error
    // The names of the files are the ids: nobody else may list them.
    mkdirSync(settings.names.directory, { recursive: true, mode: 0o700 })
    return openSync(path, flags, settings.mode)
  }
}

/** Make entries of the directory last through a power cut. */
export function syncDirectory(directory: string): void {
  const fd = openSync(directory, O_RDONLY)
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

/** Lock, fill and, where asked for, sync a file that has just been made. */
function fill(fd: number, record: Uint8Array, { flock, durable }: Settings): void {
  // Nobody can have the lock yet. It makes others wait until the hidden name is gone.
  if (flock !== undefined) tryAcquire(flock, fd, 'exclusive')
  writeAll(fd, record, 0)
  if (durable) fdatasyncSync(fd)
}

/** Remove a file that may be gone already. */
export function unlinkIfThere(path: string): void {
  try {
    unlinkSync(path)
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error
  }
}

/** Create the file of a session; false when there is something of that name. */
export function createFile(id: string, record: Uint8Array, settings: Settings): boolean {
  const { names } = settings
  const path = names.path(id)
  const hidden = names.temporary()
  const fd = openNew(hidden, settings)
  try {
    fill(fd, record, settings)
    linkSync(hidden, path)
  } catch (error) {
    const code = codeOf(error) ?? ''
    if (code === 'EEXIST') return false
    if (!withoutLinks.has(code)) throw error
    return createInPlace(path, record, settings)
  } finally {
    closeSync(fd)
    // The session is there by now. A hidden name that stays behind does no harm, and is removed later.
    try {
      unlinkIfThere(hidden)
    } catch {}
  }
  if (settings.durable) syncDirectory(names.directory)
  return true
}

function createInPlace(path: string, record: Uint8Array, settings: Settings): boolean {
  let fd: number
  try {
    fd = openNew(path, settings)
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    throw error
  }
  try {
    fill(fd, record, settings)
  } catch (error) {
    unlinkIfThere(path)
    throw error
  } finally {
    closeSync(fd)
  }
  if (settings.durable) syncDirectory(settings.names.directory)
  return true
}
