/** What SQL Server wants to hear, over ODBC. */

import type { SqlDialect } from '../contracts.js'

const EXACT = 'collate Latin1_General_100_BIN2'

export const mssql: SqlDialect = {
  name: 'mssql',
  knexClient: 'mssql',
  quote: '[',
  fold: (name) => name,
  parameter: () => '?',
  isId: (column, first, second) => `${column} = ${first} and ${column} ${EXACT} = ${second}`,
  isRecord: (column, _kind, next) => `cast(${column} as varbinary(max)) = ${next()}`,
  recordValues: (_kind, record) => [record],
  bytesOf: (text) => Buffer.from(text),
  idText: (column) => column,
  upsert: ({ table, id }, columns, next) => {
    const values = columns.slice(1)
    const sql =
      `merge into ${table} with (holdlock) as present using (select ${next()} as wanted) as given on present.${id} = given.wanted ` +
      `when matched and present.${id} ${EXACT} = given.wanted then update set ${values.map((column) => `${column} = ${next()}`).join(', ')} ` +
      `when not matched then insert (${columns.join(', ')}) values (given.wanted, ${values.map(next).join(', ')});`
    return { sql, valuesTwice: true }
  },
  orNothing: () => '',
  limit: (query, rows) => `${query} offset 0 rows fetch next ${rows} rows only`,
  columnsQuery: (table) => ({
    sql:
      'select column_name, data_type, nullif(character_maximum_length, -1) from information_schema.columns ' +
      'where table_schema = coalesce(?, schema_name()) and table_name = ?',
    values: [table.length > 1 ? table.at(-2)! : null, table.at(-1)!],
  }),
  kindOf: (type) => (/binary|image/i.test(type) ? 'bytes' : 'text'),
  binaryType: 'varbinary(max)',
  idCollation: 'Latin1_General_100_BIN2',
  problems: {
    '2627': 'duplicate',
    '2601': 'duplicate',
    '208': 'noTable',
    '207': 'noColumn',
    '1205': 'deadlock',
    '1222': 'busy',
    '3906': 'readOnly',
    '8152': 'tooLong',
    '2628': 'tooLong',
    '18456': 'denied',
    '229': 'denied',
    '4060': 'noDatabase',
    '1105': 'full',
    '9002': 'full',
    '23000': 'duplicate',
    '42S02': 'noTable',
    '42S22': 'noColumn',
    '08001': 'unreachable',
    '08S01': 'unreachable',
    HYT00: 'timeout',
    HYT01: 'timeout',
  },
}
