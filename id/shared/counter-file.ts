/**
 * A file that holds one number in ASCII digits, shared with Perl's id generators.
 *
 * It is written in place, never replaced: Perl may be waiting for the lock of this very inode.
 */

import { constants, fstatSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs'
import { cannotGenerate, saidBy } from './failure.js'

const { O_CREAT, O_EXCL, O_NOFOLLOW = 0, O_NONBLOCK = 0, O_RDWR } = constants

/** The last number that Perl counts exactly: 2 to the power of 64, less 1. */
const LAST_COUNT = 2n ** 64n - 1n

// More than the digits of any count with the line ends that people put behind them.
const ENOUGH_BYTES = 64

/** How to count. */
export interface Counting {
  /** The counter file. */
  readonly file: string
  /** What a new file counts from; the first number is `base + step`. */
  readonly base: bigint
  readonly step: bigint
}

/** The failure of one system call. */
export function fileTrouble(file: string, doing: string, cause: unknown): Error {
  const { code } = cause as NodeJS.ErrnoException
  const reason = code === 'ELOOP' ? 'it is a symbolic link, which is never followed' : saidBy(cause)
  return cannotGenerate('AutoIncrement', `cannot ${doing} the counter file ${file}: ${reason}`, cause)
}

function attempt<Result>(file: string, doing: string, action: () => Result): Result {
  try {
    return action()
  } catch (cause) {
    throw fileTrouble(file, doing, cause)
  }
}

/**
 * The counter file, opened to read and write; made when it is not there.
 * @param mode permissions of a new file, before the umask of the process
 * @throws {IdError} ERR_SESSION_ID_GENERATE for a symbolic link, a directory, or what the system refuses
 */
export function openCounter(file: string, mode: number): number {
  // Opened without O_CREAT first: Linux refuses O_CREAT for another user's file in a sticky directory such as /tmp.
  const attempts = [O_RDWR, O_RDWR | O_CREAT | O_EXCL, O_RDWR]
  for (const flags of attempts) {
    const fd = tryOpen(file, flags | O_NOFOLLOW | O_NONBLOCK, mode)
    if (fd !== undefined) return fd
  }
  throw cannotGenerate('AutoIncrement', `the counter file ${file} comes and goes; something else removes it`)
}

/** A descriptor, or undefined when the file is missing (or, with O_EXCL, when it is there). */
function tryOpen(file: string, flags: number, mode: number): number | undefined {
  const creates = (flags & O_CREAT) !== 0
  try {
    return openSync(file, flags, mode)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === (creates ? 'EEXIST' : 'ENOENT')) return undefined
    throw fileTrouble(file, creates ? 'make' : 'open', cause)
  }
}

/**
 * Is this still the file that others open? False when it was removed while we waited for its lock.
 * @throws {IdError} ERR_SESSION_ID_GENERATE when it is no ordinary file of its own
 */
export function isCurrent(fd: number, file: string): boolean {
  const stat = fstatSync(fd)
  if (stat.isFile() && stat.nlink <= 1) return stat.nlink === 1
  const kind = stat.isFile() ? 'has more than one name (a hard link)' : 'is not a regular file'
  throw cannotGenerate('AutoIncrement', `the counter file ${file} ${kind}; remove it or name another with idFile`)
}

/**
 * Count on, under the lock.
 * @returns the new number
 * @throws {IdError} ERR_SESSION_ID_GENERATE; the file is as it was
 */
export function countOn(fd: number, { file, base, step }: Counting): string {
  const text = readCount(fd, file)
  // Perl starts from the base for an empty file and for a plain 0.
  const count = (text === '' || text === '0' ? base : BigInt(text)) + step
  if (count > LAST_COUNT) {
    throw cannotGenerate('AutoIncrement', `the counter file ${file} is at its end; Perl counts up to 2^64 - 1`)
  }
  writeCount(fd, String(count), text.length, file)
  return String(count)
}

/** The content of the file: digits and perhaps line ends. */
function readCount(fd: number, file: string): string {
  const buffer = Buffer.alloc(ENOUGH_BYTES)
  const length = attempt(file, 'read', () => readSync(fd, buffer, 0, ENOUGH_BYTES, 0))
  const text = buffer.toString('latin1', 0, length)
  // Perl starts again from the base here, and gives two users one session.
  if (length === ENOUGH_BYTES || !/^(?:\d+\n*)?$/.test(text)) {
    throw cannotGenerate('AutoIncrement', `the counter file ${file} holds something else than a number`)
  }
  return text
}

/** One write of the full length, so that a process killed at any point leaves the old or the new number. */
function writeCount(fd: number, count: string, oldLength: number, file: string): void {
  const padded = count.padEnd(oldLength, '\n')
  const written = attempt(file, 'write', () => writeSync(fd, padded, 0, 'latin1'))
  if (written !== padded.length) {
    throw cannotGenerate('AutoIncrement', `the counter file ${file} was not written in full; look at what it holds`)
  }
  if (padded.length > count.length) ftruncateSync(fd, count.length)
}
