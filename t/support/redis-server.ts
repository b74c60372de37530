/** A private Redis (or Valkey) for a test run, or an existing one that the environment names. */

import { spawnSync } from 'node:child_process'
import { opensslMissing } from './certificate.js'
import { answerTo, PASSWORD, type Place, programPath, type RunningServer, startServer } from './server.js'

/** How the server is reached. */
export interface RedisSettings {
  readonly host: string
  readonly port: number
  readonly username: string
  readonly password: string
}

/** Names an existing server in place of a private one, as `redis://user:password@host:port`. */
const existing = process.env.DATA_SESSION_TEST_REDIS ?? ''

/** The program of the server. */
export function serverProgram(): string | undefined {
  return programPath('redis-server') ?? programPath('valkey-server')
}

/** Why there is no server; undefined when there is one. */
export function redisMissing(): string | undefined {
  return existing !== '' || serverProgram() !== undefined
    ? undefined
    : 'redis-server is not installed, and DATA_SESSION_TEST_REDIS names no server'
}

/** Why there is no server that speaks TLS; undefined when there is one. */
export function redisTlsMissing(): string | undefined {
  const noOpenssl = opensslMissing()
  if (noOpenssl !== undefined) return noOpenssl
  const { stdout } = spawnSync('redis-cli', ['--help'], { encoding: 'utf8' })
  return stdout?.includes('--tls') ? redisMissing() : 'redis is not built with TLS, as far as redis-cli tells'
}

/** Starts a server of the run's own, or names the existing one. */
export async function startRedis(): Promise<RunningServer<RedisSettings>> {
  if (existing === '') return startPrivateRedis()
  const { hostname, port, username, password } = new URL(existing)
  const settings = {
    host: hostname,
    port: Number(port || 6379),
    username: decodeURIComponent(username),
    password: decodeURIComponent(password),
  }
  return { settings, stop: async () => undefined }
}

/** A server for a test that stops it, or that needs `options` of its own. */
export function startPrivateRedis(
  options: (place: Place) => readonly string[] = () => [],
): Promise<RunningServer<RedisSettings>> {
  const quoted = PASSWORD.replace(/["\\]/g, '\\$&')
  return startServer(
    {
      stopSignal: 'TERM',
      command: (place) => [
        serverProgram()!,
        ...['--port', String(place.port), '--bind', '127.0.0.1', '--dir', place.folder, '--save', ''],
        ...['--requirepass', PASSWORD, ...options(place)],
      ],
      probe: ({ port }) => answerTo(port, `AUTH "${quoted}"\r\nPING`, /PONG/),
    },
    ({ port }) => ({ host: '127.0.0.1', port, username: '', password: PASSWORD }),
  )
}
