/** Servers of a proof's own, which it may hold up and start anew, each with an empty store for sessions. */

import { afterAll } from 'vitest'
import { type ManagerOptions, SessionManager } from '../../../lib/index.js'
import { mysql2 } from '../../support/mariadb.js'
import { startMariadb } from '../../support/mariadb-server.js'
import { startMemcached } from '../../support/memcached-server.js'
import { startPostgres } from '../../support/postgres-server.js'
import { startPrivateRedis } from '../../support/redis-server.js'
import type { RunningServer, ServerControl } from '../../support/server.js'
import { absent } from './drivers.js'

/** A server with a store. */
export interface OwnServer {
  readonly port: number
  /** Absent: the environment names the server, and it may not be touched. */
  readonly control: ServerControl | undefined
  readonly driver: string
  /** The options of a manager, over this port of the loopback. */
  options(port: number): ManagerOptions
}

/** What there is, by the part of t/support/requirements.ts that it needs. */
const starters: Readonly<Record<string, () => Promise<OwnServer>>> = {
  postgres: ownPostgres,
  mariadb: ownMariadb,
  memcached: ownMemcached,
  redis: ownRedis,
}

/** Start all servers that can be had here; what cannot is told. */
export async function startServers(log: (text: string) => void): Promise<OwnServer[]> {
  const names = Object.keys(starters).filter((name) => {
    const reason = absent(name)
    if (reason !== undefined) log(`${name} is left out: ${reason}`)
    return reason === undefined
  })
  return Promise.all(names.map((name) => starters[name]!()))
}

/** The same, but that its process ends with the proof. */
async function started<Settings>(starting: Promise<RunningServer<Settings>>): Promise<RunningServer<Settings>> {
  const server = await starting
  afterAll(server.stop)
  return server
}

async function ownPostgres(): Promise<OwnServer> {
  const { settings, control } = await started(startPostgres())
  const { database, username, password } = settings
  const login = { username, password }
  // Whatever was acknowledged outlives the server's process.
  const source = (port: number) =>
    `dbi:Pg:dbname=${database};host=127.0.0.1;port=${port};options=-c synchronous_commit=on`
  const options = (port: number) => ({ type: 'driver:Pg', dataSource: source(port), ...login })
  return withTable({ port: settings.port, control, driver: 'Pg', options })
}

async function ownMariadb(): Promise<OwnServer> {
  const { settings, control } = await started(startMariadb())
  const { host, port, username, password } = settings
  const login = { username, password }
  const database = `data_session_${process.pid}`
  const admin = await mysql2.createConnection({ host, port, user: username, password }).promise()
  await admin.query(`create database ${database}`)
  await admin.query('set global innodb_flush_log_at_trx_commit = 2')
  await admin.end()
  const source = (on: number) => `dbi:mysql:database=${database};host=127.0.0.1;port=${on}`
  const options = (on: number) => ({ type: 'driver:mysql', dataSource: source(on), ...login })
  return withTable({ port, control, driver: 'mysql', options })
}

async function withTable(server: OwnServer): Promise<OwnServer> {
  const sessions = await SessionManager.create(server.options(server.port))
  await sessions.createTable({ expires: true })
  await sessions.close()
  return server
}

async function ownMemcached(): Promise<OwnServer> {
  const { settings, control } = await started(startMemcached())
  const options = (port: number) => ({ type: 'driver:Memcached', dataSource: `127.0.0.1:${port}` })
  return { port: settings.port, control, driver: 'Memcached', options }
}

async function ownRedis(): Promise<OwnServer> {
  const { settings, control } = await started(
    startPrivateRedis(() => ['--appendonly', 'yes', '--appendfsync', 'always']),
  )
  const { password } = settings
  const options = (port: number) => ({ type: 'driver:Redis', dataSource: `redis://127.0.0.1:${port}`, password })
  return { port: settings.port, control, driver: 'Redis', options }
}
