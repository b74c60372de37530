/** Whole reads and writes: the system may do less at a time than it was asked for. */

import { readSync, writeSync } from 'node:fs'

/** The first `size` bytes of a file, or fewer where it ends before. */
export function readAll(fd: number, size: number): Buffer {
  const bytes = Buffer.allocUnsafe(size)
  let done = 0
  while (done < size) {
    const count = readSync(fd, bytes, done, size - done, done)
    if (count === 0) return bytes.subarray(0, done)
    done += count
  }
  return bytes
}

/** Write all bytes at a position. */
export function writeAll(fd: number, bytes: Uint8Array, position: number): void {
  let done = 0
  while (done < bytes.length) done += writeSync(fd, bytes, done, bytes.length - done, position + done)
}
