/** The counter file: its numbers, its bytes, what is refused, and many processes of two languages at it. */

import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import {
  chmodSync,
  closeSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import AutoIncrement, { type AutoIncrementOptions } from '../../id/AutoIncrement.js'
import { IdError } from '../../lib/errors.js'
import { loadFlock } from '../../lib/flock.js'
import { readOptions } from '../../lib/options.js'
import { idSuite } from '../suite/id.js'
import { bundle } from '../support/child.js'
import { describeWith } from '../support/requirements.js'

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'data-session-counter-')))
let files = 0

function newFile(content?: string): string {
  const file = join(folder, `counter-${files++}`)
  if (content !== undefined) writeFileSync(file, content)
  return file
}

function counter(idFile: string, options: Partial<AutoIncrementOptions> = {}): AutoIncrement {
  return new AutoIncrement(readOptions(AutoIncrement.options, { idFile, ...options }))
}

/** How many descriptors of this process are on a file; others of the process come and go. */
function descriptorsOf(file: string): number {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`) === file
    } catch {
      return false
    }
  }).length
}

const contentOf = (file: string): string => readFileSync(file, 'latin1')

async function refusal(generator: AutoIncrement): Promise<IdError> {
  const failure = await generator.generate().catch((error: unknown) => error)
  expect(failure).toBeInstanceOf(IdError)
  expect(failure).toMatchObject({ code: 'ERR_SESSION_ID_GENERATE' })
  return failure as IdError
}

afterAll(() => rmSync(folder, { recursive: true, force: true }))

idSuite({ describe, it, name: 'AutoIncrement', create: () => counter(newFile()) })

describe('AutoIncrement', () => {
  it('declares words of up to 32 characters (D24)', () => {
    expect(counter(newFile())).toMatchObject({ shape: 'word', length: 32 })
  })

  it('counts in the file data.session.id of the temporary folder unless told otherwise', () => {
    expect(readOptions(AutoIncrement.options, {})).toEqual({
      idFile: join(tmpdir(), 'data.session.id'),
      idBase: 0,
      idStep: 1,
      umask: 0o666,
      noFlock: false,
      lockTimeout: 5000,
    })
  })

  it('starts at base + step', async () => {
    const file = newFile()
    const generator = counter(file, { idBase: 99, idStep: 2 })
    expect([await generator.generate(), await generator.generate()]).toEqual(['101', '103'])
    expect(contentOf(file)).toBe('103')
  })

  const continuations: [content: string, next: string][] = [
    ['', '8'],
    ['0', '8'],
    ['1', '2'],
    ['9', '10'],
    ['99\n', '100'],
    ['98\n', '99'],
    ['41\n\n\n', '42'],
    ['0041', '42'],
    ['9007199254740991', '9007199254740992'],
    ['9007199254740993', '9007199254740994'],
    ['18446744073709551614', '18446744073709551615'],
  ]
  for (const [content, next] of continuations) {
    it(`goes on from ${JSON.stringify(content)} with ${next}, in the same inode`, async () => {
      const file = newFile(content)
      const { ino } = statSync(file)
      expect(await counter(file, { idBase: 7 }).generate()).toBe(next)
      expect(contentOf(file)).toBe(next)
      expect(statSync(file).ino).toBe(ino)
    })
  }

  it('makes the file with the permissions asked for, less the umask', async () => {
    const umask = process.umask()
    for (const [options, mode] of [
      [{}, 0o666],
      [{ umask: 0o640 }, 0o640],
    ] as const) {
      const file = newFile()
      await counter(file, options).generate()
      expect(statSync(file).mode & 0o777).toBe(mode & ~umask)
    }
  })

  it.skipIf(!existsSync('/proc/self/fd'))('leaves no descriptor open, whether it works or not', async () => {
    const [good, bad] = [newFile(), newFile('no number')]
    await counter(good).generate()
    await refusal(counter(bad))
    expect([descriptorsOf(good), descriptorsOf(bad)]).toEqual([0, 0])
  })

  it.skipIf(!existsSync('/proc/self/fd'))(
    'has one descriptor open while a thousand calls wait for the lock',
    async () => {
      const file = newFile('5')
      const fd = openSync(file, 'r+')
      expect(loadFlock('test').tryLock(fd, 'exclusive')).toBe(true)
      const generator = counter(file)
      const waiting = Array.from({ length: 1000 }, () => generator.generate())
      await new Promise((resolve) => setImmediate(resolve))
      expect(descriptorsOf(file)).toBe(2)
      closeSync(fd)
      expect(await Promise.all(waiting)).toEqual(Array.from({ length: 1000 }, (_, i) => String(6 + i)))
    },
  )

  it('without a lock counts just the same', async () => {
    const file = newFile()
    const generator = counter(file, { noFlock: true })
    const ids = await Promise.all(Array.from({ length: 100 }, () => generator.generate()))
    expect(new Set(ids).size).toBe(100)
    expect(contentOf(file)).toBe('100')
  })
})

describe('AutoIncrement refuses', () => {
  const garbage = ['abc', '12x', '-5', '1.5', '1e3', '12\n34', ' 1', '1\r\n', '1\0', '1'.repeat(64), '9\n'.repeat(999)]
  for (const content of garbage) {
    it(`a file with ${JSON.stringify(content.slice(0, 20))}, and leaves it as it is`, async () => {
      const file = newFile(content)
      expect((await refusal(counter(file))).message).toContain('something else than a number')
      expect(contentOf(file)).toBe(content)
    })
  }

  it('to count where Perl cannot', async () => {
    const file = newFile('18446744073709551615')
    expect((await refusal(counter(file))).message).toContain('at its end')
    expect(contentOf(file)).toBe('18446744073709551615')
  })

  it('a symbolic link, dangling or not, and does not follow it', async () => {
    const [target, missing] = [newFile('5'), newFile()]
    for (const to of [target, missing]) {
      const link = newFile()
      symlinkSync(to, link)
      expect((await refusal(counter(link))).message).toContain('symbolic link')
      expect(lstatSync(link).isSymbolicLink()).toBe(true)
    }
    expect(contentOf(target)).toBe('5')
    expect(existsSync(missing)).toBe(false)
  })

  it('a hard link to another file', async () => {
    const [target, link] = [newFile('5'), newFile()]
    linkSync(target, link)
    expect((await refusal(counter(link))).message).toContain('hard link')
    expect(contentOf(target)).toBe('5')
  })

  it('a FIFO, at once', async () => {
    const fifo = newFile()
    execFileSync('mkfifo', [fifo])
    expect((await refusal(counter(fifo))).message).toContain('not a regular file')
  })

  it('a folder, a device and a path that does not exist', async () => {
    const directory = newFile()
    mkdirSync(directory)
    for (const path of [directory, '/dev/null', join(folder, 'nowhere', 'counter')]) {
      expect((await refusal(counter(path))).message).toContain(path)
    }
  })

  const isRoot = process.getuid?.() === 0
  if (isRoot) console.warn('skipped: a file that it may not write: root may write every file')
  it.skipIf(isRoot)('a file that it may not write', async () => {
    const file = newFile('5')
    chmodSync(file, 0o444)
    expect((await refusal(counter(file))).cause).toMatchObject({ code: 'EACCES' })
  })

  it('to wait longer than the time-out for a lock that somebody holds', async () => {
    const file = newFile('5')
    const fd = openSync(file, 'r+')
    expect(loadFlock('test').tryLock(fd, 'exclusive')).toBe(true)
    const generator = counter(file, { lockTimeout: 60 })
    const start = performance.now()
    const calls = Array.from({ length: 50 }, () => generator.generate().catch((error: unknown) => error))
    const failures = await Promise.all(calls)
    const elapsed = performance.now() - start
    closeSync(fd)
    for (const failure of failures) expect(failure).toMatchObject({ code: 'ERR_SESSION_LOCK_TIMEOUT' })
    // Each of the 50 waits its own 60 ms from the call on, not from its turn: that would be 3 s.
    expect(elapsed).toBeLessThan(2000)
    expect(contentOf(file)).toBe('5')
    expect(await generator.generate()).toBe('6')
  })
})

it('AutoIncrement goes to the new file when the old one is removed while it waits for the lock', async () => {
  const file = newFile('5')
  const fd = openSync(file, 'r+')
  expect(loadFlock('test').tryLock(fd, 'exclusive')).toBe(true)
  const waiting = counter(file).generate()
  await new Promise((resolve) => setImmediate(resolve))
  unlinkSync(file)
  writeFileSync(file, '70')
  closeSync(fd)
  expect(await waiting).toBe('71')
  expect(contentOf(file)).toBe('71')
})

/** Perl's CGI::Session::ID::incr, driven as the program of count.ts is. */
const perlProgram = `
  use strict; use warnings; use CGI::Session::ID::incr;
  my ($file, $base, $step, $count) = @ARGV;
  $| = 1; print "ready\\n"; <STDIN>;
  my @ids = map {
    CGI::Session::ID::incr->generate_id({ IDFile => $file, IDInit => $base, IDIncr => $step })
      // die CGI::Session::ID::incr->errstr
  } 1 .. $count;
  print map { "$_\\n" } @ids;
`

interface Counter {
  readonly command: string
  readonly args: readonly string[]
}

/** All ids that the processes took, started together. */
async function takeTogether(counters: readonly Counter[]): Promise<string[]> {
  const children = counters.map(({ command, args }) => spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] }))
  const outputs = children.map((child) => text(child.stdout!))
  await Promise.all(children.map(started))
  for (const child of children) child.stdin!.end('go\n')
  const lines = (await Promise.all(outputs)).map((output) => output.trim().split('\n').slice(1))
  expect(await Promise.all(children.map(exitCode))).toEqual(children.map(() => 0))
  return lines.flat()
}

function started(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve) => child.stdout!.once('data', resolve))
}

function exitCode(child: ChildProcess): Promise<number | null> {
  if (child.exitCode !== null) return Promise.resolve(child.exitCode)
  return new Promise((resolve) => child.once('exit', resolve))
}

describe('many processes at one counter file', () => {
  let program: string
  beforeAll(async () => {
    program = await bundle('t/id/children/count.ts')
  })

  const node = (file: string, base: number, step: number, count: number): Counter => ({
    command: process.execPath,
    args: [program, file, String(base), String(step), String(count)],
  })
  const perl = (file: string, base: number, step: number, count: number): Counter => ({
    command: 'perl',
    args: ['-e', perlProgram, file, String(base), String(step), String(count)],
  })

  /** All ids from base + step on, each once, whoever got it. */
  function expectEachOnce(ids: string[], base: number, step: number): void {
    const numbers = ids.map(Number).sort((a, b) => a - b)
    expect(numbers).toEqual(numbers.map((_, i) => base + step * (i + 1)))
  }

  it('8 of Node take 10,000 ids: none twice, none lost', async () => {
    const file = newFile()
    const ids = await takeTogether(Array.from({ length: 8 }, () => node(file, 500, 3, 1250)))
    expect(ids.length).toBe(10_000)
    expectEachOnce(ids, 500, 3)
    expect(contentOf(file)).toBe(String(500 + 3 * 10_000))
  })

  describeWith('perl', 'and Perl', () => {
    it("2 of Node and 2 of CGI::Session's incr take 8,000 ids: none twice, none lost", async () => {
      const file = newFile()
      const ids = await takeTogether([node, perl, node, perl].map((who) => who(file, 99, 2, 2000)))
      expect(ids.length).toBe(8000)
      expectEachOnce(ids, 99, 2)
      expect(contentOf(file)).toBe(String(99 + 2 * 8000))
    })

    it('take turns: each goes on where the other stopped', async () => {
      const file = newFile()
      const taken: string[] = []
      for (const who of [perl, node, perl, node]) taken.push(...(await takeTogether([who(file, 99, 2, 1)])))
      expect(taken).toEqual(['101', '103', '105', '107'])
    })
  })

  it('killed at any moment leave a whole number, and the count goes on from there', async () => {
    const file = newFile()
    let highest = 0
    for (let round = 0; round < 10; round++) {
      const child = spawn(process.execPath, [program, file, '0', '1', '1000000'], {
        stdio: ['pipe', 'pipe', 'inherit'],
      })
      await started(child)
      child.stdin.end('go\n')
      const before = contentIfAny(file)
      while (contentIfAny(file) === before) await new Promise((resolve) => setImmediate(resolve))
      child.kill('SIGKILL')
      await exitCode(child)
      child.stdout.destroy()
      expect(contentOf(file)).toMatch(/^\d+\n*$/)
      expect(Number(contentOf(file))).toBeGreaterThan(highest)
      highest = Number(contentOf(file))
    }
    expect(Number(await counter(file).generate())).toBe(highest + 1)
  })
})

function contentIfAny(file: string): string {
  return existsSync(file) ? contentOf(file) : ''
}
