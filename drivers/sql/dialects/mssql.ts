/** What SQL Server (2012 or later) wants to hear, over ODBC. */

import { asBuffer } from '../../../lib/bytes.js'
import type { SqlDialect } from '../contracts.js'

const EXACT = 'collate Latin1_General_100_BIN2'

/**
 * A condition: two texts are the same. `=` ignores blanks at the end, whatever the collation, so both sides get a sign there.
 * The parameter's type is told, as the server cannot infer that of an expression.
 */
function sameText(text: string, type: string, parameter: string): string {
  return `cast(${text} as ${type}) + N'.' ${EXACT} = cast(${parameter} as ${type}) + N'.'`
}

export const mssql: SqlDialect = {
  name: 'mssql',
  knexClient: 'mssql',
  quote: '[',
  fold: (name) => name,
  parameter: () => '?',
  // A char(n) loses the blanks that fill it up.
  isId: (column, first, second) => `${column} = ${first} and ${sameText(`rtrim(${column})`, 'nvarchar(4000)', second)}`,
  // `text` does not convert to bytes, nor compare; `image` does not compare.
  isRecord: (column, kind, next) =>
    kind === 'bytes' ? `cast(${column} as varbinary(max)) = ${next()}` : sameText(column, 'nvarchar(max)', next()),
  recordValues: (kind, record) => [kind === 'bytes' ? record : asBuffer(record).toString()],
  bytesOf: (text) => Buffer.from(text),
  idText: (column) => `rtrim(${column})`,
  // No MERGE: its parameters have no type that the server could infer, and it is safe only with a lock on a range of keys.
  orNothing: () => '',
  limit: (query, rows) => `${query} offset 0 rows fetch next ${rows} rows only`,
  // In capitals: a database may have a collation that tells them apart in its own names too.
  columnsQuery: (table, next) => ({
    sql:
      'select COLUMN_NAME, DATA_TYPE, nullif(CHARACTER_MAXIMUM_LENGTH, -1), null, null, ' +
      "case IS_NULLABLE when 'YES' then 1 else 0 end from INFORMATION_SCHEMA.COLUMNS " +
      `where TABLE_SCHEMA = ${table.length > 1 ? next() : 'schema_name()'} and TABLE_NAME = ${next()}`,
    values: table.slice(-2),
  }),
  kindOf: (type) => (/binary|image/i.test(type) ? 'bytes' : 'text'),
  binaryType: 'varbinary(max)',
  idType: (length) => `nvarchar(${length}) ${EXACT}`,
  longestName: 128,
  indexSchema: 'table',
  problems: {
    '2627': 'duplicate',
    '515': 'refused',
    '547': 'refused',
    '2601': 'duplicate',
    '208': 'noTable',
    '207': 'noColumn',
    '1205': 'deadlock',
    '3960': 'deadlock',
    '1204': 'busy',
    '1222': 'busy',
    '3906': 'readOnly',
    '2628': 'tooLong',
    '8152': 'tooLong',
    '229': 'denied',
    '230': 'denied',
    '262': 'denied',
    '916': 'denied',
    '18452': 'denied',
    '18456': 'denied',
    '911': 'noDatabase',
    '4060': 'noDatabase',
    '1101': 'full',
    '1105': 'full',
    '9002': 'full',
    '596': 'unreachable',
    '6005': 'unreachable',
  },
}
