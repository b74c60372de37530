/** One record on its way into a table, as the statements that can bring it there; and records on their way out. */

import { asBuffer } from '../../lib/bytes.js'
import type { SqlDialect, SqlResult, SqlValue } from './contracts.js'
import type { TableStatements } from './statements.js'
import type { TableShape } from './table-shape.js'

/** What is known once the table was looked at. */
export interface Table {
  readonly shape: TableShape
  readonly statements: TableStatements
}

/** A statement and its values. */
export type Statement = readonly [sql: string, values: readonly SqlValue[]]

/** One record on its way into the table, as the statements that can bring it there. */
export class Write {
  readonly id: string
  readonly record: Uint8Array
  readonly #dialect: SqlDialect
  readonly #table: Table
  readonly #values: readonly SqlValue[]
  readonly #expires: number | null

  constructor(dialect: SqlDialect, table: Table, id: string, record: Uint8Array, expires: number | null) {
    this.id = id
    this.record = record
    this.#dialect = dialect
    this.#table = table
    this.#expires = expires
    const data = table.shape.dataKind === 'text' ? asBuffer(record).toString('latin1') : record
    this.#values = table.shape.hasExpires ? [data, expires] : [data]
  }

  get insert(): Statement {
    return [this.#table.statements.insert, [this.id, ...this.#values]]
  }

  get update(): Statement {
    return [this.#table.statements.update, [...this.#values, this.id, this.id]]
  }

  /**
   * Does only the expiry time change? A record that stays as it is need not be one that we could write: Perl puts other texts into
   * text columns.
   */
  touches(expect: Uint8Array | null | undefined): boolean {
    return this.#table.statements.touch !== undefined && expect instanceof Uint8Array && isSame(this.record, expect)
  }

  updateIf(expect: Uint8Array): Statement {
    const { shape, statements } = this.#table
    const condition = [this.id, this.id, ...this.#dialect.recordValues(shape.dataKind, expect)]
    return this.touches(expect)
      ? [statements.touch!, [this.#expires, ...condition]]
      : [statements.updateIf, [...this.#values, ...condition]]
  }

  /** Over a record that is null. */
  get updateNull(): Statement {
    return [this.#table.statements.updateNull, [...this.#values, this.id, this.id]]
  }

  get upsert(): Statement | undefined {
    const { upsert } = this.#table.statements
    if (upsert === undefined) return undefined
    return [upsert.sql, [this.id, ...this.#values, ...(upsert.valuesTwice ? this.#values : [])]]
  }
}

/** Are these the same bytes? */
export function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && Buffer.compare(one, other) === 0
}

/** What a table has under an id: no row, a row with null in place of a record, or the bytes of a record, perhaps none. */
export type Present = 'no row' | 'null' | Uint8Array

/** What a row has. */
export function presentIn(dialect: SqlDialect, { rows }: SqlResult): Present {
  return rows.length === 0 ? 'no row' : (recordOf(dialect, rows[0]![0]) ?? 'null')
}

/** The bytes of a record, of what the client gives for the data column; undefined for null. */
export function recordOf(dialect: SqlDialect, data: unknown): Uint8Array | undefined {
  if (data instanceof Uint8Array) return data
  if (data instanceof ArrayBuffer) return new Uint8Array(data)
  return typeof data === 'string' ? dialect.bytesOf(data) : undefined
}
