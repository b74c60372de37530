/** What SQLite wants to hear. */

import type { SqlDialect } from '../contracts.js'

export const sqlite: SqlDialect = {
  name: 'SQLite',
  knexClient: 'better-sqlite3',
  quote: '"',
  fold: (name) => name,
  parameter: () => '?',
  // The column may have been made with COLLATE NOCASE.
  isId: (column, first, second) => `${column} = ${first} and ${column} = ${second} collate binary`,
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
    sql: `select name, type, null from pragma_table_info(${next()}${table.length > 1 ? `, ${next()}` : ''})`,
    values: [table.at(-1)!, ...table.slice(-2, -1)],
  }),
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
    SQLITE_BUSY: 'busy',
    SQLITE_BUSY_RECOVERY: 'busy',
    SQLITE_BUSY_SNAPSHOT: 'busy',
    SQLITE_BUSY_TIMEOUT: 'busy',
    SQLITE_LOCKED: 'busy',
    SQLITE_LOCKED_SHAREDCACHE: 'busy',
    SQLITE_READONLY: 'readOnly',
    SQLITE_READONLY_CANTLOCK: 'readOnly',
    SQLITE_READONLY_DBMOVED: 'readOnly',
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
    '19': 'duplicate',
    '5': 'busy',
    '6': 'busy',
    '8': 'readOnly',
    '13': 'full',
    '14': 'noDatabase',
    '26': 'noDatabase',
  },
}
