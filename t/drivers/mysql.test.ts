import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'
import knex, { type Knex } from 'knex'
import { afterEach, expect, it } from 'vitest'
import mysql from '../../drivers/mysql.js'
import { DriverError, OptionError, SessionManager } from '../../lib/index.js'
import { readOptions } from '../../lib/options.js'
import { driverSuite } from '../suite/driver.js'
import { startNode } from '../support/child.js'
import { countTogether, raceToCreate } from '../support/driver-processes.js'
import { mysql2, newDatabase, settingsFor, type TestDatabase } from '../support/mariadb.js'
import { perl } from '../support/perl.js'
import { describeWith } from '../support/requirements.js'

const context = { now: () => Math.floor(Date.now() / 1000), padding: false }
const id = '0123456789abcdef0123456789abcdef'
const record = Buffer.from("$D = {'n' => 1};;$D")
const other = Buffer.from("$D = {'n' => 2};;$D")

const undo: (() => unknown)[] = []

afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
})

/** A driver with these options. */
function driverOf(options: object): mysql {
  return new mysql(readOptions(mysql.options, options as Record<string, unknown>), context)
}

/** The same, closed when the test ends. */
function closing(options: object): mysql {
  const driver = driverOf(options)
  undo.push(() => driver.close())
  return driver
}

async function listed(driver: mysql): Promise<string[]> {
  const ids: string[] = []
  for await (const one of driver.ids()) ids.push(one)
  return ids
}

/** A database for one test, where these statements were run. */
async function databaseWith(...statements: string[]): Promise<TestDatabase> {
  const database = await newDatabase()
  undo.push(() => database.drop())
  await database.run(...statements)
  return database
}

/** What the tests use of mysql2's promise connections and pools. */
interface Handle {
  query(sql: string): Promise<[Record<string, unknown>[], unknown]>
  end(): Promise<void>
}

/** A connection of the test's own. */
async function connectionTo(database: TestDatabase, settings: object = {}): Promise<Handle & { connection: object }> {
  const connection = mysql2.createConnection(settingsFor(database, settings)).promise()
  undo.push(() => connection.end().catch(() => undefined))
  return connection
}

/** Asks until a query gives a row: not too often, for InnoDB shows its transactions only to those who pause between two looks. */
async function until(database: TestDatabase, query: string): Promise<Record<string, unknown>> {
  for (;;) {
    const [row] = (await database.run(query)) as Record<string, unknown>[]
    if (row !== undefined) return row
    await new Promise((resolve) => setTimeout(resolve, 150))
  }
}

/** A transaction that holds the row of the id, and what ends it. */
async function lockOf(database: TestDatabase, locked = id): Promise<() => Promise<unknown>> {
  const holder = await connectionTo(database)
  await holder.query('start transaction')
  await holder.query(`select * from sessions where id = '${locked}' for update`)
  return () => holder.query('rollback')
}

const waiting = (database: TestDatabase) =>
  'select t.trx_mysql_thread_id as thread from information_schema.innodb_trx t join information_schema.processlist p on p.id = t.trx_mysql_thread_id ' +
  `where t.trx_state = 'LOCK WAIT' and p.db = '${database.name}'`

const perlTable = 'create table sessions (id char(32) not null primary key, a_session text not null) engine = innodb'
const blobTable = 'create table sessions (id varchar(200) primary key, a_session longblob not null) engine = innodb'

/** Settings that change what an application's own queries give, and must not change what ours give. */
const peculiar = {
  charset: 'latin1',
  flags: '-FOUND_ROWS',
  typeCast: () => 'not this',
  nestTables: '_',
  namedPlaceholders: true,
  supportBigNumbers: true,
  bigNumberStrings: true,
  dateStrings: true,
}

/** How a driver may be told its database, and what to do with that at the end. */
type Way = (database: TestDatabase) => { options: object; end?: () => Promise<void> }

/** A handle that the user gives: it must be usable when the driver has been closed. */
function given(handle: Handle, dbh: unknown = handle): ReturnType<Way> {
  const end = async (): Promise<void> => {
    await handle.query('select 1')
    await handle.end()
  }
  return { options: { dbh }, end }
}

const ways: Readonly<Record<string, Way>> = {
  'a dbi string with host and port': ({ options }) => ({ options }),
  'a dbi string with a socket': ({ options, name, server }) => ({
    // A server of the environment has perhaps none.
    options:
      server.socket === '' ? options : { ...options, dataSource: `dbi:mysql:${name};mysql_socket=${server.socket}` },
  }),
  'a URL': ({ name, server: { host, port, username, password } }) => ({
    options: {
      dataSource: `mysql://${encodeURIComponent(username)}:${encodeURIComponent(password)}@${host}:${port}/${name}`,
    },
  }),
  'a Connection with peculiar settings': (database) => {
    const connection = mysql2.createConnection(settingsFor(database, peculiar))
    return given(connection.promise(), connection)
  },
  'a promise Connection': (database) => given(mysql2.createConnection(settingsFor(database)).promise()),
  'a Pool with peculiar settings': (database) => {
    const pool = mysql2.createPool(settingsFor(database, peculiar))
    return given(pool.promise(), pool)
  },
  'a promise Pool, from a function': (database) => {
    const pool = mysql2.createPool(settingsFor(database)).promise()
    return given(pool, async () => pool)
  },
  'a knex instance': (database) => {
    const instance = knex({ client: 'mysql2', connection: settingsFor(database) as object })
    const end = async (): Promise<void> => {
      await instance.raw('select 1')
      await instance.destroy()
    }
    return { options: { dbh: instance }, end }
  },
}

for (const [index, [title, way]] of Object.entries(ways).entries()) {
  const expires = index % 2 === 1
  describeWith('mariadb', `mysql, by ${title}, ${expires ? 'with' : 'without'} a column of expiry times`, () => {
    driverSuite({
      describe: (_title, body) => body(),
      it,
      name: 'mysql',
      open: async () => {
        const database = await newDatabase()
        const ends: (() => Promise<void>)[] = []
        const make = (): mysql => {
          const { options, end } = way(database)
          if (end !== undefined) ends.push(end)
          return driverOf(options)
        }
        const driver = make()
        await driver.createTable({ idLength: 200, expires })
        return {
          driver,
          close: async () => {
            await driver.close()
            for (const end of ends) await end()
            await database.drop()
          },
          peer: async () => make(),
        }
      },
    })
  })
}

describeWith('mariadb', 'mysql: dbh', () => {
  it('is used as it is: no setting of its session changes', async () => {
    const database = await databaseWith(blobTable)
    const handle = await connectionTo(database, { charset: 'latin1' })
    const settings = () =>
      handle.query("show session variables where variable_name not in ('timestamp', 'rand_seed1', 'last_gtid')")
    const [before] = await settings()
    const driver = driverOf({ dbh: handle })
    await driver.store(id, record)
    await driver.store(id, other, { expect: record })
    await driver.close()
    const [after] = await settings()
    expect(after).toEqual(before)
    expect(before.length).toBeGreaterThan(100)
  })

  it.each([{}, { execute() {} }, { getConnection() {}, execute: async () => [] }])(
    'of another kind is refused',
    async (dbh) => {
      await expect(driverOf({ dbh }).retrieve(id)).rejects.toThrow(OptionError)
    },
  )

  it('that its owner closed is a clear error', async () => {
    const database = await databaseWith(blobTable)
    for (const make of ['createConnection', 'createPool']) {
      const handle = mysql2[make](settingsFor(database)).promise()
      const driver = driverOf({ dbh: handle })
      await driver.store(id, record)
      await handle.end()
      await expect(driver.retrieve(id)).rejects.toMatchObject({
        name: 'DriverError',
        message: expect.stringContaining('the connection failed or ended'),
      })
    }
  })

  it('that is a pool whose connections are all in use is waited for, and nothing is written after the error', async () => {
    const database = await databaseWith(blobTable)
    const pool = mysql2.createPool(settingsFor(database, { connectionLimit: 1 })).promise()
    undo.push(() => pool.end())
    const driver = driverOf({ dbh: pool, timeout: 700 })
    await driver.store('warm', record)
    const held = await pool.getConnection()
    await expect(driver.store(id, record)).rejects.toThrow('longer than the option timeout allows')
    held.release()
    expect(await driver.retrieve(id)).toBeUndefined()
    expect(await driver.store(id, record)).toBe('stored')
  })

  it('that is a pool which does not queue is tried again', async () => {
    const database = await databaseWith(blobTable)
    const pool = mysql2.createPool(settingsFor(database, { connectionLimit: 1, waitForConnections: false })).promise()
    undo.push(() => pool.end())
    const held = await pool.getConnection()
    const late = driverOf({ dbh: pool, timeout: 100 }).retrieve(id)
    await expect(late).rejects.toMatchObject({ code: 'ERR_SESSION_LOCK_TIMEOUT' })
    const storing = driverOf({ dbh: pool }).store(id, record)
    await held.query('select 1')
    held.release()
    expect(await storing).toBe('stored')
  })

  it('may count changed rows only: what is written again as it was is stored', async () => {
    const database = await databaseWith(blobTable)
    const driver = driverOf({ dbh: await connectionTo(database, { flags: '-FOUND_ROWS' }) })
    for (const expected of [undefined, undefined, record]) {
      expect(await driver.store(id, record, { expect: expected })).toBe('stored')
    }
    expect(await driver.store(id, record, { expect: other })).toBe('conflict')
  })
})

describeWith('mariadb', 'mysql: columns', () => {
  /** A driver that the server would let truncate. */
  async function lenient(table: string): Promise<{ driver: mysql; database: TestDatabase; handle: Handle }> {
    const database = await databaseWith(table)
    const handle = await connectionTo(database)
    await handle.query("set sql_mode = ''")
    return { driver: driverOf({ dbh: handle }), database, handle }
  }

  it.each([
    ['text', 65_535],
    ['tinytext', 255],
    ['varchar(100) character set utf8mb4', 100],
    ['tinyblob', 255],
    ['blob', 65_535],
    ['varbinary(1000)', 1000],
  ])('a %s takes a record of %i bytes; a longer one is refused before it is cut', async (type, limit) => {
    const { driver } = await lenient(`create table sessions (id char(32) primary key, a_session ${type})`)
    const fits = Buffer.alloc(limit, 'x')
    expect(await driver.store(id, fits)).toBe('stored')
    const longer = driver.store(id, Buffer.alloc(limit + 1, 'y'), { expect: fits })
    await expect(longer).rejects.toThrow(`has ${limit + 1} bytes, and its column holds ${limit}`)
    expect(await driver.retrieve(id)).toEqual(fits)
  })

  it('an id that is longer than its column is refused, and finds nothing', async () => {
    const { driver, database } = await lenient('create table sessions (id char(8) primary key, a_session text)')
    await driver.store('12345678', record)
    await expect(driver.store('123456789', other)).rejects.toThrow('the id has 9 characters, and its column holds 8')
    expect(await driver.retrieve('123456789')).toBeUndefined()
    expect(await driver.remove('123456789')).toBe(false)
    expect(await database.run('select id from sessions')).toEqual([{ id: '12345678' }])
  })

  it.each(['latin1', 'utf8mb3', 'utf8mb4', 'ucs2'])(
    'a %s text takes ASCII, and refuses other records',
    async (charset) => {
      const { driver } = await lenient(
        `create table sessions (id char(32) primary key, a_session text) character set ${charset}`,
      )
      expect(await driver.store(id, record, { expect: null })).toBe('stored')
      expect(await driver.store(id, other, { expect: record })).toBe('stored')
      expect(await driver.retrieve(id)).toEqual(other)
      for (const text of ['café', '☺']) {
        await expect(driver.store(id, Buffer.from(text))).rejects.toThrow(
          'not ASCII text, and its column holds text only',
        )
      }
      expect(await driver.remove(id, { expect: record })).toBe(false)
      expect(await driver.remove(id, { expect: other })).toBe(true)
    },
  )

  it.each([
    ['utf8mb4 collate utf8mb4_general_ci', 'abc', 'ABC'],
    ['utf8mb4 collate utf8mb4_unicode_ci', 'abc', 'ábc'],
    ['utf8mb4 collate utf8mb4_bin', 'abc', 'abc '],
    ['latin1', 'abc ', 'abc'],
  ])('ids that a column (%s) takes for the same are two: %j is not %j', async (collation, mine, theirs) => {
    const { driver, database } = await lenient(
      `create table sessions (id varchar(32) character set ${collation} primary key, a_session blob)`,
    )
    await driver.store(theirs, record)
    expect(await driver.retrieve(mine)).toBeUndefined()
    expect(await driver.remove(mine)).toBe(false)
    expect(await driver.remove(mine, { expect: record })).toBe(false)
    expect(await driver.store(mine, other, { expect: record })).toBe('gone')
    for (const expected of [null, undefined]) {
      const storing = driver.store(mine, other, { expect: expected })
      await expect(storing).rejects.toThrow('ignores case or blanks')
    }
    expect(await database.run('select id, a_session from sessions')).toEqual([{ id: theirs, a_session: record }])
  })

  it('a record is expected by its bytes, whatever the collation of a text', async () => {
    const { driver } = await lenient(
      'create table sessions (id char(32) primary key, a_session text collate utf8mb4_general_ci)',
    )
    const [lower, upper, blank] = ['abc', 'ABC', 'abc '].map((text) => Buffer.from(text))
    await driver.store(id, lower!)
    for (const expected of [upper!, blank!]) {
      expect(await driver.store(id, other, { expect: expected })).toBe('conflict')
      expect(await driver.remove(id, { expect: expected })).toBe(false)
    }
    expect(await driver.store(id, blank!, { expect: lower! })).toBe('stored')
    expect(await driver.retrieve(id)).toEqual(blank)
  })

  it('ids in a char(n) are listed without blanks, and one that ends in a blank is refused', async () => {
    const { driver, database } = await lenient('create table sessions (id char(40) primary key, a_session blob)')
    await driver.store(id, record)
    expect(await listed(driver)).toEqual([id])
    await expect(driver.store('abc ', record)).rejects.toThrow('ends in a blank, which its column cuts off')
    expect(await database.run('select count(*) as n from sessions')).toEqual([{ n: 1 }])
  })

  it('ids beyond ASCII are read alike over every character set', async () => {
    const { driver, database } = await lenient(blobTable)
    await driver.store('é☺', record)
    const latin1 = driverOf({ dbh: await connectionTo(database, { charset: 'latin1' }) })
    expect(await listed(latin1)).toEqual(['é☺'])
    await driver.remove('é☺')
    await driver.store('é', record)
    expect(await latin1.retrieve('é')).toEqual(record)
  })

  it.each([
    ['id char(32), a_session blob', false],
    ['id char(32), a_session blob, site int, primary key (site, id)', false],
    ['id char(32), a_session blob, key (id)', false],
    ['id char(32), a_session blob, unique (id)', true],
    ['id char(32), a_session blob, site int, primary key (site, id), unique (id)', true],
  ])('a table (%s) is taken only if its ids are a key: %s', async (columns, isTaken) => {
    const { driver } = await lenient(`create table sessions (${columns.replace('site int', 'site int default 1')})`)
    const storing = driver.store(id, record, { expect: null })
    if (isTaken) expect(await storing).toBe('stored')
    else await expect(storing).rejects.toThrow('the column of ids is no primary key')
  })

  it('a view over a table is taken: what its keys are is not known', async () => {
    const { driver, database } = await lenient('create table base (id varchar(64) primary key, a_session longblob)')
    await database.run('create view sessions as select * from base')
    expect(await driver.store(id, record, { expect: null })).toBe('stored')
    expect(await driver.store(id, other, { expect: record })).toBe('stored')
    expect(await database.run('select a_session from base')).toEqual([{ a_session: other }])
  })

  it('a binary(n) takes ids that fill it, and refuses those that it would fill up with NULs', async () => {
    const { driver, database } = await lenient('create table sessions (id binary(32) primary key, a_session longblob)')
    expect(await driver.store(id, record, { expect: null })).toBe('stored')
    expect(await driver.store(id, other, { expect: record })).toBe('stored')
    expect(await listed(driver)).toEqual([id])
    await expect(driver.store('short', record)).rejects.toThrow(
      'the id has 5 bytes, and its column fills it up with NULs to 32',
    )
    expect(await database.run('select count(*) as n from sessions')).toEqual([{ n: 1 }])
  })

  it.each(['createConnection', 'createPool'])('an id is the same over a latin1 %s', async (make) => {
    const database = await databaseWith(
      'create table `sessions? \'"` (id varchar(64) collate utf8mb4_bin primary key, a_session longblob, expires bigint)',
    )
    const handle = mysql2[make](settingsFor(database, { charset: 'latin1' })).promise()
    undo.push(() => handle.end())
    const options = { tableName: '`sessions? \'"`', expiresColName: 'expires' }
    const [latin1, plain] = [driverOf({ dbh: handle, ...options }), closing({ ...database.options, ...options })]
    const all = Buffer.from(Array.from({ length: 256 }, (_, index) => index))
    expect(await latin1.store('ж☺1', all, { expect: null, ttl: 60 })).toBe('stored')
    expect(await plain.retrieve('ж☺1')).toEqual(all)
    expect(await latin1.retrieve('ж☺1')).toEqual(all)
    expect(await latin1.store('ж☺1', record, { expect: all })).toBe('stored')
    expect(await listed(latin1)).toEqual(['ж☺1'])
    expect(await latin1.retrieve('?☺1')).toBeUndefined()
    expect(await latin1.remove('ж☺1', { expect: record })).toBe(true)
    expect(await listed(plain)).toEqual([])
  })

  it.each(['varbinary(16)', 'char(16) character set latin1 collate latin1_bin'])(
    'ids of raw bytes (UUID16) in a %s are listed once each, or are a clear error',
    async (type) => {
      const count = 1200
      const { driver, database } = await lenient(`create table sessions (id ${type} primary key, a_session longblob)`)
      const rows = Array.from({ length: count }, () => `(unhex('${randomBytes(16).toString('hex')}'), 'x')`)
      await database.run(`insert into sessions values ${rows.join(', ')}`)
      const ids: string[] = []
      const listing = async (): Promise<void> => {
        for await (const one of driver.ids()) if (ids.push(one) > count) throw new Error('an id came twice')
      }
      const error = await listing().catch((thrown: unknown) => thrown)
      if (error === undefined) expect(new Set(ids).size).toBe(count)
      else expect(error).toMatchObject({ name: 'DriverError', message: expect.stringContaining('cannot list') })
    },
  )

  it('have the names of the options, and the table may be in another database', async () => {
    const [here, there] = [await databaseWith(), await databaseWith()]
    const options = {
      tableName: `${there.name}.\`a "quoted" \`\`table\`\`\``,
      idColName: 'the id',
      dataColName: '`select`',
      expiresColName: "it's over",
    }
    const driver = closing({ ...here.options, ...options })
    await driver.createTable({ idLength: 40, expires: true })
    expect(await driver.store(id, record, { ttl: 100, expect: null })).toBe('stored')
    expect(await driver.store(id, other, { ttl: 100, expect: record })).toBe('stored')
    const [row] = await there.run('select `the id` as id, `it\'s over` as expires from `a "quoted" ``table```')
    expect(row).toEqual({ id, expires: expect.toBeOneOf([context.now() + 100, context.now() + 99]) })
    await expect(driver.store('x'.repeat(41), record)).rejects.toThrow('its column holds 40')
  })
})

describeWith('mariadb,perl-mysql', 'mysql: what Perl wrote beyond ASCII', () => {
  /** Perl writes the bytes that it is given in hex, and gives what it reads in hex, each over a connection set up as told. */
  function throughPerl({ name, server }: TestDatabase, setUp: string, text: string): Buffer {
    const { host, port, username, password } = server
    const program = `use DBI; my ($source, $user, $password, $set_up, $id, $text) = @ARGV;
      my $connect = sub { my $db = DBI->connect($source, $user, $password, { RaiseError => 1, PrintError => 0 }); $db->do($set_up) if $set_up; $db };
      $connect->()->do('replace into sessions values (?, ?)', undef, $id, pack 'H*', $text);
      print unpack 'H*', $connect->()->selectrow_array('select a_session from sessions where id = ?', undef, $id)`
    const source = `dbi:mysql:database=${name};host=${host};port=${port}`
    const hex = Buffer.from(text).toString('hex')
    return Buffer.from(perl(program, [source, username, password, setUp, id, hex]), 'hex')
  }

  it.each([
    ['latin1', 'café'],
    ['utf8mb3', 'café €'],
    ['utf8mb4', 'café 😀'],
  ])('in a %s text is read as Perl reads it, and replaced when it is expected', async (charset, text) => {
    const database = await databaseWith(`${perlTable} character set ${charset}`)
    const written = throughPerl(database, '', text)
    expect(written.toString()).toBe(text)
    for (const wire of ['utf8mb4', 'latin1']) {
      throughPerl(database, '', text)
      const driver = driverOf({ dbh: await connectionTo(database, { charset: wire }) })
      expect(await driver.retrieve(id)).toEqual(written)
      expect(await driver.store(id, record, { expect: Buffer.from(text.toUpperCase()) })).toBe('conflict')
      expect(await driver.store(id, record, { expect: written })).toBe('stored')
    }
  })

  it.each(['latin1', 'utf8mb4'])(
    'over a latin1 connection into a %s text needs the option charset',
    async (charset) => {
      const database = await databaseWith(`${perlTable} character set ${charset}`)
      const text = 'café 😀'
      const written = throughPerl(database, 'set names latin1', text)
      expect(written.toString()).toBe(text)
      const driver = closing({ ...database.options, charset: 'latin1' })
      expect(await driver.retrieve(id)).toEqual(written)
      expect(await driver.store(id, record, { expect: written })).toBe('stored')
      expect(await driver.retrieve(id)).toEqual(record)
      expect(await closing(database.options).retrieve(id)).toEqual(record)
    },
  )
})

describeWith('mariadb', 'mysql: what goes wrong', () => {
  it('a wrong password, database or table is told, and no password', async () => {
    const database = await databaseWith()
    const { dataSource } = database.options
    const message = async (options: object): Promise<string> => {
      const error = await closing({ ...database.options, ...options })
        .store(id, record)
        .catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(DriverError)
      const { message, cause } = error as DriverError
      expect(`${message} ${cause} ${JSON.stringify(cause)}`).not.toMatch(/secret|pw-of-tests/)
      return message
    }
    expect(await message({ password: 'secret' })).toMatch(/user, password or rights.*ER_ACCESS_DENIED_ERROR/)
    expect(await message({ dataSource: `${dataSource};mysql_ssl=1` })).toMatch('the encryption that was asked for')
    expect(await message({ dataSource: dataSource.replace(database.name, 'no_such') })).toMatch('no such database')
    expect(await message({})).toMatch(/there is no table `sessions`.*createTable\(\)/)
    expect(await message({ dataSource: `dbi:mysql:x;mysql_socket=/no/such/socket` })).toMatch(
      /is the server running.*ENOENT/,
    )
    expect(await message({ dataSource: 'dbi:mysql:x;host=127.0.0.1;port=1' })).toMatch(
      /is the server running.*ECONNREFUSED/,
    )
  })

  it('a server that accepts connections and says nothing ends in a timeout', async () => {
    const mute = createServer().listen(0, '127.0.0.1')
    await once(mute, 'listening')
    undo.push(() => mute.close())
    const { port } = mute.address() as { port: number }
    const driver = closing({ dataSource: `dbi:mysql:x;host=127.0.0.1;port=${port}`, timeout: 100 })
    await expect(driver.retrieve(id)).rejects.toThrow('longer than the option timeout allows')
  })

  it('a record beyond max_allowed_packet is refused, and the next call works', async () => {
    const database = await databaseWith(blobTable)
    const [row] = (await database.run('select @@max_allowed_packet as bytes')) as { bytes: number }[]
    const driver = closing({ ...database.options, dataSourceAttr: { connectionLimit: 1 } })
    await driver.store(id, record)
    const storing = driver.store(id, Buffer.alloc(row!.bytes + 1000), { expect: record })
    await expect(storing).rejects.toThrow(/max_allowed_packet.*ER_NET_PACKET_TOO_LARGE/)
    expect(await driver.retrieve(id)).toEqual(record)
  })

  it('a deadlock is tried again', async () => {
    const database = await databaseWith(blobTable)
    const first = await connectionTo(database)
    await first.query('start transaction')
    await first.query(`insert into sessions values ('${id}', 'not for long')`)
    const drivers = [closing(database.options), closing(database.options)]
    const deadlocks = 'show global status like "Innodb_deadlocks"'
    const [before] = await database.run(deadlocks)
    // Both wait for the first, get a shared lock when it gives up, and want an exclusive one.
    const storing = Promise.all(drivers.map((driver) => driver.store(id, record, { expect: null })))
    await until(database, `select 1 from (${waiting(database)}) t having count(*) = 2`)
    await first.query('rollback')
    expect((await storing).sort()).toEqual(['exists', 'stored'])
    expect(await database.run(deadlocks)).not.toEqual([before])
  })

  it('a read-only connection is told', async () => {
    const handle = await connectionTo(await databaseWith(blobTable))
    await handle.query('set session transaction read only')
    const driver = driverOf({ dbh: handle })
    await expect(driver.store(id, record)).rejects.toThrow('read-only for this process')
    expect(await driver.retrieve(id)).toBeUndefined()
    await handle.query('set session transaction read write')
    expect(await driver.store(id, record)).toBe('stored')
  })

  it('a connection that is killed in the middle is an error, and the next call works', async () => {
    const database = await databaseWith(blobTable)
    const driver = closing(database.options)
    await driver.store(id, record)
    const unlock = await lockOf(database)
    const storing = driver.store(id, other).catch((error: unknown) => error)
    const { thread } = await until(database, waiting(database))
    await database.run(`kill ${thread}`)
    expect(await storing).toMatchObject({ name: 'DriverError', message: expect.stringContaining('failed or ended') })
    await unlock()
    expect(await driver.retrieve(id)).toEqual(record)
    expect(await driver.store(id, other, { expect: record })).toBe('stored')
  })

  it('idle connections that are killed are replaced', async () => {
    const database = await databaseWith(blobTable)
    const driver = closing(database.options)
    await Promise.all([1, 2, 3].map((n) => driver.store(`${id}${n}`, record)))
    const theirs = `from information_schema.processlist where db = '${database.name}' and id <> connection_id()`
    const threads = (await database.run(`select id ${theirs}`)) as { id: number }[]
    expect(threads.length).toBeGreaterThan(0)
    for (const thread of threads) await database.run(`kill ${thread.id}`)
    await until(database, `select 1 from (select count(*) as n ${theirs}) t where n = 0`)
    expect(await driver.retrieve(`${id}1`)).toEqual(record)
  })

  it('a lock of others is waited for', async () => {
    const database = await databaseWith(blobTable)
    const driver = closing(database.options)
    await driver.store(id, record)
    const unlock = await lockOf(database)
    const storing = driver.store(id, other, { expect: record })
    await until(database, waiting(database))
    await unlock()
    expect(await storing).toBe('stored')
  })

  it('a lock that is held for longer than the timeout is an error, and nothing is written after it', async () => {
    const database = await databaseWith(blobTable)
    const patient = closing(database.options)
    await patient.store(id, record)
    for (const timeout of [200, 1200]) {
      const driver = closing({ ...database.options, timeout, dataSourceAttr: { connectionLimit: 1 } })
      const unlock = await lockOf(database)
      const began = Date.now()
      await expect(driver.store(id, other)).rejects.toThrow(/longer than the option timeout allows/)
      // The last of the pauses between two attempts, 50 ms at most, would end after the limit.
      expect(Date.now() - began).toBeGreaterThanOrEqual(timeout - 50)
      // A statement that still waited would be the next to get the lock.
      await unlock()
      expect(await patient.store(id, record, { expect: record })).toBe('stored')
      expect(await driver.retrieve(id)).toEqual(record)
    }
  })

  const givenHandles: Readonly<Record<string, (settings: object) => object>> = {
    Connection: (settings) => closedAtEnd(mysql2.createConnection(settings).promise()),
    Pool: (settings) => closedAtEnd(mysql2.createPool({ ...settings, connectionLimit: 1 }).promise()),
    'knex instance': (settings) => knexOf(settings),
  }

  function closedAtEnd<T extends { end(): Promise<void> }>(handle: T): T {
    undo.push(() => handle.end().catch(() => undefined))
    return handle
  }

  function knexOf(connection: object, pool: object = {}): Knex {
    const instance = knex({ client: 'mysql2', connection, pool: { min: 0, max: 1, ...pool }, log: { warn() {} } })
    undo.push(() => instance.destroy())
    return instance
  }

  it.each(Object.entries(givenHandles))(
    'a lock that is held for too long: a given %s writes nothing after the error, and is free',
    async (_kind, open) => {
      const database = await databaseWith(blobTable)
      const patient = closing(database.options)
      await patient.store(id, record)
      for (const timeout of [400, 2200]) {
        const unlock = await lockOf(database)
        const driver = driverOf({ dbh: open(settingsFor(database)), timeout })
        await expect(driver.store(id, other)).rejects.toMatchObject({ code: 'ERR_SESSION_LOCK_TIMEOUT' })
        expect(await driver.retrieve(id)).toEqual(record)
        // A statement that still waited would be the next to get the lock.
        await unlock()
        expect(await patient.store(id, record, { expect: record })).toBe('stored')
      }
    },
  )

  /** What MySQL understands: it has no such limits, and takes them for a comment. */
  function withoutLimits(connection: { execute(options: { sql: string }, ...rest: unknown[]): unknown }): void {
    const execute = connection.execute.bind(connection)
    connection.execute = (options, ...rest) =>
      execute({ ...options, sql: options.sql.replace(/^\/\*M!.*?\*\//, '') }, ...rest)
  }

  it('a server without limits for statements: the pool ends what was given up, and nothing is written later', async () => {
    const database = await databaseWith(blobTable)
    const pool = mysql2.createPool(settingsFor(database))
    undo.push(() => pool.promise().end())
    pool.on('connection', withoutLimits)
    const driver = driverOf({ dbh: pool, timeout: 400 })
    await driver.store(id, record)
    const unlock = await lockOf(database)
    const failed = driver.store(id, other)
    await expect(failed).rejects.toThrow('it took longer than the option timeout allows')
    await unlock()
    expect(await driver.store(id, record, { expect: record })).toBe('stored')
  })

  it('a server without limits for statements: where nothing can end one, the error says that it may yet be run', async () => {
    const database = await databaseWith(blobTable)
    const connection = mysql2.createConnection(settingsFor(database))
    closedAtEnd(connection.promise())
    withoutLimits(connection)
    const driver = driverOf({ dbh: connection, timeout: 400 })
    await driver.store(id, record)
    const unlock = await lockOf(database)
    await expect(driver.store(id, other)).rejects.toThrow('a write may have taken place')
    await unlock()
  })

  it('a server without limits for statements: knex gets no connection back that is still at work', async () => {
    const database = await databaseWith(blobTable)
    const instance = knexOf(settingsFor(database), {
      afterCreate: (
        connection: Parameters<typeof withoutLimits>[0],
        done: (error: null, connection: object) => void,
      ) => {
        withoutLimits(connection)
        done(null, connection)
      },
    })
    const driver = driverOf({ dbh: instance, timeout: 400 })
    await driver.store(id, record)
    const unlock = await lockOf(database)
    await expect(driver.store(id, other)).rejects.toThrow('a write may have taken place')
    expect((await instance.raw('select 1 as one'))[0]).toEqual([{ one: 1 }])
    await unlock()
  })
})

describeWith('mariadb', 'mysql: several processes', () => {
  it('of those who create a session at once, exactly one succeeds', async () => {
    const { options } = await databaseWith(blobTable)
    const outcomes = await raceToCreate({ driver: 'mysql', options }, 2, 200)
    for (const outcome of outcomes) expect(outcome).toEqual(['exists', 'stored'])
  })

  it('lose no update', async () => {
    const { options } = await databaseWith(blobTable)
    const driver = closing(options)
    await driver.store(id, Buffer.from('0'))
    await countTogether({ driver: 'mysql', options }, 2, id, 100)
    expect(String(await driver.retrieve(id))).toBe('200')
  })
})

describeWith('mariadb', 'mysql: a program that forgets close()', () => {
  it('ends by itself, and not before its statements have', async () => {
    const database = await databaseWith(blobTable)
    await closing(database.options).store('forgetful', other)
    const unlock = await lockOf(database, 'forgetful')
    const child = await startNode('t/support/forgetful-worker.ts', ['mysql', JSON.stringify(database.options)])
    await until(database, waiting(database))
    expect([child.process.exitCode, child.output()]).toEqual([null, ''])
    await unlock()
    expect(await child.done).toBe('stored')
  })
})

describeWith('mariadb', 'mysql: sessions', () => {
  it('work with every serializer on a table of createTable, and are told when text cannot hold them', async () => {
    const { options } = await databaseWith()
    for (const serialize of ['DataDumper', 'FreezeThaw', 'JSON', 'Storable', 'YAML']) {
      await using sessions = await SessionManager.create({ type: `driver:mysql;serialize:${serialize}`, ...options })
      await sessions.createTable()
      const session = await sessions.open()
      await session.param({ text: 'Zoë ☺ 😀', n: 1 }).flush()
      expect((await sessions.open({ id: session.id() })).param('text')).toBe('Zoë ☺ 😀')
    }
    const text = await databaseWith(perlTable)
    await using sessions = await SessionManager.create({ type: 'driver:mysql;serialize:Storable', ...text.options })
    const session = await sessions.open()
    await expect(session.param('a', 'é').flush()).rejects.toThrow(
      'make it a longblob, or use a serializer that writes text',
    )
  })
})
