/**
 * The folder of an environment, and a look at what is in it: lmdb ends the whole process with a segmentation fault where its
 * file turns out to be something else, and with a bus error where there is no room for it.
 */

import { closeSync, fstatSync, mkdirSync, openSync, readSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { assertRoom } from './precautions.js'

/** Sessions are nobody else's business. */
const FOLDER_MODE = 0o700

/** The first page begins with the page's own header, then these. Of data format 1 the header is shorter. */
const MAGIC = 0xbeef_c0de
const HEADER = { 1: 16, 2: 24 } as const
const PAGE_SIZE_AT = 24
const LONGEST_HEADER = 64

/** Make the folder when it is missing. */
export function makeFolder(directory: string): void {
  mkdirSync(directory, { recursive: true, mode: FOLDER_MODE })
}

/** @throws {Error} for a folder with files that are no LMDB environment of the format that lmdb reads; ENOSPC for a full disk */
export function assertEnvironment(directory: string): void {
  const lock = statSync(join(directory, 'lock.mdb'), { throwIfNoEntry: false })
  if (lock !== undefined && !lock.isFile()) throw new Error('lock.mdb in its folder is not a file')
  const reason = reasonToRefuse(join(directory, 'data.mdb'))
  if (reason !== undefined) throw new Error(`the file data.mdb in its folder is ${reason}`)
  assertRoom(directory)
}

function reasonToRefuse(file: string): string | undefined {
  const stats = statSync(file, { throwIfNoEntry: false })
  // An environment that has just been made, or is being made, may be empty for a moment.
  if (stats === undefined || (stats.isFile() && stats.size === 0)) return undefined
  if (!stats.isFile()) return 'not a file'
  const { header, size } = beginningOf(file)
  const isOf = (format: 1 | 2): boolean =>
    header.readUInt32LE(HEADER[format]) === MAGIC && header.readUInt32LE(HEADER[format] + 4) === format
  if (isOf(1)) {
    return 'of data format 1 (LMDB 0.9), which this build of lmdb cannot read: bring it over with mdb_dump and a new folder'
  }
  if (!isOf(2)) return 'not that of an LMDB environment'
  const pageSize = header.readUInt32LE(HEADER[2] + PAGE_SIZE_AT)
  return size < 2 * pageSize ? 'cut short' : undefined
}

function beginningOf(file: string): { header: Buffer; size: number } {
  const fd = openSync(file, 'r')
  try {
    const header = Buffer.alloc(LONGEST_HEADER)
    readSync(fd, header, 0, LONGEST_HEADER, 0)
    return { header, size: fstatSync(fd).size }
  } finally {
    closeSync(fd)
  }
}
