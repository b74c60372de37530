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
    kind === 'bytes' ? `${column} = ${next()}` : `convert_to(${column}::text, 'UTF8') in (${next()}, ${next()})`,
  // Without its type a text would be taken for the escapes of a bytea, when the column became one.
  recordParameter: (parameter, kind) => (kind === 'text' ? `${parameter}::text` : parameter),
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
      // A domain is what it is made of, which may be a domain.
      'with recursive found(name, type, modifier, nullable) as (' +
      'select attname, atttypid, atttypmod, not attnotnull from pg_catalog.pg_attribute ' +
      `where attrelid = pg_catalog.to_regclass(${next()}) and attnum > 0 and not attisdropped ` +
      'union all select name, typbasetype, greatest(modifier, typtypmod), nullable and not typnotnull ' +
      "from found join pg_catalog.pg_type on oid = type where typtype = 'd') " +
      'select name, typname, case when modifier > 4 then modifier - 4 end, null, null, ' +
      'case when nullable then 1 else 0 end ' +
      "from found join pg_catalog.pg_type on oid = type where typtype <> 'd'",
    values: [table.map((part) => `"${part.replaceAll('"', '""')}"`).join('.')],
  }),
  tellsColumnCase: true,
  kindOf: (type) => (type === 'bytea' ? 'bytes' : 'text'),
  binaryType: 'bytea',
  idType: (length) => `varchar(${length})`,
  longestName: 63,
  unfitTypes: { json: 'bytea or text', jsonb: 'bytea or text', bpchar: 'bytea or text' },
  indexSchema: 'table',
  problems: {
    '23505': 'duplicate',
    '42P01': 'noTable',
    '3F000': 'noTable',
    '42703': 'noColumn',
    '42P10': 'noKey',
    '55000': 'noKey',
    '40P01': 'deadlock',
    '40001': 'deadlock',
    '55P03': 'busy',
    '25006': 'readOnly',
    '22001': 'tooLong',
    '54000': 'tooLong',
    '22P02': 'notAnId',
    '22003': 'notAnId',
    '22021': 'badText',
    '22P05': 'badText',
    '28000': 'denied',
    '28P01': 'denied',
    '42501': 'denied',
    'client password must be a': 'denied',
    '3D000': 'noDatabase',
    '53100': 'full',
    '53300': 'crowded',
    '57014': 'timeout',
    'Query read timeout': 'unanswered',
    '23502': 'refused',
    '23503': 'refused',
    '23514': 'refused',
    P0001: 'refused',
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
