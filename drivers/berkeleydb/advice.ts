/** What to do about the errors of LMDB and of the file system, by their codes. */

import { codeOf } from '../../lib/coded-error.js'
import type { Advice } from '../keyed/failure.js'

const denied = "this user may not read and write the environment's folder and its files data.mdb and lock.mdb"
const full = 'the disk is full, or a quota is used up; what was there before is whole'
const readOnly = 'the file system is read-only: LMDB writes to its files even for reading'
const noFolder = 'its folder cannot be made or used: is there a file of this name on the way?'
const gone = 'the program has closed the environment that it handed over as cache'

export const advice: Advice = {
  EACCES: denied,
  EPERM: denied,
  13: denied,
  1: denied,
  ENOSPC: full,
  28: full,
  122: full,
  EROFS: readOnly,
  30: readOnly,
  ENOTDIR: noFolder,
  EEXIST: noFolder,
  ENOENT: noFolder,
  2: noFolder,
  // What LMDB makes of a write that the disk took a part of.
  5: 'the disk is full, or failed (EIO); what was there before is whole',
  '-30795':
    'LMDB gave up after an error of the disk (MDB_PANIC), and goes on when every manager of this process that has the folder open is closed',
  '-30792':
    'the environment has reached its largest size (MDB_MAP_FULL): it was opened by another program with a limit',
  '-30790': 'more processes read at once than the environment was opened for (MDB_READERS_FULL): its option maxReaders',
  '-30793': 'data.mdb is damaged, or no LMDB environment (MDB_INVALID)',
  '-30797': 'data.mdb is damaged (MDB_PAGE_NOTFOUND)',
  '-30796': 'data.mdb is damaged (MDB_CORRUPTED)',
  DATA_FILE_MOVED:
    'its file data.mdb was removed or replaced while the environment was open: start the program anew; nothing was written',
  'has been closed': gone,
  'closed database': gone,
}

/**
 * After a write to the first pages failed, LMDB refuses all reads (MDB_PANIC) and transactions (EINVAL), until the environment is
 * opened anew; even when the disk is well again.
 */
export function isUseless(error: unknown): boolean {
  return ['-30795', '22'].includes(codeOf(error) ?? '')
}
