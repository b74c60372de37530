/**
 * Who takes part for Redis: each with a prefix of its own. By hand is a plain SET with EX, which compares nothing, as
 * connect-redis has it too.
 */

import type { ManagerOptions } from 'data-session'
import { startRedis } from '../../../t/support/redis-server.js'
import { AsyncByHand, type Contender, DataSession, type PeerStore } from './contender.js'
import { tryPackage } from './packages.js'
import { type Entry, filledPeer, openManager, type Sessions } from './places.js'

/** What is used of ioredis. */
interface Ioredis {
  getBuffer(key: string): Promise<Buffer>
  set(key: string, record: Buffer, unit: 'EX', seconds: number): Promise<'OK' | null>
  script(command: 'LOAD', text: string): Promise<string>
  evalsha(digest: string, keys: 1, key: string, ...values: (string | Buffer)[]): Promise<number>
  disconnect(): void
}
type IoredisPackage = { Redis: new (settings: object) => Ioredis }

/** What is used of node-redis, and of the store on top of it. */
interface NodeRedis {
  connect(): Promise<unknown>
  destroy(): void
}
type NodeRedisPackage = { createClient(settings: object): NodeRedis }
type ConnectRedis = { RedisStore: new (settings: object) => PeerStore }

/** What a client by hand needs that loses no update of somebody else. */
const compare = `if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3]) return 1`

/** Seconds that a session lives. */
const life = 86_400

/** The contenders, ready. The server is that of DATA_SESSION_TEST_REDIS, or a private one that saves nothing. */
export async function redisEntry(_folder: string, sessions: Sessions): Promise<Entry | undefined> {
  const ioredis = tryPackage<IoredisPackage>('ioredis')
  if (ioredis === undefined) return undefined
  const { settings, stop } = await startRedis()
  const { host, port, username, password } = settings
  const login = { host, port, password, ...(username && { username }) }
  const newOptions = async (prefix: string) => {
    const dataSource = `redis://${host}:${port}`
    const options: ManagerOptions = { type: 'driver:Redis;serialize:JSON', dataSource, username, password, prefix }
    await fill(options, sessions)
    return options
  }
  const byHand = async (name: string, prefix: string) => {
    await newOptions(prefix)
    const client = new ioredis.Redis(login)
    const statements = {
      fetch: (id: string) => client.getBuffer(prefix + id),
      replace: async (id: string, record: Buffer) => (await client.set(prefix + id, record, 'EX', life)) === 'OK',
    }
    return new AsyncByHand(name, statements, () => client.disconnect())
  }
  const comparingByHand = async (prefix: string) => {
    await newOptions(prefix)
    const client = new ioredis.Redis(login)
    const digest = await client.script('LOAD', compare)
    const statements = {
      fetch: (id: string) => client.getBuffer(prefix + id),
      replace: async (id: string, record: Buffer, expected: Buffer) =>
        (await client.evalsha(digest, 1, prefix + id, expected, record, String(life))) === 1,
    }
    return new AsyncByHand('by hand, comparing', statements, () => client.disconnect())
  }
  const contenders: Contender[] = [
    await byHand('by hand', 'one:'),
    await byHand('by hand, again (control)', 'two:'),
    await comparingByHand('five:'),
    new DataSession(await openManager(await newOptions('three:'))),
    ...(await connectRedis({ socket: { host, port }, password, ...(username && { username }) }, sessions)),
  ]
  return { contenders, end: stop }
}

async function fill(options: ManagerOptions, { ids, parameters }: Sessions): Promise<void> {
  const manager = await openManager(options)
  for (const id of ids) {
    const session = await manager.open({ id })
    session.expire(life)
    await session.param(parameters).flush()
  }
  await manager.close()
}

async function connectRedis(settings: object, sessions: Sessions): Promise<Contender[]> {
  const redis = tryPackage<NodeRedisPackage>('redis')
  tryPackage('express-session')
  const store = tryPackage<ConnectRedis>('connect-redis')
  if (redis === undefined || store === undefined) return []
  const client = redis.createClient(settings)
  await client.connect()
  const peer = new store.RedisStore({ client, prefix: 'four:', ttl: life })
  return [await filledPeer('connect-redis', peer, sessions, () => client.destroy())]
}
