/** Errors of the file driver. Paths end in session ids, so they are cut out of what the system says. */

import { DriverError, SessionError } from '../../lib/errors.js'
import { logId } from '../../lib/id-check.js'

/** What somebody who reads the error should know or do, by the code of the system. */
const advice: Readonly<Record<string, string>> = {
  ELOOP: 'it is a symbolic link, which is not followed: remove the link, or set noFollow to false if you made it',
  EMLINK: 'it is a symbolic link, which is not followed: remove the link, or set noFollow to false if you made it',
  EISDIR: 'it is a directory and not a regular file: remove it',
  ENXIO: 'it is a pipe, a socket or a device and not a regular file: remove it',
  EACCES: 'permission was denied: the user of this process must be able to read and write the directory and its files',
  EPERM: 'it belongs to another user, and the system does not let this process change it',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full; the old record is still there',
  EDQUOT: 'the quota of the disk is used up; the old record is still there',
  EMFILE: 'this process has too many files open',
  ENOTDIR: 'the option directory names something that is not a directory',
  ENAMETOOLONG: 'the file name is too long for the file system: use shorter ids or a shorter fileName',
}

/** Leave of a native error what says nothing of the session: its code, the call and where it came from. */
function redact(cause: unknown): unknown {
  if (!(cause instanceof Error)) return cause
  const native = cause as NodeJS.ErrnoException & { dest?: string }
  const message = `${native.code ?? native.name}: ${native.syscall ?? 'failed'}`
  if (native.stack !== undefined) native.stack = native.stack.replace(native.message, message)
  native.message = message
  delete native.path
  delete native.dest
  return native
}

/** What failed for a session, from what the system said. Errors of this package pass unchanged. */
export function failure(operation: string, id: string, directory: string, cause: unknown): unknown {
  if (cause instanceof SessionError || cause instanceof TypeError) return cause
  const code = (cause as NodeJS.ErrnoException).code ?? ''
  return refusal(operation, id, directory, advice[code] ?? `the system says ${code || 'no more'}`, redact(cause))
}

/** What failed for a session, for a reason of our own. */
export function refusal(
  operation: string,
  id: string,
  directory: string,
  reason: string,
  cause?: unknown,
): DriverError {
  const message = `File: cannot ${operation} session ${logId(id)} in ${directory}: ${reason}`
  return new DriverError('File', operation, message, { cause })
}
