/** Redis servers that a test kills, and that come back on the same port with the same files. */

import { rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { type RedisSettings, serverProgram } from './redis-server.js'
import { answerTo, PASSWORD, type Place, startServer } from './server.js'

/** A server that outlives its process: a shell starts it anew, unless it is to stay down. */
export interface RedisNode {
  readonly settings: RedisSettings
  /** The process id of the server at the moment. */
  pid(): Promise<number>
  /** End the process, with SIGKILL unless told otherwise; it starts again at once, unless it is to stay down. */
  kill(options?: { staysDown?: boolean; signal?: NodeJS.Signals }): Promise<void>
  /** Let a server that was to stay down start again; fulfilled when it answers. */
  start(): Promise<void>
  /** A connection for the test's own questions. */
  ask(...command: string[]): Promise<unknown>
  stop(): Promise<void>
}

/** What the tests use of ioredis. */
interface Client {
  call(...command: string[]): Promise<unknown>
  on(event: 'error', listener: () => void): unknown
  disconnect(): void
}

/**
 * Runs the program again and again, while no file `down` is there; then `$!` is what the folder's file `pid` says. At the end it is killed:
 * a replica that has just copied its primary refuses to end ("Writing initial AOF. Can't exit").
 */
const supervisor = `
  trap 'kill -9 "$server" 2>/dev/null; wait "$server"; exit 0' TERM
  while :; do
    while [ -e down ]; do sleep 0.02; done
    "$@" & server=$!; echo "$server" > pid; wait "$server"; sleep 0.02
  done
`

const quoted = PASSWORD.replace(/["\\]/g, '\\$&')

/** Start a server that writes each change to its disk before it answers. */
export async function startRedisNode(
  options: (place: Place) => readonly string[] = () => [],
  prepare?: (place: Place) => void,
): Promise<RedisNode> {
  let place: Place | undefined
  const probe = ({ port }: Place) => answerTo(port, `AUTH "${quoted}"\r\nPING`, /PONG/)
  const server = await startServer(
    {
      stopSignal: 'TERM',
      ...(prepare && { prepare }),
      command: (chosen) => {
        place = chosen
        const where = ['--port', String(chosen.port), '--bind', '127.0.0.1', '--dir', chosen.folder]
        const durable = ['--save', '', '--appendonly', 'yes', '--appendfsync', 'always']
        const login = ['--requirepass', PASSWORD, '--masterauth', PASSWORD]
        const program = [serverProgram()!, ...where, ...durable, ...login, ...options(chosen)]
        return ['sh', '-c', supervisor, 'sh', ...program]
      },
      probe,
    },
    ({ port }) => ({ host: '127.0.0.1', port, username: '', password: PASSWORD }),
  )
  const down = join(place!.folder, 'down')
  const ask = (...command: string[]) => askServer(server.settings.port, command)
  const pid = async () => Number(/process_id:(\d+)/.exec(String(await ask('INFO', 'server')))![1])
  const kill = async ({ staysDown = false, signal = 'SIGKILL' }: Parameters<RedisNode['kill']>[0] = {}) => {
    const process_ = await pid()
    if (staysDown) writeFileSync(down, '')
    process.kill(process_, signal)
    await until(() => !isAlive(process_))
    if (!staysDown) await until(() => probe(place!))
  }
  const start = async () => {
    rmSync(down, { force: true })
    await until(() => probe(place!))
  }
  return { settings: server.settings, pid, kill, start, ask, stop: server.stop }
}

/** The answer of a server to one command, over a connection of its own. */
export async function askServer(port: number, command: readonly string[], password = PASSWORD): Promise<unknown> {
  const { Redis } = createRequire(import.meta.url)('ioredis') as { Redis: new (settings: object) => Client }
  const client = new Redis({ host: '127.0.0.1', port, password, maxRetriesPerRequest: 1 })
  client.on('error', () => undefined)
  try {
    return await client.call(...command)
  } finally {
    client.disconnect()
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** Look again and again until it is so, or does not fail. @throws {Error} after 30 seconds, with the last reason */
export async function until(condition: () => unknown): Promise<void> {
  const deadline = Date.now() + 30_000
  for (;;) {
    try {
      if ((await condition()) !== false) return
    } catch (error) {
      if (Date.now() > deadline) throw error
    }
    if (Date.now() > deadline) throw new Error(`it was never so: ${condition}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
