import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterEach, describe, expect, it } from 'vitest'
import type { Driver } from '../../lib/contracts.js'
import { DriverError } from '../../lib/errors.js'
import { loadFlock } from '../../lib/flock.js'
import { logId } from '../../lib/id-check.js'
import { driverSuite } from '../suite/driver.js'
import { startNode } from '../support/child.js'
import { fileStore } from '../support/file-store.js'
import { snapshot, temporaryFolder } from '../support/folders.js'
import { recordOf } from '../support/records.js'

const variants: [string, Record<string, unknown>, boolean][] = [
  ['File', {}, true],
  ['File without padding', {}, false],
  ['File without locks', { noFlock: true }, true],
  ['File with names of its own', { fileName: '%s.session' }, true],
]

for (const [name, options, padding] of variants) {
  driverSuite({
    describe,
    it,
    name,
    open: async () => {
      const directory = mkdtempSync(join(tmpdir(), 'data-session-test-'))
      const open = () => fileStore({ directory, ...options }, padding)
      const driver = open()
      const close = async (): Promise<void> => {
        await driver.close()
        const left = readdirSync(directory).filter((file) => file.startsWith('.'))
        rmSync(directory, { recursive: true })
        expect(left, 'hidden files').toEqual([])
      }
      return { driver, close, peer: async () => open() }
    },
  })
}

const id = '0123456789abcdef'
const record = Buffer.from("$D = {'n' => 1};;$D")
const other = Buffer.from("$D = {'n' => 2};;$D")
const isRoot = process.getuid?.() === 0
const nobody = 65_534

async function listed(driver: Driver): Promise<string[]> {
  const ids: string[] = []
  for await (const one of driver.ids()) ids.push(one)
  return ids.sort()
}

/** The errors of everything that can be done to a session, in the order: retrieve, store, create, replace, remove. */
function everything(driver: Driver): Promise<unknown[]> {
  const calls = [
    () => driver.retrieve(id),
    () => driver.store(id, record),
    () => driver.store(id, record, { expect: null }),
    () => driver.store(id, record, { expect: record }),
    () => driver.remove(id),
  ]
  return Promise.all(calls.map(async (call) => call().catch((error: unknown) => error)))
}

describe('File: options', () => {
  it.each([
    ['directory', ''],
    ['directory', 5],
    ['directory', 'a\0b'],
    ['fileName', 'cgisess'],
    ['fileName', '%s%s'],
    ['fileName', '100%_%s'],
    ['fileName', 'sub/%s'],
    ['fileName', '../%s'],
    ['fileName', '.%s'],
    ['fileName', `${'x'.repeat(60)}%s`],
    ['umask', 0o1777],
    ['umask', '0660'],
    ['lockTimeout', -1],
    ['noFlock', 1],
    ['noFollow', 'no'],
    ['durable', null],
    ['trustedUids', 33],
    ['trustedUids', [-1]],
  ])('%s cannot be %j', (name, value) => {
    expect(() => fileStore({ [name]: value })).toThrow(
      expect.objectContaining({ code: 'ERR_SESSION_OPTION', option: name }),
    )
  })

  it('keeps sessions where Perl does by default', async () => {
    const before = process.env.TMPDIR
    const folder = temporaryFolder()
    try {
      process.env.TMPDIR = folder
      await fileStore({}).store(id, record)
      process.env.TMPDIR = join(folder, 'missing')
      expect(await fileStore({ noFlock: true }).retrieve(`${id}-never-there`)).toBeUndefined()
    } finally {
      if (before === undefined) delete process.env.TMPDIR
      else process.env.TMPDIR = before
    }
    expect(readdirSync(folder)).toEqual([`cgisess_${id}`])
    expect(existsSync(join(folder, 'missing'))).toBe(false)
  })

  it('makes the directory when the first session is stored', async () => {
    const directory = join(temporaryFolder(), 'a', 'b')
    const driver = fileStore({ directory })
    expect(await driver.retrieve(id)).toBeUndefined()
    expect(await driver.remove(id)).toBe(false)
    expect(await listed(driver)).toEqual([])
    expect(existsSync(directory)).toBe(false)
    expect(await driver.store(id, record)).toBe('stored')
    expect(statSync(directory).mode & 0o777).toBe(0o700)
  })

  it('says so when the directory is a file', async () => {
    const directory = join(temporaryFolder(), 'file')
    writeFileSync(directory, 'x')
    for (const error of await everything(fileStore({ directory }))) {
      expect(error).toBeInstanceOf(DriverError)
      expect((error as Error).message).toContain('not a directory')
    }
    await expect(listed(fileStore({ directory }))).rejects.toBeInstanceOf(DriverError)
  })
})

describe('File: modes', () => {
  const mask = process.umask()
  afterEach(() => {
    process.umask(mask)
  })

  it.each([
    [undefined, 0o022, 0o640],
    [undefined, 0o002, 0o660],
    [0o600, 0o022, 0o600],
    [0o666, 0o000, 0o666],
    [0o777, 0o027, 0o750],
    [0, 0o022, 0],
  ])('umask %s under a process umask of %s gives %s (D23)', async (option, processMask, mode) => {
    const directory = temporaryFolder()
    process.umask(processMask)
    await fileStore({ directory, umask: option }).store(id, record)
    expect(statSync(join(directory, `cgisess_${id}`)).mode & 0o777).toBe(mode)
  })

  it('a rewrite keeps inode, owner and mode', async () => {
    const directory = temporaryFolder()
    const driver = fileStore({ directory })
    await driver.store(id, record)
    const path = join(directory, `cgisess_${id}`)
    chmodSync(path, 0o604)
    const { ino, uid, gid, mode } = statSync(path)
    for (const length of [10_000, 20, 100_000, 3]) await driver.store(id, recordOf(id, length, 1))
    expect(statSync(path)).toMatchObject({ ino, uid, gid, mode, nlink: 1 })
  })
})

describe('File: hostile ids', () => {
  const hostile = ['../up', '/etc/passwd', 'a/b', 'x/../../up', 'a\0b', 'sub/file', './x', '..\\up', '\\\\host\\x']

  it.each(hostile)(
    '%j touches nothing',
    async (bad) => {
      const parent = temporaryFolder()
      const directory = join(parent, 'sessions')
      mkdirSync(join(directory, 'sub'), { recursive: true })
      writeFileSync(join(parent, 'up'), 'outside')
      writeFileSync(join(directory, 'sub', 'file'), 'below')
      const before = [snapshot(parent), snapshot(directory), snapshot(join(directory, 'sub'))]
      for (const fileName of ['cgisess_%s', '%s']) {
        const driver = fileStore({ directory, fileName })
        const calls = [
          driver.retrieve(bad),
          driver.store(bad, record),
          driver.store(bad, record, { expect: null }),
          driver.remove(bad),
        ]
        for (const call of calls) await expect(call.then(String)).rejects.toThrow(/cannot be part of a file name/)
      }
      expect([snapshot(parent), snapshot(directory), snapshot(join(directory, 'sub'))]).toEqual(before)
    },
    5000,
  )
})

describe('File: dots', () => {
  it.each(['.', '..'])('%j alone is no file name', async (bad) => {
    const driver = fileStore({ directory: temporaryFolder(), fileName: '%s' })
    await expect(driver.retrieve(bad)).rejects.toThrow(/cannot be part of a file name/)
  })
})

describe('File: hostile targets', () => {
  /** A folder with a victim, and whatever `plant` puts in the place of the session. */
  function planted(plant: (path: string, victim: string) => void) {
    const parent = temporaryFolder()
    const directory = join(parent, 'sessions')
    mkdirSync(directory)
    const victim = join(parent, 'victim')
    writeFileSync(victim, record)
    plant(join(directory, `cgisess_${id}`), victim)
    return { parent, directory }
  }

  const targets: [string, RegExp, (path: string, victim: string) => void][] = [
    ['a symbolic link', /symbolic link, which is not followed/, (path, victim) => symlinkSync(victim, path)],
    ['a dangling link', /symbolic link, which is not followed/, (path) => symlinkSync('../nothing', path)],
    ['a link to itself', /symbolic link, which is not followed/, (path) => symlinkSync(path, path)],
    ['a hard link', /hard links/, (path, victim) => linkSync(victim, path)],
    ['a directory', /not a regular file/, (path) => mkdirSync(path)],
    ['a pipe', /not a regular file/, (path) => void spawnSync('mkfifo', [path])],
    ['a device', /symbolic link, which is not followed/, (path) => symlinkSync('/dev/zero', path)],
  ]

  it.each(targets)('%s is refused, and left alone (D8)', async (_, reason, plant) => {
    const { parent, directory } = planted(plant)
    const before = [snapshot(parent), snapshot(directory)]
    for (const noFlock of [false, true]) {
      for (const error of await everything(fileStore({ directory, noFlock }))) {
        expect(error).toBeInstanceOf(DriverError)
        expect((error as Error).message).toMatch(reason)
        expect(inspect(error)).not.toContain(id)
        expect(String((error as Error).cause)).not.toContain(id)
      }
    }
    expect([snapshot(parent), snapshot(directory)]).toEqual(before)
    expect(await listed(fileStore({ directory }))).toEqual(plant === targets[3]![2] ? [id] : [])
  })

  it('noFollow: false follows links', async () => {
    const { directory } = planted((path, victim) => symlinkSync(victim, path))
    const driver = fileStore({ directory, noFollow: false })
    expect(await driver.retrieve(id)).toEqual(record)
    expect(await driver.store(id, recordOf(id, 5, 5))).toBe('stored')
  })

  it('a file that is too long is refused', async () => {
    const { directory } = planted((path) => {
      writeFileSync(path, 'x')
      truncateSync(path, 65 * 1024 * 1024)
    })
    const [read, written] = await everything(fileStore({ directory }))
    expect((read as Error).message).toContain('longer than 67108864 bytes')
    expect((written as Error).message).toContain('longer than 67108864 bytes')
    const long = new Uint8Array(64 * 1024 * 1024 + 1)
    await expect(fileStore({ directory }).store('other', long)).rejects.toThrow('longer than 67108864 bytes')
  })

  it('a second name left by a creator that died is removed', async () => {
    const { directory } = planted((path) => writeFileSync(path, record))
    const hidden = join(directory, '.ns-t-1-0-abc')
    linkSync(join(directory, `cgisess_${id}`), hidden)
    expect(await fileStore({ directory }).retrieve(id)).toEqual(record)
    expect(readdirSync(directory)).toEqual([`cgisess_${id}`])
  })

  it('keeps native errors with their code, and without the path', async () => {
    const { directory } = planted((path) => symlinkSync('nowhere', path))
    const error = await fileStore({ directory })
      .retrieve(id)
      .catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'ERR_SESSION_DRIVER', operation: 'retrieve', cause: { code: 'ELOOP' } })
    expect((error as Error).message).toContain(`${logId(id)} in ${directory}`)
    expect(inspect(error)).not.toContain(id)
  })
})

describe.runIf(isRoot)('File: owners (as root)', () => {
  it.each([
    ['a private directory', 0o700, {}, true],
    ['a directory of a group', 0o2770, {}, true],
    ['a directory like /tmp', 0o1777, {}, false],
    ['a directory like /tmp, user trusted', 0o1777, { trustedUids: [nobody] }, true],
  ])('the file of another user in %s', async (_, mode, options, accepted) => {
    const directory = temporaryFolder()
    chmodSync(directory, mode)
    const path = join(directory, `cgisess_${id}`)
    writeFileSync(path, record)
    chownSync(path, nobody, nobody)
    const driver = fileStore({ directory, ...options })
    if (accepted) {
      expect(await driver.retrieve(id)).toEqual(record)
      expect(await driver.store(id, record, { expect: record })).toBe('stored')
    } else {
      await expect(driver.retrieve(id)).rejects.toThrow(/belongs to user 65534.*trustedUids/)
      await expect(driver.store(id, record)).rejects.toThrow(/belongs to user 65534/)
      expect(readFileSync(path)).toEqual(record)
    }
  })

  /** Run as another user. */
  async function as<T>(uid: number, work: () => Promise<T>): Promise<T> {
    process.seteuid!(uid)
    try {
      return await work()
    } finally {
      process.seteuid!(0)
    }
  }

  it('a session of another user in a sticky directory is emptied, for it cannot be unlinked', async () => {
    const directory = temporaryFolder()
    chmodSync(directory, 0o1777)
    const path = join(directory, `cgisess_${id}`)
    writeFileSync(path, record)
    chmodSync(path, 0o666)
    loadFlock('a test')
    await as(nobody, async () => {
      const driver = fileStore({ directory })
      expect(await driver.remove(id)).toBe(true)
      expect(statSync(path).size).toBe(0)
      expect(await driver.retrieve(id)).toBeUndefined()
      expect(await driver.remove(id)).toBe(false)
      expect(await driver.store(id, record, { expect: record })).toBe('gone')
      expect(await driver.store(id, record, { expect: null })).toBe('stored')
      expect(await driver.retrieve(id)).toEqual(record)
    })
  })

  it('says what is missing when a file may not be written', async () => {
    const directory = temporaryFolder()
    chmodSync(directory, 0o755)
    const path = join(directory, `cgisess_${id}`)
    writeFileSync(path, record)
    chmodSync(path, 0o644)
    await as(nobody, async () => {
      const driver = fileStore({ directory })
      expect(await driver.retrieve(id)).toEqual(record)
      await expect(driver.store(id, record)).rejects.toThrow(/permission was denied/)
      await expect(driver.remove(id)).rejects.toThrow(/permission was denied/)
      await expect(driver.store('new', record)).rejects.toThrow(/permission was denied/)
    })
    expect(readFileSync(path)).toEqual(record)
  })
})

describe('File: ids', () => {
  it('lists sessions alone: whole names, regular files of this directory, ids that could be asked for (D9)', async () => {
    const directory = temporaryFolder()
    const driver = fileStore({ directory, fileName: 'a.b+%s.s' })
    await driver.store('good', record)
    const names = [
      'xa.b+one.s',
      'a.b+two.sx',
      'aXb+three.s',
      'a.b+.s',
      'a.b+four five.s',
      '.ns-j-a.b+good.s',
      '.a.b+x.s',
      'a.b+.x.s',
    ]
    for (const name of names) writeFileSync(join(directory, name), 'x')
    mkdirSync(join(directory, 'a.b+folder.s'))
    symlinkSync('a.b+good.s', join(directory, 'a.b+link.s'))
    expect(await listed(driver)).toEqual(['good'])
  })

  it('goes on when files vanish on the way (C6)', async () => {
    const directory = temporaryFolder()
    const driver = fileStore({ directory })
    for (let index = 0; index < 600; index++) writeFileSync(join(directory, `cgisess_${index}`), record)
    let seen = 0
    for await (const _ of driver.ids()) {
      if (seen++ === 0) for (const name of readdirSync(directory).slice(0, 500)) rmSync(join(directory, name))
    }
    expect(seen).toBeGreaterThanOrEqual(100)
    expect((await listed(driver)).length).toBe(100)
  })

  it('sweeps away what killed processes left an hour ago', async () => {
    const directory = temporaryFolder()
    const driver = fileStore({ directory })
    await driver.store(id, record)
    const old = ['.ns-t-1-0-old', '.ns-j-cgisess_gone', `.ns-j-cgisess_${id}`, '.ns-t-folder', '.other', '.ns-j-other']
    for (const name of old) {
      if (name.endsWith('folder')) mkdirSync(join(directory, name))
      else writeFileSync(join(directory, name), 'x')
      utimesSync(join(directory, name), 1, 1)
    }
    writeFileSync(join(directory, '.ns-t-1-1-new'), 'x')
    expect(await listed(driver)).toEqual([id])
    const kept = ['.ns-j-other', `.ns-j-cgisess_${id}`, '.ns-t-1-1-new', '.ns-t-folder', '.other', `cgisess_${id}`]
    expect(readdirSync(directory).sort()).toEqual(kept.sort())
  })

  it('removing a missing session is not an error (D7, C14)', async () => {
    expect(await fileStore({ directory: temporaryFolder() }).remove(id)).toBe(false)
  })
})

describe('File: empty files', () => {
  it('are no sessions, and can be written', async () => {
    const directory = temporaryFolder()
    const path = join(directory, `cgisess_${id}`)
    const driver = fileStore({ directory })
    const writes = [
      { expect: undefined, outcome: 'stored' },
      { expect: null, outcome: 'stored' },
      { expect: record, outcome: 'gone' },
    ]
    for (const { expect: precondition, outcome } of writes) {
      writeFileSync(path, '')
      expect(await driver.retrieve(id)).toBeUndefined()
      expect(await driver.store(id, record, { expect: precondition })).toBe(outcome)
    }
    expect(await driver.remove(id)).toBe(false)
  })

  it('are looked at once more: their creator may be about to write', async () => {
    const directory = temporaryFolder()
    const path = join(directory, `cgisess_${id}`)
    writeFileSync(path, '')
    const reading = fileStore({ directory }).retrieve(id)
    setImmediate(() => writeFileSync(path, record))
    expect(await reading).toEqual(record)
  })
})

describe('File: durable', () => {
  it('writes, lengthens, cuts and removes records as always, and leaves nothing behind', async () => {
    const directory = temporaryFolder()
    const driver = fileStore({ directory, durable: true })
    let current = recordOf(id, 10, 0)
    expect(await driver.store(id, current, { expect: null })).toBe('stored')
    for (const [letter, length] of [3000, 20, 100_000, 5000, 1].entries()) {
      const next = recordOf(id, length, letter)
      expect(await driver.store(id, next, { expect: current })).toBe('stored')
      expect(await driver.retrieve(id)).toEqual(next)
      current = next
    }
    expect(readdirSync(directory)).toEqual([`cgisess_${id}`])
    expect(await driver.remove(id)).toBe(true)
    expect(readdirSync(directory)).toEqual([])
  })
})

describe('File: waiting', () => {
  it('a lock that nobody gives back is an error with a code, and nothing is changed', async () => {
    const directory = temporaryFolder()
    await fileStore({ directory }).store(id, record)
    const holder = await startNode('t/support/file-worker.ts', ['hold', directory, id, loadFlock('a test').provider])
    await holder.said('locked')
    const driver = fileStore({ directory, lockTimeout: 40 })
    for (const error of await everything(driver)) {
      if (error === 'exists') continue
      expect(error).toMatchObject({ code: 'ERR_SESSION_LOCK_TIMEOUT' })
    }
    expect(await fileStore({ directory, noFlock: true }).retrieve(id)).toEqual(record)
    const waiting = fileStore({ directory }).store(id, recordOf(id, 9, 9), { expect: record })
    holder.process.stdin.end()
    expect(await waiting).toBe('stored')
    await holder.done
  })

  it('follows a file that was removed and made anew while it waited', async () => {
    const directory = temporaryFolder()
    const driver = fileStore({ directory })
    await driver.store(id, record)
    const holder = await startNode('t/support/file-worker.ts', ['hold', directory, id, loadFlock('a test').provider])
    await holder.said('locked')
    const calls = [driver.retrieve(id), driver.store(id, recordOf(id, 2, 2), { expect: record }), driver.retrieve(id)]
    rmSync(join(directory, `cgisess_${id}`))
    holder.process.stdin.end()
    expect(await Promise.all(calls)).toEqual([undefined, 'gone', undefined])
    await holder.done
    expect(readdirSync(directory)).toEqual([])
  })

  it('never takes what a name led to before it waited for what it leads to now', async () => {
    const directory = temporaryFolder()
    const [path, secret, next] = ['cgisess_', 'secret_', 'next_'].map((name) => join(directory, `${name}${id}`))
    writeFileSync(secret!, other)
    const driver = fileStore({ directory })
    const calls: [() => Promise<unknown>, unknown][] = [
      [() => driver.retrieve(id), record],
      [() => driver.store(id, recordOf(id, 2, 2)), 'stored'],
      [() => driver.store(id, recordOf(id, 2, 2), { expect: record }), 'stored'],
      [() => driver.remove(id), true],
    ]
    for (const [call, outcome] of calls) {
      linkSync(secret!, path!)
      const holder = await startNode('t/support/file-worker.ts', ['hold', directory, id, loadFlock('a test').provider])
      await holder.said('locked')
      const waiting = call()
      writeFileSync(next!, record)
      renameSync(next!, path!)
      holder.process.stdin.end()
      expect(await waiting).toEqual(outcome)
      expect(readFileSync(secret!)).toEqual(other)
      await holder.done
      rmSync(path!, { force: true })
    }
  })

  it('200 visits at once to one session take less than 5 s with a single thread', async () => {
    const directory = temporaryFolder()
    await fileStore({ directory }).store(id, record)
    const env = { UV_THREADPOOL_SIZE: '1' }
    const crowds = await Promise.all(
      [1, 2].map(() => startNode('t/support/file-worker.ts', ['crowd', directory, id, '200'], env)),
    )
    for (const crowd of crowds) expect(JSON.parse(await crowd.done).milliseconds).toBeLessThan(5000)
  })

  it('changes the times of a file as any write does', async () => {
    const directory = temporaryFolder()
    const driver = fileStore({ directory })
    await driver.store(id, record)
    const path = join(directory, `cgisess_${id}`)
    utimesSync(path, 1, 1)
    await driver.retrieve(id)
    expect(statSync(path).mtimeMs).toBe(1000)
    await driver.store(id, record)
    expect(statSync(path).mtimeMs).toBeGreaterThan(1000)
  })
})
