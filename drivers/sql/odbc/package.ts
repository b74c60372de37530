/** What is used of the package odbc. */

import type { SqlValue } from '../contracts.js'

/** Settings of one statement. */
export interface QueryOptions {
  /** Seconds. */
  readonly timeout?: number
  /** Bytes that are read of a long column at first; the rest comes in a second piece. */
  readonly initialBufferSize?: number
}

/** Rows are objects, or with `fetchArray` arrays; binary columns are an ArrayBuffer and 64-bit numbers a bigint. */
export interface OdbcResult extends ReadonlyArray<unknown> {
  /** Rows found by a write; -1 where the ODBC driver does not say. */
  readonly count: number
  readonly columns: readonly OdbcColumn[]
}

/** A column of a result, as the ODBC driver describes it. */
export interface OdbcColumn {
  readonly name: string
  /** Such as `SQL_VARCHAR`. */
  readonly dataTypeName: string
  /** Characters or bytes; 0: any number. */
  readonly columnSize: number
}

/** Whatever takes statements. */
export interface Queryable {
  query(sql: string, values: readonly (SqlValue | Buffer)[], options: QueryOptions): Promise<OdbcResult>
}

/** One connection. */
export interface OdbcConnection extends Queryable {
  createStatement(): unknown
  close(): Promise<void>
}

/** The package's own pool. */
export interface OdbcPool extends Queryable {
  connect(): Promise<OdbcConnection>
}

/** The package. */
export interface Odbc {
  connect(settings: object): Promise<OdbcConnection>
}

/** An error of the package: the ODBC driver's own words are beside the message. */
export interface OdbcError extends Error {
  code?: string
  odbcErrors?: readonly { readonly state: string; readonly code: number; readonly message: string }[]
}
