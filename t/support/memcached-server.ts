/** A private memcached for a test run, or an existing one that the environment names. */

import { answerTo, programPath, type RunningServer, startServer } from './server.js'

/** How the server is reached. */
export interface MemcachedSettings {
  readonly host: string
  readonly port: number
}

/** Names an existing server in place of a private one, as `host:port`. */
const existing = process.env.DATA_SESSION_TEST_MEMCACHED ?? ''

/** Why there is no server; undefined when there is one. */
export function memcachedMissing(): string | undefined {
  return existing !== '' || programPath('memcached') !== undefined
    ? undefined
    : 'memcached is not installed, and DATA_SESSION_TEST_MEMCACHED names no server'
}

/** Starts a server of the run's own, or names the existing one. */
export async function startMemcached(): Promise<RunningServer<MemcachedSettings>> {
  if (existing === '') return startPrivateMemcached()
  const { hostname, port } = new URL(`memcached://${existing}`)
  return { settings: { host: hostname, port: Number(port || 11211) }, stop: async () => undefined }
}

/** A server for a test that stops it, or that needs `options` of its own. */
export function startPrivateMemcached(...options: string[]): Promise<RunningServer<MemcachedSettings>> {
  return startServer(
    {
      stopSignal: 'TERM',
      command: ({ port }) => [
        programPath('memcached')!,
        ...['--listen=127.0.0.1', `--port=${port}`, '--udp-port=0', '--memory-limit=64', ...options],
      ],
      probe: ({ port }) => answerTo(port, 'version', /^VERSION /),
    },
    ({ port }) => ({ host: '127.0.0.1', port }),
  )
}
