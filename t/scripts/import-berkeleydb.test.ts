/** Sessions of Perl's Berkeley DB files in the stores of this package: with real Perl, real files and the real program. */

import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { logId } from '../../lib/id-check.js'
import { type ManagerOptions, SessionManager } from '../../lib/index.js'
import {
  argumentsFor,
  bigDatabase,
  cgiSessionFile,
  counts,
  everyByte,
  type LayoutName,
  layouts,
  parameters,
  perlDatabase,
  runImport,
  startImport,
  startPerlSession,
  writeInEnvironment,
} from '../support/berkeleydb.js'
import { temporaryFolder } from '../support/folders.js'
import { startPrivateRedis } from '../support/redis-server.js'
import { describeWith } from '../support/requirements.js'
import { storeParts, stores } from '../support/stores.js'

const serializers = { default: 'DataDumper', storable: 'Storable' } as const
const tools = 'perl-berkeleydb,db5.3-util'

/** Something is done with the sessions of a store. */
async function using<T>(options: ManagerOptions, work: (sessions: SessionManager) => Promise<T>): Promise<T> {
  await using sessions = await SessionManager.create(options)
  return await work(sessions)
}

/** Each of the ids is a session with all that Perl put into it. */
async function assertAll(options: ManagerOptions, ids: readonly string[]): Promise<void> {
  // Looking at a session is a change, unless it is soon after the last look.
  await using({ touchAfter: 86_400, ...options }, async (sessions) => {
    for (const [index, id] of ids.entries()) {
      const session = await sessions.open({ clientId: id })
      expect(session.id()).toBe(id)
      const names = ['n', ...Object.keys(parameters)].sort()
      expect(session.param()).toEqual(names)
      const { n, ...others } = Object.fromEntries(names.map((name) => [name, session.param(name)]))
      expect(Number(n)).toBe(index + 1)
      expect(others).toEqual(parameters)
    }
  })
}

/** A folder for driver:File, and its arguments. */
function files(serializer: string = 'DataDumper') {
  const directory = temporaryFolder()
  const options: ManagerOptions = { type: `driver:File;serialize:${serializer}`, directory }
  const idsNow = () => readdirSync(directory).filter((name) => name.startsWith('cgisess_'))
  return { directory, options, idsNow, args: ['--type', String(options.type), '--directory', directory] }
}

const idOf = (number: number) => number.toString(16).padStart(32, '0')

/** The text of a dump with sessions of CGI::Session's default serializer. */
function dumpText(count: number, more = ''): string {
  const now = Math.floor(Date.now() / 1000)
  const records = Array.from({ length: count }, (_, index) => {
    const id = idOf(index)
    return ` ${id}\n $D = {'_SESSION_ID' => '${id}','_SESSION_ATIME' => ${now},'_SESSION_CTIME' => ${now},'x' => '${more}'};;$D\n`
  })
  return `VERSION=3\nformat=print\ntype=hash\nHEADER=END\n${records.join('')}DATA=END\n`
}

const targets = ['File', 'SQLite', 'Pg', 'mysql', 'BerkeleyDB', 'Memcached', 'Redis']

for (const driver of targets) {
  const part = driver === 'SQLite' ? 'better-sqlite3' : storeParts[driver]
  describeWith([tools, part].filter(Boolean).join(), `a file of CGI::Session into driver:${driver}`, () => {
    it.each(['default', 'storable'] as const)('with the serializer %s', async (serializer) => {
      const { file, ids } = cgiSessionFile(serializer, 3)
      const store = await stores[driver]!()
      try {
        const type = `driver:${driver};serialize:${serializers[serializer]}`
        const { args, env } = argumentsFor(type, store.options)
        expect(await runImport([...args, file], { env })).toEqual({
          status: 0,
          stdout: counts({ wrote: 3 }),
          stderr: '',
        })
        expect((await runImport([...args, file], { env })).stdout).toBe(counts({ there: 3 }))
        await assertAll({ type, ...store.options }, ids)
      } finally {
        await store.remove?.()
      }
    })
  })
}

describeWith(tools, 'a file of Perl', () => {
  const ids = ['a', 'b', 'c'].map((letter) => letter.repeat(32))

  it.each(Object.keys(layouts) as LayoutName[])('that is %s', async (name) => {
    for (const serializer of ['default', 'storable'] as const) {
      const { file } = perlDatabase(
        name,
        serializer,
        ids.map((id) => ({ id })),
      )
      const { args, options } = files(serializers[serializer])
      expect(await runImport([...args, file])).toEqual({ status: 0, stdout: counts({ wrote: 3 }), stderr: '' })
      await assertAll(options, ids)
    }
  })

  it('keeps each record as it is, byte for byte', async () => {
    const { file } = perlDatabase('a DB_File hash', 'storable', [{ id: ids[0]! }])
    const { args, directory } = files('Storable')
    await runImport([...args, file])
    const dumped = execFileSync('db5.3_dump', [file], { encoding: 'utf8' }).split('\n ')
    expect(readFileSync(join(directory, `cgisess_${ids[0]}`)).toString('hex')).toBe(dumped[2]!.split('\n')[0])
  })

  it('is read with what its environment has not written to it yet', async () => {
    const { folder, file } = perlDatabase('a BerkeleyDB::Hash in an environment', 'storable', [{ id: ids[0]! }])
    const live = startPerlSession(folder, ids[1]!)
    try {
      await live.said('ready')
      expect((await runImport([...files('Storable').args, file])).stdout).toBe(counts({ wrote: 1 }))
      const home = ['--home', folder, file]
      expect((await runImport([...files('Storable').args, ...home])).stdout).toBe(counts({ wrote: 2 }))
    } finally {
      live.process.stdin.end()
      await live.done
    }
  })

  it('with records that are no sessions: they are counted, told and left out', async () => {
    const { file } = perlDatabase('a DB_File btree', 'default', [
      { id: ids[0]!, garbage: 'secret-garbage' },
      { id: ids[1]!, own: ids[2]! },
      { id: '../../etc/passwd' },
      { id: `${ids[2]}\0` },
      { id: ids[2]! },
    ])
    const { args, idsNow } = files()
    const { status, stdout, stderr } = await runImport([...args, file])
    expect([status, stdout]).toEqual([1, counts({ wrote: 1, refused: 4 })])
    expect(idsNow()).toEqual([`cgisess_${ids[2]}`])
    const told = stderr.trim().split('\n').sort()
    const expected = [
      `${logId('../../etc/passwd')} (16 characters) cannot be a session id: File wants`,
      `${logId(ids[0]!)}: Not a DataDumper record`,
      `${logId(ids[1]!)}: its own _SESSION_ID is not the id it is stored under`,
      `${logId(`${ids[2]}\0`)} (33 characters) cannot be a session id: File wants`,
    ].sort()
    expect(told).toEqual(expected.map((reason) => expect.stringContaining(`refused: ${reason}`)))
    expect(stderr).not.toMatch(/secret|passwd|a{9}|b{9}|c{9}/)
  })

  it('with another serializer than the type names: the right one is named', async () => {
    for (const [serializer, named, right] of [
      ['storable', 'DataDumper', 'Storable'],
      ['default', 'Storable', 'DataDumper'],
      ['default', 'JSON', 'DataDumper'],
    ] as const) {
      const { file } = perlDatabase(
        'a DB_File hash',
        serializer,
        ids.map((id) => ({ id })),
      )
      const { args, idsNow } = files(named)
      const { status, stdout, stderr } = await runImport([...args, file])
      expect([status, stdout]).toEqual([1, counts({ refused: 3 })])
      expect(stderr).toContain(`These records are not of serialize:${named}: give serialize:${right} in --type`)
      expect(idsNow()).toEqual([])
    }
  })

  it('that is changed in its new store stays changed, unless it is to be replaced', async () => {
    const { file } = perlDatabase(
      'a DB_File hash',
      'default',
      ids.map((id) => ({ id })),
    )
    const { args, options } = files()
    await runImport([...args, file])
    const change = async (sessions: SessionManager) => {
      await (await sessions.open({ id: ids[1]! })).param('n', 'changed').flush()
      await (await sessions.open({ id: ids[2]! })).delete()
    }
    const present = (sessions: SessionManager) => sessions.open({ id: ids[1]! }).then((session) => session.param('n'))
    await using(options, change)
    const again = await runImport([...args, file])
    expect(again).toEqual({ status: 0, stdout: counts({ wrote: 1, there: 1, kept: 1 }), stderr: '' })
    expect(await using(options, present)).toBe('changed')
    expect((await runImport([...args, '--overwrite', file])).stdout).toBe(counts({ wrote: 1, there: 2 }))
    await assertAll(options, ids)
  })

  it('that is no hash or btree is refused, with the reason', async () => {
    const folder = temporaryFolder()
    const make = (type: string, open: string) =>
      execFileSync('perl', [
        '-MBerkeleyDB',
        '-we',
        `my $x = BerkeleyDB::${type}->new(-Filename => shift, -Flags => DB_CREATE, ${open}) or die; my $n = 1; $x->db_put($n, 'v') == 0 or die`,
        join(folder, type),
      ])
    make('Queue', '-Len => 10')
    make('Recno', '')
    writeFileSync(join(folder, 'text'), dumpText(1))
    const { args } = files()
    for (const [name, reason] of [
      ['Queue', 'type=queue holds no sessions; read are hash and btree'],
      ['Recno', 'type=recno holds no sessions'],
      ['text', 'If it is the text of a dump, give it with --dump'],
      ['missing', 'No such file or directory'],
    ] as const) {
      const { status, stdout, stderr } = await runImport([...args, join(folder, name)])
      expect([status, stdout]).toEqual([1, counts({})])
      expect(stderr).toContain(reason)
    }
  })
})

describeWith(`${tools},better-sqlite3`, 'sessions into a table', () => {
  it('have their ids as the text that Perl means, or are refused where there is no text', async () => {
    const { file } = perlDatabase('a DB_File hash', 'storable', [
      { id: Buffer.from('café').toString('latin1') },
      { id: 'latin \xe9' },
      { id: everyByte.slice(0, 16) },
    ])
    const { options } = await stores.SQLite!()
    const type = 'driver:SQLite;serialize:Storable'
    const { status, stdout, stderr } = await runImport([...argumentsFor(type, options).args, file])
    expect([status, stdout]).toEqual([1, counts({ wrote: 2, refused: 1 })])
    expect(stderr).toMatch(/cannot be a session id: SQLite wants 1 to 255 printable characters\n$/)
    await assertAll({ type, ...options }, ['café', 'latin é'])
  })

  it('expired ones are not written, and a store with an expiry of its own is told of the others', async () => {
    const { file } = perlDatabase('a DB_File hash', 'default', [
      { id: 'a'.repeat(32), idle: 7200, lifetime: 3600 },
      { id: 'b'.repeat(32), idle: 1800, lifetime: 3600 },
      { id: 'c'.repeat(32), idle: 7200 },
    ])
    const store = await stores.SQLite!()
    const { args } = argumentsFor('driver:SQLite', store.options)
    const { status, stdout } = await runImport([...args, file])
    expect([status, stdout]).toEqual([0, counts({ wrote: 2, expired: 1 })])
    const { dataSource } = store.options as { dataSource: string }
    const db = createRequire(import.meta.url)('better-sqlite3')(dataSource.replace(/^.*dbname=/, ''))
    const rows = db.prepare('select id, expires - unixepoch() as left from sessions order by id').all()
    db.close()
    expect(rows).toEqual([
      { id: 'b'.repeat(32), left: expect.toSatisfy((left: number) => left > 1700 && left <= 1802) },
      { id: 'c'.repeat(32), left: null },
    ])
  })
})

for (const driver of ['BerkeleyDB', 'Redis']) {
  describeWith(`${tools},${storeParts[driver]}`, `ids of raw bytes into driver:${driver}`, () => {
    it('with every byte', async () => {
      const ids = Array.from({ length: 16 }, (_, row) => everyByte.slice(row * 16, row * 16 + 16))
      const { file } = perlDatabase(
        'a BerkeleyDB::Hash in an environment',
        'storable',
        ids.map((id) => ({ id })),
      )
      const store = await stores[driver]!()
      try {
        const type = `driver:${driver};id:UUID16;serialize:Storable`
        const { args, env } = argumentsFor(type, store.options)
        expect(await runImport([...args, file], { env })).toEqual({
          status: 0,
          stdout: counts({ wrote: 16 }),
          stderr: '',
        })
        await assertAll({ type, ...store.options }, ids)
      } finally {
        await store.remove?.()
      }
    })
  })
}

describe('a dump', () => {
  it('comes from a file or the standard input', async () => {
    const dump = join(temporaryFolder(), 'dump.txt')
    writeFileSync(dump, dumpText(3))
    for (const [more, input] of [
      [['--dump', dump], ''],
      [['--dump', '-'], dumpText(3)],
      [[], dumpText(3)],
    ] as const) {
      const { args, idsNow } = files()
      expect(await runImport([...args, ...more], { input })).toEqual({
        status: 0,
        stdout: counts({ wrote: 3 }),
        stderr: '',
      })
      expect(idsNow()).toHaveLength(3)
    }
  })

  it('that is cut off is an error, after what came whole was imported', async () => {
    const text = dumpText(3)
    const third = text.indexOf(idOf(2))
    const cuts: [string, object, string][] = [
      [text.slice(0, third - 1), { wrote: 2 }, 'cut off after line 8'],
      [text.slice(0, third + 40), { wrote: 2 }, 'cut off after line 9'],
      [text.replace('DATA=END\n', ''), { wrote: 3 }, 'cut off after line 10'],
      [text.slice(0, 20), {}, 'cut off after line 1'],
      ['', {}, 'The dump is empty'],
      [text.replace('DATA=END', ` ${idOf(9)}\nDATA=END`), { wrote: 3 }, 'the last key has no value'],
    ]
    for (const [input, count, reason] of cuts) {
      const { status, stdout, stderr } = await runImport(files().args, { input })
      expect([status, stdout]).toEqual([1, counts(count)])
      expect(stderr).toContain(reason)
    }
  })

  it('with many bad records tells of the first ones only', async () => {
    const input = dumpText(50).replaceAll('_SESSION_ID', 'ID')
    const { status, stdout, stderr } = await runImport(files().args, { input })
    expect([status, stdout]).toEqual([1, counts({ refused: 50 })])
    const lines = stderr.trim().split('\n')
    expect(lines).toHaveLength(21)
    expect(lines[20]).toBe('refused: and 30 more')
  })

  it('with records longer than maxBytes: they are refused, and the others are not', async () => {
    const [before, after] = dumpText(2).split(` ${idOf(1)}`) as [string, string]
    const long = ` ${'e'.repeat(32)}\n $D = '${'x'.repeat(20_000_000)}'\n`
    const { args } = files()
    const { status, stdout, stderr } = await runImport(args, { input: `${before}${long} ${idOf(1)}${after}` })
    expect([status, stdout]).toEqual([1, counts({ wrote: 2, refused: 1 })])
    expect(stderr).toBe(`refused: ${logId('e'.repeat(32))}: it is longer than 4194304 bytes (the option maxBytes)\n`)
    const small = await runImport([...args, '--option', 'maxBytes=100'], { input: dumpText(2, 'x'.repeat(100)) })
    expect([small.status, small.stdout]).toEqual([1, counts({ refused: 2 })])
  })

  const header = 'VERSION=3\nformat=print\ntype=hash\nHEADER=END\n'
  const footer = 'DATA=END\n'

  /** The most memory that an import takes, in MiB, and its counts. */
  async function peak(text: Iterable<string>): Promise<{ mebibytes: number; line: string }> {
    // What resourceUsage() says begins with the memory of the process that started this one.
    const report = `process.on('exit', () => {
      try { console.log(/VmHWM:\\s+(\\d+)/.exec(require('node:fs').readFileSync('/proc/self/status'))[1]) }
      catch { console.log(process.resourceUsage().maxRSS) }
    })`
    const preload = join(temporaryFolder(), 'peak.cjs')
    writeFileSync(preload, report)
    const node = ['--max-old-space-size=40', '--require', preload]
    const { process: child, done, output } = await startImport(files().args, node)
    for (const part of text) if (!child.stdin.write(part)) await once(child.stdin, 'drain')
    child.stdin.end()
    await done.catch(() => undefined)
    const [line, kibibytes] = output().split('\n')
    return { line: `${line}\n`, mebibytes: Number(kibibytes) / 1024 }
  }

  function* manySessions(count: number): Iterable<string> {
    yield header
    for (let start = 0; start < count; start += 500) {
      const page = dumpText(500, 'x'.repeat(2000)).replace(/0{8}(?=[0-9a-f]{24}\b)/g, idOf(start).slice(-8))
      yield page.slice(header.length, -footer.length)
    }
    yield footer
  }

  function* endlessLine(mebibytes: number): Iterable<string> {
    yield `${header} ${idOf(1)}\n '`
    for (let done = 0; done < mebibytes; done++) yield 'x'.repeat(1024 * 1024)
    yield `'\n${footer}`
  }

  it('of 50,000 sessions takes no more memory than a small one', { timeout: 300_000 }, async () => {
    const small = await peak(manySessions(500))
    const large = await peak(manySessions(50_000))
    expect(large.line).toBe(counts({ wrote: 50_000 }))
    // Its text is 110 MiB.
    expect(large.mebibytes - small.mebibytes).toBeLessThan(40)
    const endless = await peak(endlessLine(300))
    expect(endless.line).toBe(counts({ refused: 1 }))
    // Three times the longest record, and what is on its way.
    expect(endless.mebibytes - small.mebibytes).toBeLessThan(60)
  })
})

describe('an import that is interrupted', () => {
  const total = 400

  /** Half of a dump goes in, and is waited for. */
  async function half() {
    const target = files()
    const child = await startImport(target.args)
    const text = dumpText(total)
    child.process.stdin.write(text.slice(0, text.indexOf(idOf(total / 2)) - 1))
    await vi.waitFor(() => expect(target.idsNow()).toHaveLength(total / 2), { timeout: 20_000 })
    return { target, child, text }
  }

  it('by Ctrl-C tells what it did, and the same command does the rest', async () => {
    const { target, child, text } = await half()
    child.process.kill('SIGINT')
    const [status] = await once(child.process, 'close')
    expect([status, child.output()]).toEqual([130, counts({ wrote: total / 2 })])
    expect((await runImport(target.args, { input: text })).stdout).toBe(counts({ wrote: total / 2, there: total / 2 }))
    expect(target.idsNow()).toHaveLength(total)
  })

  it('by being killed is done by the same command', async () => {
    const { target, child, text } = await half()
    child.process.kill('SIGKILL')
    await once(child.process, 'close')
    expect((await runImport(target.args, { input: text })).stdout).toBe(counts({ wrote: total / 2, there: total / 2 }))
    expect(target.idsNow()).toHaveLength(total)
  })

  /** The program that dumps is a script, which prints ten sessions and goes on; its process id. */
  async function interruptProgram(script: string): Promise<number> {
    const folder = temporaryFolder()
    const [program, pid] = [join(folder, 'dump'), join(folder, 'pid')]
    writeFileSync(join(folder, 'text'), dumpText(10).replace('DATA=END\n', ''))
    writeFileSync(program, `#!/bin/sh\n${script}\necho $$ >${pid}\ncat ${join(folder, 'text')}\nexec sleep 600\n`)
    chmodSync(program, 0o755)
    const target = files()
    const child = await startImport([...target.args, '--dump-program', program, 'any.db'])
    await vi.waitFor(() => expect(target.idsNow()).toHaveLength(10), { timeout: 20_000 })
    child.process.kill('SIGINT')
    const [status] = await once(child.process, 'close')
    expect([status, child.output()]).toEqual([130, counts({ wrote: 10 })])
    return Number(readFileSync(pid, 'utf8'))
  }

  // A process that has ended may wait for its parent to notice.
  const isOver = (pid: number) =>
    !existsSync(`/proc/${pid}/cmdline`) || readFileSync(`/proc/${pid}/cmdline`).length === 0

  it('ends the program that dumps', async () => {
    const pid = await interruptProgram('')
    await vi.waitFor(() => expect(isOver(pid)).toBe(true))
  })

  it('does not wait for a program that dumps and cannot end', async () => {
    const pid = await interruptProgram("trap '' TERM")
    expect(isOver(pid)).toBe(false)
    process.kill(pid, 'SIGKILL')
  })
})

describeWith(tools, 'an import from an environment that Perl is using', () => {
  it.each(['SIGINT', 'SIGKILL'] as const)('leaves no lock behind when it ends by %s', async (signal) => {
    const { home, file } = bigDatabase(10_000)
    const target = files('Storable')
    const child = await startImport([...target.args, '--home', home, file])
    await vi.waitFor(() => expect(target.idsNow().length).toBeGreaterThan(50), { timeout: 20_000, interval: 5 })
    child.process.kill(signal)
    const [status] = await once(child.process, 'close')
    expect(status).toBe(signal === 'SIGINT' ? 130 : null)
    const done = target.idsNow().length
    expect(done).toBeLessThan(10_000)
    writeInEnvironment(home)
    const { status: after, stdout, stderr } = await runImport([...target.args, '--home', home, file])
    expect(stdout).toBe(counts({ wrote: 10_000 - done, there: done, refused: 1 }))
    expect([after, stderr]).toEqual([
      1,
      expect.stringContaining(`refused: ${logId('f'.repeat(32))}: Not a Storable record`),
    ])
    expect(target.idsNow()).toHaveLength(10_000)
  })
})

describeWith('redis', 'an import into a server that stops', () => {
  it('ends with an error that says so, and tells what it did', async () => {
    const { settings, stop } = await startPrivateRedis()
    const { args, env } = argumentsFor('driver:Redis', {
      dataSource: `redis://${settings.host}:${settings.port}`,
      password: settings.password,
      timeout: 500,
    })
    const text = dumpText(20_000)
    const child = await startImport(args, [], env)
    let errors = ''
    child.process.stderr.setEncoding('utf8').on('data', (said: string) => (errors += said))
    const middle = text.indexOf(idOf(10_000)) - 1
    child.process.stdin.on('error', () => undefined).write(text.slice(0, middle))
    await vi.waitFor(() => expect(errors).toContain('read 10000 '), { timeout: 30_000 })
    await stop()
    child.process.stdin.end(text.slice(middle))
    const [status] = await once(child.process, 'close')
    expect([status, child.output()]).toEqual([1, counts({ wrote: 10_000 })])
    expect(errors).toMatch(/Redis: cannot store.*is the server running/)
    expect(errors).toContain('give the same command to go on')
    expect(errors).not.toContain(idOf(10_000))
  })
})

describe('the program', () => {
  it('says how far it is', async () => {
    const { stderr } = await runImport(files().args, { input: dumpText(20_000) })
    expect(stderr).toMatch(/^read 10000 \(\d+ a second\)\nread 20000 \(\d+ a second\)\n$/)
    const dump = join(temporaryFolder(), 'dump.txt')
    writeFileSync(dump, dumpText(20_000))
    const known = await runImport([...files().args, '--dump', dump])
    expect(known.stderr).toMatch(/^read 10000 \(\d+ a second, (?:4\d|5\d) %\)\nread 20000 \(\d+ a second, 100 %\)\n$/)
  })

  it('says what is wrong with the command line, and how it is written', async () => {
    for (const [args, reason] of [
      [[], '--type is missing'],
      [['--tpye', 'driver:File'], '--tpye'],
      [['--type', 'driver:File', 'a.db', 'b.db'], 'One file at a time'],
      [['--type', 'driver:File', '--dump', 'a', 'b.db'], 'not both'],
      [['--type', 'driver:Memory', '--dump', '-'], 'forgets everything'],
      [['--type', 'driver:File', '--home', 'a'], '--home goes with a file'],
      [['--type', 'driver:File', '--option', 'x'], 'NAME=VALUE'],
      [['--type', 'driver:Redis', '--option', 'password=secret'], 'DATA_SESSION_PASSWORD'],
      [['--type', 'driver:Redis', '--password', 'secret'], '--password'],
    ] as const) {
      const { status, stdout, stderr } = await runImport(args)
      expect([status, stdout]).toEqual([2, ''])
      expect(stderr).toContain(reason)
      expect(stderr).toContain('--dump-program PROGRAM')
      expect(stderr).not.toContain('secret')
    }
    expect((await runImport(['--help'])).stdout).toContain('apt install db5.3-util')
  })

  it('passes the password of the environment over where the store has none', async () => {
    const empty = 'VERSION=3\nformat=print\ntype=hash\nHEADER=END\nDATA=END\n'
    const { status, stdout } = await runImport(files().args, { input: empty, env: { DATA_SESSION_PASSWORD: 'secret' } })
    expect([status, stdout]).toEqual([0, expect.stringContaining('read 0')])
  })

  it('says in a line what went wrong', async () => {
    const { args } = files()
    for (const [more, reason] of [
      [['--dump-program', 'no-such-program', 'x.db'], ': apt install db5.3-util (on Debian), name another'],
      [['--dump-program', __filename, 'x.db'], 'cannot be started (EACCES)'],
      [['--dump', '/nowhere'], 'Cannot read /nowhere: ENOENT'],
      [['--dump', temporaryFolder()], 'The dump cannot be read: EISDIR'],
      [['--dump', __filename], 'Line 1 of the dump: this is no output of db_dump'],
      [['--option', 'tiemout=1'], "Option 'tiemout' is not one of"],
    ] as const) {
      const { status, stderr } = await runImport([...args, ...more])
      expect(status).toBe(1)
      expect(stderr).toContain(reason)
      expect(stderr.trim()).not.toContain('\n')
    }
    const text = [
      '--type',
      'driver:Pg;serialize:Storable',
      '--data-source',
      'dbi:Pg:dbname=x',
      '--option',
      'pgText=true',
    ]
    expect((await runImport(text, { input: dumpText(1) })).stderr).toContain('set up to hold only text')
  })

  it('stops when the store fails, and goes on when only a record is wrong', async () => {
    const source = ['--type', 'driver:SQLite', '--data-source', join(temporaryFolder(), 'missing', 'x.sqlite')]
    const { status, stdout, stderr } = await runImport(source, { input: dumpText(1000) })
    expect([status, stdout]).toEqual([1, counts({})])
    expect(stderr).toContain('check the option dataSource')
    const { args, directory } = files()
    writeFileSync(join(directory, '.keep'), '')
    mkdirSync(join(directory, `cgisess_${idOf(1)}`))
    const one = await runImport(args, { input: dumpText(3) })
    expect([one.status, one.stdout]).toEqual([1, counts({ wrote: 2, refused: 1 })])
  })

  it('is what package.json says', () => {
    const root = join(import.meta.dirname, '../..')
    const { bin, files: packed } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
    const file = bin['data-session-import-berkeleydb']
    expect(packed).toContain(file.replace('./', ''))
    expect(readFileSync(join(root, file), 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/)
  })
})
