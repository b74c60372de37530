/** The statements that make the table for sessions, or give an existing one what it lacks. Written by knex's schema builder. */

import type { TableOptions } from '../../lib/contracts.js'
import { loadPeer } from '../../lib/peer.js'
import type { SqlDialect, SqlResult } from './contracts.js'
import type { TableNames } from './names.js'

/** What is used of knex's schema builder. */
interface ColumnBuilder {
  primary(): ColumnBuilder
  notNullable(): ColumnBuilder
  nullable(): ColumnBuilder
  collate(name: string): ColumnBuilder
}

interface TableBuilder {
  string(name: string, length: number): ColumnBuilder
  specificType(name: string, type: string): ColumnBuilder
  bigInteger(name: string): ColumnBuilder
  index(columns: readonly string[], name: string): unknown
  engine(name: string): unknown
}

interface SchemaBuilder {
  withSchema(name: string): SchemaBuilder
  createTable(name: string, build: (table: TableBuilder) => void): SchemaBuilder
  alterTable(name: string, build: (table: TableBuilder) => void): SchemaBuilder
  toSQL(): { sql: string }[]
}

type Knex = (config: object) => { schema: SchemaBuilder }

/**
 * The statements, in their order; none when the table has all that it needs.
 * @param present the table's columns as `columnsQuery` gives them; none when there is no table
 */
export function tableChanges(
  dialect: SqlDialect,
  names: TableNames,
  present: SqlResult['rows'],
  options: TableOptions,
): string[] {
  const knex = loadPeer<Knex>('knex', 'createTable()')({ client: dialect.knexClient, useNullAsDefault: true })
  const schema = names.table.length > 1 ? knex.schema.withSchema(names.table.at(-2)!) : knex.schema
  const table = names.table.at(-1)!
  const columns = new Set(present.map(([name]) => String(name).toLowerCase()))
  const addExpires = (builder: TableBuilder) => {
    builder.bigInteger(names.expires).nullable()
    builder.index([names.expires], `${table}_${names.expires}`)
  }
  if (columns.size === 0) {
    return sqlOf(
      schema.createTable(table, (builder) => {
        const id = builder.string(names.id, options.idLength).notNullable().primary()
        if (dialect.idCollation !== undefined) id.collate(dialect.idCollation)
        builder.specificType(names.data, dialect.binaryType).notNullable()
        if (options.expires) addExpires(builder)
        if (dialect.name === 'mysql') builder.engine('InnoDB')
      }),
    )
  }
  return options.expires && !columns.has(names.expires.toLowerCase()) ? sqlOf(schema.alterTable(table, addExpires)) : []
}

function sqlOf(schema: SchemaBuilder): string[] {
  return schema.toSQL().map(({ sql }) => sql)
}
