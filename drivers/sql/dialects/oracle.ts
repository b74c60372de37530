/** What Oracle wants to hear. */

import type { SqlDialect } from '../contracts.js'

export const oracle: SqlDialect = {
  name: 'Oracle',
  knexClient: 'oracledb',
  quote: '"',
  fold: (name) => name.toUpperCase(),
  parameter: (n) => `:${n}`,
  // A linguistic session setting (NLS_COMP) may find more than equal bytes.
  isId: (column, first, second) =>
    `${column} = ${first} and nlssort(${column}, 'NLS_SORT=BINARY') = nlssort(${second}, 'NLS_SORT=BINARY')`,
  // Large objects do not compare with `=`.
  isRecord: (column, _kind, next) => `dbms_lob.compare(${column}, ${next()}) = 0`,
  recordValues: (_kind, record) => [record],
  bytesOf: (text) => Buffer.from(text),
  idText: (column) => column,
  upsert: ({ table, id }, columns, next) => {
    const values = columns.slice(1)
    const sql =
      `merge into ${table} present using (select ${next()} as wanted from dual) given on (present.${id} = given.wanted) ` +
      `when matched then update set ${values.map((column) => `present.${column} = ${next()}`).join(', ')} ` +
      `when not matched then insert (${columns.join(', ')}) values (given.wanted, ${values.map(next).join(', ')})`
    return { sql, valuesTwice: true }
  },
  orNothing: () => '',
  limit: (query, rows) => `${query} fetch first ${rows} rows only`,
  columnsQuery: (table) => ({
    sql:
      'select column_name, data_type, case when char_length > 0 then char_length end from all_tab_columns ' +
      "where owner = coalesce(:1, sys_context('userenv', 'current_schema')) and table_name = :2",
    values: [table.length > 1 ? table.at(-2)! : null, table.at(-1)!],
  }),
  kindOf: (type) => (/blob|raw/i.test(type) ? 'bytes' : 'text'),
  binaryType: 'blob',
  problems: {
    'ORA-00001': 'duplicate',
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
    'NJS-500': 'unreachable',
    'NJS-501': 'unreachable',
    'NJS-503': 'unreachable',
    'NJS-510': 'timeout',
    'NJS-511': 'unreachable',
    'NJS-518': 'noDatabase',
    '1': 'duplicate',
    '942': 'noTable',
    '904': 'noColumn',
  },
}
