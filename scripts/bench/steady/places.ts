/** Where contenders keep their sessions: each in a table of its own, all alike. */

import { type ManagerOptions, SessionManager } from 'data-session'
import { type Contender, Peer, type PeerStore, type PlainSession } from './contender.js'

/** The sessions of a run: so many, of so many KB each. */
export interface Sessions {
  readonly ids: readonly string[]
  readonly parameters: PlainSession
}

/** Those who take part for a database. The first one is what the others are measured against. */
export interface Entry {
  readonly contenders: readonly Contender[]
  /** Remove what was made for them, after they have been closed. */
  end(): unknown
}

/** A manager that writes nothing for reading alone. */
export function openManager(options: ManagerOptions): Promise<SessionManager> {
  return SessionManager.create({ ...options, touchAfter: 3600 })
}

/** Make the table that the options name, and fill it. */
export async function fillTable(options: ManagerOptions, sessions: Sessions): Promise<void> {
  const manager = await openManager(options)
  await manager.createTable()
  await manager.close()
  await fillStore(options, sessions)
}

/** Fill a store that needs no table. */
export async function fillStore(options: ManagerOptions, { ids, parameters }: Sessions): Promise<void> {
  const manager = await openManager(options)
  for (const id of ids) {
    const session = await manager.open({ id })
    await session.param(parameters).flush()
  }
  await manager.close()
}

/** Fill a peer's store. */
export async function filledPeer(
  name: string,
  store: PeerStore,
  { ids, parameters }: Sessions,
  close: () => unknown = () => {},
): Promise<Peer> {
  const peer = new Peer(name, store, close)
  const cookie = { originalMaxAge: null, httpOnly: true, path: '/' }
  for (const id of ids) await peer.set(id, { ...parameters, cookie })
  return peer
}
