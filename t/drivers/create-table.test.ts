import { createRequire } from 'node:module'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { SqlDialect } from '../../drivers/sql/contracts.js'
import { tableChanges } from '../../drivers/sql/create-table.js'
import { mssql } from '../../drivers/sql/dialects/mssql.js'
import { mysql } from '../../drivers/sql/dialects/mysql.js'
import { oracle } from '../../drivers/sql/dialects/oracle.js'
import { pg } from '../../drivers/sql/dialects/pg.js'
import { sqlite } from '../../drivers/sql/dialects/sqlite.js'
import { tableNames } from '../../drivers/sql/names.js'
import { sqlOptions } from '../../drivers/sql/options.js'
import { type ManagerOptions, SessionManager } from '../../lib/index.js'
import { readOptions } from '../../lib/options.js'
import { startNode } from '../support/child.js'
import { temporaryFolder } from '../support/folders.js'
import { mysql2, newDatabase, settingsFor } from '../support/mariadb.js'
import { newSchema } from '../support/postgres.js'
import { describeWith } from '../support/requirements.js'

const dialects = { SQLite: sqlite, Pg: pg, mysql, Oracle: oracle, mssql }
const names = Object.keys(dialects) as (keyof typeof dialects)[]

/** The statements for a table that has these columns. */
function changes(dialect: SqlDialect, given: object, present: string[], expires = true): string[] {
  const options = readOptions(sqlOptions, given as Record<string, unknown>)
  const columns = present.map((name) => [name, /^expires$/i.test(name) ? 'bigint' : 'varchar', 40])
  return tableChanges(dialect, tableNames(dialect, options), columns, { idLength: 40, expires })
}

describe('createTable, what it says to each database', () => {
  const tables: Record<keyof typeof dialects, string> = {
    SQLite: 'create table "sessions" ("id" varchar(40) not null primary key, "a_session" blob not null)',
    Pg: 'create table "sessions" ("id" varchar(40) not null primary key, "a_session" bytea not null)',
    mysql:
      'create table `sessions` (`id` varchar(40) collate utf8mb4_bin not null primary key, `a_session` longblob not null) engine = InnoDB',
    Oracle: 'create table "SESSIONS" ("ID" varchar2(40 char) not null primary key, "A_SESSION" blob not null)',
    mssql:
      'CREATE TABLE [sessions] ([id] nvarchar(40) collate Latin1_General_100_BIN2 not null primary key, [a_session] varbinary(max) not null)',
  }
  const times: Record<keyof typeof dialects, string> = {
    SQLite: '"expires" bigint null',
    Pg: '"expires" bigint null',
    mysql: '`expires` bigint null',
    Oracle: '"EXPIRES" number(20, 0) null',
    mssql: '[expires] bigint null',
  }
  const indexes: Record<keyof typeof dialects, string> = {
    SQLite: 'create index "sessions_expires" on "sessions" ("expires")',
    Pg: 'create index "sessions_expires" on "sessions" ("expires")',
    mysql: 'alter table `sessions` add index `sessions_expires`(`expires`)',
    Oracle: 'create index "SESSIONS_EXPIRES" on "SESSIONS" ("EXPIRES")',
    mssql: 'CREATE INDEX [sessions_expires] ON [sessions] ([expires])',
  }
  const additions: Record<keyof typeof dialects, string> = {
    SQLite: 'alter table "sessions" add column "expires" bigint null',
    Pg: 'alter table "sessions" add column "expires" bigint null',
    mysql: 'alter table `sessions` add `expires` bigint null',
    Oracle: 'alter table "SESSIONS" add "EXPIRES" number(20, 0) null',
    mssql: 'ALTER TABLE [sessions] ADD [expires] bigint null',
  }

  it.each(names)('%s: a new table', (name) => {
    expect(changes(dialects[name], {}, [], false)).toEqual([tables[name]])
    const withTimes = tables[name].replace(/\)( engine = InnoDB)?$/, `, ${times[name]})$1`)
    expect(changes(dialects[name], {}, [])).toEqual([withTimes, indexes[name]])
  })

  it.each(names)('%s: nothing when all is there, and the column of expiry times when it is missing', (name) => {
    const { fold, tellsColumnCase } = dialects[name]
    const [id, data, expires] = ['id', 'a_session', 'expires'].map(fold) as [string, string, string]
    expect(changes(dialects[name], {}, [id, data], false)).toEqual([])
    expect(changes(dialects[name], {}, [id, data, expires])).toEqual([])
    expect(changes(dialects[name], {}, [id, data])).toEqual([additions[name], indexes[name]])
    const changed = tellsColumnCase === true ? [additions[name], indexes[name]] : []
    expect(changes(dialects[name], {}, [id, data, 'Expires'])).toEqual(changed)
  })

  it('a text column, where the driver asks for one', () => {
    expect(changes({ ...pg, dataType: 'text' }, {}, [], false)).toEqual([
      'create table "sessions" ("id" varchar(40) not null primary key, "a_session" text not null)',
    ])
  })

  it('names the schema where each database wants it in an index', () => {
    const index = (name: keyof typeof dialects) => changes(dialects[name], { tableName: 'app.sessions' }, []).at(-1)
    expect(Object.fromEntries(names.map((name) => [name, index(name)]))).toEqual({
      SQLite: 'create index "app"."sessions_expires" on "sessions" ("expires")',
      Pg: 'create index "sessions_expires" on "app"."sessions" ("expires")',
      mysql: 'alter table `app`.`sessions` add index `sessions_expires`(`expires`)',
      Oracle: 'create index "APP"."SESSIONS_EXPIRES" on "APP"."SESSIONS" ("EXPIRES")',
      mssql: 'CREATE INDEX [sessions_expires] ON [app].[sessions] ([expires])',
    })
  })

  it('quotes any name whole', () => {
    const given = {
      tableName: '"a.b"."x""]`?; drop table y; --"',
      idColName: '"i.d"',
      dataColName: '[d`]',
      expiresColName: '`e"`',
    }
    const [create] = changes(pg, given, [])
    expect(create).toBe(
      'create table "a.b"."x""]`?; drop table y; --" ' +
        '("i.d" varchar(40) not null primary key, "d`" bytea not null, "e""" bigint null)',
    )
    expect(changes(mysql, given, []).at(-1)).toBe(
      'alter table `a.b`.`x"]``?; drop table y; --` add index `x"]``?; drop table y; --_e"`(`e"`)',
    )
    expect(changes(mssql, given, []).at(-1)).toBe(
      'CREATE INDEX [x"]]`?; drop table y; --_e"] ON [a.b].[x"]]`?; drop table y; --] ([e"])',
    )
  })

  it.each(names)('%s: the name of an index is cut to what fits, and stays its own', (name) => {
    const dialect = dialects[name]
    const indexOf = (table: string): string => {
      const [, found] = /(?:index) (?:"([^"]+)"|`([^`]+)`|\[([^\]]+)\])/i
        .exec(changes(dialect, { tableName: table }, []).at(-1)!)!
        .filter((part) => part !== undefined)
      return found!
    }
    const long = 'é'.repeat(100)
    const [one, other] = [indexOf(`${long}1`), indexOf(`${long}2`)]
    expect(Buffer.byteLength(one)).toBeLessThanOrEqual(dialect.longestName)
    expect(one).not.toBe(other)
    expect(one).not.toContain('\ufffd')
    expect(indexOf(`${long}1`)).toBe(one)
  })
})

/** A database of a test's own. */
interface Place {
  readonly options: ManagerOptions
  /** Run statements as a DBA pastes them, all at once. */
  run(sql: string): Promise<void>
  query(sql: string): Promise<Record<string, unknown>[]>
  drop(): unknown
}

/** What the tests use of a better-sqlite3 database. */
interface Sqlite {
  exec(sql: string): void
  prepare(sql: string): { all(): Record<string, unknown>[] }
  close(): void
}

function openSqlite(file: string): Sqlite {
  const Database = createRequire(import.meta.url)('better-sqlite3') as new (file: string) => Sqlite
  return new Database(file)
}

const places: Readonly<Record<string, { part: string; blob: string; open(): Promise<Place> }>> = {
  SQLite: {
    part: 'better-sqlite3',
    blob: 'a_session text',
    open: async () => {
      const file = join(temporaryFolder(), 'sessions.sqlite')
      const db = openSqlite(file)
      return {
        options: { type: 'driver:SQLite;id:SHA1', dataSource: `dbi:SQLite:dbname=${file}` },
        run: async (sql) => db.exec(sql),
        query: async (sql) => db.prepare(sql).all(),
        drop: () => db.close(),
      }
    },
  },
  Pg: {
    part: 'postgres',
    blob: 'a_session bytea',
    open: async () => {
      const schema = await newSchema()
      return {
        options: { type: 'driver:Pg;id:SHA1', ...schema.options },
        run: async (sql) => void (await schema.run(sql)),
        query: (sql) => schema.run(sql),
        drop: () => schema.drop(),
      }
    },
  },
  mysql: {
    part: 'mariadb',
    blob: 'a_session blob',
    open: async () => {
      const database = await newDatabase()
      return {
        options: { type: 'driver:mysql;id:SHA1', ...database.options },
        run: async (sql) => {
          const connection = await mysql2
            .createConnection(settingsFor(database, { multipleStatements: true }))
            .promise()
          await connection.query(sql)
          await connection.end()
        },
        query: async (sql) => (await database.run(sql)) as Record<string, unknown>[],
        drop: () => database.drop(),
      }
    },
  },
}

for (const [driver, { part, blob, open }] of Object.entries(places)) {
  describeWith(part, `createTable, in a real ${driver}`, () => {
    /** A test with a database of its own, and managers that are closed at its end. */
    const test = (
      title: string,
      body: (place: Place, manager: () => Promise<SessionManager>) => Promise<void>,
    ): void => {
      it(title, async () => {
        const place = await open()
        const managers: SessionManager[] = []
        try {
          await body(place, async () => {
            const manager = await SessionManager.create(place.options)
            managers.push(manager)
            return manager
          })
        } finally {
          for (const manager of managers) await manager.close()
          await place.drop()
        }
      })
    }

    /** A session goes in and comes out. */
    const works = async (sessions: SessionManager): Promise<void> => {
      const session = await sessions.open()
      session.param('n', 1).expire('1h')
      await session.flush()
      expect((await sessions.open({ id: session.id() })).param('n')).toBe(1)
    }

    test('makes a table that works, as long as the ids are, and does nothing a second time', async (place, manager) => {
      const sessions = await manager()
      await expect(sessions.open({ id: 'x' }).then((session) => session.param('n', 1).flush())).rejects.toThrow(
        'there is no table',
      )
      await sessions.createTable({ expires: true })
      await works(sessions)
      await sessions.createTable({ expires: true })
      await sessions.createTable()
      await works(sessions)
      // SQLite takes ids of any length.
      if (driver !== 'SQLite') {
        const session = await sessions.open({ id: 'x'.repeat(41) })
        await expect(session.param('n', 1).flush()).rejects.toThrow('its column holds 40')
      }
      const [row] = await place.query('select count(*) as n from sessions where expires is not null')
      expect(Number(row!.n)).toBe(2)
    })

    test('tells ids apart that differ in case, accents or blanks alone', async (_place, manager) => {
      const sessions = await manager()
      await sessions.createTable()
      const ids = ['abc', 'ABC', 'Abc', 'ab c', 'a bc', 'abc-', 'abç']
      for (const id of ids) await (await sessions.open({ id })).param('mine', id).flush()
      for (const id of ids) expect((await sessions.open({ id })).param('mine')).toBe(id)
      const listed: string[] = []
      for await (const id of sessions.ids()) listed.push(id)
      expect(listed.sort()).toEqual([...ids].sort())
    })

    test("adds the column of expiry times to Perl's table, and keeps its rows", async (place, manager) => {
      await place.run(`create table sessions (id char(40) not null primary key, ${blob} not null)`)
      const before = await manager()
      await works(before)
      const sessions = await manager()
      await sessions.createTable({ expires: true })
      const [row] = await place.query('select count(*) as n from sessions where expires is null')
      expect(Number(row!.n)).toBe(1)
      await works(sessions)
      // The one that looked at the table before goes on.
      await works(before)
      // Its session and the first one have no time yet, which a purge sets.
      expect(await sessions.purge()).toEqual({ removed: 0, kept: 2, unreadable: 0 })
      expect(await sessions.purge()).toEqual({ removed: 0, kept: 0, unreadable: 0 })
    })

    test('many programs at once all succeed', async (_place, manager) => {
      const all = await Promise.all([manager(), manager(), manager(), manager()])
      await Promise.all(all.map((sessions, index) => sessions.createTable({ expires: index % 2 === 0 })))
      for (const sessions of all) await works(sessions)
    })

    test('gives a DBA statements that can be pasted', async (place, manager) => {
      const sessions = await manager()
      const sql = await sessions.createTableSql({ expires: true })
      expect(sql).toMatch(/^create table [^;]*;\n[^;]*index [^;]*;\n$/)
      await place.run(driver === 'Pg' ? sql.trim() : sql)
      await works(sessions)
      await sessions.createTable({ expires: true })
    })

    test('does not claim to have mended a table without the columns of ids or records', async (place, manager) => {
      const sessions = await manager()
      await place.run(`create table sessions (sid varchar(40) primary key, ${blob})`)
      await expect(sessions.createTable({ expires: true })).rejects.toThrow(/has no column .id. of ids.*idColName/)
      await place.run('drop table sessions')
      await place.run('create table sessions (id varchar(40) primary key, payload varchar(40))')
      await expect(sessions.createTable()).rejects.toThrow(/has no column .a_session. of records.*dataColName/)
      await place.run('drop table sessions')
      await place.run(`create table sessions (id varchar(40) primary key, ${blob})`)
      await sessions.createTable()
      await works(sessions)
    })

    const unfitTypes: Record<string, string[]> = {
      SQLite: ['smallint', 'point', 'text', 'integer not null default 5'],
      Pg: ['smallint', 'interval', 'point', 'timestamptz', 'bigint not null default 5'],
      mysql: ['smallint', 'tinyint', 'mediumint', 'datetime', 'float', 'bigint not null default 5'],
    }
    for (const type of unfitTypes[driver]!) {
      test(`takes no column called expires for one of times that is a ${type}`, async (place, manager) => {
        const sessions = await manager()
        await place.run(`create table sessions (id varchar(40) primary key, ${blob}, expires ${type})`)
        await expect(sessions.createTable({ expires: true })).rejects.toThrow(/cannot keep times.*expiresColName/)
        await sessions.createTable()
        await works(sessions)
        const [row] = await place.query('select expires from sessions')
        expect(row!.expires).toBeOneOf([null, 5, '5'])
      })
    }

    const fitTypes: Record<string, string[]> = {
      SQLite: ['integer', 'INT', 'bigint', 'numeric', 'decimal(20, 0)', 'unsigned big int'],
      Pg: ['integer', 'bigint', 'numeric', 'double precision'],
      mysql: ['int', 'int unsigned', 'bigint', 'decimal(20, 0)', 'double'],
    }
    for (const type of fitTypes[driver]!) {
      test(`takes a column called expires for one of times that is a ${type}`, async (place, manager) => {
        const sessions = await manager()
        await place.run(`create table sessions (id varchar(40) primary key, ${blob}, expires ${type})`)
        await sessions.createTable({ expires: true })
        await works(sessions)
        const [row] = await place.query('select count(*) as n from sessions where expires > 100000')
        expect(Number(row!.n)).toBe(1)
      })
    }

    // In MySQL the name of an index is its table's own.
    if (driver === 'mysql') return
    test('an index that cannot be made is an error that says why', async (place, manager) => {
      await place.run('create table sessions_expires (n integer)')
      const sessions = await manager()
      await expect(sessions.createTable({ expires: true })).rejects.toThrow(/cannot create table: .*sessions_expires/)
    })
  })
}

describeWith('postgres', 'createTable, in PostgreSQL with pgText', () => {
  it('makes a text column', async () => {
    const schema = await newSchema()
    const sessions = await SessionManager.create({ type: 'driver:Pg;id:SHA1', ...schema.options, pgText: true })
    try {
      await sessions.createTable()
      const [column] = await schema.run(
        `select data_type from information_schema.columns where table_schema = '${schema.name}' and column_name = 'a_session'`,
      )
      expect(column).toEqual({ data_type: 'text' })
      const session = await sessions.open()
      await session.param('n', 1).flush()
    } finally {
      await sessions.close()
      await schema.drop()
    }
  })
})

describeWith('postgres', 'createTable, in PostgreSQL with columns of the same name but for case', () => {
  it('tells "Expires" and "expires" apart', async () => {
    const schema = await newSchema()
    const sessions = await SessionManager.create({ type: 'driver:Pg;id:SHA1', ...schema.options })
    try {
      await schema.run('create table sessions (id varchar(40) primary key, a_session bytea, "Expires" bigint)')
      const flush = async () => (await sessions.open()).param('n', 1).expire('1h').flush()
      expect(await flush()).toBe(true)
      await sessions.createTable({ expires: true })
      expect(await flush()).toBe(true)
      expect(
        await schema.run('select count(expires)::int as ours, count("Expires")::int as other from sessions'),
      ).toEqual([{ ours: 1, other: 0 }])
    } finally {
      await sessions.close()
      await schema.drop()
    }
  })
})

describeWith('better-sqlite3', 'createTable, names in SQLite', () => {
  it('makes a table in an attached database, with names that need quotes', async () => {
    const db = openSqlite(':memory:')
    db.exec(`attach ':memory:' as "the app"`)
    const sessions = await SessionManager.create({
      type: 'driver:SQLite;id:SHA1',
      dbh: db,
      tableName: '"the app"."se""ss.ions"',
      idColName: '"the id"',
    })
    await sessions.createTable({ expires: true })
    await sessions.createTable({ expires: true })
    const made = db.prepare('select type, name, tbl_name from "the app".sqlite_master where sql is not null').all()
    expect(made).toEqual([
      { type: 'table', name: 'se"ss.ions', tbl_name: 'se"ss.ions' },
      { type: 'index', name: 'se"ss.ions_expires', tbl_name: 'se"ss.ions' },
    ])
    const session = await sessions.open()
    await session.param('n', 1).flush()
    expect(db.prepare('select "the id" as id from "the app"."se""ss.ions"').all()).toEqual([{ id: session.id() }])
    await sessions.close()
    db.close()
  })

  it('loads knex only when it is asked for a table, and no client for its statements', async () => {
    const child = await startNode('t/drivers/children/loaded-packages.ts', [join(temporaryFolder(), 'db.sqlite')])
    const [before, after] = JSON.parse(await child.done) as string[][]
    expect(before).toEqual(['better-sqlite3'])
    expect(after).toEqual(['better-sqlite3', 'knex'])
  })
})
