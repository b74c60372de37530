/** The statements of a driver, written once for its dialect, its names and its table. */

import type { ColumnKind, QuotedNames, SqlDialect, Upsert } from './contracts.js'
import type { TableShape } from './table-shape.js'

/** So many rows a round trip when sessions are listed. */
export const PAGE_OF_IDS = 500
export const PAGE_OF_RECORDS = 100

/** Does a statement of a driver's write? Its answer has no rows, then. */
export function isWrite(sql: string): boolean {
  return /^(?:insert|update|delete) /.test(sql)
}

/** Texts of statements; the values that each takes are named at its place. */
export interface Statements {
  /** id, id */
  readonly retrieve: string
  /** id, id */
  readonly remove: string
  /** No values; then for each page after the first one: the last id. */
  readonly firstIds: string
  readonly nextIds: string
}

/** Texts of statements that depend on the table's columns. `values` are the record and, where there is the column, the expiry. */
export interface TableStatements {
  /** id, values */
  readonly insert: string
  /** values, id, id */
  readonly update: string
  /** values, id, id, record values of the expected record */
  readonly updateIf: string
  /** expiry, id, id, record values of the record, which stays; absent without a column of expiry times */
  readonly touch: string | undefined
  /** values, id, id: only where the record is null, which is as good as none */
  readonly updateNull: string
  /** id, values, and perhaps values again */
  readonly upsert: Upsert | undefined
  /** id, id, record values of the expected record */
  readonly removeIf: string
  /** With a column of expiry times: now. Then for each page after the first one: the last id, and again now. */
  readonly firstRecords: string
  readonly nextRecords: string
}

/** Gives the placeholders of one statement in their order. */
export function placeholders(dialect: SqlDialect): () => string {
  let n = 0
  return () => dialect.parameter(++n)
}

function isId(dialect: SqlDialect, names: QuotedNames, next: () => string): string {
  return dialect.isId(names.id, next(), next())
}

function isRecord(dialect: SqlDialect, names: QuotedNames, kind: ColumnKind, next: () => string): string {
  return dialect.isRecord(names.data, kind, next)
}

/** What ids are compared by when they are listed. */
function rank({ idRank }: SqlDialect, id: string): string {
  return idRank === undefined ? id : idRank(id)
}

/** What is selected for a record. */
function record(dialect: SqlDialect, { data }: QuotedNames): string {
  return dialect.record?.(data) ?? data
}

/** What a page of rows has, and which rows. */
interface Page {
  readonly columns: readonly string[]
  readonly size: number
  /** Not the first one: what comes after an id. */
  readonly isLater: boolean
  /** A further condition. */
  readonly also?: ((next: () => string) => string) | undefined
}

/** A page of rows, in the order of their ids. */
function page(dialect: SqlDialect, { table, id }: QuotedNames, { columns, size, isLater, also }: Page): string {
  const next = placeholders(dialect)
  // Some databases let a primary key be null.
  const start = isLater ? `${rank(dialect, id)} > ${rank(dialect, next())}` : `${id} is not null`
  const where = also === undefined ? start : `${start} and ${also(next)}`
  // Ordered by the column itself: its bare name would mean what is selected under that name, which may be its text.
  const order = rank(dialect, `${table}.${id}`)
  return dialect.limit(`select ${columns.join(', ')} from ${table} where ${where} order by ${order}`, size)
}

/** The statements that need no knowledge of the table. */
export function statementsFor(dialect: SqlDialect, names: QuotedNames): Statements {
  const { table, id } = names
  const oneId = isId(dialect, names, placeholders(dialect))
  const ids = { columns: [dialect.idText(id)], size: PAGE_OF_IDS }
  return {
    retrieve: `select ${record(dialect, names)} from ${table} where ${oneId}`,
    remove: `delete from ${table} where ${oneId}`,
    firstIds: page(dialect, names, { ...ids, isLater: false }),
    nextIds: page(dialect, names, { ...ids, isLater: true }),
  }
}

/** The statements for a table with these columns. */
export function tableStatementsFor(dialect: SqlDialect, names: QuotedNames, shape: TableShape): TableStatements {
  const { table, id, data, expires } = names
  const values = shape.hasExpires ? [data, expires] : [data]
  const columns = [id, ...values]
  const parameter = (column: string, next: () => string) =>
    column === data && dialect.recordParameter !== undefined ? dialect.recordParameter(next(), shape.dataKind) : next()
  const update = (next: () => string, changed: readonly string[] = values) =>
    `update ${table} set ${changed.map((column) => `${column} = ${parameter(column, next)}`).join(', ')} ` +
    `where ${isId(dialect, names, next)}`

  const updateIf = (changed: readonly string[]) => {
    const next = placeholders(dialect)
    return `${update(next, changed)} and ${isRecord(dialect, names, shape.dataKind, next)}`
  }
  const records = {
    columns: [dialect.idText(id), record(dialect, names)],
    size: PAGE_OF_RECORDS,
    // No time: it never expires, or a program wrote the row that does not know the column.
    also: shape.hasExpires ? (next: () => string) => `(${expires} <= ${next()} or ${expires} is null)` : undefined,
  }
  const forRemoveIf = placeholders(dialect)
  const forInsert = placeholders(dialect)
  return {
    insert: `insert into ${table} (${columns.join(', ')}) values (${columns.map((column) => parameter(column, forInsert)).join(', ')})${dialect.orNothing(id)}`,
    update: update(placeholders(dialect)),
    updateIf: updateIf(values),
    touch: shape.hasExpires ? updateIf([expires]) : undefined,
    updateNull: `${update(placeholders(dialect))} and ${data} is null`,
    upsert: dialect.upsert?.(names, columns, placeholders(dialect)),
    removeIf: `delete from ${table} where ${isId(dialect, names, forRemoveIf)} and ${isRecord(dialect, names, shape.dataKind, forRemoveIf)}`,
    firstRecords: page(dialect, names, { ...records, isLater: false }),
    nextRecords: page(dialect, names, { ...records, isLater: true }),
  }
}
