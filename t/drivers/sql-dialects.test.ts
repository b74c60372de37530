/** What each dialect says, as text: all statements of all databases, and the names in them. */

import { describe, expect, it } from 'vitest'
import type { ColumnKind, SqlDialect } from '../../drivers/sql/contracts.js'
import { tableChanges } from '../../drivers/sql/create-table.js'
import { mssql } from '../../drivers/sql/dialects/mssql.js'
import { mysql } from '../../drivers/sql/dialects/mysql.js'
import { oracle } from '../../drivers/sql/dialects/oracle.js'
import { pg } from '../../drivers/sql/dialects/pg.js'
import { sqlite } from '../../drivers/sql/dialects/sqlite.js'
import { type TableNames, tableNames } from '../../drivers/sql/names.js'
import { dialectNamed } from '../../drivers/sql/odbc/dialect.js'
import { type SqlOptions, sqlOptions } from '../../drivers/sql/options.js'
import { placeholders, statementsFor, tableStatementsFor } from '../../drivers/sql/statements.js'
import { readShape } from '../../drivers/sql/table-shape.js'
import { OptionError } from '../../lib/index.js'
import { readOptions } from '../../lib/options.js'

function namesOf(dialect: SqlDialect, options: Partial<SqlOptions>): TableNames {
  return tableNames(dialect, readOptions(sqlOptions, options))
}

/** All that a driver says with a table of this kind, a line each. */
function said(dialect: SqlDialect, dataKind: ColumnKind, hasExpires: boolean): string {
  const names = namesOf(dialect, { tableName: 'app.Sessions' })
  const shape = { ...readShape(dialect, names, []), dataKind, hasExpires }
  const { upsert, ...others } = tableStatementsFor(dialect, names.quoted, shape)
  const columns = dialect.columnsQuery(names.table, placeholders(dialect))
  const statements = {
    ...statementsFor(dialect, names.quoted),
    ...others,
    ...(upsert && { upsert: `${upsert.sql}${upsert.valuesTwice ? ' -- values twice' : ''}` }),
    columns: `${columns.sql} -- ${JSON.stringify(columns.values)}`,
  }
  const made = tableChanges(dialect, names, [], { idLength: 32, expires: hasExpires })
  const lines = Object.entries(statements).map(([name, sql]) => `${name}: ${sql}`)
  return [...lines, ...made.map((sql) => `create: ${sql}`)].join('\n')
}

describe('statements', () => {
  it('SQLite', () => {
    expect(said(sqlite, 'bytes', true)).toMatchInlineSnapshot(`
      "retrieve: select "a_session" from "app"."Sessions" where "id" = ? and cast("id" as text) = ? collate binary
      remove: delete from "app"."Sessions" where "id" = ? and cast("id" as text) = ? collate binary
      firstIds: select "id" from "app"."Sessions" where "id" is not null order by "app"."Sessions"."id" limit 500
      nextIds: select "id" from "app"."Sessions" where "id" > ? order by "app"."Sessions"."id" limit 500
      insert: insert into "app"."Sessions" ("id", "a_session", "expires") values (?, ?, ?) on conflict ("id") do nothing
      update: update "app"."Sessions" set "a_session" = ?, "expires" = ? where "id" = ? and cast("id" as text) = ? collate binary
      updateIf: update "app"."Sessions" set "a_session" = ?, "expires" = ? where "id" = ? and cast("id" as text) = ? collate binary and cast("a_session" as blob) = ?
      touch: update "app"."Sessions" set "expires" = ? where "id" = ? and cast("id" as text) = ? collate binary and cast("a_session" as blob) = ?
      updateNull: update "app"."Sessions" set "a_session" = ?, "expires" = ? where "id" = ? and cast("id" as text) = ? collate binary and "a_session" is null
      removeIf: delete from "app"."Sessions" where "id" = ? and cast("id" as text) = ? collate binary and cast("a_session" as blob) = ?
      firstRecords: select "id", "a_session" from "app"."Sessions" where "id" is not null and ("expires" <= ? or "expires" is null) order by "app"."Sessions"."id" limit 100
      nextRecords: select "id", "a_session" from "app"."Sessions" where "id" > ? and ("expires" <= ? or "expires" is null) order by "app"."Sessions"."id" limit 100
      upsert: insert into "app"."Sessions" ("id", "a_session", "expires") values (?, ?, ?) on conflict ("id") do update set "a_session" = excluded."a_session", "expires" = excluded."expires" where "id" = excluded."id" collate binary
      columns: select name, type, null, null, null, "notnull" = 0 from pragma_table_info(?, ?) -- ["Sessions","app"]
      create: create table "app"."Sessions" ("id" varchar(32) not null primary key, "a_session" blob not null, "expires" bigint null)
      create: create index "app"."Sessions_expires" on "Sessions" ("expires")"
    `)
  })

  it('PostgreSQL', () => {
    expect(said(pg, 'bytes', true)).toMatchInlineSnapshot(`
      "retrieve: select "a_session" from "app"."sessions" where "id" = $1 and "id"::text collate "C" = $2
      remove: delete from "app"."sessions" where "id" = $1 and "id"::text collate "C" = $2
      firstIds: select "id"::text from "app"."sessions" where "id" is not null order by "app"."sessions"."id" limit 500
      nextIds: select "id"::text from "app"."sessions" where "id" > $1 order by "app"."sessions"."id" limit 500
      insert: insert into "app"."sessions" ("id", "a_session", "expires") values ($1, $2, $3) on conflict ("id") do nothing
      update: update "app"."sessions" set "a_session" = $1, "expires" = $2 where "id" = $3 and "id"::text collate "C" = $4
      updateIf: update "app"."sessions" set "a_session" = $1, "expires" = $2 where "id" = $3 and "id"::text collate "C" = $4 and "a_session" = $5
      touch: update "app"."sessions" set "expires" = $1 where "id" = $2 and "id"::text collate "C" = $3 and "a_session" = $4
      updateNull: update "app"."sessions" set "a_session" = $1, "expires" = $2 where "id" = $3 and "id"::text collate "C" = $4 and "a_session" is null
      removeIf: delete from "app"."sessions" where "id" = $1 and "id"::text collate "C" = $2 and "a_session" = $3
      firstRecords: select "id"::text, "a_session" from "app"."sessions" where "id" is not null and ("expires" <= $1 or "expires" is null) order by "app"."sessions"."id" limit 100
      nextRecords: select "id"::text, "a_session" from "app"."sessions" where "id" > $1 and ("expires" <= $2 or "expires" is null) order by "app"."sessions"."id" limit 100
      upsert: insert into "app"."sessions" as present ("id", "a_session", "expires") values ($1, $2, $3) on conflict ("id") do update set "a_session" = excluded."a_session", "expires" = excluded."expires" where present."id"::text collate "C" = excluded."id"::text
      columns: with recursive found(name, type, modifier, nullable) as (select attname, atttypid, atttypmod, not attnotnull from pg_catalog.pg_attribute where attrelid = pg_catalog.to_regclass($1) and attnum > 0 and not attisdropped union all select name, typbasetype, greatest(modifier, typtypmod), nullable and not typnotnull from found join pg_catalog.pg_type on oid = type where typtype = 'd') select name, typname, case when modifier > 4 then modifier - 4 end, null, null, case when nullable then 1 else 0 end from found join pg_catalog.pg_type on oid = type where typtype <> 'd' -- ["\\"app\\".\\"sessions\\""]
      create: create table "app"."sessions" ("id" varchar(32) not null primary key, "a_session" bytea not null, "expires" bigint null)
      create: create index "sessions_expires" on "app"."sessions" ("expires")"
    `)
  })

  it('PostgreSQL, in a text column', () => {
    expect(said(pg, 'text', false)).toMatchInlineSnapshot(`
      "retrieve: select "a_session" from "app"."sessions" where "id" = $1 and "id"::text collate "C" = $2
      remove: delete from "app"."sessions" where "id" = $1 and "id"::text collate "C" = $2
      firstIds: select "id"::text from "app"."sessions" where "id" is not null order by "app"."sessions"."id" limit 500
      nextIds: select "id"::text from "app"."sessions" where "id" > $1 order by "app"."sessions"."id" limit 500
      insert: insert into "app"."sessions" ("id", "a_session") values ($1, $2::text) on conflict ("id") do nothing
      update: update "app"."sessions" set "a_session" = $1::text where "id" = $2 and "id"::text collate "C" = $3
      updateIf: update "app"."sessions" set "a_session" = $1::text where "id" = $2 and "id"::text collate "C" = $3 and convert_to("a_session"::text, 'UTF8') in ($4, $5)
      touch: undefined
      updateNull: update "app"."sessions" set "a_session" = $1::text where "id" = $2 and "id"::text collate "C" = $3 and "a_session" is null
      removeIf: delete from "app"."sessions" where "id" = $1 and "id"::text collate "C" = $2 and convert_to("a_session"::text, 'UTF8') in ($3, $4)
      firstRecords: select "id"::text, "a_session" from "app"."sessions" where "id" is not null order by "app"."sessions"."id" limit 100
      nextRecords: select "id"::text, "a_session" from "app"."sessions" where "id" > $1 order by "app"."sessions"."id" limit 100
      upsert: insert into "app"."sessions" as present ("id", "a_session") values ($1, $2) on conflict ("id") do update set "a_session" = excluded."a_session" where present."id"::text collate "C" = excluded."id"::text
      columns: with recursive found(name, type, modifier, nullable) as (select attname, atttypid, atttypmod, not attnotnull from pg_catalog.pg_attribute where attrelid = pg_catalog.to_regclass($1) and attnum > 0 and not attisdropped union all select name, typbasetype, greatest(modifier, typtypmod), nullable and not typnotnull from found join pg_catalog.pg_type on oid = type where typtype = 'd') select name, typname, case when modifier > 4 then modifier - 4 end, null, null, case when nullable then 1 else 0 end from found join pg_catalog.pg_type on oid = type where typtype <> 'd' -- ["\\"app\\".\\"sessions\\""]
      create: create table "app"."sessions" ("id" varchar(32) not null primary key, "a_session" bytea not null)"
    `)
  })

  it('MySQL', () => {
    expect(said(mysql, 'bytes', true)).toMatchInlineSnapshot(`
      "retrieve: select if(collation(\`a_session\`) = 'binary', \`a_session\`, cast(convert(\`a_session\` using utf8mb4) as binary)) from \`app\`.\`Sessions\` where \`id\` = ? and cast(convert(\`id\` using utf8mb4) as binary) = cast(convert(? using utf8mb4) as binary)
      remove: delete from \`app\`.\`Sessions\` where \`id\` = ? and cast(convert(\`id\` using utf8mb4) as binary) = cast(convert(? using utf8mb4) as binary)
      firstIds: select if(collation(\`id\`) = 'binary', \`id\`, cast(convert(\`id\` using utf8mb4) as binary)) from \`app\`.\`Sessions\` where \`id\` is not null order by \`app\`.\`Sessions\`.\`id\` limit 500
      nextIds: select if(collation(\`id\`) = 'binary', \`id\`, cast(convert(\`id\` using utf8mb4) as binary)) from \`app\`.\`Sessions\` where \`id\` > ? order by \`app\`.\`Sessions\`.\`id\` limit 500
      insert: insert into \`app\`.\`Sessions\` (\`id\`, \`a_session\`, \`expires\`) values (?, ?, ?)
      update: update \`app\`.\`Sessions\` set \`a_session\` = ?, \`expires\` = ? where \`id\` = ? and cast(convert(\`id\` using utf8mb4) as binary) = cast(convert(? using utf8mb4) as binary)
      updateIf: update \`app\`.\`Sessions\` set \`a_session\` = ?, \`expires\` = ? where \`id\` = ? and cast(convert(\`id\` using utf8mb4) as binary) = cast(convert(? using utf8mb4) as binary) and \`a_session\` = ?
      touch: update \`app\`.\`Sessions\` set \`expires\` = ? where \`id\` = ? and cast(convert(\`id\` using utf8mb4) as binary) = cast(convert(? using utf8mb4) as binary) and \`a_session\` = ?
      updateNull: update \`app\`.\`Sessions\` set \`a_session\` = ?, \`expires\` = ? where \`id\` = ? and cast(convert(\`id\` using utf8mb4) as binary) = cast(convert(? using utf8mb4) as binary) and \`a_session\` is null
      removeIf: delete from \`app\`.\`Sessions\` where \`id\` = ? and cast(convert(\`id\` using utf8mb4) as binary) = cast(convert(? using utf8mb4) as binary) and \`a_session\` = ?
      firstRecords: select if(collation(\`id\`) = 'binary', \`id\`, cast(convert(\`id\` using utf8mb4) as binary)), if(collation(\`a_session\`) = 'binary', \`a_session\`, cast(convert(\`a_session\` using utf8mb4) as binary)) from \`app\`.\`Sessions\` where \`id\` is not null and (\`expires\` <= ? or \`expires\` is null) order by \`app\`.\`Sessions\`.\`id\` limit 100
      nextRecords: select if(collation(\`id\`) = 'binary', \`id\`, cast(convert(\`id\` using utf8mb4) as binary)), if(collation(\`a_session\`) = 'binary', \`a_session\`, cast(convert(\`a_session\` using utf8mb4) as binary)) from \`app\`.\`Sessions\` where \`id\` > ? and (\`expires\` <= ? or \`expires\` is null) order by \`app\`.\`Sessions\`.\`id\` limit 100
      columns: select c.column_name, c.data_type, c.character_maximum_length, least(c.character_maximum_length, c.character_octet_length), if(exists (select 1 from information_schema.tables t where t.table_schema = c.table_schema and t.table_name = c.table_name and t.table_type = 'VIEW'), null, exists (select 1 from information_schema.statistics s where s.table_schema = c.table_schema and s.table_name = c.table_name and s.column_name = c.column_name and s.non_unique = 0 and not exists (select 1 from information_schema.statistics o where o.table_schema = s.table_schema and o.table_name = s.table_name and o.index_name = s.index_name and o.column_name <> s.column_name))), c.is_nullable = 'YES' from information_schema.columns c where c.table_schema = coalesce(?, database()) and c.table_name = ? -- ["app","Sessions"]
      create: create table \`app\`.\`Sessions\` (\`id\` varchar(32) collate utf8mb4_bin not null primary key, \`a_session\` longblob not null, \`expires\` bigint null) engine = InnoDB
      create: alter table \`app\`.\`Sessions\` add index \`Sessions_expires\`(\`expires\`)"
    `)
  })

  it('MySQL, in a text column', () => {
    expect(said(mysql, 'text', false)).toMatchInlineSnapshot(`
      "retrieve: select if(collation(\`a_session\`) = 'binary', \`a_session\`, cast(convert(\`a_session\` using utf8mb4) as binary)) from \`app\`.\`Sessions\` where \`id\` = ? and cast(convert(\`id\` using utf8mb4) as binary) = cast(convert(? using utf8mb4) as binary)
      remove: delete from \`app\`.\`Sessions\` where \`id\` = ? and cast(convert(\`id\` using utf8mb4) as binary) = cast(convert(? using utf8mb4) as binary)
      firstIds: select if(collation(\`id\`) = 'binary', \`id\`, cast(convert(\`id\` using utf8mb4) as binary)) from \`app\`.\`Sessions\` where \`id\` is not null order by \`app\`.\`Sessions\`.\`id\` limit 500
      nextIds: select if(collation(\`id\`) = 'binary', \`id\`, cast(convert(\`id\` using utf8mb4) as binary)) from \`app\`.\`Sessions\` where \`id\` > ? order by \`app\`.\`Sessions\`.\`id\` limit 500
      insert: insert into \`app\`.\`Sessions\` (\`id\`, \`a_session\`) values (?, ?)
      update: update \`app\`.\`Sessions\` set \`a_session\` = ? where \`id\` = ? and cast(convert(\`id\` using utf8mb4) as binary) = cast(convert(? using utf8mb4) as binary)
      updateIf: update \`app\`.\`Sessions\` set \`a_session\` = ? where \`id\` = ? and cast(convert(\`id\` using utf8mb4) as binary) = cast(convert(? using utf8mb4) as binary) and cast(convert(\`a_session\` using utf8mb4) as binary) = ?
      touch: undefined
      updateNull: update \`app\`.\`Sessions\` set \`a_session\` = ? where \`id\` = ? and cast(convert(\`id\` using utf8mb4) as binary) = cast(convert(? using utf8mb4) as binary) and \`a_session\` is null
      removeIf: delete from \`app\`.\`Sessions\` where \`id\` = ? and cast(convert(\`id\` using utf8mb4) as binary) = cast(convert(? using utf8mb4) as binary) and cast(convert(\`a_session\` using utf8mb4) as binary) = ?
      firstRecords: select if(collation(\`id\`) = 'binary', \`id\`, cast(convert(\`id\` using utf8mb4) as binary)), if(collation(\`a_session\`) = 'binary', \`a_session\`, cast(convert(\`a_session\` using utf8mb4) as binary)) from \`app\`.\`Sessions\` where \`id\` is not null order by \`app\`.\`Sessions\`.\`id\` limit 100
      nextRecords: select if(collation(\`id\`) = 'binary', \`id\`, cast(convert(\`id\` using utf8mb4) as binary)), if(collation(\`a_session\`) = 'binary', \`a_session\`, cast(convert(\`a_session\` using utf8mb4) as binary)) from \`app\`.\`Sessions\` where \`id\` > ? order by \`app\`.\`Sessions\`.\`id\` limit 100
      columns: select c.column_name, c.data_type, c.character_maximum_length, least(c.character_maximum_length, c.character_octet_length), if(exists (select 1 from information_schema.tables t where t.table_schema = c.table_schema and t.table_name = c.table_name and t.table_type = 'VIEW'), null, exists (select 1 from information_schema.statistics s where s.table_schema = c.table_schema and s.table_name = c.table_name and s.column_name = c.column_name and s.non_unique = 0 and not exists (select 1 from information_schema.statistics o where o.table_schema = s.table_schema and o.table_name = s.table_name and o.index_name = s.index_name and o.column_name <> s.column_name))), c.is_nullable = 'YES' from information_schema.columns c where c.table_schema = coalesce(?, database()) and c.table_name = ? -- ["app","Sessions"]
      create: create table \`app\`.\`Sessions\` (\`id\` varchar(32) collate utf8mb4_bin not null primary key, \`a_session\` longblob not null) engine = InnoDB"
    `)
  })

  it('Oracle', () => {
    expect(said(oracle, 'bytes', true)).toMatchInlineSnapshot(`
      "retrieve: select "A_SESSION" from "APP"."SESSIONS" where "ID" = :1 and nlssort("ID", 'NLS_SORT=BINARY') = nlssort(:2, 'NLS_SORT=BINARY')
      remove: delete from "APP"."SESSIONS" where "ID" = :1 and nlssort("ID", 'NLS_SORT=BINARY') = nlssort(:2, 'NLS_SORT=BINARY')
      firstIds: select "ID" from "APP"."SESSIONS" where "ID" is not null order by nlssort("APP"."SESSIONS"."ID", 'NLS_SORT=BINARY') fetch first 500 rows only
      nextIds: select "ID" from "APP"."SESSIONS" where nlssort("ID", 'NLS_SORT=BINARY') > nlssort(:1, 'NLS_SORT=BINARY') order by nlssort("APP"."SESSIONS"."ID", 'NLS_SORT=BINARY') fetch first 500 rows only
      insert: insert into "APP"."SESSIONS" ("ID", "A_SESSION", "EXPIRES") values (:1, :2, :3)
      update: update "APP"."SESSIONS" set "A_SESSION" = :1, "EXPIRES" = :2 where "ID" = :3 and nlssort("ID", 'NLS_SORT=BINARY') = nlssort(:4, 'NLS_SORT=BINARY')
      updateIf: update "APP"."SESSIONS" set "A_SESSION" = :1, "EXPIRES" = :2 where "ID" = :3 and nlssort("ID", 'NLS_SORT=BINARY') = nlssort(:4, 'NLS_SORT=BINARY') and dbms_lob.compare("A_SESSION", :5) = 0
      touch: update "APP"."SESSIONS" set "EXPIRES" = :1 where "ID" = :2 and nlssort("ID", 'NLS_SORT=BINARY') = nlssort(:3, 'NLS_SORT=BINARY') and dbms_lob.compare("A_SESSION", :4) = 0
      updateNull: update "APP"."SESSIONS" set "A_SESSION" = :1, "EXPIRES" = :2 where "ID" = :3 and nlssort("ID", 'NLS_SORT=BINARY') = nlssort(:4, 'NLS_SORT=BINARY') and "A_SESSION" is null
      removeIf: delete from "APP"."SESSIONS" where "ID" = :1 and nlssort("ID", 'NLS_SORT=BINARY') = nlssort(:2, 'NLS_SORT=BINARY') and dbms_lob.compare("A_SESSION", :3) = 0
      firstRecords: select "ID", "A_SESSION" from "APP"."SESSIONS" where "ID" is not null and ("EXPIRES" <= :1 or "EXPIRES" is null) order by nlssort("APP"."SESSIONS"."ID", 'NLS_SORT=BINARY') fetch first 100 rows only
      nextRecords: select "ID", "A_SESSION" from "APP"."SESSIONS" where nlssort("ID", 'NLS_SORT=BINARY') > nlssort(:1, 'NLS_SORT=BINARY') and ("EXPIRES" <= :2 or "EXPIRES" is null) order by nlssort("APP"."SESSIONS"."ID", 'NLS_SORT=BINARY') fetch first 100 rows only
      upsert: merge into "APP"."SESSIONS" present using (select :1 as wanted from dual) given on (present."ID" = given.wanted) when matched then update set present."A_SESSION" = :2, present."EXPIRES" = :3 where nlssort(present."ID", 'NLS_SORT=BINARY') = nlssort(given.wanted, 'NLS_SORT=BINARY') when not matched then insert ("ID", "A_SESSION", "EXPIRES") values (given.wanted, :4, :5) -- values twice
      columns: select column_name, data_type, case when char_length > 0 then char_length end, null, null, case nullable when 'Y' then 1 else 0 end from all_tab_columns where owner = :1 and table_name = :2 -- ["APP","SESSIONS"]
      create: create table "APP"."SESSIONS" ("ID" varchar2(32 char) not null primary key, "A_SESSION" blob not null, "EXPIRES" number(20, 0) null)
      create: create index "APP"."SESSIONS_EXPIRES" on "APP"."SESSIONS" ("EXPIRES")"
    `)
  })

  it('SQL Server', () => {
    expect(said(mssql, 'bytes', true)).toMatchInlineSnapshot(`
      "retrieve: select [a_session] from [app].[Sessions] where [id] = ? and cast(rtrim([id]) as nvarchar(4000)) + N'.' collate Latin1_General_100_BIN2 = cast(? as nvarchar(4000)) + N'.'
      remove: delete from [app].[Sessions] where [id] = ? and cast(rtrim([id]) as nvarchar(4000)) + N'.' collate Latin1_General_100_BIN2 = cast(? as nvarchar(4000)) + N'.'
      firstIds: select rtrim([id]) from [app].[Sessions] where [id] is not null order by [app].[Sessions].[id] offset 0 rows fetch next 500 rows only
      nextIds: select rtrim([id]) from [app].[Sessions] where [id] > ? order by [app].[Sessions].[id] offset 0 rows fetch next 500 rows only
      insert: insert into [app].[Sessions] ([id], [a_session], [expires]) values (?, ?, ?)
      update: update [app].[Sessions] set [a_session] = ?, [expires] = ? where [id] = ? and cast(rtrim([id]) as nvarchar(4000)) + N'.' collate Latin1_General_100_BIN2 = cast(? as nvarchar(4000)) + N'.'
      updateIf: update [app].[Sessions] set [a_session] = ?, [expires] = ? where [id] = ? and cast(rtrim([id]) as nvarchar(4000)) + N'.' collate Latin1_General_100_BIN2 = cast(? as nvarchar(4000)) + N'.' and cast([a_session] as varbinary(max)) = ?
      touch: update [app].[Sessions] set [expires] = ? where [id] = ? and cast(rtrim([id]) as nvarchar(4000)) + N'.' collate Latin1_General_100_BIN2 = cast(? as nvarchar(4000)) + N'.' and cast([a_session] as varbinary(max)) = ?
      updateNull: update [app].[Sessions] set [a_session] = ?, [expires] = ? where [id] = ? and cast(rtrim([id]) as nvarchar(4000)) + N'.' collate Latin1_General_100_BIN2 = cast(? as nvarchar(4000)) + N'.' and [a_session] is null
      removeIf: delete from [app].[Sessions] where [id] = ? and cast(rtrim([id]) as nvarchar(4000)) + N'.' collate Latin1_General_100_BIN2 = cast(? as nvarchar(4000)) + N'.' and cast([a_session] as varbinary(max)) = ?
      firstRecords: select rtrim([id]), [a_session] from [app].[Sessions] where [id] is not null and ([expires] <= ? or [expires] is null) order by [app].[Sessions].[id] offset 0 rows fetch next 100 rows only
      nextRecords: select rtrim([id]), [a_session] from [app].[Sessions] where [id] > ? and ([expires] <= ? or [expires] is null) order by [app].[Sessions].[id] offset 0 rows fetch next 100 rows only
      columns: select COLUMN_NAME, DATA_TYPE, nullif(CHARACTER_MAXIMUM_LENGTH, -1), null, null, case IS_NULLABLE when 'YES' then 1 else 0 end from INFORMATION_SCHEMA.COLUMNS where TABLE_SCHEMA = ? and TABLE_NAME = ? -- ["app","Sessions"]
      create: CREATE TABLE [app].[Sessions] ([id] nvarchar(32) collate Latin1_General_100_BIN2 not null primary key, [a_session] varbinary(max) not null, [expires] bigint null)
      create: CREATE INDEX [Sessions_expires] ON [app].[Sessions] ([expires])"
    `)
  })

  it('SQL Server, in a text column', () => {
    expect(said(mssql, 'text', false)).toMatchInlineSnapshot(`
      "retrieve: select [a_session] from [app].[Sessions] where [id] = ? and cast(rtrim([id]) as nvarchar(4000)) + N'.' collate Latin1_General_100_BIN2 = cast(? as nvarchar(4000)) + N'.'
      remove: delete from [app].[Sessions] where [id] = ? and cast(rtrim([id]) as nvarchar(4000)) + N'.' collate Latin1_General_100_BIN2 = cast(? as nvarchar(4000)) + N'.'
      firstIds: select rtrim([id]) from [app].[Sessions] where [id] is not null order by [app].[Sessions].[id] offset 0 rows fetch next 500 rows only
      nextIds: select rtrim([id]) from [app].[Sessions] where [id] > ? order by [app].[Sessions].[id] offset 0 rows fetch next 500 rows only
      insert: insert into [app].[Sessions] ([id], [a_session]) values (?, ?)
      update: update [app].[Sessions] set [a_session] = ? where [id] = ? and cast(rtrim([id]) as nvarchar(4000)) + N'.' collate Latin1_General_100_BIN2 = cast(? as nvarchar(4000)) + N'.'
      updateIf: update [app].[Sessions] set [a_session] = ? where [id] = ? and cast(rtrim([id]) as nvarchar(4000)) + N'.' collate Latin1_General_100_BIN2 = cast(? as nvarchar(4000)) + N'.' and cast([a_session] as nvarchar(max)) + N'.' collate Latin1_General_100_BIN2 = cast(? as nvarchar(max)) + N'.'
      touch: undefined
      updateNull: update [app].[Sessions] set [a_session] = ? where [id] = ? and cast(rtrim([id]) as nvarchar(4000)) + N'.' collate Latin1_General_100_BIN2 = cast(? as nvarchar(4000)) + N'.' and [a_session] is null
      removeIf: delete from [app].[Sessions] where [id] = ? and cast(rtrim([id]) as nvarchar(4000)) + N'.' collate Latin1_General_100_BIN2 = cast(? as nvarchar(4000)) + N'.' and cast([a_session] as nvarchar(max)) + N'.' collate Latin1_General_100_BIN2 = cast(? as nvarchar(max)) + N'.'
      firstRecords: select rtrim([id]), [a_session] from [app].[Sessions] where [id] is not null order by [app].[Sessions].[id] offset 0 rows fetch next 100 rows only
      nextRecords: select rtrim([id]), [a_session] from [app].[Sessions] where [id] > ? order by [app].[Sessions].[id] offset 0 rows fetch next 100 rows only
      columns: select COLUMN_NAME, DATA_TYPE, nullif(CHARACTER_MAXIMUM_LENGTH, -1), null, null, case IS_NULLABLE when 'YES' then 1 else 0 end from INFORMATION_SCHEMA.COLUMNS where TABLE_SCHEMA = ? and TABLE_NAME = ? -- ["app","Sessions"]
      create: CREATE TABLE [app].[Sessions] ([id] nvarchar(32) collate Latin1_General_100_BIN2 not null primary key, [a_session] varbinary(max) not null)"
    `)
  })

  it('SQLite, over ODBC', () => {
    expect(said(dialectNamed('SQLite'), 'bytes', false)).toMatchInlineSnapshot(`
      "retrieve: select (select hex("a_session") union all select sql from sqlite_master where 0) from "app"."Sessions" where "id" = ? and cast("id" as text) = ? collate binary
      remove: delete from "app"."Sessions" where "id" = ? and cast("id" as text) = ? collate binary
      firstIds: select (select "id" union all select sql from sqlite_master where 0) from "app"."Sessions" where "id" is not null order by "app"."Sessions"."id" limit 500
      nextIds: select (select "id" union all select sql from sqlite_master where 0) from "app"."Sessions" where "id" > ? order by "app"."Sessions"."id" limit 500
      insert: insert into "app"."Sessions" ("id", "a_session") values (?, ?) on conflict ("id") do nothing
      update: update "app"."Sessions" set "a_session" = ? where "id" = ? and cast("id" as text) = ? collate binary
      updateIf: update "app"."Sessions" set "a_session" = ? where "id" = ? and cast("id" as text) = ? collate binary and cast("a_session" as blob) = ?
      touch: undefined
      updateNull: update "app"."Sessions" set "a_session" = ? where "id" = ? and cast("id" as text) = ? collate binary and "a_session" is null
      removeIf: delete from "app"."Sessions" where "id" = ? and cast("id" as text) = ? collate binary and cast("a_session" as blob) = ?
      firstRecords: select (select "id" union all select sql from sqlite_master where 0), (select hex("a_session") union all select sql from sqlite_master where 0) from "app"."Sessions" where "id" is not null order by "app"."Sessions"."id" limit 100
      nextRecords: select (select "id" union all select sql from sqlite_master where 0), (select hex("a_session") union all select sql from sqlite_master where 0) from "app"."Sessions" where "id" > ? order by "app"."Sessions"."id" limit 100
      upsert: insert into "app"."Sessions" ("id", "a_session") values (?, ?) on conflict ("id") do update set "a_session" = excluded."a_session" where "id" = excluded."id" collate binary
      columns: select name, type, null, null, null, "notnull" = 0 from pragma_table_info(?, ?) -- ["Sessions","app"]
      create: create table "app"."Sessions" ("id" varchar(32) not null primary key, "a_session" blob not null)"
    `)
  })

  it.each(['Pg', 'mysql', 'Oracle', 'mssql'] as const)('%s over ODBC has the same, with its own parameters', (name) => {
    const native = { Pg: pg, mysql, Oracle: oracle, mssql }[name]
    expect(said(dialectNamed(name), 'bytes', true)).toBe(said(native, 'bytes', true).replace(/\$\d|:\d(?!\d)/g, '?'))
  })
})

describe('names', () => {
  const dialects = { SQLite: sqlite, Pg: pg, mysql, Oracle: oracle, mssql }
  type Name = keyof typeof dialects

  /** What a table's name becomes: for those that quote with `"` and do not fold, and where it differs. */
  const tables: readonly (readonly [given: string, quoted: string, others: Partial<Record<Name, string>>])[] = [
    ['sessions', '"sessions"', { mysql: '`sessions`', mssql: '[sessions]', Oracle: '"SESSIONS"' }],
    [
      'App.Sessions',
      '"App"."Sessions"',
      { Pg: '"app"."sessions"', Oracle: '"APP"."SESSIONS"', mysql: '`App`.`Sessions`', mssql: '[App].[Sessions]' },
    ],
    [
      '"App".Sessions',
      '"App"."Sessions"',
      { Pg: '"App"."sessions"', Oracle: '"App"."SESSIONS"', mysql: '`App`.`Sessions`', mssql: '[App].[Sessions]' },
    ],
    ['"a.b"', '"a.b"', { mysql: '`a.b`', mssql: '[a.b]' }],
    ['`a``b`', '"a`b"', { mysql: '`a``b`', mssql: '[a`b]' }],
    ['"a""b"', '"a""b"', { mysql: '`a"b`', mssql: '[a"b]' }],
    ['[a]]b]', '"a]b"', { mysql: '`a]b`', mssql: '[a]]b]' }],
    ['a]b', '"a]b"', { Oracle: '"A]B"', mysql: '`a]b`', mssql: '[a]]b]' }],
    ['a"b', '"a""b"', { Oracle: '"A""B"', mysql: '`a"b`', mssql: '[a"b]' }],
    ['sessions; --', '"sessions; --"', { Oracle: '"SESSIONS; --"', mysql: '`sessions; --`', mssql: '[sessions; --]' }],
    [
      '"""; drop table x; --"',
      '"""; drop table x; --"',
      { mysql: '`"; drop table x; --`', mssql: '["; drop table x; --]' },
    ],
    ['sítzung', '"sítzung"', { Oracle: '"SÍTZUNG"', mysql: '`sítzung`', mssql: '[sítzung]' }],
  ]

  it.each(tables)('the table %s', (tableName, quoted, others) => {
    for (const [name, dialect] of Object.entries(dialects)) {
      expect(namesOf(dialect, { tableName }).quoted.table, name).toBe(others[name as Name] ?? quoted)
    }
  })

  it.each(tables)('the columns of the table %s, and all statements with them', (tableName, quoted, others) => {
    for (const [name, dialect] of Object.entries(dialects)) {
      if (tableName.includes('.')) continue
      const wanted = others[name as Name] ?? quoted
      const names = namesOf(dialect, { tableName, idColName: tableName, dataColName: tableName })
      expect([names.quoted.id, names.quoted.data], name).toEqual([wanted, wanted])
      const texts = Object.values(statementsFor(dialect, names.quoted)).concat(
        tableChanges(dialect, names, [], { idLength: 32, expires: false }),
      )
      // Wherever a name stands, it stands quoted.
      const bare = names.table[0]!
      for (const text of texts) {
        expect(text).toContain(wanted)
        expect(text.replaceAll(wanted, '').includes(bare), text).toBe(false)
      }
    }
  })

  it.each(['"; drop table x; --', '', '.', 'a.', '"a', '"a"b', 'a\0b', 'x'.repeat(129), '[a'])(
    '%j is no name',
    (tableName) => {
      for (const dialect of Object.values(dialects)) expect(() => namesOf(dialect, { tableName })).toThrow(OptionError)
    },
  )
})

describe('error codes', () => {
  it('are unknown where a constraint of any kind may have failed', () => {
    for (const name of ['SQLite', 'Pg', 'mysql', 'Oracle', 'mssql'] as const) {
      expect(dialectNamed(name).problems).not.toHaveProperty('23000')
    }
  })

  it.each([
    ['SQLite', 'UNIQUE constraint failed', 'duplicate'],
    ['Pg', '23505', 'duplicate'],
    ['mysql', '1062', 'duplicate'],
    ['Oracle', '1', 'duplicate'],
    ['mssql', '2627', 'duplicate'],
    ['Oracle', '942', 'noTable'],
    ['Oracle', '60', 'deadlock'],
    ['mssql', '208', 'noTable'],
    ['mssql', '1205', 'deadlock'],
    ['mysql', '1205', 'busy'],
    ['mssql', '1222', 'busy'],
    ['Pg', '42P01', 'noTable'],
    ['mssql', '42S02', 'noTable'],
    ['mssql', 'HYT00', 'timeout'],
    ['Oracle', '08S01', 'unreachable'],
  ] as const)('%s over ODBC: %s is %s', (name, code, problem) => {
    expect(dialectNamed(name).problems[code]).toBe(problem)
  })
})
