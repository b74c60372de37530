/**
 * A pass over all entries, in pages: each is read at once, and then let go. A reader that keeps its view of the database while
 * its consumer takes its time keeps all writers from using pages again, and the file grows.
 */

import type { PossiblyExpired } from '../../lib/contracts.js'
import type { Database } from './lmdb.js'

/** How many entries a page has at most, and, but for its last record, how many bytes. */
const ENTRIES = 500
const BYTES = 256 * 1024

/** Runs a function with the database, in its present state. */
type Read = <Result>(read: (db: Database) => Result) => Promise<Awaited<Result>>

const noRecord = Buffer.alloc(0)

/** The pages of a database. @param withRecords or with the ids alone */
export async function* pagesOf(read: Read, withRecords: boolean): AsyncIterable<readonly PossiblyExpired[]> {
  // Keys are not empty, so this comes before all of them.
  let start: Buffer | undefined = Buffer.of(0)
  while (start !== undefined) {
    const from: Buffer = start
    const page = await read((db) => (withRecords ? recordsFrom(db, from) : keysFrom(db, from)))
    yield page
    const last = page.at(-1)
    start = last && after(last.id)
  }
}

/** The smallest key that is greater. */
const after = (id: string): Buffer => Buffer.from(`${id}\0`, 'latin1')

function keysFrom(db: Database, start: Buffer): PossiblyExpired[] {
  const page: PossiblyExpired[] = []
  for (const key of db.getKeys({ start, limit: ENTRIES })) page.push(entry(key, noRecord))
  return page
}

function recordsFrom(db: Database, start: Buffer): PossiblyExpired[] {
  const page: PossiblyExpired[] = []
  let bytes = 0
  for (const { key, value } of db.getRange({ start, limit: ENTRIES })) {
    page.push(entry(key, value))
    bytes += value.length
    if (bytes > BYTES) break
  }
  return page
}

const entry = (key: Buffer, record: Buffer): PossiblyExpired => ({ id: key.toString('latin1'), record, isDated: false })
