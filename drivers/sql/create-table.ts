/** The statements that make the table for sessions, or give an existing one what it lacks. Written by knex's schema builder. */

import { createHash } from 'node:crypto'
import type { TableOptions } from '../../lib/contracts.js'
import { DriverError } from '../../lib/errors.js'
import { loadPeer } from '../../lib/peer.js'
import type { SqlDialect, SqlResult } from './contracts.js'
import { columnKey, quoteName, type TableNames } from './names.js'
import { keepsTimes } from './table-shape.js'

/** What is used of knex's schema builder. */
interface ColumnBuilder {
  notNullable(): ColumnBuilder
  nullable(): ColumnBuilder
}

interface TableBuilder {
  specificType(name: string, type: string): ColumnBuilder
  bigInteger(name: string): ColumnBuilder
  index(columns: readonly string[], name: string): unknown
  engine(name: string): unknown
}

interface SchemaBuilder {
  createTable(name: string, build: (table: TableBuilder) => void): SchemaBuilder
  alterTable(name: string, build: (table: TableBuilder) => void): SchemaBuilder
  toSQL(): { sql: string }[]
}

type Knex = (config: object) => { schema: SchemaBuilder }

/**
 * What knex is told that the names are: it takes dots in names for separators, and loses some quotes. Ours are put in where it
 * would quote them.
 */
const standIns = ['table', 'id', 'data', 'expires', 'index', 'indexed'] as const
type StandIn = (typeof standIns)[number]

/**
 * The statements, in their order; none when the table has all that it needs.
 * @throws {DriverError} for a table that is there and lacks the columns of ids or records, or has another `expires`
 * @param present the table's columns as `columnsQuery` gives them; none when there is no table
 */
export function tableChanges(
  dialect: SqlDialect,
  names: TableNames,
  present: SqlResult['rows'],
  options: TableOptions,
): string[] {
  const columns = new Map(present.map((column) => [columnKey(dialect, String(column[0])), column]))
  const find = (name: string) => columns.get(columnKey(dialect, name))
  const isNew = columns.size === 0
  const expires = find(names.expires)
  const addExpires = options.expires && expires === undefined
  if (!isNew) {
    if (find(names.id) === undefined) refuse(dialect, names, `has no column ${names.quoted.id} of ids`, 'idColName')
    if (find(names.data) === undefined)
      refuse(dialect, names, `has no column ${names.quoted.data} of records`, 'dataColName')
    if (options.expires && expires !== undefined && !keepsTimes(expires)) {
      const reason = `has a column ${names.quoted.expires} that cannot keep times: it must be a bigint that may be null`
      refuse(dialect, names, reason, 'expiresColName')
    }
  }
  if (!isNew && !addExpires) return []
  const schema = schemaBuilder(dialect, names)
  if (isNew) {
    schema.createTable(standIn('table'), (table) => {
      // The key in one statement with its column, and named by the database: nobody sees a table without it.
      table.specificType(standIn('id'), `${dialect.idType(options.idLength)} not null primary key`)
      table.specificType(standIn('data'), dialect.dataType ?? dialect.binaryType).notNullable()
      if (addExpires) table.bigInteger(standIn('expires')).nullable()
      if (dialect.name === 'mysql') table.engine('InnoDB')
    })
  } else {
    schema.alterTable(standIn('table'), (table) => {
      table.bigInteger(standIn('expires')).nullable()
    })
  }
  if (addExpires) {
    schema.alterTable(standIn('indexed'), (table) => {
      table.index([standIn('expires')], standIn('index'))
    })
  }
  return schema.toSQL().map(({ sql }) => sql)
}

/** An existing table that createTable does not mend. */
function refuse({ name }: SqlDialect, { quoted }: TableNames, reason: string, option: string): never {
  const message =
    `${name}: cannot create table: there is a table ${quoted.table}, and it ${reason}. Name the column that is meant with the ` +
    `option ${option}, or another table with tableName. Nothing was changed`
  throw new DriverError(name, 'create table', message)
}

/** knex without a connection: it loads no client. */
function schemaBuilder(dialect: SqlDialect, names: TableNames): SchemaBuilder {
  const quoted = new Map(standIns.map((name) => [standIn(name), quotedName(dialect, names, name)]))
  const knex = loadPeer<Knex>('knex', 'createTable()')
  return knex({
    client: dialect.knexClient,
    useNullAsDefault: true,
    wrapIdentifier: (name: string) => quoted.get(name)!,
  }).schema
}

function standIn(name: StandIn): string {
  return `the_${name}`
}

function quotedName(dialect: SqlDialect, { table, expires, quoted }: TableNames, name: StandIn): string {
  const { indexSchema } = dialect
  const schema = table.slice(0, -1)
  switch (name) {
    case 'index':
      return quoteName(dialect, [
        ...(indexSchema === 'table' ? [] : schema),
        indexName(dialect, table.at(-1)!, expires),
      ])
    case 'indexed':
      return indexSchema === 'index' ? quoteName(dialect, table.slice(-1)) : quoted.table
    default:
      return quoted[name]
  }
}

/** Table and column; what is too long for the database is cut, and told from others by a hash. */
function indexName({ longestName }: SqlDialect, table: string, column: string): string {
  const name = `${table}_${column}`
  if (Buffer.byteLength(name) <= longestName) return name
  const end = `_${createHash('sha256').update(name).digest('hex').slice(0, 8)}`
  let start = ''
  for (const character of name) {
    if (Buffer.byteLength(start + character + end) > longestName) break
    start += character
  }
  return start + end
}
