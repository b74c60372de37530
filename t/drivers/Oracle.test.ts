import { once } from 'node:events'
import { createRequire } from 'node:module'
import { connect, createServer, type Server, type Socket } from 'node:net'
import knex from 'knex'
import { afterEach, describe, expect, it } from 'vitest'
import Oracle from '../../drivers/Oracle.js'
import { DriverError, OptionError } from '../../lib/index.js'
import { readOptions } from '../../lib/options.js'
import { driverSuite } from '../suite/driver.js'
import { startNode } from '../support/child.js'
import { type Answer, cutConnection, dropOracleTable, newOracleTable, type SentStatement } from '../support/oracle.js'
import { describeWith } from '../support/requirements.js'

const now = 1_700_000_000
const id = '0123456789abcdef0123456789abcdef'
const record = Buffer.from("$D = {'n' => 1};;$D")
const other = Buffer.from("$D = {'n' => 2};;$D")

function oracle(options: object): Oracle {
  const given = readOptions(Oracle.options, options as Record<string, unknown>)
  return new Oracle(given, { now: () => now, padding: false })
}

for (const expires of [false, true]) {
  describeWith('oracle', `Oracle, ${expires ? 'with' : 'without'} a column of expiry times`, () => {
    driverSuite({
      describe: (_title, body) => body(),
      it,
      name: 'Oracle',
      open: async () => {
        const table = newOracleTable()
        const driver = oracle(table)
        await driver.createTable({ idLength: 200, expires })
        const close = async () => {
          await driver.close()
          await dropOracleTable(table)
        }
        return { driver, close, peer: async () => oracle(table) }
      },
    })
  })
}

const text = (value: string) => ({ type: 'DB_TYPE_VARCHAR', value })
const blob = (value: Uint8Array) => ({ type: 'DB_TYPE_BLOB', value })
const number = (value: number | null) => ({ type: 'DB_TYPE_NUMBER', value })

const columns = [
  { name: 'COLUMN_NAME', type: 'DB_TYPE_VARCHAR' },
  { name: 'DATA_TYPE', type: 'DB_TYPE_VARCHAR' },
  { name: 'CHAR_LENGTH', type: 'DB_TYPE_NUMBER' },
  { name: 'BYTES', type: 'DB_TYPE_NUMBER' },
  { name: 'IS_KEY', type: 'DB_TYPE_NUMBER' },
  { name: 'NULLABLE', type: 'DB_TYPE_NUMBER' },
]
const idRow = ['ID', 'VARCHAR2', 40, null, null, 0]
const blobRow = ['A_SESSION', 'BLOB', null]
const expiresRow = ['EXPIRES', 'NUMBER', null, null, null, 1]

const binary = (text: string) => `nlssort(${text}, 'NLS_SORT=BINARY')`
const isId = (n: number) => `"ID" = :${n} and ${binary('"ID"')} = ${binary(`:${n + 1}`)}`
const isAfter = `${binary('"ID"')} > ${binary(':1')}`
const inOrder = `order by ${binary('"SESSIONS"."ID"')}`

/** A driver whose real client sends to nowhere; `answer` says what comes back from all but the look at the table. */
function cut(table: readonly unknown[][], answer: (sent: SentStatement) => Answer, options: object = {}) {
  const wire = cutConnection((sent) => (sent.sql.includes('all_tab_columns') ? { columns, rows: table } : answer(sent)))
  return { ...wire, driver: oracle({ dbh: wire.connection, ...options }) }
}

/** What was sent beside the look at the table. */
const statements = (sent: readonly SentStatement[]) => sent.filter(({ sql }) => !sql.includes('all_tab_columns'))

const dataColumns = [{ name: 'A_SESSION', type: 'DB_TYPE_BLOB' }]

describe('Oracle, what the client sends', () => {
  it('looks at the table in the schema of the connection, or in the one that is named', async () => {
    const select =
      'select column_name, data_type, case when char_length > 0 then char_length end, null, null, ' +
      "case nullable when 'Y' then 1 else 0 end from all_tab_columns where owner = "
    const own = cut([idRow, blobRow], () => ({ count: 1 }))
    await own.driver.store(id, record)
    expect(own.sent[0]).toEqual({
      sql: `${select}sys_context('userenv', 'current_schema') and table_name = :1`,
      binds: [text('SESSIONS')],
      commits: false,
      callTimeout: 0,
    })
    const named = cut([idRow, blobRow], () => ({ count: 1 }), { tableName: 'app."Sessions"' })
    await named.driver.store(id, record)
    expect(named.sent[0]).toMatchObject({
      sql: `${select}:1 and table_name = :2`,
      binds: [text('APP'), text('Sessions')],
    })
  })

  it('reads a blob as bytes, in one statement, without a commit', async () => {
    const { driver, sent } = cut([], () => ({ columns: dataColumns, rows: [[record]] }))
    expect(await driver.retrieve(id)).toEqual(record)
    expect(sent).toEqual([
      {
        sql: `select "A_SESSION" from "SESSIONS" where ${isId(1)}`,
        binds: [text(id), text(id)],
        commits: false,
        callTimeout: 0,
      },
    ])
  })

  it.each(['DB_TYPE_CLOB', 'DB_TYPE_NCLOB', 'DB_TYPE_VARCHAR', 'DB_TYPE_LONG'])('reads %s as text', async (type) => {
    const { driver } = cut([], () => ({ columns: [{ name: 'A_SESSION', type }], rows: [["$D = {'n' => 'é'};;$D"]] }))
    expect(await driver.retrieve(id)).toEqual(Buffer.from("$D = {'n' => 'é'};;$D"))
  })

  it('inserts, with the time of expiry where the table has a column for it', async () => {
    const plain = cut([idRow, blobRow], () => ({ count: 1 }))
    expect(await plain.driver.store(id, record, { expect: null, ttl: 60 })).toBe('stored')
    expect(statements(plain.sent)).toEqual([
      {
        sql: 'insert into "SESSIONS" ("ID", "A_SESSION") values (:1, :2)',
        binds: [text(id), blob(record)],
        commits: true,
        callTimeout: 0,
      },
    ])
    const dated = cut([idRow, blobRow, expiresRow], () => ({ count: 1 }))
    await dated.driver.store(id, record, { expect: null, ttl: 60 })
    await dated.driver.store(id, record, { expect: null })
    const sql = 'insert into "SESSIONS" ("ID", "A_SESSION", "EXPIRES") values (:1, :2, :3)'
    expect(statements(dated.sent)).toMatchObject([
      { sql, binds: [text(id), blob(record), number(now + 60)] },
      { sql, binds: [text(id), blob(record), number(null)] },
    ])
  })

  it('takes ORA-00001 for a record that is there', async () => {
    const error = { num: 1, text: 'ORA-00001: unique constraint (APP.SYS_C008) violated' }
    const { driver } = cut([idRow, blobRow], ({ sql }) =>
      sql.startsWith('insert') ? { error } : { columns: dataColumns, rows: [[other]] },
    )
    expect(await driver.store(id, record, { expect: null })).toBe('exists')
  })

  it('updates only the record that was expected, compared as a large object', async () => {
    const { driver, sent } = cut([idRow, blobRow, expiresRow], () => ({ count: 1 }))
    expect(await driver.store(id, record, { expect: other, ttl: 5 })).toBe('stored')
    expect(statements(sent)).toEqual([
      {
        sql: `update "SESSIONS" set "A_SESSION" = :1, "EXPIRES" = :2 where ${isId(3)} and dbms_lob.compare("A_SESSION", :5) = 0`,
        binds: [blob(record), number(now + 5), text(id), text(id), blob(other)],
        commits: true,
        callTimeout: 0,
      },
    ])
  })

  it('tells a record that changed from one that is gone', async () => {
    const rows: unknown[][] = [[other]]
    const { driver } = cut([idRow, blobRow], ({ sql }) =>
      sql.startsWith('update') ? { count: 0 } : { columns: dataColumns, rows },
    )
    expect(await driver.store(id, other, { expect: record })).toBe('conflict')
    rows.pop()
    expect(await driver.store(id, other, { expect: record })).toBe('gone')
  })

  it('merges where nothing is expected, and again when another program inserted meanwhile', async () => {
    let attempts = 0
    const error = { num: 1, text: 'ORA-00001: unique constraint (APP.SYS_C008) violated' }
    const { driver, sent } = cut([idRow, blobRow, expiresRow], () => (++attempts === 1 ? { error } : { count: 1 }))
    expect(await driver.store(id, record)).toBe('stored')
    const merge = {
      sql:
        'merge into "SESSIONS" present using (select :1 as wanted from dual) given on (present."ID" = given.wanted) ' +
        'when matched then update set present."A_SESSION" = :2, present."EXPIRES" = :3 ' +
        `where nlssort(present."ID", 'NLS_SORT=BINARY') = nlssort(given.wanted, 'NLS_SORT=BINARY') ` +
        'when not matched then insert ("ID", "A_SESSION", "EXPIRES") values (given.wanted, :4, :5)',
      binds: [text(id), blob(record), number(null), blob(record), number(null)],
      commits: true,
      callTimeout: 0,
    }
    expect(statements(sent)).toEqual([merge, merge])
  })

  it('removes, whatever is there or only what is expected', async () => {
    const { driver, sent } = cut([idRow, blobRow], () => ({ count: 1 }))
    expect(await driver.remove(id)).toBe(true)
    expect(await driver.remove(id, { expect: record })).toBe(true)
    expect(statements(sent)).toMatchObject([
      { sql: `delete from "SESSIONS" where ${isId(1)}`, binds: [text(id), text(id)], commits: true },
      {
        sql: `delete from "SESSIONS" where ${isId(1)} and dbms_lob.compare("A_SESSION", :3) = 0`,
        binds: [text(id), text(id), blob(record)],
        commits: true,
      },
    ])
  })

  it('lists ids a page of 500 after the other', async () => {
    const pages = [Array.from({ length: 500 }, (_, index) => [`id${index}`]), [['last']]]
    const idColumns = [{ name: 'ID', type: 'DB_TYPE_VARCHAR' }]
    const { driver, sent } = cut([], () => ({ columns: idColumns, rows: pages.shift() ?? [] }))
    const ids: string[] = []
    for await (const one of driver.ids()) ids.push(one)
    expect(ids).toHaveLength(501)
    expect(statements(sent)).toMatchObject([
      { sql: `select "ID" from "SESSIONS" where "ID" is not null ${inOrder} fetch first 500 rows only`, binds: [] },
      {
        sql: `select "ID" from "SESSIONS" where ${isAfter} ${inOrder} fetch first 500 rows only`,
        binds: [text('id499')],
        commits: false,
      },
    ])
  })

  it('lists what may have expired a page of 100 after the other', async () => {
    const pages = [Array.from({ length: 100 }, (_, index) => [`id${index}`, record]), [['last', other]]]
    const answer = { columns: [{ name: 'ID', type: 'DB_TYPE_VARCHAR' }, ...dataColumns] }
    const { driver, sent } = cut([idRow, blobRow, expiresRow], () => ({ ...answer, rows: pages.shift() ?? [] }))
    const found: unknown[] = []
    for await (const one of driver.possiblyExpired(now)) found.push(one)
    expect(found).toHaveLength(101)
    expect(found.at(-1)).toEqual({ id: 'last', record: other, isDated: true })
    const page = `${inOrder} fetch first 100 rows only`
    expect(statements(sent)).toMatchObject([
      {
        sql: `select "ID", "A_SESSION" from "SESSIONS" where "ID" is not null and ("EXPIRES" <= :1 or "EXPIRES" is null) ${page}`,
        binds: [number(now)],
      },
      {
        sql: `select "ID", "A_SESSION" from "SESSIONS" where ${isAfter} and ("EXPIRES" <= :2 or "EXPIRES" is null) ${page}`,
        binds: [text('id99'), number(now)],
      },
    ])
  })

  it('makes the table', async () => {
    const { driver, sent } = cut([], () => ({}), { tableName: 'app.sessions' })
    await driver.createTable({ idLength: 40, expires: true })
    expect(statements(sent).map(({ sql }) => sql)).toEqual([
      'create table "APP"."SESSIONS" ("ID" varchar2(40 char) not null primary key, "A_SESSION" blob not null, "EXPIRES" number(20, 0) null)',
      'create index "APP"."SESSIONS_EXPIRES" on "APP"."SESSIONS" ("EXPIRES")',
    ])
  })

  it('sends 1 MB as a large object, and a view of a longer buffer as it is', async () => {
    const long = Buffer.alloc(1_000_000, 'x')
    const { driver, sent } = cut([idRow, blobRow], () => ({ count: 1 }))
    await driver.store(id, long, { expect: long })
    await driver.store(id, new Uint8Array(long.buffer, long.byteOffset + 5, 10), { expect: null })
    const [data, , , expected] = sent[1]!.binds
    for (const { type, value } of [data!, expected!]) {
      expect(type).toBe('DB_TYPE_BLOB')
      expect(Buffer.compare(value as Buffer, long)).toBe(0)
    }
    expect(sent[2]!.binds[1]).toEqual(blob(Buffer.from('xxxxxxxxxx')))
  })

  it('writes and compares text in a text column, as a large object where it is long', async () => {
    const { driver, sent } = cut([idRow, ['A_SESSION', 'CLOB', null]], () => ({ count: 1 }))
    const long = Buffer.alloc(4001, 'x')
    await driver.store(id, record, { expect: Buffer.from('é') })
    await driver.store(id, long, { expect: long })
    expect(statements(sent).map(({ binds }) => binds)).toEqual([
      [text(record.toString()), text(id), text(id), text('é')],
      [
        { type: 'DB_TYPE_CLOB', value: long.toString() },
        text(id),
        text(id),
        { type: 'DB_TYPE_CLOB', value: long.toString() },
      ],
    ])
  })

  it.each(['LONG', 'LONG RAW'])('refuses to write to a %s, which cannot be compared', async (type) => {
    const { driver, sent } = cut([idRow, ['A_SESSION', type, null]], () => ({ count: 1 }))
    await expect(driver.store(id, record)).rejects.toThrow(
      `a ${type}, which the database cannot compare as it was written`,
    )
    await expect(driver.remove(id, { expect: record })).rejects.toThrow(DriverError)
    expect(statements(sent)).toEqual([])
  })

  it('takes connections of a pool, bounds their calls meanwhile, and gives them back', async () => {
    const { pool, protocol, sent } = cutConnection(() => ({ columns: dataColumns, rows: [[record]] }))
    protocol.callTimeout = 77
    const driver = oracle({ dbh: pool, timeout: 1234 })
    // The pool has one connection: a second statement needs the first one's.
    await Promise.all([driver.retrieve(id), driver.retrieve(id), driver.retrieve(id)])
    expect(sent.map(({ callTimeout }) => callTimeout)).toEqual([1234, 1234, 1234])
    expect(protocol.callTimeout).toBe(77)
  })

  it('a write counts though the connection ends before it is given back', async () => {
    const { connection, pool } = cutConnection((sent) =>
      sent.sql.includes('all_tab_columns') ? { columns, rows: [idRow, blobRow] } : { count: 1 },
    )
    let attempts = 0
    Reflect.get(connection, '_impl').close = async () => {
      attempts++
      throw new Error('NJS-500: connection to the Oracle Database was broken')
    }
    expect(await oracle({ dbh: pool }).store(id, record, { expect: other })).toBe('stored')
    expect(attempts).toBeGreaterThan(0)
  })

  it('borrows the connections of a knex instance', async () => {
    const requirePackage = createRequire(import.meta.url)
    const { connection, sent } = cutConnection(() => ({ columns: dataColumns, rows: [[record]] }))
    const Client = requirePackage('knex/lib/dialects/oracledb')
    class Cut extends Client {
      _driver(): object {
        return requirePackage('oracledb')
      }
      async acquireRawConnection(): Promise<object> {
        return connection
      }
    }
    const instance = knex({ client: Cut as never, connection: {}, version: '19.3' })
    const driver = oracle({ dbh: instance })
    expect(await driver.retrieve(id)).toEqual(record)
    expect(sent).toMatchObject([{ sql: `select "A_SESSION" from "SESSIONS" where ${isId(1)}`, commits: false }])
    await driver.close()
    await instance.destroy()
  })

  it('is independent of what is set in oracledb for all', async () => {
    const oracledb = createRequire(import.meta.url)('oracledb')
    const before = { outFormat: oracledb.outFormat, maxRows: oracledb.maxRows, autoCommit: oracledb.autoCommit }
    try {
      Object.assign(oracledb, { outFormat: oracledb.OUT_FORMAT_OBJECT, maxRows: 1, autoCommit: true })
      const idColumns = [{ name: 'ID', type: 'DB_TYPE_VARCHAR' }]
      const { driver, sent } = cut([], () => ({ columns: idColumns, rows: [['one'], ['two']] }))
      const ids: string[] = []
      for await (const one of driver.ids()) ids.push(one)
      expect(ids).toEqual(['one', 'two'])
      expect(sent[0]!.commits).toBe(false)
    } finally {
      Object.assign(oracledb, before)
    }
  })
})

describe('Oracle, errors of the server', () => {
  it.each([
    [942, 'table or view does not exist', 'there is no table "SESSIONS"'],
    [904, '"EXPIRES": invalid identifier', 'the table lacks a column'],
    [12899, 'value too large for column "APP"."SESSIONS"."ID"', 'longer than its column'],
    [16000, 'database open for read-only access', 'read-only'],
    [1031, 'insufficient privileges', 'rights'],
    [1653, 'unable to extend table', 'full'],
    [3113, 'end-of-file on communication channel', 'the connection failed or ended'],
  ])('ORA-%i: %s', async (num, said, advice) => {
    const error = { num, text: `ORA-${String(num).padStart(5, '0')}: ${said}` }
    const { driver } = cut([idRow, blobRow], () => ({ error }))
    const failed = driver.store(id, record)
    await expect(failed).rejects.toThrow(DriverError)
    await expect(failed).rejects.toThrow(advice)
  })

  it('tries again after a deadlock', async () => {
    let attempts = 0
    const error = { num: 60, text: 'ORA-00060: deadlock detected while waiting for resource' }
    const { driver } = cut([idRow, blobRow], () => (++attempts < 3 ? { error } : { count: 1 }))
    expect(await driver.store(id, record, { expect: other })).toBe('stored')
  })
})

describe('Oracle, options', () => {
  it('refuses what is no handle of oracledb', async () => {
    for (const dbh of [{}, { execute() {} }, { getConnection() {} }]) {
      await expect(oracle({ dbh }).retrieve(id)).rejects.toThrow(OptionError)
    }
  })

  it.each([
    [{}, 'names no database'],
    [{ dataSource: 'dbi:Oracle:host=h' }, 'names no database'],
    [{ dataSource: 'dbi:Oracle:scott/tiger@//h/x' }, 'has a user and a password in it'],
    [{ dataSource: 'dbi:Oracle://h:1521/x', host: 'elsewhere)(HOST=evil' }, "leave out 'host'"],
    [{ dataSource: 'dbi:Oracle:(DESCRIPTION=x)', host: 'h' }, "leave out 'host'"],
    [{ dataSource: 'dbi:Oracle:x', socket: '/tmp/s' }, 'of no use to driver:Oracle'],
  ])('refuses %j', (options, reason) => {
    expect(() => oracle(options)).toThrow(OptionError)
    expect(() => oracle(options)).toThrow(reason)
    expect(() => oracle(options)).not.toThrow('tiger')
  })
})

const servers: { server: Server; sockets: Socket[] }[] = []

afterEach(async () => {
  for (const { server, sockets } of servers.splice(0)) {
    for (const socket of sockets) socket.destroy()
    server.close()
    await once(server, 'close')
  }
})

/** A TCP server that is no Oracle: its port, and how many have connected. */
async function noOracle(serve: (socket: Socket) => void): Promise<{ port: number; count(): number }> {
  const sockets: Socket[] = []
  const server = createServer((socket) => {
    sockets.push(socket)
    socket.on('error', () => undefined)
    serve(socket)
  }).listen(0, '127.0.0.1')
  servers.push({ server, sockets })
  await once(server, 'listening')
  return { port: (server.address() as { port: number }).port, count: () => sockets.length }
}

/** All that an error says, its causes and their properties too. */
function everythingIn(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const own = Object.getOwnPropertyNames(error).map((name) => String(Reflect.get(error, name)))
  return [...own, everythingIn(error.cause)].join('\n')
}

const password = 'tiger-in-the-tank'

/** The second attempt goes out again; neither says the password. */
async function failsCleanly(dataSource: string, attempts: () => number): Promise<string> {
  const driver = oracle({ dataSource, username: 'scott', password, timeout: 1000 })
  const failures: unknown[] = []
  for (let attempt = 0; attempt < 2; attempt++) {
    const before = attempts()
    await driver.retrieve(id).catch((error: unknown) => failures.push(error))
    expect(attempts()).toBeGreaterThan(before)
  }
  await driver.close()
  expect(failures).toHaveLength(2)
  for (const failure of failures) {
    expect(failure).toBeInstanceOf(DriverError)
    expect(everythingIn(failure)).not.toContain(password)
  }
  return (failures[1] as Error).message
}

const garbage = [
  ['text', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')],
  ['noise', Buffer.from(Array.from({ length: 256 }, (_, index) => (index * 7) & 255))],
  ['zeros', Buffer.alloc(64)],
] as const

describeWith('oracledb', 'Oracle, the real client without an Oracle', () => {
  it.each(garbage)('a server that answers %s', async (_title, bytes) => {
    const { port, count } = await noOracle((socket) => socket.write(bytes))
    expect(await failsCleanly(`dbi:Oracle:host=127.0.0.1;port=${port};service_name=xe`, count)).toMatch(
      /the connection failed or ended|longer than the option timeout/,
    )
  })

  it('a server that answers nothing', async () => {
    const { port, count } = await noOracle(() => undefined)
    expect(await failsCleanly(`dbi:Oracle://127.0.0.1:${port}/xe`, count)).toContain('longer than the option timeout')
  })

  it('a server that closes', async () => {
    const { port, count } = await noOracle((socket) => socket.end())
    expect(await failsCleanly(`oracle://127.0.0.1:${port}/xe`, count)).toContain('the connection failed or ended')
    // Nothing is tried that nobody asked for.
    expect(count()).toBe(2)
  })

  it.each([
    ['dbi:Oracle:host=127.0.0.1;port=<port>;service_name=xe', '(SERVICE_NAME=xe)'],
    ['dbi:Oracle:host=127.0.0.1;port=<port>;sid=orcl', '(SID=orcl)'],
    ['dbi:Oracle://127.0.0.1:<port>/xe.example.com', '(SERVICE_NAME=xe.example.com)'],
    ['oracle://127.0.0.1:<port>/xe', '(SERVICE_NAME=xe)'],
    ['oracle://127.0.0.1:<port>/?sid=orcl', '(SID=orcl)'],
    [
      'dbi:Oracle:(DESCRIPTION=(ADDRESS=(PROTOCOL=TCP)(HOST=127.0.0.1)(PORT=<port>))(CONNECT_DATA=(SERVICE_NAME=deep)))',
      '(SERVICE_NAME=deep)',
    ],
  ])('%s asks the server for %s', async (dataSource, wanted) => {
    let asked = ''
    const { port } = await noOracle((socket) =>
      socket.on('data', (packet) => {
        asked += packet.toString('latin1')
        socket.destroy()
      }),
    )
    const options = {
      dataSource: dataSource.replace('<port>', String(port)),
      username: 'scott',
      password,
      timeout: 1000,
    }
    const driver = oracle(options)
    await expect(driver.retrieve(id)).rejects.toThrow(DriverError)
    await driver.close()
    expect(asked).toContain(wanted)
    expect(asked).not.toContain(password)
  })

  it('a port that is closed', async () => {
    const { port } = await noOracle(() => undefined)
    servers.pop()!.server.close()
    await once(connect(port, '127.0.0.1'), 'error')
    let attempts = 0
    const message = await failsCleanly(`dbi:Oracle:host=127.0.0.1;port=${port};sid=xe`, () => ++attempts)
    expect(message).toContain('the connection failed or ended')
  })

  it('a name of a database that no file knows', async () => {
    let attempts = 0
    expect(await failsCleanly('dbi:Oracle:nowhere', () => ++attempts)).toContain('check the option dataSource')
  })

  it('does not keep a process alive when the driver is closed', async () => {
    const { port } = await noOracle((socket) => socket.end())
    const child = await startNode('t/drivers/children/oracle-once.ts', [`dbi:Oracle://127.0.0.1:${port}/xe`])
    expect((await child.done).trim()).toBe('DriverError')
  })
})
