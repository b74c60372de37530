/** knex, and the store for express-session over it, for any database. */

import { AsyncByHand, type Contender, type PeerStore } from './contender.js'
import { tryPackage } from './packages.js'
import { filledPeer, type Sessions } from './places.js'

/** What is used of knex. */
interface Query {
  where(condition: object): Query
  first(column: string): Promise<{ a_session: Buffer }>
  update(values: object): Promise<number>
}
type Knex = ((table: string) => Query) & { destroy(): Promise<void> }
type StoreClass = new (options: object) => PeerStore

function openKnex(config: object): Knex | undefined {
  return tryPackage<(config: object) => Knex>('knex')?.(config)
}

/** knex on a table that is filled already; none where it is not installed. */
export function knexContender(config: object, table: string): Contender[] {
  const knex = openKnex(config)
  if (knex === undefined) return []
  const statements = {
    fetch: async (id: string) => (await knex(table).where({ id }).first('a_session')).a_session,
    replace: async (id: string, record: Buffer, expected: Buffer) =>
      (await knex(table).where({ id, a_session: expected }).update({ a_session: record })) === 1,
  }
  return [new AsyncByHand('knex', statements, () => knex.destroy())]
}

/** connect-session-knex with a table of its own; none where it is not installed. */
export async function knexPeer(config: object, sessions: Sessions): Promise<Contender[]> {
  const ConnectSessionKnex = tryPackage<{ ConnectSessionKnexStore: StoreClass }>('connect-session-knex')
  if (ConnectSessionKnex === undefined) return []
  const knex = openKnex(config)!
  const store = new ConnectSessionKnex.ConnectSessionKnexStore({ knex, tableName: 'knex_sessions', cleanupInterval: 0 })
  return [await filledPeer('connect-session-knex', store, sessions, () => knex.destroy())]
}
