import { createRequire } from 'node:module'
import { inspect } from 'node:util'
import { afterEach, expect, it, onTestFinished } from 'vitest'
import Pg from '../../drivers/Pg.js'
import { DriverError, OptionError, SessionManager } from '../../lib/index.js'
import { readOptions } from '../../lib/options.js'
import { driverSuite } from '../suite/driver.js'
import { startNode } from '../support/child.js'
import { countTogether, raceToCreate } from '../support/driver-processes.js'
import { Client, type PgClient, type PgPool, Pool, types } from '../support/pg-client.js'
import { newSchema, settingsFor, type TestSchema } from '../support/postgres.js'
import { describeWith } from '../support/requirements.js'

const context = { now: () => Math.floor(Date.now() / 1000), padding: false }

/** A driver with these options. */
function pg(options: object): Pg {
  return new Pg(readOptions(Pg.options, options as Record<string, unknown>), context)
}

const id = '0123456789abcdef0123456789abcdef'
const record = Buffer.from("$D = {'n' => 1};;$D")
const other = Buffer.from("$D = {'n' => 2};;$D")

/** The table as CGI::Session and Data::Session document it. */
const perlTable = 'create table sessions (id char(32) not null primary key, a_session bytea not null)'
const textTable = 'create table sessions (id char(32) not null primary key, a_session text not null)'

const opened: (() => unknown)[] = []

afterEach(async () => {
  for (const end of opened.splice(0).reverse()) await end()
})

/** Closed when the test ends. */
function closing<T extends { close(): unknown } | { end(): unknown }>(one: T): T {
  opened.push(() => ('close' in one ? one.close() : one.end()))
  return one
}

async function schemaWith(...sql: string[]): Promise<TestSchema> {
  const schema = await newSchema()
  opened.push(() => schema.drop())
  if (sql.length > 0) await schema.run(...sql)
  return schema
}

/** A driver on a table that this SQL makes, with its schema. */
async function onTable(sql: string, options: object = {}): Promise<{ driver: Pg; schema: TestSchema }> {
  const schema = await schemaWith(sql)
  return { driver: closing(pg({ ...schema.options, ...options })), schema }
}

function poolOf(schema: TestSchema, settings: object = {}): PgPool {
  return closing(new Pool(settingsFor(schema.server, settings)))
}

async function clientOf(schema: TestSchema, settings: object = {}): Promise<PgClient> {
  const client = closing(new Client(settingsFor(schema.server, settings)))
  await client.connect()
  return client
}

function knexOf({ server }: TestSchema): { destroy(): Promise<void> } {
  const knex = createRequire(import.meta.url)('knex')
  return knex({ client: 'pg', connection: settingsFor(server), pool: { min: 0, max: 4 } })
}

/** The ways to reach a database: the options of a driver, and what ends them beside its close. */
type Way = (schema: TestSchema) => Promise<{ options: object; end?: () => Promise<void> }>

const ways: Readonly<Record<string, readonly [part: string, way: Way]>> = {
  'a dbi string': ['pg', async () => ({ options: {} })],
  'a URL': [
    'postgres',
    async ({ server: { host, port, database, username, password } }) => {
      const user = `${encodeURIComponent(username)}:${encodeURIComponent(password)}`
      return { options: { dataSource: `postgres://${user}@${host}:${port}/${database}`, username: '', password: '' } }
    },
  ],
  'a Unix socket': [
    'postgres',
    async ({ server: { socketFolder, port, database } }) => ({
      options: { dataSource: `dbi:Pg:dbname=${database};port=${port}`, socket: socketFolder, password: '' },
    }),
  ],
  'statements that are not prepared': ['pg', async () => ({ options: { prepare: false } })],
  'a pool': [
    'pg',
    async (schema) => {
      const dbh = new Pool(settingsFor(schema.server))
      return { options: { dbh }, end: () => dbh.end() }
    },
  ],
  'a client': [
    'pg',
    async (schema) => {
      const dbh = new Client(settingsFor(schema.server))
      await dbh.connect()
      return { options: { dbh }, end: () => dbh.end() }
    },
  ],
  'a client of a pool': [
    'pg',
    async (schema) => {
      const pool = new Pool(settingsFor(schema.server))
      const dbh = await pool.connect()
      const end = async () => {
        dbh.release()
        await pool.end()
      }
      return { options: { dbh }, end }
    },
  ],
  'a knex instance': [
    'pg',
    async (schema) => {
      const dbh = knexOf(schema)
      return { options: { dbh }, end: () => dbh.destroy() }
    },
  ],
  'a function': [
    'pg',
    async (schema) => {
      const pool = new Pool(settingsFor(schema.server))
      return { options: { dbh: async () => pool }, end: () => pool.end() }
    },
  ],
}

function driverTests(
  part: string,
  title: string,
  way: Way,
  makeTable: (driver: Pg, schema: TestSchema) => Promise<unknown>,
) {
  describeWith(part, `Pg: ${title}`, () => {
    driverSuite({
      describe: (_title, body) => body(),
      it,
      name: 'Pg',
      open: async () => {
        const schema = await newSchema()
        const ends: (() => Promise<void>)[] = [() => schema.drop()]
        const connect = async (): Promise<Pg> => {
          const { options, end } = await way(schema)
          if (end !== undefined) ends.unshift(end)
          return pg({ ...schema.options, ...options })
        }
        const driver = await connect()
        await makeTable(driver, schema)
        const close = async () => {
          await driver.close()
          for (const end of ends) await end()
        }
        return { driver, close, peer: connect }
      },
    })
  })
}

const ourTable = (driver: Pg) => driver.createTable({ idLength: 200, expires: true })
for (const [title, [part, way]] of Object.entries(ways)) driverTests(part, title, way, ourTable)

const dbi = ways['a dbi string']![1]
driverTests('pg', 'a table without a column of expiry times', dbi, (driver) =>
  driver.createTable({ idLength: 200, expires: false }),
)
driverTests('pg', "Perl's table", dbi, (_, schema) => schema.run(perlTable.replace('32', '200')))
driverTests('pg', 'a text column', async () => ({ options: { pgText: true } }), ourTable)

describeWith('pg', 'Pg: pgText and pgBytea', () => {
  it.each([
    [{}, 'bytea', 'bytes'],
    [{ pgText: true }, 'text', 'text'],
    [{ pgBytea: false }, 'text', 'text'],
    [{ pgText: true, pgBytea: true }, 'text', 'text'],
    [{ pgText: false, pgBytea: true }, 'bytea', 'bytes'],
  ])('%j makes a column of %s', async (options, type, payload) => {
    const schema = await schemaWith()
    const driver = closing(pg({ ...schema.options, ...options }))
    expect(driver.supports.payload).toBe(payload)
    await driver.createTable({ idLength: 32, expires: false })
    const made = "select data_type from information_schema.columns where column_name = 'a_session' and table_schema ="
    expect(await schema.run(`${made} '${schema.name}'`)).toEqual([{ data_type: type }])
  })

  it('refuse a serializer that writes bytes', async () => {
    const { options } = await schemaWith()
    const type = 'driver:Pg;serialize:Storable'
    await expect(SessionManager.create({ type, ...options, pgText: true })).rejects.toThrow(/Storable/)
  })
})

describeWith('pg', 'Pg: dbh', () => {
  it('is used as it is, and stays open', async () => {
    const schema = await schemaWith(perlTable)
    const pool = poolOf(schema, { max: 1 })
    const show =
      "select name, setting from pg_settings where name in ('lock_timeout', 'statement_timeout', 'search_path')"
    const before = (await pool.query(show)).rows
    const settings = inspect((pool as unknown as { options: object }).options)
    const driver = pg({ dbh: pool, tableName: schema.options.tableName })
    expect(await driver.store(id, record)).toBe('stored')
    expect(await driver.retrieve(id)).toEqual(record)
    await driver.close()
    expect((await pool.query(show)).rows).toEqual(before)
    expect(inspect((pool as unknown as { options: object }).options)).toBe(settings)
    expect([pool.totalCount, pool.idleCount]).toEqual([1, 1])
  })

  it('gives the same whatever parsers a program has set for itself', async () => {
    const before = [16, 17, 20, 23, 25, 1042, 1043].map((type) => [type, types.getTypeParser(type)] as const)
    onTestFinished(() => {
      for (const [type, parse] of before) types.setTypeParser(type, parse)
    })
    for (const [type] of before) types.setTypeParser(type, () => 'parsed by the program')
    const schema = await schemaWith()
    for (const dbh of [poolOf(schema), await clientOf(schema)]) {
      const driver = pg({ dbh, tableName: schema.options.tableName })
      await driver.createTable({ idLength: 32, expires: true })
      await driver.store(id, record, { ttl: 10 })
      expect(await driver.retrieve(id)).toEqual(record)
      expect(await driver.store(id, other, { expect: record })).toBe('stored')
      for await (const found of driver.ids()) expect(found).toBe(id)
      await driver.remove(id)
    }
  })

  it('that is one client gets one statement at a time, so that pg has nothing to warn of', async () => {
    const schema = await schemaWith(perlTable)
    const warnings: string[] = []
    const onWarning = ({ message }: Error) => warnings.push(message)
    process.on('warning', onWarning)
    onTestFinished(() => void process.off('warning', onWarning))
    const driver = pg({ dbh: await clientOf(schema), tableName: schema.options.tableName })
    await Promise.all(Array.from({ length: 20 }, (_, n) => driver.store(`id${n}`, record)))
    expect(warnings).toEqual([])
  })

  it('that is one client goes on after a statement that failed', async () => {
    const schema = await schemaWith()
    const driver = pg({ dbh: await clientOf(schema), tableName: schema.options.tableName })
    const attempts = await Promise.allSettled([driver.retrieve(id), driver.retrieve(id)])
    expect(attempts.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    await schema.run(perlTable)
    expect(await driver.retrieve(id)).toBeUndefined()
  })

  it('that nobody connected is a clear error, and not waited for without end', async () => {
    const schema = await schemaWith(perlTable)
    const driver = pg({ dbh: new Client(settingsFor(schema.server)), timeout: 50 })
    await expect(driver.retrieve(id)).rejects.toThrow('longer than the option timeout allows')
  })

  it.each([
    ['with a limit of its own', { connectionTimeoutMillis: 50 }],
    ['without one', {}],
  ])(
    'that is a pool with all connections in use, %s, is a clear error, and nothing is written late',
    async (_, own) => {
      const schema = await schemaWith(perlTable)
      const pool = poolOf(schema, { max: 1, ...own })
      const taken = await pool.connect()
      const driver = pg({ dbh: pool, tableName: schema.options.tableName, timeout: 50 })
      await expect(driver.store(id, record)).rejects.toThrow('longer than the option timeout allows')
      taken.release()
      expect(await driver.retrieve(id)).toBeUndefined()
      expect(await driver.store(id, record)).toBe('stored')
      expect(pool.totalCount).toBe(1)
    },
  )

  it('that is a pool keeps its connections when a statement fails', async () => {
    const schema = await schemaWith('create table sessions (id uuid primary key, a_session bytea, owner int not null)')
    const pool = poolOf(schema, { max: 1 })
    const pids: unknown[] = []
    ;(pool as unknown as { on(event: 'connect', listener: (client: { processID: number }) => void): void }).on(
      'connect',
      ({ processID }) => pids.push(processID),
    )
    const driver = pg({ dbh: pool, tableName: schema.options.tableName })
    for (let n = 0; n < 3; n++) {
      await expect(driver.store('6ba7b810-9dad-11d1-80b4-00c04fd430c8', record)).rejects.toThrow('23502')
    }
    expect([pids.length, pool.totalCount, pool.idleCount]).toEqual([1, 1, 1])
  })

  it('that is a pool which was ended says so', async () => {
    const schema = await schemaWith(perlTable)
    const pool = new Pool(settingsFor(schema.server))
    await pool.end()
    await expect(pg({ dbh: pool }).retrieve(id)).rejects.toThrow('the connection failed or ended')
  })

  it('that another kind of thing is refused', async () => {
    for (const dbh of [{}, { query: () => 0, execute: () => 0, connect: () => 0 }]) {
      await expect(pg({ dbh }).retrieve(id)).rejects.toThrow("Option 'dbh' must be a live client or pool of driver:Pg")
    }
  })

  it('may be PGlite', async () => {
    const { PGlite } = await import('@electric-sql/pglite')
    const db = closing(await PGlite.create())
    const driver = pg({ dbh: db })
    await driver.createTable({ idLength: 32, expires: true })
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))
    expect(await driver.store(id, bytes, { ttl: 10, expect: null })).toBe('stored')
    expect(await driver.store(id, bytes, { expect: null })).toBe('exists')
    expect(Buffer.compare((await driver.retrieve(id))!, bytes)).toBe(0)
    expect(await driver.store(id, other, { expect: record })).toBe('conflict')
    expect(await driver.store(id, other, { expect: bytes })).toBe('stored')
    await db.query("set bytea_output = 'escape'")
    await driver.store(id, bytes)
    expect(Buffer.compare((await driver.retrieve(id))!, bytes)).toBe(0)
    expect([await driver.remove(id), await driver.remove(id)]).toEqual([true, false])
  })
})

describeWith('postgres', 'Pg: transactions of a client', () => {
  it('are not ended by a session that exists already', async () => {
    const schema = await schemaWith(perlTable)
    const client = await clientOf(schema)
    const driver = pg({ dbh: client, tableName: schema.options.tableName })
    await client.query('begin')
    expect(await driver.store(id, record, { expect: null })).toBe('stored')
    expect(await driver.store(id, other, { expect: null })).toBe('exists')
    expect(await driver.store(id, other, { expect: record })).toBe('stored')
    await client.query('commit')
    expect(await driver.retrieve(id)).toEqual(other)
  })
})

describeWith('postgres', 'Pg: prepared statements', () => {
  /** The names of the statements that a connection has prepared. */
  const prepared = async (client: PgClient) =>
    (await client.query('select name from pg_prepared_statements order by name')).rows.map(({ name }) => name)

  it('are prepared once a connection, for all managers; or not at all', async () => {
    const schema = await schemaWith(perlTable)
    const client = await clientOf(schema)
    const { tableName } = schema.options
    await pg({ dbh: client, tableName, prepare: false }).retrieve(id)
    expect(await prepared(client)).toEqual([])
    for (let turn = 0; turn < 3; turn++) await pg({ dbh: client, tableName }).retrieve(id)
    expect(await prepared(client)).toEqual([expect.stringMatching(/^data_session_[0-9a-f]{16}$/)])
  })

  it('of a table that was altered since are prepared anew', async () => {
    const schema = await schemaWith(textTable)
    for (const dbh of [await clientOf(schema), poolOf(schema, { max: 1 })]) {
      const driver = pg({ dbh, tableName: schema.options.tableName })
      await driver.store(id, record)
      expect(await driver.retrieve(id)).toEqual(record)
      await schema.run("alter table sessions alter a_session type bytea using convert_to(a_session, 'UTF8')")
      expect(await driver.retrieve(id)).toEqual(record)
      expect(await driver.retrieve(id)).toEqual(record)
      await schema.run("alter table sessions alter a_session type text using convert_from(a_session, 'UTF8')")
      expect(await driver.retrieve(id)).toEqual(record)
    }
  })

  it('that somebody discarded, as poolers do, are done without', async () => {
    const schema = await schemaWith(perlTable)
    const client = await clientOf(schema)
    const driver = pg({ dbh: client, tableName: schema.options.tableName })
    await driver.store(id, record)
    await client.query('deallocate all')
    expect(await driver.store(id, other)).toBe('stored')
    expect(await driver.retrieve(id)).toEqual(other)
    expect(await prepared(client)).toEqual([])
  })

  it('that another client of the same connection prepared are done without', async () => {
    const schema = await schemaWith(perlTable)
    const client = await clientOf(schema)
    const { tableName } = schema.options
    await pg({ dbh: client, tableName }).retrieve(id)
    // What pg knows of a connection, as the next client of a pooler would not know it.
    const { connection } = client as unknown as { connection: Record<string, object> }
    connection.parsedStatements = {}
    connection.submittedNamedStatements = {}
    expect(await pg({ dbh: client, tableName }).retrieve(id)).toBeUndefined()
  })
})

describeWith('postgres', 'Pg: statements', () => {
  it('are one for an open and one for a flush', async () => {
    const schema = await schemaWith(perlTable)
    const said: string[] = []
    class Recording extends (Client as new (settings: object) => PgClient) {
      override query(request: { text?: string }, ...more: unknown[]): never {
        said.push(String(request.text ?? request).slice(0, 6))
        return super.query(request, ...(more as [])) as never
      }
    }
    const dbh = poolOf(schema, { Client: Recording })
    await using sessions = await SessionManager.create({ type: 'driver:Pg', dbh, tableName: schema.options.tableName })
    const created = await sessions.open()
    await created.param('a', 1).flush()
    const work = async (does: () => Promise<unknown>): Promise<string[]> => {
      said.length = 0
      await does()
      return [...said]
    }
    const session = await sessions.open({ id: created.id() })
    expect(await work(() => sessions.open({ id: created.id() }))).toEqual(['select'])
    expect(await work(() => session.param('a', 2).flush())).toEqual(['update'])
    expect(await work(() => session.param('a', 3).flush())).toEqual(['update'])
    expect(await work(async () => (await sessions.open()).param('b', 1).flush())).toEqual(['insert'])
    expect(await work(() => session.delete())).toEqual(['delete'])
  })
})

describeWith('postgres', 'Pg: the connection', () => {
  /** No part of the error that a program may print or log has the password. */
  const fails = async (options: object, ...secrets: string[]): Promise<string> => {
    const error = await pg({ timeout: 2000, ...options })
      .retrieve(id)
      .then(
        () => undefined,
        (error: unknown) => error,
      )
    expect(error).toBeInstanceOf(DriverError)
    for (const secret of [id, ...secrets]) expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(secret)
    return (error as Error).message
  }

  it('that is refused says what to check', async () => {
    const { options, server } = await schemaWith()
    expect(await fails({ ...options, password: 'not-the-word' }, 'not-the-word')).toMatch(
      /user, password or rights.*28P01/,
    )
    expect(await fails({ ...options, password: '' })).toMatch(/user, password or rights/)
    const { username, password } = options
    const elsewhere = `dbi:Pg:host=${server.host};port=${server.port};dbname=no_such_database`
    expect(await fails({ username, password, dataSource: elsewhere }, password)).toMatch(
      /no such database.*dataSource.*3D000/,
    )
    const nobody = `dbi:Pg:dbname=x;host=127.0.0.1;port=1`
    expect(await fails({ username, password, dataSource: nobody }, password)).toMatch(
      /is the server running.*dataSource, host, port or socket.*ECONNREFUSED/,
    )
    expect(await fails({ username, password, dataSource: 'dbi:Pg:dbname=x', socket: '/no/such/folder' })).toMatch(
      /dataSource, host, port or socket.*ENOENT/,
    )
  })

  it('is looked for on this machine where no host is named', async () => {
    const { options, server } = await schemaWith(perlTable)
    const driver = closing(pg({ ...options, dataSource: `dbi:Pg:dbname=${server.database};port=${server.port}` }))
    expect(await driver.retrieve(id)).toBeUndefined()
  })

  it('has the options and the application_name of the data source', async () => {
    const schema = await schemaWith(perlTable)
    const { dataSource, ...rest } = schema.options
    const more = `;options='-c search_path=${schema.name}';application_name=shop ${schema.name}`
    const driver = closing(pg({ ...rest, dataSource: dataSource + more, tableName: 'sessions' }))
    await driver.store(id, record)
    expect(await schema.run('select count(*)::int as n from sessions')).toEqual([{ n: 1 }])
    const known = `select count(*)::int as n from pg_stat_activity where application_name = 'shop ${schema.name}'`
    expect(await schema.run(known)).toEqual([{ n: 1 }])
  })

  it('is one of several, as dataSourceAttr says', async () => {
    const schema = await schemaWith(perlTable)
    const dataSourceAttr = { max: 3, application_name: schema.name, AutoCommit: 1 }
    const driver = closing(pg({ ...schema.options, dataSourceAttr }))
    await Promise.all(Array.from({ length: 20 }, (_, n) => driver.store(`id${n}`, record)))
    const known = `select count(*)::int as n from pg_stat_activity where application_name = '${schema.name}'`
    expect(await schema.run(known)).toEqual([{ n: 3 }])
  })

  it('that the server ends while it is idle is replaced, and the process lives on', async () => {
    const schema = await schemaWith(perlTable)
    let hear: (() => void) | undefined
    const heard = new Promise<void>((resolve) => {
      hear = resolve
    })
    const thrown: unknown[] = []
    // A pool without a listener throws what a connection says.
    class Listening extends (Client as new (settings: object) => PgClient & { emit(...event: unknown[]): boolean }) {
      override emit(...event: unknown[]): boolean {
        try {
          return super.emit(...event)
        } catch (error) {
          return thrown.push(error) > 0
        } finally {
          if (event[0] === 'end') hear!()
        }
      }
    }
    const dataSourceAttr = { application_name: schema.name, max: 1, Client: Listening }
    const driver = closing(pg({ ...schema.options, dataSourceAttr }))
    await driver.store(id, record)
    const known = `from pg_stat_activity where application_name = '${schema.name}'`
    expect(await schema.run(`select pg_terminate_backend(pid, 5000) as ended ${known}`)).toEqual([{ ended: true }])
    await heard
    expect(thrown.map(String)).toEqual([])
    expect(await driver.retrieve(id)).toEqual(record)
  })

  it('that the server ends in the middle is a clear error, and the next call works', async () => {
    const schema = await schemaWith(perlTable)
    const driver = closing(pg({ ...schema.options, dataSourceAttr: { application_name: schema.name, max: 1 } }))
    await driver.store(id, record)
    const holder = await clientOf(schema)
    await holder.query('begin')
    await holder.query(`lock table ${schema.options.tableName}`)
    const write = driver.store(id, other).catch((error: unknown) => error)
    const ended = `select pg_terminate_backend(pid) from pg_stat_activity where application_name = '${schema.name}' and wait_event_type = 'Lock'`
    while ((await schema.run(ended)).length === 0);
    expect(await write).toMatchObject({
      code: 'ERR_SESSION_DRIVER',
      message: expect.stringMatching(/cannot store session \S+: the connection failed or ended/),
    })
    await holder.query('rollback')
    expect(await driver.retrieve(id)).toEqual(record)
    expect(await driver.store(id, other)).toBe('stored')
  })

  it('does not keep a script alive that forgets to close it', async () => {
    const schema = await schemaWith(perlTable)
    const script = await startNode('t/support/forgetful-worker.ts', ['Pg', JSON.stringify(schema.options)])
    const began = Date.now()
    expect(await script.done).toBe('stored')
    // pg closes idle connections after ten seconds anyway.
    expect(Date.now() - began).toBeLessThan(8000)
  })

  it('with an sslmode that is none is refused at once', () => {
    expect(() => pg({ dataSource: 'dbi:Pg:dbname=x;sslmode=yes' })).toThrow(OptionError)
    expect(() => pg({ dataSource: 'dbi:Pg:dbname=x;sslmode=verify-ca;sslrootcert=/no/such/file' })).toThrow(
      'sslrootcert',
    )
  })
})

describeWith('postgres-tls', 'Pg: sslmode', () => {
  /** Is a connection with these attributes encrypted? Or why is there none? */
  async function encrypted(host: string, attributes: string, more: object = {}): Promise<boolean | string> {
    const schema = await schemaWith(perlTable)
    const { database, port } = schema.server
    const dataSource = `dbi:Pg:dbname=${database};host=${host};port=${port};application_name=${schema.name}${attributes}`
    const driver = closing(pg({ ...schema.options, dataSource, dataSourceAttr: more }))
    try {
      await driver.retrieve(id)
    } catch (error) {
      return (error as Error).message
    }
    const known = `from pg_stat_ssl join pg_stat_activity using (pid) where application_name = '${schema.name}'`
    return (await schema.run(`select ssl ${known}`))[0]!.ssl as boolean
  }

  it('says whether a connection is encrypted, and what is checked, as libpq has it', async () => {
    const { server } = await schemaWith()
    const known = `;sslrootcert=${server.certificate}`
    expect(await encrypted('127.0.0.1', '')).toBe(false)
    expect(await encrypted('127.0.0.1', ';sslmode=disable')).toBe(false)
    expect(await encrypted('127.0.0.1', ';sslmode=prefer')).toBe(false)
    expect(await encrypted('127.0.0.1', ';sslmode=require')).toBe(true)
    expect(await encrypted('127.0.0.1', `;sslmode=verify-ca${known}`)).toBe(true)
    expect(await encrypted('localhost', `;sslmode=verify-full${known}`)).toBe(true)
    const refused = /encryption that was asked for \(sslmode.*certificate does not fit \(/
    expect(await encrypted('127.0.0.1', `;sslmode=verify-full${known}`)).toMatch(refused)
    expect(await encrypted('localhost', ';sslmode=verify-full')).toMatch(refused)
    expect(await encrypted('localhost', ';sslmode=verify-ca')).toMatch(refused)
    expect(await encrypted('127.0.0.1', '', { ssl: { rejectUnauthorized: false } })).toBe(true)
  })
})

describeWith('pg', 'Pg: the table', () => {
  it('that is missing is told, with what makes it', async () => {
    const { options } = await schemaWith()
    await using sessions = await SessionManager.create({ type: 'driver:Pg', ...options })
    const session = await sessions.open()
    await expect(session.param('a', 1).flush()).rejects.toThrow(
      /there is no table "data_session\w+"\."sessions".*createTable/,
    )
    await sessions.createTable()
    expect(await session.flush()).toBe(true)
    expect((await sessions.open({ id: session.id() })).param('a')).toBe(1)
  })

  it('has the names of the options, folded as PostgreSQL does it unless they are quoted', async () => {
    const schema = await schemaWith('create table sessions (id varchar(40) primary key, a_session bytea)')
    const folded = closing(
      pg({ ...schema.options, tableName: `${schema.name}.SESSIONS`, idColName: 'ID', dataColName: 'A_Session' }),
    )
    expect(await folded.store(id, record)).toBe('stored')
    const quoted = {
      tableName: `${schema.name}."drop table; -- My.Table"`,
      idColName: '"a ""quoted"" Id"',
      dataColName: '"the data?"',
      expiresColName: `"it's over"`,
    }
    const driver = closing(pg({ ...schema.options, ...quoted }))
    await driver.createTable({ idLength: 40, expires: true })
    await driver.createTable({ idLength: 40, expires: true })
    expect(await driver.store(id, record, { ttl: 100, expect: null })).toBe('stored')
    expect(await driver.store(id, other, { ttl: 100, expect: record })).toBe('stored')
    const row = 'select "a ""quoted"" Id" as id, "it\'s over" > 0 as dated from "drop table; -- My.Table"'
    expect(await schema.run(row)).toEqual([{ id, dated: true }])
    expect(await driver.remove(id)).toBe(true)
  })

  it('may be a view', async () => {
    const { driver, schema } = await onTable(
      `create table web (id varchar(32) primary key, a_session bytea, expires bigint, secret text);
      create view sessions as select id, a_session, expires from web`,
    )
    await driver.store(id, record)
    expect(await driver.store(id, other, { ttl: 10, expect: null })).toBe('exists')
    expect(await driver.store(id, other, { ttl: 10, expect: record })).toBe('stored')
    expect(await driver.store(id, record, { ttl: 10 })).toBe('stored')
    expect(await schema.run('select count(*)::int as n from web where expires > 0')).toEqual([{ n: 1 }])
    await expect(driver.store('x'.repeat(33), record)).rejects.toThrow('its column holds 32')
  })

  it('without a primary key is refused, so that no session gets two rows', async () => {
    const { driver } = await onTable('create table sessions (id text, a_session bytea)')
    await expect(driver.store(id, record, { expect: null })).rejects.toThrow('make it the primary key')
    await expect(driver.store(id, record)).rejects.toThrow('make it the primary key')
  })

  it('with a primary key that is deferrable is refused', async () => {
    const { driver } = await onTable('create table sessions (id text primary key deferrable, a_session bytea)')
    await expect(driver.store(id, record, { expect: null })).rejects.toThrow(/a deferrable one.*55000/)
    await expect(driver.store(id, record)).rejects.toThrow(/a deferrable one.*55000/)
  })

  it('with a column called expires that is no number is Perl’s table, and that column is left alone', async () => {
    const { driver, schema } = await onTable(
      "create table sessions (id text primary key, a_session bytea, expires timestamptz default '2000-01-01Z')",
    )
    await driver.store(id, record, { ttl: 100 })
    expect(await schema.run('select extract(year from expires)::int as year from sessions')).toEqual([{ year: 2000 }])
  })

  it('that got the column of expiry times later is used after createTable', async () => {
    const { driver, schema } = await onTable(perlTable)
    await driver.store(id, record, { ttl: 100 })
    await driver.createTable({ idLength: 32, expires: true })
    await driver.store(id, other, { ttl: 100 })
    expect(await schema.run('select expires > 0 as known from sessions')).toEqual([{ known: true }])
  })

  it('holds ids and records up to the lengths of its columns, and says so before it writes', async () => {
    const { driver } = await onTable('create table sessions (id char(5) primary key, a_session varchar(10))')
    expect(await driver.store('abcde', Buffer.from('x'.repeat(10)))).toBe('stored')
    await expect(driver.store('abcdef', record)).rejects.toThrow('the id has 6 characters, and its column holds 5')
    await expect(driver.store('abc', Buffer.from('x'.repeat(11)))).rejects.toThrow('11 bytes, and its column holds 10')
  })

  it('may have a domain of bytes for its records', async () => {
    const { driver } = await onTable(
      'create domain bytes as bytea; create domain short as varchar(8); create table sessions (id short primary key, a_session bytes)',
    )
    const bytes = Buffer.from([0, 0xff, 0x80])
    expect(await driver.store('a', bytes)).toBe('stored')
    expect(await driver.retrieve('a')).toEqual(bytes)
    expect(await driver.store('a', record, { expect: bytes })).toBe('stored')
    await expect(driver.store('123456789', record)).rejects.toThrow('its column holds 8')
  })
})

describeWith('pg', 'Pg: types of columns', () => {
  it('a domain of a domain is what it is made of', async () => {
    const { driver } = await onTable(
      `create domain bytes as bytea; create domain more as bytes; create domain most as more;
      create domain short as varchar(8); create domain name_of as short check (value <> '');
      create table sessions (id name_of primary key, a_session most)`,
    )
    const bytes = Buffer.from([0, 0xff, 0x80])
    expect(await driver.store('a', bytes)).toBe('stored')
    expect(await driver.store('a', record, { expect: bytes })).toBe('stored')
    await expect(driver.store('123456789', record)).rejects.toThrow('its column holds 8')
  })

  it.each([
    ['json', 'json'],
    ['jsonb', 'jsonb'],
    ['char(100)', 'bpchar'],
  ])('a %s column for records is refused', async (type, name) => {
    const { driver, schema } = await onTable(`create table sessions (id text primary key, a_session ${type})`)
    await expect(driver.store(id, Buffer.from('{"a":1}'))).rejects.toThrow(
      `the column a_session is a ${name}, which the database cannot compare as it was written: make it a bytea or text`,
    )
    expect(await schema.run('select * from sessions')).toEqual([])
  })

  it('a column that is altered while it is in use is looked at again, as an earlier message told', async () => {
    const { driver, schema } = await onTable('create table sessions (id varchar(4) primary key, a_session text)')
    expect(await driver.store('a', record)).toBe('stored')
    await expect(driver.store(id, record)).rejects.toThrow('its column holds 4')
    await schema.run('alter table sessions alter column id type varchar(64)')
    expect(await driver.store(id, record, { expect: null })).toBe('stored')
    await expect(driver.store(id, Buffer.from([0, 255]))).rejects.toThrow('make it a bytea')
    await schema.run("alter table sessions alter column a_session type bytea using convert_to(a_session, 'UTF8')")
    const escaped = Buffer.from('{"a":"back\\\\slash \\101"}')
    expect(await driver.store(id, escaped, { expect: record })).toBe('stored')
    expect(Buffer.from((await driver.retrieve(id))!)).toEqual(escaped)
  })

  it('a column that became a binary one is never given text', async () => {
    const { driver, schema } = await onTable('create table sessions (id text primary key, a_session text)')
    const escaped = Buffer.from('{"a":"back\\\\slash \\101"}')
    await driver.store(id, record)
    await schema.run("alter table sessions alter column a_session type bytea using convert_to(a_session, 'UTF8')")
    const outcome = await driver.store('b', escaped, { expect: null }).catch((error) => error)
    // Refused once, by the database; the next attempt knows the column.
    if (outcome !== 'stored') expect(outcome).toBeInstanceOf(DriverError)
    await driver.store('b', escaped)
    expect(Buffer.from((await driver.retrieve('b'))!)).toEqual(escaped)
  })

  it.each([
    ['uuid', '6ba7b810-9dad-11d1-80b4-00c04fd430c8'],
    ['bigint', '12'],
  ])('an id that a column of %s cannot hold is no session', async (type, good) => {
    const { driver } = await onTable(`create table sessions (id ${type} primary key, a_session bytea)`)
    expect(await driver.store(good, record)).toBe('stored')
    for (const garbage of ['garbage', '9'.repeat(40), '12x']) {
      expect(await driver.retrieve(garbage), garbage).toBeUndefined()
      expect(await driver.remove(garbage), garbage).toBe(false)
      expect(await driver.remove(garbage, { expect: record }), garbage).toBe(false)
    }
    await expect(driver.store('garbage', record)).rejects.toThrow(DriverError)
    expect(await driver.retrieve(good)).toEqual(record)
  })

  it.each([
    ['bigint', 'n'],
    ['citext', "case when n % 2 = 0 then 'a' else 'B' end || n"],
  ])('ids in a column of %s are listed once each, and purged', async (type, value) => {
    const schema = await schemaWith()
    if (type === 'citext') {
      const known = await schema.run("select 1 from pg_available_extensions where name = 'citext'")
      if (known.length === 0)
        return console.warn('skipped: ids in a column of citext: the server has no such extension')
      await schema.run('create extension if not exists citext with schema public')
    }
    const column = type === 'citext' ? 'public.citext' : type
    await schema.run(
      `create table sessions (id ${column} primary key, a_session bytea, expires bigint)`,
      `insert into sessions select ${value}, 'x', 1 from generate_series(1, 1500) n`,
    )
    const driver = closing(pg(schema.options))
    const ids: string[] = []
    for await (const one of driver.ids()) ids.push(one)
    expect([ids.length, new Set(ids).size]).toEqual([1500, 1500])
    let purged = 0
    for await (const due of driver.possiblyExpired(2)) {
      if (await driver.remove(due.id, { expect: due.record })) purged++
    }
    expect(purged).toBe(1500)
  })
})

describeWith('pg', 'Pg: what the table refuses', () => {
  it.each([
    ['not null', 'a_session bytea, owner int not null'],
    ['check', 'a_session bytea, constraint small check (length(a_session) < 5)'],
    ['foreign key', 'a_session bytea, owner int default 1 references owners (id)'],
  ])('by a constraint is told: %s', async (_, columns) => {
    const { driver } = await onTable(
      `create table owners (id int primary key); create table sessions (id text primary key, ${columns})`,
    )
    await expect(driver.store(id, record)).rejects.toThrow(/a constraint, a trigger or a function of the table refused/)
  })

  it('by a trigger is told, without what the trigger says', async () => {
    const { driver } = await onTable(
      `create table sessions (id text primary key, a_session bytea);
      create function refuse() returns trigger language plpgsql as 'begin raise exception ''no: %'', new.a_session; end';
      create trigger refuse before insert on sessions for each row execute function refuse()`,
    )
    const error = await driver.store(id, record).catch((error: unknown) => error)
    expect((error as Error).message).toMatch(/a constraint, a trigger or a function.*P0001/)
    expect(inspect(error, { depth: 9 })).not.toContain(record.toString('hex'))
  })
})

describeWith('pg', 'Pg: ids and records are compared by their bytes', () => {
  it('a char(n) column neither gives the blanks that fill it up, nor finds an id with more of them', async () => {
    const { driver } = await onTable(perlTable)
    await driver.store('abc', record)
    const ids: string[] = []
    for await (const one of driver.ids()) ids.push(one)
    expect(ids).toEqual(['abc'])
    expect(await driver.retrieve('abc  ')).toBeUndefined()
    expect(await driver.remove('abc  ')).toBe(false)
    await expect(driver.store('abc  ', other)).rejects.toThrow('ends in a blank')
    expect(await driver.retrieve('abc')).toEqual(record)
  })

  it('what Perl wrote into a text column is read, expected and replaced as Perl has it', async () => {
    const { driver, schema } = await onTable(textTable)
    const texts = { latin: 'caf\xe9 \xff', utf8: 'caf\xc3\xa9', wide: 'caf\xe9 \u263a \u{1f600}', case: 'ABC' }
    for (const [name, text] of Object.entries(texts)) {
      await schema.run(`insert into sessions values ('${name}', '${text}')`)
    }
    const bytes = {
      latin: Buffer.from(texts.latin, 'latin1'),
      utf8: Buffer.from('café'),
      wide: Buffer.from(texts.wide),
      case: Buffer.from('ABC'),
    }
    for (const [name, expected] of Object.entries(bytes)) {
      expect(await driver.retrieve(name), name).toEqual(expected)
      expect(await driver.store(name, record, { expect: other }), name).toBe('conflict')
      expect(await driver.store(name, record, { expect: expected }), name).toBe('stored')
    }
  })

  it('what a text column cannot hold, or Perl could not read back, is refused, and the old record stays', async () => {
    const { driver } = await onTable(textTable)
    await driver.store(id, record)
    for (const bytes of ['a\0b', 'caf\xe9', 'caf\xc3\xa9', '\xff']) {
      const attempt = driver.store(id, Buffer.from(bytes, 'latin1'))
      await expect(attempt).rejects.toThrow(/not ASCII text, and its column holds text only: make it a bytea/)
    }
    expect(await driver.retrieve(id)).toEqual(record)
  })

  it('an empty record is none, as for Perl', async () => {
    for (const table of [perlTable, textTable]) {
      const { driver, schema } = await onTable(table)
      await schema.run(`insert into sessions values ('${id}', '')`)
      expect(await driver.store(id, record, { expect: other })).toBe('gone')
      expect(await driver.store(id, record, { expect: null })).toBe('stored')
      expect(await driver.retrieve(id)).toEqual(record)
    }
  })

  it('a column of UUIDs takes those that it gives back as they were', async () => {
    const { driver } = await onTable('create table sessions (id uuid primary key, a_session bytea)')
    const uuid = '6ba7b810-9dad-11d1-80b4-00c04fd430c8'
    expect(await driver.store(uuid, record)).toBe('stored')
    expect(await driver.store(uuid, other, { expect: record })).toBe('stored')
    expect(await driver.retrieve(uuid)).toEqual(other)
    for (const changed of [uuid.toUpperCase(), `{${uuid}}`, uuid.replaceAll('-', '')]) {
      await expect(driver.store(changed, record)).rejects.toThrow('UUIDs in lower case only')
    }
    expect(await driver.remove(uuid)).toBe(true)
  })
})

describeWith('postgres', 'Pg: collations', () => {
  const collation = "create collation loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false)"

  it('that take abc for ABC never give, overwrite or remove one for the other', async () => {
    const { driver } = await onTable(
      `${collation}; create table sessions (id text collate loose primary key, a_session text collate loose)`,
    )
    await driver.store('abc', record)
    expect(await driver.retrieve('ABC')).toBeUndefined()
    expect(await driver.remove('ABC')).toBe(false)
    expect(await driver.remove('ABC', { expect: record })).toBe(false)
    expect(await driver.store('ABC', other, { expect: record })).toBe('gone')
    await expect(driver.store('ABC', other)).rejects.toThrow('ignores case or blanks')
    await expect(driver.store('ABC', other, { expect: null })).rejects.toThrow('ignores case or blanks')
    const upper = Buffer.from(record.toString().toUpperCase())
    expect(await driver.store('abc', other, { expect: upper })).toBe('conflict')
    expect(await driver.remove('abc', { expect: upper })).toBe(false)
    expect(await driver.retrieve('abc')).toEqual(record)
    expect(await driver.store('abc', other, { expect: record })).toBe('stored')
  })

  it.each(['"en-x-icu"', '"C"', 'loose'])('that sort in their own way lose no id: %s', async (name) => {
    const { driver, schema } = await onTable(
      `${collation}; create table sessions (id text collate ${name} primary key, a_session bytea, expires bigint)`,
    )
    // More than two pages, with marks that languages ignore or sort elsewhere.
    await schema.run(
      "insert into sessions select chr(97 + n % 26) || repeat('-', n % 3) || n || chr(65 + n % 7), 'x' from generate_series(1, 1200) n",
    )
    const ids = new Set<string>()
    for await (const one of driver.ids()) ids.add(one)
    const due = new Set<string>()
    for await (const one of driver.possiblyExpired(0)) due.add(one.id)
    expect([ids.size, due.size]).toEqual([1200, 1200])
  })
})

describeWith('postgres', 'Pg: databases in other encodings', () => {
  it.each(['LATIN1', 'UTF8', 'WIN1252'])(
    'records of UTF-8 that Perl wrote as bytes are expected and replaced: %s',
    async (encoding) => {
      const schema = await schemaWith()
      const database = `${schema.name}_encoded`
      const admin = await clientOf(schema)
      await admin.query(`create database ${database} encoding '${encoding}' template template0 locale 'C'`)
      opened.push(async () => {
        const last = new Client(settingsFor(schema.server))
        await last.connect()
        await last.query(`drop database ${database} with (force)`)
        await last.end()
      })
      const pool = poolOf(schema, { database })
      await pool.query(textTable)
      const driver = pg({ dbh: pool })
      // A and its kin stand at the same places in all three.
      const bytes = Buffer.from('\u00e0\u0442')
      const text = encoding === 'WIN1252' ? '\u00c3\u00a0' : bytes.toString('latin1')
      await pool.query('insert into sessions values ($1, $2)', [id, text])
      const found = (await driver.retrieve(id))!
      expect(Buffer.from(found).toString('latin1')).toBe(text)
      expect(await driver.store(id, record, { expect: other })).toBe('conflict')
      expect(await driver.store(id, record, { expect: found })).toBe('stored')
      expect(await driver.remove(id, { expect: record })).toBe(true)
    },
  )
})

describeWith('postgres', 'Pg: trouble', () => {
  const lock = ({ options }: TestSchema) => `begin; lock table ${options.tableName}`

  it('bytes in the old escape form are read', async () => {
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))
    const { options } = await schemaWith(perlTable)
    const dataSource = `${options.dataSource};options='-c bytea_output=escape'`
    const driver = closing(pg({ ...options, dataSource }))
    await driver.store(id, bytes)
    expect(Buffer.compare((await driver.retrieve(id))!, bytes)).toBe(0)
    const slashes = Buffer.from('\\ \\\\ \\000 \\x41 \\')
    await driver.store(id, slashes)
    expect((await driver.retrieve(id))!.toString()).toBe(slashes.toString())
  })

  it('a lock of somebody else is waited for', async () => {
    const { driver, schema } = await onTable(perlTable)
    const holder = await clientOf(schema)
    await holder.query(lock(schema))
    let isStored = false
    const write = driver.store(id, record).then((outcome) => {
      isStored = true
      return outcome
    })
    const waiting = `select 1 from pg_locks where not granted and relation = '${schema.options.tableName}'::regclass`
    while ((await schema.run(waiting)).length === 0);
    expect(isStored).toBe(false)
    await holder.query('commit')
    expect(await write).toBe('stored')
  })

  it('a lock that lasts longer than the option timeout is a clear error, nothing is lost, and nothing is written late', async () => {
    const schema = await schemaWith(perlTable)
    const holder = await clientOf(schema)
    await using sessions = await SessionManager.create({ type: 'driver:Pg', ...schema.options, timeout: 100 })
    const session = await sessions.open()
    session.param('a', 1)
    await holder.query(lock(schema))
    await expect(session.flush()).rejects.toMatchObject({
      code: 'ERR_SESSION_LOCK_TIMEOUT',
      message: expect.stringMatching(/others held a lock.*55P03/),
    })
    await holder.query('commit')
    expect(await schema.run('select * from sessions')).toEqual([])
    expect(await session.flush()).toBe(true)
    expect((await sessions.open({ id: session.id() })).param('a')).toBe(1)
  })

  it('a statement that takes too long is given up by the server, and the connection goes on', async () => {
    const { driver, schema } = await onTable(perlTable, { timeout: 100, dataSourceAttr: { max: 1 } })
    await schema.run(
      `create function slow() returns trigger language plpgsql as 'begin perform pg_sleep(30); return new; end';
      create trigger slow before insert on sessions for each row execute function slow()`,
    )
    await expect(driver.store(id, record)).rejects.toThrow(/longer than the option timeout allows \(57014\)/)
    expect(await driver.retrieve(id)).toBeUndefined()
    await schema.run('drop trigger slow on sessions')
    expect(await driver.store(id, record)).toBe('stored')
  })

  it.each([
    ['over a pool of the user', (schema: TestSchema) => ({ dbh: poolOf(schema) })],
    [
      'over a pool of the user at a socket',
      ({ server }: TestSchema) => {
        const { socketFolder: host, port, username: user, database } = server
        return { dbh: closing(new Pool({ host, port, user, database })) }
      },
    ],
    ['where nothing is prepared', () => ({ prepare: false })],
  ])('a write that waits for a lock for too long is given up by the server: %s', async (_, more) => {
    const schema = await schemaWith(perlTable)
    const driver = closing(pg({ ...schema.options, ...more(schema), timeout: 100 }))
    await driver.store(id, record)
    const holder = await clientOf(schema)
    await holder.query('begin')
    await holder.query(`select * from ${schema.options.tableName} for update`)
    await expect(driver.store(id, other)).rejects.toThrow(/longer than the option timeout allows \(57014\)/)
    const waiting = `select 1 from pg_locks where not granted and relation = '${schema.options.tableName}'::regclass`
    expect(await schema.run(waiting)).toEqual([])
    await holder.query('rollback')
    expect(await driver.retrieve(id)).toEqual(record)
    expect(await driver.store(id, other)).toBe('stored')
  })

  it('what waits for the one client of the user for too long is never sent, and a write says that it may take place', async () => {
    const schema = await schemaWith(perlTable)
    const client = await clientOf(schema)
    const driver = pg({ dbh: client, tableName: schema.options.tableName, timeout: 100 })
    await driver.store(id, record)
    const holder = await clientOf(schema)
    await holder.query('begin')
    await holder.query(`select * from ${schema.options.tableName} for update`)
    const said: unknown[] = []
    const query = client.query.bind(client)
    client.query = (...request) => {
      said.push(request)
      return query(...request)
    }
    const sent = driver.store(id, other).catch((error: unknown) => error)
    await expect(driver.retrieve('next')).rejects.toThrow(/longer than the option timeout allows.*ETIMEDOUT/)
    await expect(driver.store('next', record)).rejects.toThrow(/longer than the option timeout allows.*ETIMEDOUT/)
    expect(await sent).toMatchObject({ message: expect.stringMatching(/no answer came.*a write may have taken place/) })
    expect(said.length).toBe(1)
    // It waits in pg's queue now, which drops it in time.
    await expect(driver.store('next', record)).rejects.toThrow('no answer came')
    await holder.query('rollback')
    while (Buffer.compare((await driver.retrieve(id))!, other) !== 0);
    expect(await schema.run('select count(*)::int as n from sessions')).toEqual([{ n: 1 }])
  })

  it('a server that accepts no writes is read, and a write says so', async () => {
    const { options, run } = await schemaWith(perlTable)
    const writer = closing(pg(options))
    await writer.store(id, record)
    const dataSource = `${options.dataSource};options='-c default_transaction_read_only=on'`
    const driver = closing(pg({ ...options, dataSource }))
    expect(await driver.retrieve(id)).toEqual(record)
    await expect(driver.store(id, other)).rejects.toThrow(/read-only for this process.*25006/)
    await expect(driver.remove(id)).rejects.toThrow('read-only')
    expect(await run('select count(*)::int as n from sessions')).toEqual([{ n: 1 }])
  })

  it('rights that are missing are told', async () => {
    const { options, name, run } = await schemaWith(perlTable)
    await run(`create role ${name} login password 'of the test'`)
    opened.push(() => run(`drop owned by ${name}; drop role ${name}`))
    const driver = closing(pg({ ...options, username: name, password: 'of the test' }))
    await expect(driver.retrieve(id)).rejects.toThrow(/user, password or rights.*42501/)
    await run(`grant usage on schema ${name} to ${name}; grant select on sessions to ${name}`)
    expect(await driver.retrieve(id)).toBeUndefined()
    await expect(driver.store(id, record)).rejects.toThrow(/user, password or rights.*42501/)
  })

  it('processes that create the same sessions at once', async () => {
    const { options } = await schemaWith(perlTable)
    const outcomes = await raceToCreate({ driver: 'Pg', options }, 3, 40)
    expect(outcomes).toEqual(Array.from({ length: 40 }, () => ['exists', 'exists', 'stored']))
  })

  it('processes that count together lose nothing', async () => {
    const { driver, schema } = await onTable(perlTable)
    await driver.store('counter', Buffer.from('0'))
    await countTogether({ driver: 'Pg', options: schema.options }, 3, 'counter', 50)
    expect(Buffer.from((await driver.retrieve('counter'))!).toString()).toBe('150')
  })
})
