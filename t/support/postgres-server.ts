/** A private PostgreSQL for a test run; where its programs are not installed, PGlite behind a socket. */

import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { makeCertificate, opensslMissing } from './certificate.js'
import { Client } from './pg-client.js'
import { PASSWORD, type RunningServer, startServer } from './server.js'

/** How the server is reached. Over TCP it asks for the password, at the Unix socket it does not. */
export interface PostgresSettings {
  readonly kind: 'postgres' | 'pglite'
  readonly host: string
  readonly port: number
  /** The folder of its Unix socket; '' where it has none. */
  readonly socketFolder: string
  readonly database: string
  readonly username: string
  readonly password: string
  /** The file of the certificate with which it speaks TLS as `localhost`; '' where it does not. */
  readonly certificate: string
}

/** Names an existing server in place of a private one, as `postgres://user:password@host:port/database`. */
const existing = process.env.DATA_SESSION_TEST_PG ?? ''

/** The folder of PostgreSQL's programs: the path, or where Debian puts them; undefined when they are not there. */
function programFolder(): string | undefined {
  const debian = '/usr/lib/postgresql'
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : []
  const folders = [...(process.env.PATH ?? '').split(delimiter), ...versions.map((one) => join(debian, one, 'bin'))]
  return folders.find((folder) => existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'postgres')))
}

/**
 * Which server a run has: PGlite where there is no other, or where DATA_SESSION_TEST_PG is `pglite`.
 */
export function postgresKind(): PostgresSettings['kind'] {
  if (existing === 'pglite') return 'pglite'
  return existing !== '' || programFolder() !== undefined ? 'postgres' : 'pglite'
}

/** Why there is no real server; undefined when there is one. */
export function postgresMissing(): string | undefined {
  return postgresKind() === 'pglite' ? 'PostgreSQL (initdb, postgres) is not installed, or not wanted' : undefined
}

/** Why the server speaks no TLS; undefined when it does. */
export function tlsMissing(): string | undefined {
  return existing === '' && opensslMissing() === undefined
    ? undefined
    : 'openssl is not installed, or the server is not one of the tests'
}

/** Starts what `postgresKind` says. */
export async function startPostgres(): Promise<RunningServer<PostgresSettings>> {
  if (postgresKind() === 'pglite') return startPglite()
  return existing === ''
    ? startPrivate(programFolder()!)
    : { settings: settingsOfUrl(existing), stop: async () => undefined }
}

function settingsOfUrl(text: string): PostgresSettings {
  const url = new URL(text)
  return {
    kind: 'postgres',
    host: url.hostname,
    port: Number(url.port || 5432),
    socketFolder: '',
    database: decodeURIComponent(url.pathname.slice(1)),
    username: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
    certificate: '',
  }
}

function startPrivate(bin: string): Promise<RunningServer<PostgresSettings>> {
  const hasTls = opensslMissing() === undefined
  return startServer(
    {
      stopSignal: 'INT',
      prepare: ({ folder, port, run }) => {
        writeFileSync(join(folder, 'password'), PASSWORD, { mode: 0o644 })
        const auth = ['--auth-local=trust', '--auth-host=scram-sha-256', `--pwfile=${folder}/password`]
        const kind = ['--encoding=UTF8', '--locale=C', '--username=postgres', '--no-sync', '--no-instructions']
        run(join(bin, 'initdb'), [`--pgdata=${folder}/data`, ...kind, ...auth])
        if (hasTls) makeCertificate(folder, run)
        writeFileSync(join(folder, 'data/postgresql.conf'), configuration(folder, port, hasTls))
      },
      command: ({ folder }) => [join(bin, 'postgres'), '-D', `${folder}/data`],
      probe: ({ folder, port }) => answer({ host: folder, port, user: 'postgres', database: 'postgres' }),
    },
    ({ folder, port }) => ({
      kind: 'postgres',
      host: '127.0.0.1',
      port,
      socketFolder: folder,
      database: 'postgres',
      username: 'postgres',
      password: PASSWORD,
      certificate: hasTls ? join(folder, 'certificate.pem') : '',
    }),
  )
}

/** Rejects unless the server lets a client in. */
async function answer(settings: object): Promise<void> {
  const client = new Client(settings)
  await client.connect()
  await client.end()
}

function configuration(folder: string, port: number, hasTls: boolean): string {
  const lines = [
    `port = ${port}`,
    "listen_addresses = '127.0.0.1'",
    `unix_socket_directories = '${folder}'`,
    // Nothing has to outlive the run.
    'fsync = off',
    'synchronous_commit = off',
    'full_page_writes = off',
    'max_connections = 200',
    "shared_buffers = '32MB'",
    'max_wal_senders = 0',
    'autovacuum = off',
    // A test that waits for a deadlock waits so long.
    "deadlock_timeout = '100ms'",
    // `drop database` waits for connections that clients gave up when they were asked for a password.
    "authentication_timeout = '5s'",
  ]
  if (hasTls)
    lines.push('ssl = on', `ssl_cert_file = '${folder}/certificate.pem'`, `ssl_key_file = '${folder}/key.pem'`)
  return `${lines.join('\n')}\n`
}

/** As t/support/pglite-server.mjs describes it. */
function startPglite(): Promise<RunningServer<PostgresSettings>> {
  const way = { host: '127.0.0.1', database: 'postgres', username: 'postgres', password: 'any' }
  return startServer(
    {
      asOurselves: true,
      stopSignal: 'TERM',
      command: ({ port }) => [process.execPath, join(__dirname, 'pglite-server.mjs'), String(port)],
      probe: ({ port }) => answer({ host: way.host, port, user: way.username, password: way.password }),
    },
    ({ port }) => ({ kind: 'pglite', ...way, port, socketFolder: '', certificate: '' }),
  )
}
