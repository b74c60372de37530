/** What MySQL and MariaDB want to hear. */

import type { SqlDialect } from '../contracts.js'

export const mysql: SqlDialect = {
  name: 'mysql',
  knexClient: 'mysql2',
  quote: '`',
  fold: (name) => name,
  parameter: () => '?',
  // Most collations find `abc` for `ABC`, and nearly all ignore blanks at the end.
  isId: (column, first, second) =>
    `${column} = ${first} and cast(convert(${column} using utf8mb4) as binary) = cast(convert(${second} using utf8mb4) as binary)`,
  isRecord: (column, kind, next) =>
    kind === 'bytes' ? `${column} = ${next()}` : `cast(convert(${column} using utf8mb4) as binary) = ${next()}`,
  recordValues: (_kind, record) => [record],
  // What Perl's DBD::mysql gives for text: the bytes as they come over the wire.
  bytesOf: (text) => Buffer.from(text),
  idText: (column) => column,
  // `on duplicate key update` would replace the record of `abc` for `ABC`.
  orNothing: () => '',
  limit: (query, rows) => `${query} limit ${rows}`,
  columnsQuery: (table) => ({
    sql:
      'select column_name, data_type, character_maximum_length, character_octet_length, ' +
      "column_key in ('PRI', 'UNI') " +
      'from information_schema.columns where table_schema = coalesce(?, database()) and table_name = ?',
    values: [table.length > 1 ? table.at(-2)! : null, table.at(-1)!],
  }),
  kindOf: (type) => (/blob|binary/i.test(type) ? 'bytes' : 'text'),
  binaryType: 'longblob',
  idCollation: 'utf8mb4_bin',
  problems: {
    '1062': 'duplicate',
    '1586': 'duplicate',
    '1146': 'noTable',
    '1054': 'noColumn',
    '1213': 'deadlock',
    '1205': 'busy',
    '1040': 'busy',
    '1203': 'busy',
    '1290': 'readOnly',
    '1792': 'readOnly',
    '1836': 'readOnly',
    '1406': 'tooLong',
    '1153': 'tooLong',
    '1366': 'badText',
    '1044': 'denied',
    '1045': 'denied',
    '1142': 'denied',
    '1698': 'denied',
    '1049': 'noDatabase',
    '1021': 'full',
    '1114': 'full',
    '1053': 'unreachable',
    '1927': 'unreachable',
    '2002': 'unreachable',
    '2003': 'unreachable',
    '2006': 'unreachable',
    '2013': 'unreachable',
    '4031': 'unreachable',
    '1969': 'timeout',
    '3024': 'timeout',
  },
}
