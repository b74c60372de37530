/** What SQLite wants to hear. */

import type { SqlDialect } from '../contracts.js'

/** What SQLite makes a number, in a column of numbers. */
const isNumeric = /^\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?\s*$/i
/** What is written in the same way as a number, in JavaScript too. */
const isPlainInteger = /^(?:0|-?[1-9]\d{0,14})$/
const isReal = /real|floa|doub/i

/** SQLite's rules, in their order: `string` and `uuid` are numbers too. */
function holdsNumbers(type: string): boolean {
  return /int/i.test(type) || !/char|clob|text|blob|^$/i.test(type)
}

export const sqlite: SqlDialect = {
  name: 'SQLite',
  knexClient: 'better-sqlite3',
  quote: '"',
  fold: (name) => name,
  parameter: () => '?',
  // The column may have been made with COLLATE NOCASE, or as a `string`, which SQLite takes for a number: then '07' finds 7.
  isId: (column, first, second) => `${column} = ${first} and cast(${column} as text) = ${second} collate binary`,
  // Perl writes blobs whatever the column's type is; rows of other programs may be text, which never equals a blob.
  isRecord: (column, _kind, next) => `cast(${column} as blob) = ${next()}`,
  recordValues: (_kind, record) => [record],
  // Perl's DBD::SQLite gives the bytes of a text.
  bytesOf: (text) => Buffer.from(text),
  idText: (column) => column,
  upsert: ({ table, id }, columns, next) => ({
    valuesTwice: false,
    sql:
      `insert into ${table} (${columns.join(', ')}) values (${columns.map(next).join(', ')}) on conflict (${id}) ` +
      `do update set ${columns
        .slice(1)
        .map((column) => `${column} = excluded.${column}`)
        .join(', ')} ` +
      `where ${id} = excluded.${id} collate binary`,
  }),
  orNothing: (column) => ` on conflict (${column}) do nothing`,
  limit: (query, rows) => `${query} limit ${rows}`,
  columnsQuery: (table, next) => ({
    sql: `select name, type, null, null, null, "notnull" = 0 from pragma_table_info(${next()}${table.length > 1 ? `, ${next()}` : ''})`,
    values: [table.at(-1)!, ...table.slice(-2, -1)],
  }),
  // Its id column may be one of numbers, whose ids come back as numbers are written.
  changesId: (type, id) => isNumeric.test(id) && holdsNumbers(type) && (isReal.test(type) || !isPlainInteger.test(id)),
  kindOf: () => 'bytes',
  binaryType: 'blob',
  idType: (length) => `varchar(${length})`,
  longestName: 1000,
  indexSchema: 'index',
  quotesNothing: true,
  problems: {
    SQLITE_CONSTRAINT_PRIMARYKEY: 'duplicate',
    SQLITE_CONSTRAINT_UNIQUE: 'duplicate',
    SQLITE_CONSTRAINT_ROWID: 'duplicate',
    // RAISE() takes any text, made of values too; functions and extensions likewise.
    SQLITE_CONSTRAINT_TRIGGER: 'refused',
    SQLITE_CONSTRAINT_FUNCTION: 'refused',
    SQLITE_CONSTRAINT_VTAB: 'refused',
    SQLITE_BUSY: 'busy',
    SQLITE_BUSY_RECOVERY: 'busy',
    SQLITE_BUSY_SNAPSHOT: 'busy',
    SQLITE_BUSY_TIMEOUT: 'busy',
    SQLITE_LOCKED: 'busy',
    SQLITE_LOCKED_SHAREDCACHE: 'busy',
    SQLITE_READONLY: 'readOnly',
    SQLITE_READONLY_CANTLOCK: 'readOnly',
    SQLITE_READONLY_DBMOVED: 'unreachable',
    SQLITE_READONLY_DIRECTORY: 'readOnly',
    SQLITE_READONLY_RECOVERY: 'readOnly',
    SQLITE_READONLY_ROLLBACK: 'readOnly',
    SQLITE_READONLY_CANTINIT: 'readOnly',
    SQLITE_CANTOPEN: 'noDatabase',
    SQLITE_CANTOPEN_ISDIR: 'noDatabase',
    SQLITE_NOTADB: 'noDatabase',
    SQLITE_FULL: 'full',
    SQLITE_TOOBIG: 'tooLong',
    SQLITE_PERM: 'denied',
    SQLITE_AUTH: 'denied',
    // SQLite has one code for all that it cannot compile; its text, which holds no values, says what.
    'directory does not exist': 'noDatabase',
    'no such table': 'noTable',
    'no such column': 'noColumn',
    'has no column named': 'noColumn',
    'does not match any PRIMARY KEY': 'noKey',
    // The numbers, for ODBC.
    'UNIQUE constraint failed': 'duplicate',
    '5': 'busy',
    '6': 'busy',
    '8': 'readOnly',
    '13': 'full',
    '14': 'noDatabase',
    '26': 'noDatabase',
  },
}
