/** A Redis primary with a replica, and three sentinels that watch them. */

import { askServer, type RedisNode, startRedisNode, until } from './redis-nodes.js'
import { serverProgram } from './redis-server.js'
import { answerTo, PASSWORD, type RunningServer, startServer } from './server.js'

export interface RedisSentinels {
  /** The two servers: at the beginning the first one is the primary. */
  readonly servers: readonly [RedisNode, RedisNode]
  /** As driver:Redis takes it. */
  readonly options: { readonly dataSource: string; readonly password: string }
  readonly ports: readonly number[]
  /** The port of the primary, as the sentinels have it. */
  primary(): Promise<number>
  stop(): Promise<void>
}

/** What the sentinels call the primary. */
export const PRIMARY = 'sessions'

const quoted = `"${PASSWORD.replace(/["\\]/g, '\\$&')}"`

/** A sentinel alone; `primary` is the port where it finds the primary. */
export function startSentinel(primary: number): Promise<RunningServer<number>> {
  const settings = [
    `sentinel monitor ${PRIMARY} 127.0.0.1 ${primary} 2`,
    `sentinel auth-pass ${PRIMARY} ${quoted}`,
    `sentinel down-after-milliseconds ${PRIMARY} 1000`,
    `sentinel failover-timeout ${PRIMARY} 5000`,
  ].join('\n')
  return startServer(
    {
      stopSignal: 'TERM',
      // It writes into this file what it learns.
      prepare: ({ run }) => run('sh', ['-c', 'echo "$1" > sentinel.conf', 'sh', settings]),
      command: ({ port, folder }) => [
        serverProgram()!,
        ...[`${folder}/sentinel.conf`, '--sentinel', '--port', String(port), '--bind', '127.0.0.1', '--dir', folder],
      ],
      probe: ({ port }) => answerTo(port, 'PING', /PONG/),
    },
    ({ port }) => port,
  )
}

/** Start them, and wait until all know each other. */
export async function startRedisSentinels(): Promise<RedisSentinels> {
  const first = await startRedisNode()
  const { port } = first.settings
  const second = await startRedisNode(() => ['--replicaof', '127.0.0.1', String(port)])
  const sentinels = await Promise.all([1, 2, 3].map(() => startSentinel(port)))
  const ports = sentinels.map(({ settings }) => settings)
  const ask = (one: number, ...command: string[]) => askServer(one, command, '')
  await until(async () => String(await first.ask('info', 'replication')).includes('state=online'))
  for (const one of ports) {
    await until(async () => String(await ask(one, 'sentinel', 'ckquorum', PRIMARY)).startsWith('OK 3'))
    await until(async () => ((await ask(one, 'sentinel', 'replicas', PRIMARY)) as unknown[]).length === 1)
  }
  return {
    servers: [first, second],
    ports,
    options: {
      dataSource: `redis+sentinel://${ports.map((one) => `127.0.0.1:${one}`).join(',')}/${PRIMARY}`,
      password: PASSWORD,
    },
    primary: async () =>
      Number(((await ask(ports[0]!, 'sentinel', 'get-master-addr-by-name', PRIMARY)) as string[])[1]),
    stop: async () => {
      await Promise.all([...sentinels, first, second].map((one) => one.stop()))
    },
  }
}
