/** The stores without a server: those that a process which dies, or a disk which fails, could leave broken. */

import { stores } from '../../support/stores.js'

/** A way to use one of them. */
export interface Embedded {
  readonly title: string
  readonly driver: string
  /** Options beside those of the place. */
  readonly more: object
  /** May records be lengthened with line ends? Few serializers forbid it. */
  readonly padding: boolean
  /** What perl-judge.pl calls it, where Perl reads it. */
  readonly perl?: 'file' | 'sqlite'
  /** The part that it needs, as t/support/requirements.ts knows it. */
  readonly part: string
}

export const embedded: readonly Embedded[] = [
  { title: 'File', driver: 'File', more: {}, padding: true, perl: 'file', part: 'fs-ext' },
  { title: 'File, records as they are', driver: 'File', more: {}, padding: false, part: 'fs-ext' },
  { title: 'SQLite', driver: 'SQLite', more: {}, padding: true, perl: 'sqlite', part: 'better-sqlite3' },
  {
    title: 'SQLite with wal',
    driver: 'SQLite',
    more: { journalMode: 'wal' },
    padding: true,
    perl: 'sqlite',
    part: 'better-sqlite3',
  },
  { title: 'BerkeleyDB', driver: 'BerkeleyDB', more: {}, padding: true, part: 'lmdb' },
]

/** A new store of one of them. */
export interface Place {
  readonly kind: Embedded
  readonly options: object
  /** The folder, or the file of the database. */
  readonly path: string
}

export async function newPlace(kind: Embedded): Promise<Place> {
  const { options } = await stores[kind.driver]!()
  const { directory, dataSource } = options as { directory?: string; dataSource?: string }
  const path = directory ?? dataSource!.replace('dbi:SQLite:dbname=', '')
  return { kind, options: { ...options, ...kind.more }, path }
}
