/** The two halves of an SQL driver: a client (how to talk to a database) and a dialect (what to say to it). */

/** A value that a statement takes. */
export type SqlValue = string | number | Uint8Array | null

/** What a statement did. */
export interface SqlResult {
  /** The rows, each an array of its columns in the order of the statement. */
  readonly rows: readonly (readonly unknown[])[]
  /** How many rows a write found; 0 for a query. */
  readonly count: number
}

/** How to talk to a database. Each statement is a transaction of its own, so none is left open across an `await`. */
export interface SqlClient {
  /**
   * Run a statement, in one round trip, prepared where the client can. A synchronous client gives the result itself.
   * Binary columns come as bytes, all others as text or numbers; errors are the client's own.
   * `isOne`: only the first row is wanted, which some clients fetch faster.
   */
  query(sql: string, values: readonly SqlValue[], isOne?: boolean): SqlResult | Promise<SqlResult>
}

/** A client that is ready, and what belongs to it. */
export interface Connection {
  readonly client: SqlClient
  readonly dialect: SqlDialect
  /** Give back what was opened for it; absent for a handle that the user opened. */
  close?(): void | Promise<void>
}

/** The table and its columns: quoted, as they stand in statements. */
export interface QuotedNames {
  readonly table: string
  readonly id: string
  readonly data: string
  readonly expires: string
}

/** What a record is compared and written as: the data column holds bytes or characters. */
export type ColumnKind = 'bytes' | 'text'

/** What went wrong, in a word, whatever client said it. */
export type SqlProblem =
  /** The id is there already. */
  | 'duplicate'
  | 'noTable'
  /** The column of ids is of a type that cannot hold this id. */
  | 'notAnId'
  | 'noColumn'
  /** There is no primary key, so two sessions could have one id. */
  | 'noKey'
  /** Locked by others: worth trying again for a while. */
  | 'busy'
  /** The server has no connection to spare: worth trying again too. */
  | 'crowded'
  /** Given up in favour of another statement, and undone: worth trying again. */
  | 'deadlock'
  | 'readOnly'
  | 'tooLong'
  /** A text column refused characters. */
  | 'badText'
  /** By a constraint, a trigger or a function of the user's. */
  | 'refused'
  /** User, password or rights. */
  | 'denied'
  | 'noDatabase'
  | 'full'
  /** The connection ended, or could not be made. */
  | 'unreachable'
  /** The connection cannot be encrypted as it was asked for. */
  | 'tls'
  | 'timeout'
  /** Nobody waited any longer, so that a write may have taken place, or may yet. */
  | 'unanswered'

/** A statement that inserts or replaces. */
export interface Upsert {
  readonly sql: string
  readonly valuesTwice: boolean
}

/** What to say to a database. A statement's parameters are numbered in the order in which they stand in it. */
export interface SqlDialect {
  /** As in the type string; `mssql` for SQL Server. */
  readonly name: 'SQLite' | 'Pg' | 'mysql' | 'Oracle' | 'mssql'
  /** The name of knex's client for it: createTable uses its schema builder. */
  readonly knexClient: string
  /** The character round a name, doubled within it: `"`, or a backtick. For SQL Server `[`, which `]` closes. */
  readonly quote: '"' | '`' | '['
  /** What the database makes of a name that is not quoted: Perl's modules never quote. */
  fold(name: string): string
  /** The n-th parameter, from 1. */
  parameter(n: number): string
  /**
   * A condition: the id is exactly this one, by its bytes and never by a collation, found by the index. Takes two parameters,
   * the id both times.
   */
  isId(column: string, first: string, second: string): string
  /** A condition: the record is exactly these bytes. Takes as many parameters as `recordValues` gives values. */
  isRecord(column: string, kind: ColumnKind, next: () => string): string
  /** The parameter of a record that is written, where its type must be said for the database to refuse a column of another one. */
  recordParameter?(parameter: string, kind: ColumnKind): string
  recordValues(kind: ColumnKind, record: Uint8Array): readonly SqlValue[]
  /** What is selected for the data column, where that is not the column as it is: records of bytes and of text, both as bytes. */
  record?(column: string): string
  /** The bytes of a record that came from the data column as text. */
  bytesOf(text: string): Uint8Array
  /** The id column as a text without the blanks that fill it up. */
  idText(column: string): string
  /** That text comes as its UTF-8 bytes; else bytes are an id that was stored as bytes. */
  readonly idsAreUtf8?: true
  /** What ids are ordered by, where the database would order the column itself in one way and compare it in another. */
  idRank?(id: string): string
  /**
   * Insert or replace, in one statement; it finds no row when the id in the table is not exactly this one. Parameters: the id,
   * the other columns' values in their order, and with `valuesTwice` these again. Absent: an update, then an insert.
   */
  upsert?(names: QuotedNames, columns: readonly string[], next: () => string): Upsert
  /** What makes an insert do nothing when the id is there, so that it does not end a transaction of the user's; else an error. */
  orNothing(column: string): string
  /** A query's first rows only. */
  limit(query: string, rows: number): string
  /**
   * The table's columns: name, type, the most characters (null: any), the most bytes where that is another
   * number, 0 where the id is no key, and 0 where the column takes no null. */
  columnsQuery(
    table: readonly string[],
    next: () => string,
  ): { readonly sql: string; readonly values: readonly SqlValue[] }
  /** Columns of the same name but for case are two. */
  readonly tellsColumnCase?: true
  /** A column of this type gives this id back changed. */
  changesId?(type: string, id: string): boolean
  /** What a column of this type holds. */
  kindOf(type: string): ColumnKind
  /** The type of the data column, for createTable and for messages. */
  readonly binaryType: string
  /** What createTable makes the data column, where the user asked for another type. */
  readonly dataType?: string
  /** The type of the id column that createTable makes: it tells all ids apart, whatever the database's own collation is. */
  idType(length: number): string
  /** How long the name of an index may be, in bytes. */
  readonly longestName: number
  /** Where a `create index` names the schema: before the table, before the index, or both. */
  readonly indexSchema: 'table' | 'index' | 'both'
  /** Types of columns that the database cannot compare as they were written, and what to make of them instead. */
  readonly unfitTypes?: Readonly<Record<string, string>>
  /** Its own error messages quote no values, so that they may be shown: triggers are 'refused', and others are looked at. */
  readonly quotesNothing?: true
  /** The codes of errors (SQLSTATE, or the database's own) and what they mean. */
  readonly problems: Readonly<Record<string, SqlProblem>>
}
