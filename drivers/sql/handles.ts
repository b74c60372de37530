/** Where a connection comes from: opened by the driver, or a handle that the user gave. */

import { OptionError } from '../../lib/errors.js'
import { givenBy } from '../shared/handle.js'
import type { Connection, SqlClient, SqlDialect } from './contracts.js'
import type { SqlOptions } from './options.js'

/** Is it a knex instance? They are functions with a schema builder. */
export function isKnex(handle: unknown): boolean {
  return typeof handle === 'function' && 'raw' in handle && 'schema' in handle && 'client' in handle
}

/** The handle that the user gave, or that his function gives. */
export async function givenHandle({ dbh }: SqlOptions): Promise<unknown> {
  return isKnex(dbh) ? dbh : givenBy(dbh)
}

/**
 * The connection that the options ask for.
 * @param adopt a client for a live handle; undefined for a handle of another kind
 * @param open opens what dataSource names
 */
export async function connectTo(
  options: SqlOptions,
  dialect: SqlDialect,
  adopt: (handle: object) => SqlClient | undefined,
  open: (() => Connection | Promise<Connection>) | undefined,
): Promise<Connection> {
  if (open !== undefined) return open()
  const handle = await givenHandle(options)
  if (isKnex(handle)) {
    const { connectKnex } = await import('./knex-client.js')
    return connectKnex(handle as object, dialect, adopt, options.timeout)
  }
  const client = typeof handle === 'object' && handle !== null ? adopt(handle) : undefined
  if (client === undefined) throw wrongHandle(dialect)
  return { client, dialect }
}

function wrongHandle({ name }: SqlDialect): OptionError {
  return new OptionError(
    'dbh',
    `Option 'dbh' must be a live client or pool of driver:${name}'s package, a knex instance, or a function that gives one of them`,
  )
}
