/** A private memcached for a test run, or an existing one that the environment names. */

import { once } from 'node:events'
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { answerTo, PASSWORD, programPath, type RunningServer, startServer } from './server.js'

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

/** Why no private server can be started; undefined when one can. */
export function memcachedProgramMissing(): string | undefined {
  return programPath('memcached') === undefined ? 'memcached is not installed' : undefined
}

/** Why no private server can ask for a login. */
export function memcachedSaslMissing(): string | undefined {
  const folders = existsSync('/usr/lib') ? readdirSync('/usr/lib').map((name) => join('/usr/lib', name, 'sasl2')) : []
  if (!folders.some((folder) => existsSync(join(folder, 'libplain.so')))) return 'libsasl2-modules is not installed'
  return programPath('db5.3_load') === undefined ? 'db5.3_load is not installed' : memcachedProgramMissing()
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

/** A server that only lets in the user `tester`, with the password of all servers of tests. */
export function startSaslMemcached(): Promise<RunningServer<MemcachedSettings>> {
  return startServer(
    {
      stopSignal: 'TERM',
      prepare: ({ folder, run }) => {
        const file = join(folder, 'sasldb2')
        const settings = `mech_list: plain\npwcheck_method: auxprop\nauxprop_plugin: sasldb\nsasldb_path: ${file}\n`
        writeFileSync(join(folder, 'memcached.conf'), settings)
        const entry = ` tester\\00${hostname()}\\00userPassword\n ${PASSWORD}\n`
        const head = 'VERSION=3\nformat=print\ntype=hash\ndb_pagesize=4096\nHEADER=END\n'
        writeFileSync(join(folder, 'users'), `${head}${entry}DATA=END\n`)
        run(programPath('db5.3_load')!, ['-f', join(folder, 'users'), file])
      },
      command: ({ folder, port }) => [
        'env',
        `SASL_CONF_PATH=${folder}`,
        programPath('memcached')!,
        ...['--listen=127.0.0.1', `--port=${port}`, '--udp-port=0', '--enable-sasl'],
      ],
      probe: ({ port }) => binaryAnswer(port),
    },
    ({ port }) => ({ host: '127.0.0.1', port }),
  )
}

/** Such a server knows the binary protocol alone. */
async function binaryAnswer(port: number): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1', timeout: 1000 })
  socket.on('timeout', () => socket.destroy(new Error('no answer')))
  try {
    const version = Buffer.alloc(24)
    version.writeUInt16BE(0x800b)
    socket.write(version)
    await once(socket, 'data')
  } finally {
    socket.destroy()
  }
}
