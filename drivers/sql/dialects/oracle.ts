/** What Oracle wants to hear. */

import { asBuffer } from '../../../lib/bytes.js'
import type { SqlDialect } from '../contracts.js'

/** The bytes of a text, which no session setting changes. */
const binary = (text: string): string => `nlssort(${text}, 'NLS_SORT=BINARY')`

export const oracle: SqlDialect = {
  name: 'Oracle',
  knexClient: 'oracledb',
  quote: '"',
  fold: (name) => name.toUpperCase(),
  parameter: (n) => `:${n}`,
  // A linguistic session setting (NLS_COMP) may find more than equal bytes.
  isId: (column, first, second) => `${column} = ${first} and ${binary(column)} = ${binary(second)}`,
  // Large objects do not compare with `=`.
  isRecord: (column, _kind, next) => `dbms_lob.compare(${column}, ${next()}) = 0`,
  recordValues: (kind, record) => [kind === 'bytes' ? record : asBuffer(record).toString()],
  bytesOf: (text) => Buffer.from(text),
  idText: (column) => column,
  // Another setting (NLS_SORT) orders.
  idRank: binary,
  upsert: ({ table, id }, columns, next) => {
    const values = columns.slice(1)
    const sql =
      `merge into ${table} present using (select ${next()} as wanted from dual) given on (present.${id} = given.wanted) ` +
      `when matched then update set ${values.map((column) => `present.${column} = ${next()}`).join(', ')} ` +
      `where ${binary(`present.${id}`)} = ${binary('given.wanted')} ` +
      `when not matched then insert (${columns.join(', ')}) values (given.wanted, ${values.map(next).join(', ')})`
    return { sql, valuesTwice: true }
  },
  orNothing: () => '',
  limit: (query, rows) => `${query} fetch first ${rows} rows only`,
  columnsQuery: (table, next) => ({
    sql:
      'select column_name, data_type, case when char_length > 0 then char_length end, null, null, ' +
      "case nullable when 'Y' then 1 else 0 end from all_tab_columns " +
      `where owner = ${table.length > 1 ? next() : "sys_context('userenv', 'current_schema')"} and table_name = ${next()}`,
    values: table.slice(-2),
  }),
  tellsColumnCase: true,
  kindOf: (type) => (/blob|raw/i.test(type) ? 'bytes' : 'text'),
  binaryType: 'blob',
  idType: (length) => `varchar2(${length} char)`,
  // Up to 12.1; later ones allow 128.
  longestName: 30,
  indexSchema: 'both',
  // Data::Session's own tests make the column a LONG. Perl reads a CLOB as well.
  unfitTypes: { LONG: 'clob', 'LONG RAW': 'blob' },
  problems: {
    'ORA-00001': 'duplicate',
    'ORA-01400': 'refused',
    'ORA-02290': 'refused',
    'ORA-02291': 'refused',
    'ORA-00942': 'noTable',
    'ORA-00904': 'noColumn',
    'ORA-00060': 'deadlock',
    'ORA-08177': 'deadlock',
    'ORA-00054': 'busy',
    'ORA-30006': 'busy',
    'ORA-16000': 'readOnly',
    'ORA-12899': 'tooLong',
    'ORA-01017': 'denied',
    'ORA-01031': 'denied',
    'ORA-01950': 'denied',
    'ORA-28000': 'denied',
    'ORA-12514': 'noDatabase',
    'ORA-12505': 'noDatabase',
    'ORA-01653': 'full',
    'ORA-01536': 'full',
    'ORA-00028': 'unreachable',
    'ORA-03113': 'unreachable',
    'ORA-03114': 'unreachable',
    'ORA-12541': 'unreachable',
    'ORA-12170': 'timeout',
    'ORA-01013': 'timeout',
    'NJS-040': 'timeout',
    'NJS-076': 'timeout',
    'NJS-123': 'timeout',
    'NJS-003': 'unreachable',
    'NJS-064': 'unreachable',
    'NJS-065': 'unreachable',
    'NJS-101': 'denied',
    'NJS-500': 'unreachable',
    'NJS-501': 'unreachable',
    'NJS-503': 'unreachable',
    'NJS-504': 'unreachable',
    'NJS-505': 'unreachable',
    'NJS-506': 'unreachable',
    'NJS-507': 'unreachable',
    'NJS-508': 'unreachable',
    'NJS-509': 'unreachable',
    'NJS-510': 'timeout',
    'NJS-511': 'unreachable',
    'NJS-512': 'noDatabase',
    'NJS-514': 'noDatabase',
    'NJS-515': 'noDatabase',
    'NJS-516': 'noDatabase',
    'NJS-517': 'noDatabase',
    'NJS-518': 'noDatabase',
    'NJS-519': 'noDatabase',
    'NJS-520': 'noDatabase',
    'NJS-521': 'unreachable',
    'NJS-530': 'unreachable',
  },
}
