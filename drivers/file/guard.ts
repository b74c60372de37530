/** Is an open file one that a session may be kept in? Others may have put things into the directory. */

import { type Stats, statSync } from 'node:fs'
import { MAX_BYTES, type Settings } from './settings.js'

const WORLD_WRITABLE = 0o002

/** Why the file is refused, or undefined when it is as it should be. Links are looked at apart. */
export function reasonToRefuse(stats: Stats, settings: Settings): string | undefined {
  if (!stats.isFile()) return 'it is not a regular file: remove it'
  if (stats.size > MAX_BYTES) return `it is longer than ${MAX_BYTES} bytes`
  if (isTrusted(stats.uid, settings)) return undefined
  return (
    `it belongs to user ${stats.uid}, and anybody may create files in this directory: ` +
    'use a directory of your own, or name that user in trustedUids'
  )
}

/**
 * May a file belong to this user? In a directory where anybody may create files, such as /tmp, only this process's user, root, the directory's owner and
 * `trustedUids` may own sessions: anybody else could plant one there. Elsewhere the directory's permissions have decided.
 */
export function isTrusted(uid: number, { names, trustedUids }: Settings): boolean {
  if (uid === 0 || uid === process.geteuid?.() || process.geteuid === undefined) return true
  if (trustedUids.includes(uid)) return true
  const directory = statSync(names.directory)
  const isShared = (directory.mode & WORLD_WRITABLE) !== 0
  return !isShared || uid === directory.uid
}
