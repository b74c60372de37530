/** What MySQL and MariaDB want to hear. */

import type { SqlDialect } from '../contracts.js'

/** What is the same whatever the character set. */
const common = {
  name: 'mysql',
  knexClient: 'mysql2',
  quote: '`',
  fold: (name) => name,
  parameter: () => '?',
  recordValues: (_kind, record) => [record],
  bytesOf: (text) => Buffer.from(text),
  // `on duplicate key update` would replace the record of `abc` for `ABC`.
  orNothing: () => '',
  limit: (query, rows) => `${query} limit ${rows}`,
  columnsQuery: (table, next) => ({
    sql:
      'select c.column_name, c.data_type, c.character_maximum_length, ' +
      // Text is ASCII here, a byte a character, and a column may hold fewer characters than bytes.
      'least(c.character_maximum_length, c.character_octet_length), ' +
      // A view has no keys of its own; a key of several columns would take one id twice.
      'if(exists (select 1 from information_schema.tables t where t.table_schema = c.table_schema ' +
      "and t.table_name = c.table_name and t.table_type = 'VIEW'), null, " +
      'exists (select 1 from information_schema.statistics s where s.table_schema = c.table_schema ' +
      'and s.table_name = c.table_name and s.column_name = c.column_name and s.non_unique = 0 and not exists ' +
      '(select 1 from information_schema.statistics o where o.table_schema = s.table_schema ' +
      'and o.table_name = s.table_name and o.index_name = s.index_name and o.column_name <> s.column_name))), ' +
      "c.is_nullable = 'YES' " +
      `from information_schema.columns c where c.table_schema = coalesce(${next()}, database()) and c.table_name = ${next()}`,
    values: [table.length > 1 ? table.at(-2)! : null, table.at(-1)!],
  }),
  kindOf: (type) => (/blob|binary/i.test(type) ? 'bytes' : 'text'),
  binaryType: 'longblob',
  idType: (length) => `varchar(${length}) collate utf8mb4_bin`,
  longestName: 64,
  // MySQL writes it anew, with other blanks and another order.
  unfitTypes: { json: 'longblob' },
  indexSchema: 'table',
  problems: {
    '1062': 'duplicate',
    '1048': 'refused',
    '1364': 'refused',
    '1452': 'refused',
    '1644': 'refused',
    '3819': 'refused',
    '4025': 'refused',
    '1586': 'duplicate',
    '1146': 'noTable',
    // An id with characters that the column's character set lacks.
    '1267': 'notAnId',
    '1054': 'noColumn',
    '1213': 'deadlock',
    '1615': 'deadlock',
    '1205': 'busy',
    '1040': 'crowded',
    '1203': 'crowded',
    '1226': 'busy',
    '1290': 'readOnly',
    '1792': 'readOnly',
    '1836': 'readOnly',
    '1406': 'tooLong',
    '1153': 'tooLong',
    '1366': 'badText',
    '1300': 'badText',
    '1044': 'denied',
    '1045': 'denied',
    '1129': 'denied',
    '1130': 'denied',
    '1142': 'denied',
    '1143': 'denied',
    '1227': 'denied',
    '1251': 'denied',
    '1698': 'denied',
    '1820': 'denied',
    '1862': 'denied',
    '3118': 'denied',
    '4151': 'denied',
    '1046': 'noDatabase',
    '1049': 'noDatabase',
    '1021': 'full',
    '1114': 'full',
    '1053': 'unreachable',
    '1158': 'unreachable',
    '1159': 'unreachable',
    '1160': 'unreachable',
    '1161': 'unreachable',
    '1927': 'unreachable',
    '2002': 'unreachable',
    '2003': 'unreachable',
    '2006': 'unreachable',
    '2013': 'unreachable',
    '4031': 'unreachable',
    '1969': 'timeout',
    '3024': 'timeout',
    HANDSHAKE_SSL_ERROR: 'tls',
    HANDSHAKE_NO_SSL_SUPPORT: 'tls',
    // What mysql2 says in words only.
    'connection is in closed state': 'unreachable',
    'No connections available': 'busy',
    'Queue limit reached': 'busy',
  },
} as const satisfies Omit<SqlDialect, 'isId' | 'isRecord' | 'record' | 'idText'>

/**
 * The dialect where text columns are read and compared in this character set.
 * @param charset its name on the server, letters and digits only
 */
export function mysqlFor(charset: string): SqlDialect {
  /** A text as bytes: the character set of a connection that the user gave changes nothing about them. */
  const bytes = (text: string, inCharset = 'utf8mb4') => `cast(convert(${text} using ${inCharset}) as binary)`
  return {
    ...common,
    // Most collations find `abc` for `ABC`, and nearly all ignore blanks at the end.
    isId: (column, first, second) => `${column} = ${first} and ${bytes(column)} = ${bytes(second)}`,
    isRecord: (column, kind, next) => `${kind === 'bytes' ? column : bytes(column, charset)} = ${next()}`,
    // What Perl's DBD::mysql gives for text: the bytes as they come over the wire.
    record: (column) => `if(collation(${column}) = 'binary', ${column}, ${bytes(column, charset)})`,
    // Raw bytes are ids too (UUID16).
    idText: (column) => `if(collation(${column}) = 'binary', ${column}, ${bytes(column)})`,
    idsAreUtf8: true,
  }
}

export const mysql: SqlDialect = mysqlFor('utf8mb4')
