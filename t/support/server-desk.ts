/**
 * The servers of a test run: each is started when the first test asks for it, shared by all files of the run, and stopped at
 * its end. Vitest's main process keeps them (this is its globalSetup), and its workers ask over a socket.
 */

import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { startMariadb } from './mariadb-server.js'
import { startMemcached } from './memcached-server.js'
import { startPostgres } from './postgres-server.js'
import { startRedis } from './redis-server.js'
import type { RunningServer } from './server.js'

/** A new kind of server adds one line. */
const servers = {
  mariadb: startMariadb,
  memcached: startMemcached,
  postgres: startPostgres,
  redis: startRedis,
} satisfies Record<string, () => Promise<RunningServer<unknown>>>

type Servers = typeof servers
type SettingsOf<Name extends keyof Servers> = Awaited<ReturnType<Servers[Name]>>['settings']

/** Where workers find the desk. */
const ADDRESS = 'DATA_SESSION_TEST_DESK'

/** Vitest's globalSetup. */
export default async function openDesk(): Promise<() => Promise<void>> {
  const started = new Map<string, Promise<RunningServer<unknown>>>()
  const answer = async (socket: Socket): Promise<void> => {
    const name = await textOf(socket)
    if (!started.has(name)) started.set(name, servers[name as keyof Servers]())
    const reply = await started.get(name)!.then(
      ({ settings }) => ({ settings }),
      (error: Error) => ({ error: error.message }),
    )
    socket.end(JSON.stringify(reply))
  }
  const desk = createServer({ allowHalfOpen: true }, (socket) => {
    // A worker that went away needs no answer.
    socket.on('error', () => undefined)
    void answer(socket).catch(() => socket.destroy())
  }).listen(0, '127.0.0.1')
  await once(desk, 'listening')
  process.env[ADDRESS] = String((desk.address() as { port: number }).port)
  return async () => {
    desk.close()
    const all = await Promise.allSettled(started.values())
    await Promise.all(all.map(async (one) => one.status === 'fulfilled' && one.value.stop()))
  }
}

/** All that the other side says, which leaves this side open for an answer. */
async function textOf(socket: Socket): Promise<string> {
  let text = ''
  socket.setEncoding('utf8').on('data', (part: string) => {
    text += part
  })
  await once(socket, 'end')
  return text
}

const asked = new Map<string, Promise<unknown>>()

/** For tests: how a server of this run is reached; the first who asks has it started. */
export function serverOf<Name extends keyof Servers>(name: Name): Promise<SettingsOf<Name>> {
  const settings = asked.get(name) ?? ask(name)
  asked.set(name, settings)
  return settings as Promise<SettingsOf<Name>>
}

async function ask(name: string): Promise<unknown> {
  const socket = connect({ port: Number(process.env[ADDRESS]), host: '127.0.0.1', allowHalfOpen: true })
  socket.end(name)
  const { settings, error } = JSON.parse(await textOf(socket)) as { settings?: unknown; error?: string }
  if (error !== undefined) throw new Error(`the server ${name} did not start: ${error}`)
  return settings
}
