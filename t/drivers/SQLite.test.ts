import { copyFileSync, readFileSync, renameSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterEach, expect, it } from 'vitest'
import SQLite from '../../drivers/SQLite.js'
import { DriverError, OptionError, SessionManager } from '../../lib/index.js'
import { readOptions } from '../../lib/options.js'
import { driverSuite } from '../suite/driver.js'
import { countTogether, raceToCreate } from '../support/driver-processes.js'
import { fixtureFolder } from '../support/fixtures.js'
import { temporaryFolder } from '../support/folders.js'
import { describeWith } from '../support/requirements.js'

/** What the tests use of a better-sqlite3 database. */
interface Handle {
  exec(sql: string): void
  prepare(sql: string): { get(...values: unknown[]): unknown; run(...values: unknown[]): unknown }
  pragma(pragma: string, options?: { simple: boolean }): unknown
  close(): void
  readonly open: boolean
}

const requirePackage = createRequire(import.meta.url)

/** A database of the test's own: in memory when no file is named. */
function database(file = ':memory:', settings: object = {}): Handle {
  return new (requirePackage('better-sqlite3') as new (file: string, settings: object) => Handle)(file, settings)
}

const context = { now: () => Math.floor(Date.now() / 1000), padding: false }

/** A driver with these options. */
function sqlite(options: object): SQLite {
  return new SQLite(readOptions(SQLite.options, options as Record<string, unknown>), context)
}

const file = (): string => join(temporaryFolder(), 'sessions.sqlite')
const id = '0123456789abcdef0123456789abcdef'
const record = Buffer.from("$D = {'n' => 1};;$D")
const other = Buffer.from("$D = {'n' => 2};;$D")

/** Perl's table, with other columns or collations where a test asks for them. */
const perlTable = 'CREATE TABLE sessions (id CHAR(32) NOT NULL PRIMARY KEY, a_session TEXT NOT NULL)'

const opened: { close(): unknown }[] = []

afterEach(async () => {
  for (const one of opened.splice(0)) await one.close()
})

/** Closed when the test ends. */
function closing<T extends { close(): unknown }>(one: T): T {
  opened.push(one)
  return one
}

/** A driver on a table that this SQL makes, and the database itself. */
function onTable(sql: string, options: object = {}): { driver: SQLite; db: Handle } {
  const db = closing(database())
  db.exec(sql)
  return { driver: sqlite({ dbh: db, ...options }), db }
}

for (const expires of [false, true]) {
  describeWith('better-sqlite3', `SQLite, ${expires ? 'with' : 'without'} a column of expiry times`, () => {
    driverSuite({
      describe: (_title, body) => body(),
      it,
      name: 'SQLite',
      open: async () => {
        const dataSource = `dbi:SQLite:dbname=${file()}`
        const driver = sqlite({ dataSource })
        await driver.createTable({ idLength: 200, expires })
        return { driver, close: () => driver.close(), peer: async () => sqlite({ dataSource }) }
      },
    })
  })
}

describeWith('better-sqlite3', "SQLite, Perl's table, in WAL mode", () => {
  driverSuite({
    describe: (_title, body) => body(),
    it,
    name: 'SQLite',
    open: async () => {
      const options = { dataSource: file(), journalMode: 'wal' }
      const db = database(options.dataSource)
      db.exec(perlTable)
      db.close()
      const driver = sqlite(options)
      return { driver, close: () => driver.close(), peer: async () => sqlite(options) }
    },
  })
})

/** Databases that real Data::Session and CGI::Session wrote, and the session in each. */
const perlDatabases = ['sessions', 'cgi-sessions'].flatMap((set) => {
  const folder = join(fixtureFolder, set)
  const { files } = JSON.parse(readFileSync(join(folder, 'sqlite.json'), 'utf8'))
  return files.map((file: PerlDatabase) => ({ ...file, folder, name: file.session.sqlite }))
})

interface PerlDatabase {
  readonly serializer: string
  readonly session: { readonly id: string; readonly sqlite: string }
}

const serializerNames: Readonly<Record<string, string>> = { 'cgi-default': 'DataDumper', 'cgi-storable': 'Storable' }

describeWith('better-sqlite3', 'SQLite: databases that Perl wrote', () => {
  it.each(perlDatabases)('$name', async ({ serializer, session: { id: known, sqlite: name }, folder }) => {
    const dataSource = file()
    copyFileSync(join(folder, name), dataSource)
    const type = `driver:SQLite;serialize:${serializerNames[serializer] ?? serializer}`
    await using sessions = await SessionManager.create({ type, dataSource, clock: () => 1_600_000_000_000 })
    const session = await sessions.open({ clientId: known })
    expect([session.isNew(), session.id(), session.param('name')]).toEqual([false, known, 'Alice'])
    await session.param('name', 'Bob').flush()
    expect((await sessions.open({ clientId: known })).param('name')).toBe('Bob')
    const ids: string[] = []
    await sessions.traverse((one) => ids.push(one))
    expect(ids).toEqual([known])
  })
})

describeWith('better-sqlite3', 'SQLite: dbh', () => {
  it('is used as it is, and stays open', async () => {
    const db = closing(database(file()))
    db.exec(perlTable)
    const before = ['busy_timeout', 'journal_mode', 'synchronous', 'foreign_keys'].map((name) => db.pragma(name))
    const driver = sqlite({ dbh: db })
    await driver.store(id, record)
    expect(await driver.retrieve(id)).toEqual(record)
    await driver.close()
    expect(db.open).toBe(true)
    expect(['busy_timeout', 'journal_mode', 'synchronous', 'foreign_keys'].map((name) => db.pragma(name))).toEqual(
      before,
    )
    expect(db.prepare('select typeof(a_session) as type from sessions').get()).toEqual({ type: 'blob' })
  })

  it('may be a function, called once and only when the database is needed', async () => {
    let calls = 0
    const dbh = async () => {
      calls++
      const db = closing(database())
      db.exec(perlTable)
      return db
    }
    await using sessions = await SessionManager.create({ type: 'driver:SQLite', dbh })
    const session = await sessions.open()
    expect([session.isNew(), calls]).toEqual([true, 0])
    await session.param('a', 1).flush()
    await sessions.open({ id: session.id() })
    expect(calls).toBe(1)
  })

  it('that a function could not give is asked for again', async () => {
    let calls = 0
    const driver = sqlite({
      dbh: () => {
        if (calls++ === 0) throw new Error('not yet')
        const db = closing(database())
        db.exec(perlTable)
        return db
      },
    })
    await expect(driver.retrieve(id)).rejects.toThrow(DriverError)
    expect(await driver.retrieve(id)).toBeUndefined()
  })

  it('that a function could not give is told with the function’s own reason, which stays as it is', async () => {
    const reason = Object.assign(new TypeError('the vault is sealed'), { detail: 'ask the operators' })
    const dbh = () => {
      throw reason
    }
    await expect(sqlite({ dbh }).retrieve(id)).rejects.toThrow('SQLite: cannot retrieve: the vault is sealed')
    expect([reason.message, reason.detail]).toEqual(['the vault is sealed', 'ask the operators'])
  })

  it.each([{ password: 'open sesame' }, { dataSourceAttr: { password: 'open sesame' } }])(
    'that could not be given is told without a password: %j',
    async (options) => {
      const dbh = () => {
        throw new Error('cannot log in with open sesame')
      }
      const error: Error = await sqlite({ dbh, ...options })
        .retrieve(id)
        .then(
          () => new Error('none'),
          (reason) => reason,
        )
      expect(error).toBeInstanceOf(DriverError)
      expect(
        `${error.message} ${error.stack} ${(error.cause as Error).message} ${(error.cause as Error).stack}`,
      ).not.toContain('sesame')
    },
  )

  it('of another kind is refused', async () => {
    await expect(sqlite({ dbh: {} }).retrieve(id)).rejects.toThrow("Option 'dbh' must be a live client or pool")
    expect(() => sqlite({ dbh: 'dbi:SQLite:x' })).toThrow("Option 'dbh' must be a database handle")
  })

  it('that its owner closed is a clear error, and the session keeps its data', async () => {
    const db = closing(database())
    db.exec(perlTable)
    let current = db
    await using sessions = await SessionManager.create({ type: 'driver:SQLite', dbh: db })
    const session = await sessions.open()
    session.param('a', 1)
    current.close()
    await expect(session.flush()).rejects.toMatchObject({ code: 'ERR_SESSION_DRIVER', driver: 'SQLite' })
    expect([session.param('a'), session.modified()]).toEqual([1, true])
    current = db
  })
})

describeWith('better-sqlite3', 'SQLite: statements', () => {
  it('are one for an open and one for a flush, and one for the removal of an expired session', async () => {
    const said: string[] = []
    const db = closing(database(':memory:', { verbose: (sql: string) => said.push(sql.slice(0, 6)) }))
    db.exec(perlTable)
    let now = Date.now()
    await using sessions = await SessionManager.create({ type: 'driver:SQLite', dbh: db, clock: () => now })
    const created = await sessions.open()
    await created.param('a', 1).expire('1h').flush()
    const work = async (does: () => Promise<unknown>): Promise<string[]> => {
      said.length = 0
      await does()
      return [...said]
    }
    const fresh = await sessions.open()
    expect(await work(() => fresh.param('b', 1).flush())).toEqual(['insert'])
    const id = created.id()
    const session = await sessions.open({ id })
    expect(await work(() => sessions.open({ id }))).toEqual(['select'])
    expect(await work(() => session.param('a', 2).flush())).toEqual(['update'])
    expect(await work(() => session.param('a', 3).flush())).toEqual(['update'])
    now += 3_700_000
    expect(await work(() => sessions.open({ clientId: id }))).toEqual(['select', 'delete'])
    expect(await work(() => fresh.delete())).toEqual(['delete'])
  })
})

describeWith('better-sqlite3', 'SQLite: the table', () => {
  it('that is missing is told, with what makes it', async () => {
    await using sessions = await SessionManager.create({ type: 'driver:SQLite', dataSource: file() })
    const session = await sessions.open()
    await expect(session.param('a', 1).flush()).rejects.toThrow(/there is no table "sessions".*createTable\(\)/)
    await sessions.createTable()
    expect(await session.flush()).toBe(true)
    expect((await sessions.open({ id: session.id() })).param('a')).toBe(1)
  })

  it('has the names of the options, whatever they are', async () => {
    const options = {
      tableName: '"drop table x; --"',
      idColName: '"a ""quoted"" id"',
      dataColName: '[the data]',
      expiresColName: "it's over",
    }
    const db = closing(database())
    const driver = sqlite({ dbh: db, ...options })
    await driver.createTable({ idLength: 40, expires: true })
    expect(await driver.store(id, record, { ttl: 100, expect: null })).toBe('stored')
    expect(await driver.store(id, other, { ttl: 100, expect: record })).toBe('stored')
    const row = db.prepare('select "a ""quoted"" id" as id, "it\'s over" - ? as ttl from "drop table x; --"')
    expect(row.get(context.now())).toEqual({ id, ttl: expect.toBeOneOf([99, 100]) })
    expect(await driver.remove(id)).toBe(true)
  })

  it('may be in an attached database', async () => {
    const db = closing(database())
    db.exec("attach ':memory:' as web")
    const driver = sqlite({ dbh: db, tableName: 'web.sessions' })
    await driver.createTable({ idLength: 40, expires: true })
    await driver.store(id, record, { ttl: 100 })
    expect(db.prepare('select count(*) as n from web.sessions where expires > 0').get()).toEqual({ n: 1 })
  })

  it.each(['', '.', 'a.', '"open', 'x'.repeat(200), 'a\0b', '"a"b', 'a.b.c'])('cannot be called %j', (name) => {
    const column = { dbh: {}, idColName: name }
    expect(() => sqlite(column)).toThrow(OptionError)
  })

  it('without a primary key is refused, so that no session gets two rows', async () => {
    const { driver } = onTable('create table sessions (id text, a_session blob)')
    await expect(driver.store(id, record, { expect: null })).rejects.toThrow('primary key')
    await expect(driver.store(id, record)).rejects.toThrow('primary key')
  })

  it('has an expiry time for each write of ours, and none that another program wrote is believed', async () => {
    const { driver, db } = onTable('create table sessions (id text primary key, a_session blob, expires integer)')
    const expiry = db.prepare('select expires from sessions where id = ?')
    await driver.store(id, record, { ttl: 100 })
    expect(expiry.get(id)).toEqual({ expires: expect.toBeOneOf([context.now() + 100, context.now() + 99]) })
    await driver.store(id, other, { expect: record })
    expect(expiry.get(id)).toEqual({ expires: null })
    db.prepare('insert into sessions values (?, ?, ?)').run('alive', record, context.now() + 1000)
    db.prepare('insert into sessions (id, a_session) values (?, ?)').run('unknown', record)
    const found: string[] = []
    for await (const { id: one } of driver.possiblyExpired(context.now())) found.push(one)
    expect(found.sort()).toEqual([id, 'unknown'])
  })

  it('with a column called expires that is no number is Perl’s table, and that column is left alone', async () => {
    const { driver, db } = onTable(
      "create table sessions (id text primary key, a_session blob, expires text default 'x')",
    )
    await driver.store(id, record, { ttl: 100 })
    expect(db.prepare('select expires from sessions').get()).toEqual({ expires: 'x' })
  })

  it('that got the column of expiry times later is used after createTable', async () => {
    const { driver, db } = onTable(perlTable)
    await driver.store(id, record, { ttl: 100 })
    await driver.createTable({ idLength: 32, expires: true })
    await driver.createTable({ idLength: 32, expires: true })
    await driver.store(id, other, { ttl: 100 })
    expect(db.prepare('select expires > 0 as known from sessions').get()).toEqual({ known: 1 })
  })
})

describeWith('better-sqlite3', 'SQLite: ids and records are compared by their bytes', () => {
  it('an id column that ignores case neither reads, overwrites nor removes abc for ABC', async () => {
    const { driver } = onTable('create table sessions (id text collate nocase primary key, a_session blob)')
    await driver.store('abc', record)
    expect(await driver.retrieve('ABC')).toBeUndefined()
    expect(await driver.remove('ABC')).toBe(false)
    expect(await driver.store('ABC', other, { expect: record })).toBe('gone')
    await expect(driver.store('ABC', other)).rejects.toThrow('ignores case or blanks')
    await expect(driver.store('ABC', other, { expect: null })).rejects.toThrow('ignores case or blanks')
    expect(await driver.retrieve('abc')).toEqual(record)
  })

  it.each(['string', 'numeric', 'integer', ''])('an id column of numbers (%s) does not find 7 for 07', async (type) => {
    const { driver, db } = onTable(`create table sessions (id ${type} primary key, a_session blob)`)
    await driver.store('7', record)
    for (const visitor of ['07', '7.0', ' 7', '+7', '7e0']) {
      expect(await driver.retrieve(visitor)).toBeUndefined()
      expect(await driver.remove(visitor)).toBe(false)
      expect(await driver.remove(visitor, { expect: record })).toBe(false)
    }
    expect(await driver.retrieve('7')).toEqual(record)
    expect(await driver.store('7', other, { expect: record })).toBe('stored')
    expect(await driver.store('7', record)).toBe('stored')
    expect(db.prepare('select count(*) as n from sessions').get()).toEqual({ n: 1 })
  })

  it.each(['string', 'numeric', 'real'])('an id column of numbers (%s) takes no id that it changes', async (type) => {
    const { driver } = onTable(`create table sessions (id ${type} primary key, a_session blob)`)
    for (const changed of [
      '07',
      '1.0',
      ' 7',
      '+7',
      '7e0',
      '1e5',
      '.5',
      '9'.repeat(19),
      '12345678901234567890e123456789012',
    ]) {
      for (const expect_ of [undefined, null]) {
        await expect(driver.store(changed, record, { expect: expect_ })).rejects.toThrow(/changes.*make it a varchar/)
      }
    }
    for (const kept of [id, '0x10', 'abc', '1a', 'e5', 'inf', 'nan']) {
      expect(await driver.store(kept, record)).toBe('stored')
      expect(await driver.retrieve(kept)).toEqual(record)
    }
  })

  it.each(['text', 'varchar(32) collate nocase', 'string', 'integer'])(
    'finds a row by its index (%s)',
    async (type) => {
      const said: string[] = []
      const db = closing(database(':memory:', { verbose: (sql: string) => said.push(sql) }))
      db.exec(`create table sessions (id ${type} primary key, a_session blob)`)
      const driver = sqlite({ dbh: db })
      await driver.store('7', record)
      said.length = 0
      await driver.retrieve('7')
      const [retrieve] = said
      expect(retrieve).toMatch(/^select /)
      expect(db.prepare(`explain query plan ${retrieve}`).get()).toMatchObject({
        detail: expect.stringMatching(/^SEARCH sessions USING (INDEX .*\(id=\?\)|INTEGER PRIMARY KEY \(rowid=\?\))/),
      })
    },
  )

  it('an id column that ignores blanks at the end', async () => {
    const { driver } = onTable('create table sessions (id text collate rtrim primary key, a_session blob)')
    await driver.store('abc', record)
    expect(await driver.retrieve('abc ')).toBeUndefined()
    await expect(driver.store('abc ', other, { expect: null })).rejects.toThrow('ignores case or blanks')
  })

  it('a record that another program stored as text is read and replaced', async () => {
    const { driver, db } = onTable('create table sessions (id text primary key, a_session text collate nocase)')
    db.prepare('insert into sessions values (?, ?)').run(id, "$D = {'name' => 'Zoë'};;$D")
    const stored = await driver.retrieve(id)
    expect(stored).toEqual(Buffer.from("$D = {'name' => 'Zoë'};;$D"))
    const upper = Buffer.from("$D = {'NAME' => 'Zoë'};;$D")
    expect(await driver.store(id, record, { expect: upper })).toBe('conflict')
    expect(await driver.store(id, record, { expect: stored! })).toBe('stored')
    expect(await driver.retrieve(id)).toEqual(record)
  })

  it('an empty record is none, as for Perl', async () => {
    const { driver, db } = onTable(perlTable)
    db.prepare('insert into sessions values (?, ?)').run(id, Buffer.alloc(0))
    expect(await driver.store(id, record, { expect: other })).toBe('gone')
    expect(await driver.store(id, record, { expect: null })).toBe('stored')
    expect(await driver.retrieve(id)).toEqual(record)
  })
})

describeWith('better-sqlite3', 'SQLite: rows that other programs wrote', () => {
  const insertMany = (db: Handle, value: (index: number) => unknown) => {
    const insert = db.prepare('insert into sessions (id, a_session) values (?, ?)')
    for (let index = 0; index < 1200; index++) insert.run(value(index), record)
  }
  const raw = (index: number) => Buffer.from(String(index * 7919).padStart(16, '\xfe'), 'latin1')

  const listed = async (driver: SQLite): Promise<string[]> => {
    const ids: string[] = []
    for await (const one of driver.ids()) ids.push(one)
    return ids
  }

  it('with ids of raw bytes are listed once each', async () => {
    const { driver, db } = onTable('create table sessions (id blob primary key, a_session blob)')
    insertMany(db, raw)
    const ids = await listed(driver)
    expect([ids.length, new Set(ids).size]).toEqual([1200, 1200])
  })

  it('with a null for an id are passed over', async () => {
    const { driver, db } = onTable('create table sessions (id text primary key, a_session blob)')
    insertMany(db, (index) => (index < 600 ? null : `id${index}`))
    expect((await listed(driver)).length).toBe(600)
  })

  it('with a null for a record are as good as none', async () => {
    const { driver, db } = onTable('create table sessions (id text primary key, a_session blob)')
    db.prepare('insert into sessions values (?, null)').run(id)
    expect(await driver.retrieve(id)).toBeUndefined()
    expect(await driver.store(id, record, { expect: other })).toBe('gone')
    expect(await driver.store(id, record, { expect: null })).toBe('stored')
    expect(await driver.retrieve(id)).toEqual(record)
  })

  it('keep their records when only their time is set', async () => {
    const { driver, db } = onTable('create table sessions (id text primary key, a_session text, expires integer)')
    db.prepare('insert into sessions (id, a_session) values (?, ?)').run(id, 'é')
    const present = (await driver.retrieve(id))!
    expect(await driver.store(id, present, { expect: present, ttl: 100 })).toBe('stored')
    const row = db.prepare('select a_session, typeof(a_session) as type, expires > 0 as known from sessions').get()
    expect(row).toEqual({ a_session: 'é', type: 'text', known: 1 })
  })
})

describeWith('better-sqlite3', 'SQLite: a table that is altered while it is in use', () => {
  it('is looked at again before a session is refused', async () => {
    const { driver, db } = onTable('create table sessions (id varchar(200), a_session blob)')
    db.exec('create table other (id varchar(200) primary key, a_session blob)')
    await driver.store('before', record).catch(() => undefined)
    db.exec('drop table sessions; alter table other rename to sessions')
    expect(await driver.store(id, record, { expect: null })).toBe('stored')
  })

  it('gets the column of expiry times used by the next write, also when a look was under way', async () => {
    const { driver, db } = onTable(perlTable)
    const [, outcome] = await Promise.all([
      driver.createTable({ idLength: 32, expires: true }),
      driver.store('first', record, { ttl: 100 }),
    ])
    expect(outcome).toBe('stored')
    await driver.store(id, record, { ttl: 100 })
    expect(db.prepare('select expires > 0 as known from sessions where id = ?').get(id)).toEqual({ known: 1 })
  })

  it('is closed only when what is under way has ended', async () => {
    const dataSource = file()
    const holder = closing(database(dataSource))
    holder.exec(perlTable)
    const driver = sqlite({ dataSource })
    await driver.retrieve(id)
    holder.exec('begin exclusive')
    const late = driver.store(id, record).then(
      () => 'stored',
      (error) => error.code,
    )
    await driver.close()
    expect(await late).toBe('ERR_SESSION_CLOSED')
    holder.exec('commit')
  })
})

describeWith('better-sqlite3', 'SQLite: trouble', () => {
  it('a lock of somebody else is waited for without blocking the process', async () => {
    const dataSource = file()
    const holder = closing(database(dataSource))
    holder.exec(perlTable)
    const driver = closing(sqlite({ dataSource }))
    holder.exec('begin exclusive')
    let turns = 0
    const timer = setInterval(() => {
      turns++
      if (turns === 5) holder.exec('commit')
    }, 10)
    expect(await driver.store(id, record)).toBe('stored')
    clearInterval(timer)
    expect(turns).toBeGreaterThanOrEqual(5)
  })

  it('a lock that lasts longer than the option timeout is a clear error, and nothing is lost', async () => {
    const dataSource = file()
    const holder = closing(database(dataSource))
    holder.exec(perlTable)
    await using sessions = await SessionManager.create({ type: 'driver:SQLite', dataSource, timeout: 60 })
    const session = await sessions.open()
    session.param('a', 1)
    holder.exec('begin exclusive')
    await expect(session.flush()).rejects.toMatchObject({
      code: 'ERR_SESSION_LOCK_TIMEOUT',
      message: expect.stringMatching(/others held a lock.*SQLITE_BUSY/),
    })
    holder.exec('commit')
    expect(await session.flush()).toBe(true)
    expect((await sessions.open({ id: session.id() })).param('a')).toBe(1)
  })

  it('processes that create the same sessions at once', async () => {
    const dataSource = file()
    const db = closing(database(dataSource))
    db.exec(perlTable)
    const outcomes = await raceToCreate({ driver: 'SQLite', options: { dataSource } }, 3, 40)
    expect(outcomes).toEqual(Array.from({ length: 40 }, () => ['exists', 'exists', 'stored']))
  })

  it('processes that count together lose nothing', async () => {
    const dataSource = file()
    const driver = closing(sqlite({ dataSource }))
    await driver.createTable({ idLength: 32, expires: true })
    await driver.store('counter', Buffer.from('0'))
    await countTogether({ driver: 'SQLite', options: { dataSource } }, 3, 'counter', 50)
    expect(Buffer.from((await driver.retrieve('counter'))!).toString()).toBe('150')
  })

  it('a database that may only be read is read, and a write says so', async () => {
    const dataSource = file()
    const writer = sqlite({ dataSource })
    await writer.createTable({ idLength: 32, expires: false })
    await writer.store(id, record)
    await writer.close()
    const driver = closing(sqlite({ dataSource, dataSourceAttr: { readonly: true } }))
    expect(await driver.retrieve(id)).toEqual(record)
    await expect(driver.store(id, other)).rejects.toThrow(/read-only.*SQLITE_READONLY/)
    await expect(driver.remove(id)).rejects.toThrow('read-only')
    expect(await driver.retrieve(id)).toEqual(record)
  })

  it('a full disk leaves the old record', async () => {
    const { driver, db } = onTable(perlTable)
    await driver.store(id, record)
    db.pragma(`max_page_count = ${(db.pragma('page_count', { simple: true }) as number) + 2}`)
    await expect(driver.store(id, Buffer.alloc(100_000, 'x'))).rejects.toThrow(/full.*SQLITE_FULL/)
    expect(await driver.retrieve(id)).toEqual(record)
  })

  it.each([
    ['a file that is no database', () => __filename],
    ['a folder', () => temporaryFolder()],
    ['a folder that does not exist', () => join(temporaryFolder(), 'none', 'x.sqlite')],
  ])('%s is a clear error', async (_title, name) => {
    const driver = sqlite({ dataSource: name() })
    await expect(driver.retrieve(id)).rejects.toThrow(DriverError)
    await expect(driver.store(id, record)).rejects.toThrow(/dataSource/)
  })

  it.each([
    ['a check', 'create table sessions (id text primary key, a_session blob check (length(a_session) < 5))'],
    [
      'a trigger that quotes',
      `${perlTable}; create trigger t before insert on sessions
       begin select raise(abort, 'no: ' || new.id || ' ' || new.a_session); end`,
    ],
    [
      'a trigger that quotes a part',
      `${perlTable}; create trigger t before insert on sessions
       begin select raise(fail, substr(new.id, 4, 8) || hex(new.a_session)); end`,
    ],
    [
      'a trigger that quotes a few characters',
      `${perlTable}; create trigger t before insert on sessions begin select raise(abort, 'pin ' || substr(new.id, 4, 4)); end`,
    ],
    [
      'an extension that quotes, with the code of statements that cannot be compiled',
      `${perlTable}; create virtual table words using fts5 (word); create trigger t before insert on sessions
       begin select count(*) from words where words match 'x' || new.id || ':' || new.id; end`,
    ],
  ])('no message has an id or a record in it: %s', async (_title, sql) => {
    const secret = Buffer.from('top secret payload')
    const { driver } = onTable(sql)
    const error = await failureOf(driver.store(id, secret))
    const text = inspect(error, { depth: 9, showHidden: true }) + error.stack + (error.cause as Error).stack
    for (const part of [id, id.slice(3, 11), `pin ${id.slice(3, 7)}`, 'secret', secret.toString('hex', 4)]) {
      expect(text.toLowerCase()).not.toContain(part)
    }
    expect(error.message).toMatch(/\(SQLITE_[A-Z_]+\)/)
    expect((error.cause as Error).stack).toMatch(/^SqliteError: .*\n +at /)
  })

  it('the database says in the message what it cannot compile', async () => {
    const { driver } =
      onTable(`${perlTable}; alter table sessions rename to others; create view sessions as select * from others;
      create trigger t instead of insert on sessions begin select 1; end`)
    const error = await failureOf(driver.store(id, record))
    expect(error.message).toContain('cannot UPSERT a view (SQLITE_ERROR)')
  })

  it('a file that dbh could not read is not taken for a server that is down', async () => {
    const error = await failureOf(sqlite({ dbh: () => readFileSync('no-such-file.json') as object }).retrieve(id))
    expect(error.message).toMatch(/ENOENT: no such file.*no-such-file\.json/)
    expect(error.message).not.toContain('server')
  })

  it('a file that was replaced while it was open is told', async () => {
    const dataSource = file()
    const driver = closing(sqlite({ dataSource }))
    await driver.createTable({ idLength: 32, expires: false })
    await driver.store(id, record)
    renameSync(dataSource, `${dataSource}.old`)
    const error = await failureOf(driver.store(id, other))
    expect(error.message).toMatch(/file was moved, removed or replaced.*SQLITE_READONLY_DBMOVED/)
  })
})

/** The error that this ends with. */
async function failureOf(attempt: Promise<unknown>): Promise<DriverError> {
  const error = await attempt.then(
    () => new Error('it should have failed'),
    (reason) => reason,
  )
  expect(error).toBeInstanceOf(DriverError)
  return error
}
