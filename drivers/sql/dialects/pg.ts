/** What PostgreSQL wants to hear. */

import { charactersToBytes, readingsOf } from '../characters.js'
import type { SqlDialect } from '../contracts.js'

export const pg: SqlDialect = {
  name: 'Pg',
  knexClient: 'pg',
  quote: '"',
  fold: (name) => name.toLowerCase(),
  parameter: (n) => `$${n}`,
  // As text a char(n) loses the blanks that fill it up; a collation may find more than equal bytes.
  isId: (column, first, second) => `${column} = ${first} and ${column}::text collate "C" = ${second}`,
  isRecord: (column, kind, next) =>
    kind === 'bytes' ? `${column} = ${next()}` : `${column}::text collate "C" in (${next()}, ${next()})`,
  recordValues: (kind, record) => (kind === 'bytes' ? [record] : readingsOf(record)),
  bytesOf: charactersToBytes,
  idText: (column) => `${column}::text`,
  upsert: ({ table, id }, columns, next) => ({
    valuesTwice: false,
    sql:
      `insert into ${table} as present (${columns.join(', ')}) values (${columns.map(next).join(', ')}) ` +
      `on conflict (${id}) do update set ${columns
        .slice(1)
        .map((column) => `${column} = excluded.${column}`)
        .join(', ')} ` +
      `where present.${id}::text collate "C" = excluded.${id}::text`,
  }),
  orNothing: (column) => ` on conflict (${column}) do nothing`,
  limit: (query, rows) => `${query} limit ${rows}`,
  columnsQuery: (table, next) => ({
    sql:
      'select a.attname, coalesce(base.typname, t.typname), ' +
      'case when greatest(a.atttypmod, t.typtypmod) > 4 then greatest(a.atttypmod, t.typtypmod) - 4 end ' +
      'from pg_catalog.pg_attribute a join pg_catalog.pg_type t on t.oid = a.atttypid ' +
      // A domain is what it is made of.
      'left join pg_catalog.pg_type base on base.oid = t.typbasetype ' +
      `where a.attrelid = pg_catalog.to_regclass(${next()}) and a.attnum > 0 and not a.attisdropped`,
    values: [table.map((part) => `"${part.replaceAll('"', '""')}"`).join('.')],
  }),
  kindOf: (type) => (type === 'bytea' ? 'bytes' : 'text'),
  binaryType: 'bytea',
  idType: (length) => `varchar(${length})`,
  longestName: 63,
  indexSchema: 'table',
  problems: {
    '23505': 'duplicate',
    '42P01': 'noTable',
    '3F000': 'noTable',
    '42703': 'noColumn',
    '42P10': 'noKey',
    '40P01': 'deadlock',
    '40001': 'deadlock',
    '55P03': 'busy',
    '25006': 'readOnly',
    '22001': 'tooLong',
    '54000': 'tooLong',
    '22021': 'badText',
    '22P05': 'badText',
    '28000': 'denied',
    '28P01': 'denied',
    '42501': 'denied',
    'client password must be a': 'denied',
    '3D000': 'noDatabase',
    '53100': 'full',
    '53300': 'busy',
    '57014': 'timeout',
    '57P01': 'unreachable',
    '57P02': 'unreachable',
    '57P03': 'unreachable',
    '57P05': 'unreachable',
    '25P03': 'unreachable',
    '08000': 'unreachable',
    '08001': 'unreachable',
    '08003': 'unreachable',
    '08006': 'unreachable',
    '08S01': 'unreachable',
  },
}
