/** Who takes part for BerkeleyDB: each in an LMDB environment of its own. All sync each write to the disk. */

import { join } from 'node:path'
import type { ManagerOptions } from 'data-session'
import { ByHand, type Contender, DataSession, type Statements } from './contender.js'
import { tryPackage } from './packages.js'
import { type Entry, fillStore, openManager, type Sessions } from './places.js'

/** What is used of lmdb. */
interface Database {
  get(key: string): Buffer
  putSync(key: string, value: Buffer): boolean
  transactionSync<Result>(change: () => Result): Result
  close(): Promise<void>
}
interface Lmdb {
  open(options: object): Database
}

/** The contenders, ready. @param folder an empty one */
export async function berkeleydbEntry(folder: string, sessions: Sessions): Promise<Entry | undefined> {
  const lmdb = tryPackage<Lmdb>('lmdb')
  if (lmdb === undefined) return undefined
  let folders = 0
  const newFilled = async (): Promise<ManagerOptions> => {
    const directory = join(folder, String(++folders))
    const options: ManagerOptions = { type: 'driver:BerkeleyDB;serialize:JSON', directory }
    await fillStore(options, sessions)
    return options
  }
  const byHand = async (name: string, statementsOf: (db: Database) => Statements): Promise<Contender> => {
    // An id of hex digits is the same key as text and as bytes.
    const db = lmdb.open({ path: (await newFilled()).directory, encoding: 'binary' })
    return new ByHand(name, statementsOf(db), () => db.close())
  }
  const contenders = [
    await byHand('by hand: putSync', unconditional),
    await byHand('by hand, again (control)', unconditional),
    await byHand('by hand: putSync if the record is as expected', conditional),
    new DataSession(await openManager(await newFilled())),
  ]
  return { contenders, end: () => {} }
}

/** The last to write wins. */
function unconditional(db: Database): Statements {
  return { fetch: (id) => db.get(id), replace: (id, record) => db.putSync(id, record) }
}

function conditional(db: Database): Statements {
  return {
    fetch: (id) => db.get(id),
    replace: (id, record, expected) =>
      db.transactionSync(() => Buffer.compare(db.get(id), expected) === 0 && db.putSync(id, record)),
  }
}
