/** What ioredis is told for the connections that the driver opens. */

import { type Place, readPlace } from './data-source.js'
import type { ConnectionOptions } from './options.js'

/** How to make a client: of one server (perhaps found by sentinels), or of a cluster. */
export interface Settings {
  readonly kind: Place['kind']
  /** The servers of a cluster to begin with. */
  readonly nodes: readonly object[]
  readonly options: object
}

const LOCAL = 'redis://127.0.0.1:6379/0'

/** @throws {OptionError} for a dataSource that cannot be read */
export function settingsOf(options: ConnectionOptions): Settings {
  const { dataSource = LOCAL, username, password, dataSourceAttr = {}, timeout } = options
  const place = readPlace(dataSource)
  const { kind, addresses, tls, database } = place
  const server = {
    username: username || place.username || undefined,
    password: password || place.password || undefined,
    ...(tls && { tls: {} }),
    connectTimeout: timeout,
    // What was sent is never sent again: a write whose answer was lost would meet itself, and say that there was another one.
    autoResendUnfulfilledCommands: false,
    // Connecting anew is up to the driver: the package's timers would keep a script alive that forgot close().
    retryStrategy: null,
    lazyConnect: true,
  }
  if (kind === 'cluster') return { kind, nodes: addresses, options: clusterOptions(server, dataSourceAttr) }
  const where = kind === 'sentinel' ? sentinelOptions(place, timeout) : oneServer(place)
  return { kind, nodes: [], options: { ...server, ...where, db: database, ...dataSourceAttr } }
}

function oneServer({ addresses, path }: Place): object {
  return path === undefined ? { ...addresses[0] } : { path }
}

function sentinelOptions({ addresses, primary, tls }: Place, timeout: number): object {
  return {
    sentinels: addresses,
    name: primary,
    sentinelRetryStrategy: null,
    sentinelCommandTimeout: timeout,
    enableTLSForSentinelMode: tls,
    // A primary that has become a replica: the sentinels know the new one.
    reconnectOnError: (error: Error) => error.message.startsWith('READONLY'),
  }
}

function clusterOptions(server: object, attributes: Readonly<Record<string, unknown>>): object {
  return {
    clusterRetryStrategy: null,
    // As above: the package would send again whatever was under way when a connection ended.
    retryDelayOnFailover: 0,
    // A cluster that lacks a part still has the rest.
    enableReadyCheck: false,
    lazyConnect: true,
    ...attributes,
    redisOptions: { ...server, ...(attributes.redisOptions as object | undefined) },
  }
}
