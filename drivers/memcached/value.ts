/** Items as Perl's Cache::Memcached writes them: the flags say what was done to the value. */

import { withCode } from '../../lib/coded-error.js'
import type { Reply } from './protocol.js'

const STORABLE = 1
const GZIPPED = 2
/** Longer records are not unpacked: a few KB of gzip can fill the memory. */
const LONGEST_RECORD = 64 * 1024 * 1024

/**
 * The record of an item.
 * @throws {Error} for a value that is no record
 */
export function recordOf({ flags, value }: Reply): Buffer | Promise<Buffer> {
  if (flags === 0) return value
  if (flags === GZIPPED) return gunzipped(value)
  const code = (flags & STORABLE) === STORABLE ? 'STORABLE' : 'FLAGS'
  throw withCode(code, `an item with flags ${flags} is no record`)
}

async function gunzipped(value: Buffer): Promise<Buffer> {
  const { gunzip } = await import('node:zlib')
  return new Promise((resolve, reject) => {
    gunzip(value, { maxOutputLength: LONGEST_RECORD }, (error, record) => (error ? reject(error) : resolve(record)))
  })
}
