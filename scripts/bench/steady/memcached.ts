/** Who takes part for memcached: each with a connection and a namespace of its own, on a private server. */

import type { ManagerOptions } from 'data-session'
import { memcachedProgramMissing, startPrivateMemcached } from '../../../t/support/memcached-server.js'
import { AsyncByHand, type Contender, DataSession, type PeerStore } from './contender.js'
import { tryPackage, tryStore } from './packages.js'
import { type Entry, filledPeer, fillStore, openManager, type Sessions } from './places.js'

/** What is used of memjs. */
interface Client {
  get(key: string): Promise<{ value: Buffer }>
  set(key: string, value: Buffer, options: object): Promise<boolean>
  close(): void
}
interface Memjs {
  Client: { create(servers: string): Client }
}

/** The contenders, ready. */
export async function memcachedEntry(_folder: string, sessions: Sessions): Promise<Entry | undefined> {
  const memjs = tryPackage<Memjs>('memjs')
  if (memjs === undefined || memcachedProgramMissing() !== undefined) return undefined
  // With several threads, a connection is faster or slower by chance: by that of its thread.
  const { settings, stop } = await startPrivateMemcached('--threads=1')
  const dataSource = `${settings.host}:${settings.port}`
  const optionsFor = async (name: string): Promise<ManagerOptions> => {
    const type = 'driver:Memcached;serialize:JSON'
    const options: ManagerOptions = { type, dataSource, namespace: `${name}-` }
    await fillStore(options, sessions)
    return options
  }
  const byHand = async (title: string, name: string): Promise<Contender> => {
    await optionsFor(name)
    return memjsByHand(title, memjs.Client.create(dataSource), `${name}-`)
  }
  const contenders = [
    await byHand('by hand', 'one'),
    await byHand('by hand, again (control)', 'two'),
    new DataSession(await openManager(await optionsFor('three'))),
    ...(await memjsPeer(memjs.Client.create(dataSource), 'four-', sessions)),
  ]
  return { contenders, end: stop }
}

/** It writes without a look at what is there: memjs has no call that looks. */
function memjsByHand(name: string, client: Client, prefix: string): Contender {
  const statements = {
    fetch: async (id: string) => (await client.get(prefix + id)).value,
    replace: (id: string, record: Buffer) => client.set(prefix + id, record, { expires: 3600 }),
  }
  return new AsyncByHand(name, statements, () => client.close())
}

async function memjsPeer(client: Client, prefix: string, sessions: Sessions): Promise<Contender[]> {
  const Store = tryStore<new (options: object) => PeerStore & { prefix: string }>('connect-memjs')
  if (Store === undefined) {
    client.close()
    return []
  }
  const store = new Store({ client })
  store.prefix = prefix
  return [await filledPeer('connect-memjs', store, sessions, () => client.close())]
}
