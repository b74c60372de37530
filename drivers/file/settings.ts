/** What the parts of the file driver share. */

import type { Flock } from '../../lib/flock.js'
import type { FileNames } from './names.js'

/** The options, resolved. */
export interface Settings {
  readonly names: FileNames
  /** The mode of new files; the process's umask is taken off by the system. */
  readonly mode: number
  /** Absent with `noFlock`. */
  readonly flock: Flock | undefined
  /** In milliseconds. */
  readonly lockTimeout: number
  /** O_NOFOLLOW and O_NONBLOCK, as far as the system has them. */
  readonly openFlags: number
  /** Symbolic links are refused. */
  readonly noFollow: boolean
  readonly durable: boolean
  /** May records be lengthened with line ends? */
  readonly padding: boolean
  readonly trustedUids: readonly number[]
}

/** The longest record, in bytes. */
export const MAX_BYTES = 64 * 1024 * 1024
