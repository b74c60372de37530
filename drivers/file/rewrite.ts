/**
 * Writing over a session file in place, under its exclusive lock. It must stay the same file: a Perl program that waits for
 * the lock has it open already, and would write into the void if it were replaced.
 *
 * Whatever happens on the way, a reader finds a whole record: room is made before (the disk may be full), a short record
 * goes out in one piece, and a long one has a journal.
 */

import {
  closeSync,
  constants,
  existsSync,
  fdatasyncSync,
  fstatSync,
  ftruncateSync,
  openSync,
  renameSync,
} from 'node:fs'
import { codeOf } from '../../lib/coded-error.js'
import { readAll, writeAll } from './bytes.js'
import { syncDirectory, unlinkIfThere } from './create.js'
import { isTrusted } from './guard.js'
import { decodeJournal, encodeJournal, isHalfway, type Journal } from './journal.js'
import { MAX_BYTES, type Settings } from './settings.js'

const { O_CREAT, O_EXCL, O_RDONLY, O_WRONLY } = constants

// A process can be killed between two pages of a write, but not within one.
const PAGE = 4096

/** A session file that is open and locked. */
export interface OpenFile {
  readonly fd: number
  /** In bytes. */
  readonly size: number
}

function isJournaled(longest: number, { padding, durable }: Settings): boolean {
  return longest > PAGE || durable || !padding
}

/** Could a rewrite of this file have stopped halfway? A long rewrite lengthens the file first, so short ones are whole. */
export function hasJournal(id: string, size: number, settings: Settings): boolean {
  return isJournaled(size, settings) && existsSync(settings.names.journal(id))
}

function writeJournal(id: string, old: Uint8Array, record: Uint8Array, settings: Settings): void {
  const hidden = settings.names.temporary()
  const fd = openSync(hidden, O_WRONLY | O_CREAT | O_EXCL | settings.openFlags, settings.mode)
  try {
    let position = 0
    for (const part of encodeJournal(settings.padding, old, record)) {
      writeAll(fd, part, position)
      position += part.length
    }
    if (settings.durable) fdatasyncSync(fd)
    renameSync(hidden, settings.names.journal(id))
  } catch (error) {
    unlinkIfThere(hidden)
    throw error
  } finally {
    closeSync(fd)
  }
  if (settings.durable) syncDirectory(settings.names.directory)
}

/** Lengthen the file first: if there is no room, this is where it fails, and what is there stays readable. */
function lengthen(fd: number, size: number, record: Uint8Array, { padding }: Settings): void {
  if (record.length <= size) return
  writeAll(fd, padding ? Buffer.alloc(record.length - size, '\n') : record.subarray(size), size)
}

/** A shorter record goes out with line ends up to the old length, so that the file is whole before it is cut. */
function padded(record: Uint8Array, size: number, { padding }: Settings): Uint8Array {
  if (!padding || record.length >= size) return record
  const whole = Buffer.alloc(size, '\n')
  whole.set(record)
  return whole
}

/** Replace the record of a session. An error leaves the old record in place. */
export function rewrite(id: string, file: OpenFile, old: Uint8Array, record: Uint8Array, settings: Settings): void {
  const { fd, size } = file
  const journaled = isJournaled(Math.max(size, record.length), settings)
  try {
    if (settings.padding) lengthen(fd, size, record, settings)
    if (journaled) writeJournal(id, old, record, settings)
    if (!settings.padding) lengthen(fd, size, record, settings)
    writeAll(fd, padded(record, size, settings), 0)
    if (record.length < size) ftruncateSync(fd, record.length)
    if (settings.durable) fdatasyncSync(fd)
  } catch (error) {
    writeAll(fd, old, 0)
    ftruncateSync(fd, size)
    if (journaled) unlinkIfThere(settings.names.journal(id))
    throw error
  }
  if (journaled) unlinkIfThere(settings.names.journal(id))
}

function readJournal(id: string, settings: Settings): Journal | undefined {
  let fd: number
  try {
    fd = openSync(settings.names.journal(id), O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
  try {
    const stats = fstatSync(fd)
    const usable = stats.isFile() && stats.nlink === 1 && stats.size <= 3 * MAX_BYTES && isTrusted(stats.uid, settings)
    return usable ? decodeJournal(readAll(fd, stats.size)) : undefined
  } finally {
    closeSync(fd)
  }
}

/** End a rewrite that stopped halfway, and drop its journal. The size of the file afterwards. */
export function recover(id: string, { fd, size }: OpenFile, settings: Settings): number {
  const journal = readJournal(id, settings)
  const halfway = journal !== undefined && isHalfway(journal, readAll(fd, size))
  if (halfway) {
    writeAll(fd, journal.new, 0)
    ftruncateSync(fd, journal.new.length)
    if (settings.durable) fdatasyncSync(fd)
  }
  unlinkIfThere(settings.names.journal(id))
  return halfway ? journal.new.length : size
}
