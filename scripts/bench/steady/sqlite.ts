/** Who takes part for SQLite: each in a database of its own, with a write-ahead log. */

import { join } from 'node:path'
import type { ManagerOptions } from 'data-session'
import { ByHand, type Contender, DataSession, type PeerStore } from './contender.js'
import { knexContender, knexPeer } from './knex.js'
import { tryPackage, tryStore } from './packages.js'
import { type Entry, filledPeer, fillTable, openManager, type Sessions } from './places.js'

/** What is used of better-sqlite3. */
interface Database {
  prepare(sql: string): { pluck(): { get(id: string): Buffer }; run(...values: unknown[]): { changes: number } }
  pragma(pragma: string): unknown
  close(): void
}
type BetterSqlite = new (file: string) => Database

/** The contenders, ready. @param folder an empty one */
export async function sqliteEntry(folder: string, sessions: Sessions): Promise<Entry | undefined> {
  const BetterSqlite = tryPackage<BetterSqlite>('better-sqlite3')
  if (BetterSqlite === undefined) return undefined
  let files = 0
  const newFile = () => {
    const file = join(folder, `${++files}.sqlite`)
    const db = new BetterSqlite(file)
    db.pragma('journal_mode = wal')
    db.close()
    return file
  }
  const newOptions = async () => {
    const options: ManagerOptions = { type: 'driver:SQLite;serialize:JSON', dataSource: newFile() }
    await fillTable(options, sessions)
    return options
  }
  const newFilledFile = async () => (await newOptions()).dataSource as string
  const config = (filename: string) => ({
    client: 'better-sqlite3',
    connection: { filename },
    useNullAsDefault: true,
  })
  const contenders = [
    byHand('by hand', new BetterSqlite(await newFilledFile())),
    byHand('by hand, again (control)', new BetterSqlite(await newFilledFile())),
    new DataSession(await openManager(await newOptions())),
    ...knexContender(config(await newFilledFile()), 'sessions'),
    ...(await betterPeer(() => new BetterSqlite(newFile()), sessions)),
    ...(await knexPeer(config(newFile()), sessions)),
  ]
  return { contenders, end: () => {} }
}

function byHand(name: string, db: Database): Contender {
  const fetch = db.prepare('select a_session from sessions where id = ?').pluck()
  const replace = db.prepare('update sessions set a_session = ? where id = ? and a_session = ?')
  const statements = {
    fetch: (id: string) => fetch.get(id),
    replace: (id: string, record: Buffer, expected: Buffer) => replace.run(record, id, expected).changes === 1,
  }
  return new ByHand(name, statements, () => db.close())
}

async function betterPeer(open: () => Database, sessions: Sessions): Promise<Contender[]> {
  const Store = tryStore<new (options: object) => PeerStore>('better-sqlite3-session-store')
  if (Store === undefined) return []
  const client = open()
  return [await filledPeer('better-sqlite3-session-store', new Store({ client }), sessions, () => client.close())]
}
