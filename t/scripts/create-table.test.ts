import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { SessionManager } from '../../lib/index.js'
import { bundle } from '../support/child.js'
import { temporaryFolder } from '../support/folders.js'
import { newSchema } from '../support/postgres.js'
import { describeWith } from '../support/requirements.js'

/** What the program prints, and how it ends. */
async function createTable(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [await bundle('scripts/create-table.ts'), ...args], {
    encoding: 'utf8',
    env: { ...process.env, NODE_EXTRA_CA_CERTS: undefined, ...env },
  })
  return { status, stdout, stderr }
}

describe('scripts/create-table', () => {
  it('prints the statements of every database, and connects to none', async () => {
    const printed = (type: string, ...more: string[]) => createTable(['--type', type, '--print', '--expires', ...more])
    expect(await printed('driver:Pg;id:SHA1')).toEqual({
      status: 0,
      stdout:
        'create table "sessions" ("id" varchar(40) not null primary key, "a_session" bytea not null, "expires" bigint null);\n' +
        'create index "sessions_expires" on "sessions" ("expires");\n',
      stderr: '',
    })
    for (const type of ['SQLite', 'mysql', 'Oracle', 'ODBC']) {
      const more = type === 'ODBC' ? ['--odbc-dialect', 'mssql'] : []
      const { status, stdout } = await printed(`driver:${type};id:MD5`, '--id-length', '77', ...more)
      expect(status, type).toBe(0)
      expect(stdout, type).toMatch(/^create table [^;]*char2?\(77[^;]*;\n[^;]*index [^;]*;\n$/i)
    }
    const named = ['--table-name', 'app.s', '--id-col-name', 'i', '--data-col-name', 'd', '--expires-col-name', 'e']
    expect((await printed('driver:Pg;id:MD5', '--pg-text', ...named)).stdout).toContain(
      'create table "app"."s" ("i" varchar(32) not null primary key, "d" text not null, "e" bigint null);\n',
    )
  })

  it('says what is wrong with the command line, and how it is written', async () => {
    for (const [args, reason] of [
      [[], '--type is missing'],
      [['--type', 'driver:Pg', '--id-length', 'ten'], "not 'ten'"],
      [['--tpye', 'driver:Pg'], '--tpye'],
      [['--type', 'driver:Pg', '--password', 'secret'], '--password'],
    ] as const) {
      const { status, stderr, stdout } = await createTable(args)
      expect([status, stdout]).toEqual([2, ''])
      expect(stderr).toContain(reason)
      expect(stderr).toContain('DATA_SESSION_PASSWORD')
      expect(stderr).not.toContain('secret')
    }
    expect((await createTable(['--help'])).stdout).toContain('--print')
  })

  it('says in a line what went wrong', async () => {
    for (const [args, reason] of [
      [['--type', 'driver:Pg'], "Option 'dataSource'"],
      [['--type', 'driver:File'], 'keeps its sessions in no table'],
      [['--type', 'driver:Nothing'], 'Nothing'],
      [['--type', 'driver:ODBC', '--print'], 'give --data-source or --odbc-dialect'],
      [['--type', 'driver:SQLite', '--data-source', '/nowhere/at/all.sqlite'], 'check the option dataSource'],
    ] as const) {
      const { status, stderr } = await createTable(args)
      expect(status).toBe(1)
      expect(stderr).toContain(reason)
      expect(stderr.trim()).not.toContain('\n')
    }
  })

  it('is what package.json says', () => {
    const root = join(import.meta.dirname, '../..')
    const { bin, files } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
    const file = bin['data-session-create-table']
    expect(files).toContain(file.replace('./', ''))
    expect(existsSync(join(root, file))).toBe(true)
    expect(readFileSync(join(root, file), 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/)
  })
})

describeWith('better-sqlite3', 'scripts/create-table, in SQLite', () => {
  it('makes the table, once, and the same as it prints', async () => {
    const dataSource = join(temporaryFolder(), 'sessions.sqlite')
    const args = ['--type', 'driver:SQLite;id:SHA1', '--data-source', dataSource, '--table-name', 'mine', '--expires']
    expect(await createTable(args)).toEqual({ status: 0, stdout: 'The table mine is there.\n', stderr: '' })
    expect((await createTable(args)).status).toBe(0)
    const db = createRequire(import.meta.url)('better-sqlite3')(dataSource)
    const made = db.prepare('select lower(sql) as sql from sqlite_master where sql is not null').all()
    db.close()
    const { stdout } = await createTable([...args, '--print'])
    expect(made.map(({ sql }: { sql: string }) => `${sql};\n`).join('')).toBe(stdout)
    const sessions = await SessionManager.create({ type: 'driver:SQLite;id:SHA1', dataSource, tableName: 'mine' })
    const session = await sessions.open()
    await session.param('n', 1).flush()
    await sessions.close()
  })
})

describeWith('postgres', 'scripts/create-table, in PostgreSQL', () => {
  it('takes the password from the environment', async () => {
    const schema = await newSchema()
    try {
      const { dataSource, username, password, tableName } = schema.options
      const args = ['--type', 'driver:Pg;id:SHA1', '--data-source', dataSource, '--username', username]
      const { status, stderr } = await createTable([...args, '--table-name', tableName], {
        DATA_SESSION_PASSWORD: password,
      })
      expect([status, stderr]).toEqual([0, ''])
      expect(await schema.run('select * from sessions')).toEqual([])
    } finally {
      await schema.drop()
    }
  })
})
