import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import knex from 'knex'
import { afterEach, expect, it } from 'vitest'
import ODBC from '../../drivers/ODBC.js'
import { connectionString } from '../../drivers/sql/odbc/connection-string.js'
import { refuseUncounted } from '../../drivers/sql/odbc/result.js'
import { DriverError, OptionError } from '../../lib/index.js'
import { readOptions } from '../../lib/options.js'
import { driverSuite } from '../suite/driver.js'
import { countTogether, raceToCreate } from '../support/driver-processes.js'
import { type OdbcStore, type OdbcTarget, odbcPackage, odbcTargets } from '../support/odbc.js'
import { perl } from '../support/perl.js'
import { describeWith } from '../support/requirements.js'

const context = { now: () => Math.floor(Date.now() / 1000), padding: false }
const id = '0123456789abcdef0123456789abcdef'
const record = Buffer.from("$D = {'n' => 1};;$D")
const other = Buffer.from("$D = {'n' => 2};;$D")
/** What node-odbc reads of a long value at first. */
const FIRST_BUFFER = 65_536

const undo: (() => unknown)[] = []

afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
})

function odbc(options: object): ODBC {
  return new ODBC(readOptions(ODBC.options, options as Record<string, unknown>), context)
}

/** The same, closed when the test ends. */
function closing(options: object): ODBC {
  const driver = odbc(options)
  undo.push(() => driver.close())
  return driver
}

/** A store for one test; with its table, made by the driver. */
async function emptyStore({ open }: OdbcTarget): Promise<OdbcStore> {
  const store = await open()
  undo.push(() => store.drop())
  return store
}

async function storeWithTable(target: OdbcTarget, expires = true): Promise<OdbcStore> {
  const store = await emptyStore(target)
  const driver = odbc(store.options)
  await driver.createTable({ idLength: 200, expires })
  await driver.close()
  return store
}

/** A connection of the test's own. */
async function connectionTo(store: OdbcStore) {
  const connection = await odbcPackage().connect(store.connectionString)
  undo.push(() => connection.close().catch(() => undefined))
  return {
    connection,
    run: async (sql: string) => (await connection.query(sql, [], {})) as unknown as Record<string, unknown>[],
  }
}

const targetNamed = (dialect: OdbcTarget['dialect']) => odbcTargets.find((target) => target.dialect === dialect)!
const sqlite3 = targetNamed('SQLite')
const postgres = targetNamed('Pg')
const mariadb = targetNamed('mysql')

for (const target of odbcTargets) {
  for (const expires of [false, true]) {
    describeWith(target.part, `ODBC, ${target.name}, ${expires ? 'with' : 'without'} a column of expiry times`, () => {
      driverSuite({
        describe: (_title, body) => body(),
        it,
        name: 'ODBC',
        open: async () => {
          const { options, drop } = await target.open()
          const driver = odbc(options)
          await driver.createTable({ idLength: 200, expires })
          const close = async () => {
            await driver.close()
            await drop()
          }
          return { driver, close, peer: async () => odbc(options) }
        },
      })
    })
  }

  describeWith(target.part, `ODBC, ${target.name}`, () => {
    it('is asked which database it is', async () => {
      const { options } = await emptyStore(target)
      const types = { SQLite: '"a_session" blob', Pg: '"a_session" bytea', mysql: '`a_session` longblob' }
      const sql = await closing(options).createTableSql({ idLength: 32, expires: false })
      expect(sql).toContain(types[target.dialect])
    })

    it('two programs at once: one creates, and no update is lost', async () => {
      const { options } = await storeWithTable(target)
      const outcomes = await raceToCreate({ driver: 'ODBC', options }, 3, 20)
      expect(outcomes).toEqual(Array.from({ length: 20 }, () => ['exists', 'exists', 'stored']))
      const driver = closing(options)
      await driver.store(id, Buffer.from('0'))
      await countTogether({ driver: 'ODBC', options }, 3, id, 20)
      expect(Buffer.from((await driver.retrieve(id))!).toString()).toBe('60')
    })

    it('lists all records, whatever their lengths are to the buffers of the package', async () => {
      const driver = closing((await storeWithTable(target)).options)
      const lengths = [
        1,
        255,
        256,
        1020,
        1021,
        FIRST_BUFFER / 2,
        FIRST_BUFFER - 1,
        FIRST_BUFFER,
        FIRST_BUFFER + 1,
        200_000,
      ]
      for (const length of lengths) {
        await driver.store(`length${length}`, Buffer.alloc(length, length % 256), { ttl: 1 })
      }
      const found = new Map<string, Uint8Array>()
      for await (const one of driver.possiblyExpired(context.now() + 10)) found.set(one.id, one.record)
      expect([...found.keys()].sort()).toEqual(lengths.map((length) => `length${length}`).sort())
      for (const length of lengths) {
        expect(Buffer.compare(found.get(`length${length}`)!, Buffer.alloc(length, length % 256))).toBe(0)
      }
    })

    it('says which table is missing, and finds it when it is there', async () => {
      const driver = closing((await emptyStore(target)).options)
      await expect(driver.retrieve(id)).rejects.toThrow(/there is no table .*createTable/)
      await driver.createTable({ idLength: 32, expires: true })
      expect(await driver.store(id, record)).toBe('stored')
    })

    it('a given connection is used in its transaction, and stays open', async () => {
      const store = await storeWithTable(target)
      const { connection, run } = await connectionTo(store)
      const driver = odbc({ ...store.options, dataSource: '', dbh: connection })
      await connection.beginTransaction()
      expect(await driver.store(id, record, { expect: null })).toBe('stored')
      expect(await driver.store(id, other, { expect: null })).toBe('exists')
      expect(Buffer.from((await driver.retrieve(id))!)).toEqual(record)
      await connection.rollback()
      expect(await driver.retrieve(id)).toBeUndefined()
      await driver.close()
      expect((await run(`select count(*) as n from ${store.table}`)).map(({ n }) => Number(n))).toEqual([0])
    })

    it('a given connection takes many calls at once', async () => {
      const store = await storeWithTable(target)
      const { connection } = await connectionTo(store)
      const driver = closing({ ...store.options, dataSource: '', dbh: async () => connection })
      const ids = Array.from({ length: 20 }, (_, index) => `many${index}`)
      await Promise.all(ids.map((one) => driver.store(one, Buffer.from(one))))
      const records = await Promise.all(ids.map((one) => driver.retrieve(one)))
      expect(records.map((one) => Buffer.from(one!).toString())).toEqual(ids)
    })

    it('a given pool is used, and stays open', async () => {
      const store = await storeWithTable(target)
      const pool = await odbcPackage().pool({
        connectionString: store.connectionString,
        initialSize: 2,
        incrementSize: 1,
      })
      undo.push(() => pool.close())
      const driver = odbc({ ...store.options, dataSource: '', dbh: pool })
      await Promise.all(['a', 'b', 'c', 'd'].map((one) => driver.store(one, Buffer.from(one))))
      expect(Buffer.from((await driver.retrieve('c'))!).toString()).toBe('c')
      await driver.close()
      expect(await pool.query(`select 1 from ${store.table}`, [], {})).toHaveLength(4)
    })
  })
}

describeWith('odbc-sqlite', 'ODBC: odbcDialect', () => {
  it('is believed, and nothing is asked', async () => {
    const { options } = await emptyStore(sqlite3)
    const driver = closing({ ...options, dataSource: 'dbi:ODBC:DSN=nowhere', odbcDialect: 'mssql', tableName: 'app.s' })
    expect(await driver.createTableSql({ idLength: 32, expires: false })).toContain('[a_session] varbinary(max)')
  })

  it('is one of five', () => {
    expect(() => odbc({ dataSource: 'DSN=x', odbcDialect: 'DB2' })).toThrow(OptionError)
  })
})

describeWith('odbc', 'ODBC: connection strings', () => {
  const stringOf = (options: object) => {
    const given = readOptions(ODBC.options, options as Record<string, unknown>)
    const source = { database: given.dataSource.replace(/^dbi:ODBC:/, ''), host: '', port: 0, socket: '', extra: {} }
    return connectionString({ ...source, username: given.username, password: given.password }, given)
  }

  it.each([
    [{ dataSource: 'dbi:ODBC:name' }, 'DSN=name'],
    [{ dataSource: 'dbi:ODBC:DSN=name', username: 'u', password: 'p' }, 'DSN=name;UID=u;PWD=p'],
    [{ dataSource: 'dbi:ODBC:DSN=name;', password: 'a}b;c' }, 'DSN=name;PWD={a}}b;c}'],
    [
      { dataSource: 'dbi:ODBC:Driver={a b};Server=h', username: 'u@h', password: 'p%3B' },
      'Driver={a b};Server=h;UID=u@h;PWD={p%3B}',
    ],
  ])('%j', (options, wanted) => {
    expect(stringOf(options)).toBe(wanted)
  })

  it.each([
    [{ host: 'h' }, 'host'],
    [{ port: 1 }, 'port'],
    [{ socket: '/s' }, 'socket'],
    [{ dataSource: 'dbi:ODBC:DSN=x;Pwd=secret', password: 'p' }, 'password'],
    [{ dataSource: 'dbi:ODBC:DSN=x;uid=me', username: 'p' }, 'username'],
    [{ dataSource: '' }, 'dataSource'],
    [{ dataSource: 'dbi:Pg:dbname=x' }, 'dataSource'],
  ])('%j is refused', (options, option) => {
    expect(() => odbc({ dataSource: 'dbi:ODBC:DSN=x', ...options })).toThrow(
      expect.objectContaining({ name: 'OptionError', option }),
    )
  })
})

/** The error of a call, with all that it shows. */
async function failureOf(call: Promise<unknown>): Promise<{ error: DriverError; shown: string }> {
  const error = await call.then(
    () => undefined,
    (reason) => reason,
  )
  expect(error).toBeInstanceOf(DriverError)
  const cause =
    error.cause === undefined ? '' : `${error.cause.message} ${error.cause.stack} ${JSON.stringify(error.cause)}`
  return { error, shown: `${error.message} ${error.stack} ${cause}` }
}

describeWith('odbc-sqlite', 'ODBC: no connection', () => {
  it.each([
    ['DSN=no-such-dsn;PWD=hush-hush', /no DSN or ODBC driver of that name/],
    ['Driver={No Such Driver};PWD=hush-hush', /ODBC driver is not installed/],
    ['Driver=/nonexistent/driver.so;PWD=hush-hush', /ODBC driver is not installed/],
    ['Driver=SQLite3;Database=/nonexistent/folder/file;PWD=hush-hush', /no such database/],
  ])('%s', async (dataSource, reason) => {
    const driver = closing({ dataSource })
    for (const call of [driver.retrieve(id), driver.store(id, record)]) {
      const { error, shown } = await failureOf(call)
      expect(error.message).toMatch(reason)
      expect(shown).not.toContain('hush-hush')
    }
  })

  it.each([
    ['a knex instance', () => knex({ client: 'pg' }), /knex instance goes to its database's own driver/],
    ['something else', () => ({ query: 1 }), /Connection or a Pool of the package odbc/],
    ['a function that gives nothing', () => () => null, /Connection or a Pool of the package odbc/],
  ])('a dbh that is %s', async (_what, handle, reason) => {
    await expect(closing({ dbh: handle() }).retrieve(id)).rejects.toThrow(reason)
  })
})

for (const target of [postgres, mariadb]) {
  describeWith(target.part, `ODBC, ${target.name}: no connection`, () => {
    it('a wrong password, another database, another port', async () => {
      const { options } = await emptyStore(target)
      const wrong = [
        [{ password: 'hush-hush' }, /user or password/],
        [{ dataSource: options.dataSource.replace(/Database=[^;]*/, 'Database=no_such') }, /no such database/],
        [{ dataSource: options.dataSource.replace(/Port=\d+/, 'Port=1') }, /is the server running/],
      ] as const
      for (const [given, reason] of wrong) {
        const { error, shown } = await failureOf(closing({ ...options, ...given }).retrieve(id))
        expect(error.message).toMatch(reason)
        expect(shown).not.toContain('hush-hush')
        expect(shown).not.toContain(options.password)
      }
    })

    it('a server that does not answer is given up in time', async () => {
      const sockets: { destroy(): void }[] = []
      const server = createServer((socket) => sockets.push(socket)).listen(0, '127.0.0.1')
      await once(server, 'listening')
      undo.push(() => {
        for (const socket of sockets) socket.destroy()
        server.close()
      })
      const { options } = await emptyStore(target)
      const dataSource = options.dataSource.replace(/Port=\d+/, `Port=${(server.address() as AddressInfo).port}`)
      const { error } = await failureOf(closing({ ...options, dataSource, timeout: 1000 }).retrieve(id))
      expect(error.message).toMatch(/longer than the option timeout|is the server running/)
    })

    it('a connection that the server ends is an error, and the next call works', async () => {
      const store = await storeWithTable(target)
      const settings = target.dialect === 'Pg' ? `;ConnSettings=set application_name to ${applicationName(store)}` : ''
      const dataSource = `${store.options.dataSource}${settings}`
      const driver = closing({ ...store.options, dataSource })
      await driver.store(id, record)
      // All connections are open, and end: one call finds out for all of them.
      await Promise.all(Array.from({ length: 8 }, () => driver.retrieve(id)))
      await endOthers(target, store)
      const { error } = await failureOf(driver.retrieve(id))
      expect(error.message).toMatch(/connection failed or ended/)
      expect(Buffer.from((await driver.retrieve(id))!)).toEqual(record)
    })

    it('a password of any signs', async () => {
      const store = await storeWithTable(target)
      const password = `a}b;c{=' "%3B+é☺*`
      const { user, made, removed } = userWith(target, store, password)
      await store.run(...made)
      undo.push(() => store.run(...removed))
      const driver = closing({ ...store.options, username: user, password })
      expect(await driver.store(id, record)).toBe('stored')
    })
  })
}

/** The name of a user, what makes it, and what removes it. */
function userWith({ dialect }: OdbcTarget, { options, table }: OdbcStore, password: string) {
  const user = `odbc_${process.pid}`
  const quoted = `'${password.replaceAll("'", "''")}'`
  if (dialect === 'Pg') {
    const rights = [
      `grant usage on schema ${options.tableName.split('.')[0]} to ${user}`,
      `grant all on ${table} to ${user}`,
    ]
    return {
      user,
      made: [`create role ${user} login password ${quoted}`, ...rights],
      removed: [`drop owned by ${user}`, `drop role ${user}`],
    }
  }
  const name = `${user}@'%'`
  return {
    user,
    made: [`create user ${name} identified by ${quoted}`, `grant all on *.* to ${name}`],
    removed: [`drop user ${name}`],
  }
}

/** A name for connections to a store, which has a schema of its own. */
function applicationName({ options }: Pick<OdbcStore, 'options'>): string {
  return options.tableName.split('.')[0]!
}

/** End all connections to the store but the one that does it. */
async function endOthers({ dialect }: OdbcTarget, { options, connectionString: to }: OdbcStore): Promise<void> {
  const connection = await odbcPackage().connect(to)
  const database = /Database=([^;]*)/.exec(options.dataSource)![1]
  const others =
    dialect === 'Pg'
      ? `select pid as id from pg_stat_activity where application_name = '${applicationName({ options })}'`
      : `select id from information_schema.processlist where db = '${database}' and id <> connection_id()`
  const rows = (await connection.query(others, [], {})) as unknown as { id: number | bigint }[]
  expect(rows.length).toBeGreaterThan(0)
  for (const { id: one } of rows) {
    await connection.query(dialect === 'Pg' ? `select pg_terminate_backend(${one})` : `kill ${one}`, [], {})
  }
  await connection.close()
}

describeWith('odbc-sqlite', 'ODBC, SQLite3: locks', () => {
  it('are waited for without a thread, and for no longer than the timeout', async () => {
    const store = await storeWithTable(sqlite3)
    const { connection, run } = await connectionTo(store)
    await connection.beginTransaction()
    await run(`insert into ${store.table} (id, a_session) values ('held', 'x')`)
    const driver = closing({ ...store.options, timeout: 300 })
    const { error } = await failureOf(driver.store(id, record))
    expect(error.code).toBe('ERR_SESSION_LOCK_TIMEOUT')
    const patient = closing({ ...store.options, timeout: 30_000 })
    const stored = Promise.all(['a', 'b', 'c', 'd', 'e', 'f'].map((one) => patient.store(one, record)))
    // The writers wait; reads go on.
    expect(await closing(store.options).retrieve(id)).toBeUndefined()
    await connection.rollback()
    expect(await stored).toEqual(Array.from({ length: 6 }, () => 'stored'))
  })
})

describeWith('odbc-sqlite', 'ODBC, SQLite3: constraints', () => {
  it.each([
    ['a_session blob, site int not null', 'NOT NULL'],
    ['a_session blob check (length(a_session) < 10)', 'CHECK'],
  ])('%s: the error is not taken for one of ids', async (columns) => {
    const store = await emptyStore(sqlite3)
    const { run } = await connectionTo(store)
    await run(`create table sessions (id varchar(40) primary key, ${columns})`)
    const driver = closing(store.options)
    for (const expected of [null, undefined]) {
      const { error, shown } = await failureOf(driver.store(id, record, { expect: expected }))
      expect(error.message).not.toMatch(/collation|again/)
      expect(shown).not.toContain('$D')
    }
    expect((await run('select count(*) as n from sessions')).map(({ n }) => Number(n))).toEqual([0])
  })

  it('an id that is there already is told from them', async () => {
    const driver = closing((await storeWithTable(sqlite3)).options)
    expect(await driver.store(id, record, { expect: null })).toBe('stored')
    expect(await driver.store(id, other, { expect: null })).toBe('exists')
  })
})

describeWith('odbc-postgresql', 'ODBC, PostgreSQL: locks', () => {
  const lockIn = async (store: OdbcStore) => {
    const { connection, run } = await connectionTo(store)
    await connection.beginTransaction()
    await run(`select * from ${store.table} where id = '${id}' for update`)
    return () => connection.rollback()
  }

  it('that are held for too long are told as such, and nothing is written later', async () => {
    const store = await storeWithTable(postgres)
    await closing(store.options).store(id, record)
    const unlock = await lockIn(store)
    const { error } = await failureOf(closing({ ...store.options, timeout: 1000 }).store(id, other))
    expect(error.code).toBe('ERR_SESSION_LOCK_TIMEOUT')
    await unlock()
    await (await lockIn(store))()
    expect(Buffer.from((await closing(store.options).retrieve(id))!)).toEqual(record)
  })

  it('a given connection and a given pool are not waited for without end, and are used again when they are free', async () => {
    const store = await storeWithTable(postgres)
    await closing(store.options).store(id, record)
    const pool = await odbcPackage().pool({ connectionString: store.connectionString, initialSize: 1, maxSize: 1 })
    undo.push(() => pool.close())
    for (const dbh of [(await connectionTo(store)).connection, pool]) {
      const driver = closing({ ...store.options, dataSource: '', dbh, timeout: 300 })
      await driver.store('warm', record)
      const unlock = await lockIn(store)
      const { error } = await failureOf(driver.store(id, other))
      expect(error.message).toContain('a write may have taken place')
      // It waits for its turn, which does not come.
      expect((await failureOf(driver.retrieve(id))).error.message).toContain('longer than the option timeout allows')
      await unlock()
      await expect.poll(() => driver.retrieve('warm').catch(() => undefined), { timeout: 10_000 }).toBeDefined()
    }
  })
})

describeWith('odbc', 'ODBC: a write whose rows the ODBC driver does not count', () => {
  it('is an error and no conflict; other statements have no count', () => {
    for (const sql of ['update t set a = ?', 'insert into t values (?)', 'delete from t', 'merge into t']) {
      expect(() => refuseUncounted(sql, { count: -1 })).toThrow('does not say how many rows a write found')
      expect(() => refuseUncounted(sql, { count: 0 })).not.toThrow()
    }
    for (const sql of ['select 1', 'create table t (a int)'])
      expect(() => refuseUncounted(sql, { count: -1 })).not.toThrow()
  })
})

describeWith('odbc-mariadb', 'ODBC, MariaDB: locks', () => {
  it('are given up by the server, and nothing is written later', async () => {
    const store = await storeWithTable(mariadb)
    await closing(store.options).store(id, record)
    const { connection, run } = await connectionTo(store)
    await connection.beginTransaction()
    await run(`select * from sessions where id = '${id}' for update`)
    const { error } = await failureOf(closing({ ...store.options, timeout: 1200 }).store(id, other))
    expect(error.message).toMatch(/lock|timeout/)
    await connection.rollback()
    // Behind whatever might still wait for the row.
    await run(`select * from sessions where id = '${id}' for update`)
    expect(Buffer.from((await closing(store.options).retrieve(id))!)).toEqual(record)
  })
})

describeWith('odbc-mariadb', 'ODBC, MariaDB: text', () => {
  it('comes as the bytes that Perl reads, and the same record is written again', async () => {
    const store = await emptyStore(mariadb)
    await store.run(
      'create table sessions (id char(72) not null primary key, a_session text not null)',
      `insert into sessions values ('${id}', 'é☺')`,
    )
    const driver = closing(store.options)
    expect(Buffer.from((await driver.retrieve(id))!).toString()).toBe('é☺')
    for (let time = 0; time < 2; time++) expect(await driver.store(id, record)).toBe('stored')
    expect(await driver.store(id, record, { expect: record })).toBe('stored')
    const ids: string[] = []
    for await (const one of driver.ids()) ids.push(one)
    expect(ids).toEqual([id])
  })
})

describeWith('odbc-postgresql', 'ODBC, PostgreSQL: text', () => {
  const tableOf = async (type: string) => {
    const store = await emptyStore(postgres)
    const { run } = await connectionTo(store)
    await run(`create table ${store.table} (id char(40) not null primary key, a_session ${type} not null)`)
    return closing(store.options)
  }

  it('a text column holds long text', async () => {
    const driver = await tableOf('text')
    for (const length of [1, 8190, 8191, 100_000]) {
      const text = Buffer.alloc(length, 'abc\n')
      expect(await driver.store(id, text)).toBe('stored')
      expect(Buffer.compare((await driver.retrieve(id))!, text)).toBe(0)
      expect(await driver.store(id, text, { expect: text })).toBe('stored')
    }
  })

  it('a value that the ODBC driver would cut off is an error', async () => {
    const driver = await tableOf('varchar')
    await driver.store(id, Buffer.alloc(5000, 'x'))
    await expect(driver.retrieve(id)).rejects.toThrow(/announces at most 255 for the column a_session/)
  })
})

describeWith('perl-sqlite', 'ODBC and Perl', () => {
  describeWith('odbc-sqlite', 'share SQLite rows', () => {
    it.each(['text', 'blob', 'varchar(10)'])('in a column of type %s', async (type) => {
      const store = await emptyStore(sqlite3)
      const file = /Database=(.*)/.exec(store.options.dataSource)![1]!
      const all = Buffer.from(Array.from({ length: 1000 }, (_, index) => index % 256))
      const open = `use DBI qw(:sql_types); my $db = DBI->connect("dbi:SQLite:dbname=$ARGV[0]", '', '', {RaiseError => 1});`
      perl(
        `${open} $db->do("create table sessions (id char(32) not null primary key, a_session ${type} not null)");
         my $put = $db->prepare('insert into sessions values (?, ?)');
         $put->bind_param(1, $ARGV[1]); $put->bind_param(2, pack('H*', $ARGV[2]), SQL_BLOB); $put->execute`,
        [file, id, all.toString('hex')],
      )
      const driver = closing(store.options)
      expect(Buffer.from((await driver.retrieve(id))!)).toEqual(all)
      expect(await driver.store(id, all.toReversed(), { expect: all })).toBe('stored')
      const read = perl(
        `${open} my ($bytes, $type) = $db->selectrow_array('select a_session, typeof(a_session) from sessions');
         print "$type ", unpack('H*', $bytes)`,
        [file],
      )
      expect(read).toBe(`blob ${Buffer.from(all.toReversed()).toString('hex')}`)
    })
  })
})
