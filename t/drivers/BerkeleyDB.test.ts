import { spawnSync } from 'node:child_process'
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { Worker } from 'node:worker_threads'
import { afterEach, expect, it } from 'vitest'
import BerkeleyDB from '../../drivers/BerkeleyDB.js'
import { loadFlock } from '../../lib/flock.js'
import { OptionError, SessionManager } from '../../lib/index.js'
import { readOptions } from '../../lib/options.js'
import { driverSuite } from '../suite/driver.js'
import { bundle, type Child, start, startNode } from '../support/child.js'
import { countTogether, raceToCreate } from '../support/driver-processes.js'
import { folderInMemory, temporaryFolder } from '../support/folders.js'
import { describeWith } from '../support/requirements.js'

/** What the tests use of lmdb. */
interface Handle {
  get(key: Buffer): Buffer | undefined
  putSync(key: Buffer, value: Buffer): boolean
  transaction<Result>(change: () => Result): Promise<Result>
  transactionSync<Result>(change: () => Result): Result
  openDB(name: string, options: object): Handle
  readerList(): string
  getStats(): { entryCount: number; mapSize: number }
  close(): Promise<void>
  readonly status: string
}

const binary = { encoding: 'binary', keyEncoding: 'binary' }
const id = '0123456789abcdef0123456789abcdef'
const record = Buffer.from("$D = {'n' => 1};;$D")
const other = Buffer.from("$D = {'n' => 2};;$D")
const keyOf = (one: string): Buffer => Buffer.from(one, 'latin1')

const opened: { close(): unknown }[] = []
const children: Child[] = []

afterEach(async () => {
  for (const child of children.splice(0)) child.process.kill('SIGKILL')
  for (const one of opened.splice(0)) await one.close()
})

/** Closed when the test ends. */
function closing<T extends { close(): unknown }>(one: T): T {
  opened.push(one)
  return one
}

function berkeley(options: object): BerkeleyDB {
  return new BerkeleyDB(readOptions(BerkeleyDB.options, options as Record<string, unknown>))
}

/** A live database, as a program has it. */
function handle(path = temporaryFolder(), options: object = binary): Handle {
  return closing(createRequire(import.meta.url)('lmdb').open({ path, ...options }) as Handle)
}

/** Another process at work on an environment; killed when the test ends. */
async function worker(task: string, directory: string, number = 0): Promise<Child> {
  const child = await startNode('t/support/lmdb-worker.ts', [task, directory, String(number)])
  children.push(child)
  return child
}

async function ended({ process: child }: Child): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await new Promise((resolve) => child.once('exit', resolve))
}

async function fill(driver: BerkeleyDB, count: number, length = 300): Promise<void> {
  for (let from = 0; from < count; from += 500) {
    const ids = Array.from({ length: Math.min(500, count - from) }, (_, index) => `fill${from + index}`)
    await Promise.all(ids.map((one) => driver.store(one, Buffer.from(one.padEnd(length)))))
  }
}

async function listed(driver: BerkeleyDB): Promise<string[]> {
  const ids: string[] = []
  for await (const one of driver.ids()) ids.push(one)
  return ids
}

/** The files of a folder that this process has open. */
function openFiles(directory: string): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const file = readlinkSync(`/proc/self/fd/${fd}`)
      return file.startsWith(directory) ? [file] : []
    } catch {
      return []
    }
  })
}

function suite(title: string, newOptions: () => { options: object; peerOptions?: object; end?(): unknown }): void {
  describeWith('lmdb', `BerkeleyDB, ${title}`, () => {
    driverSuite({
      describe: (_title, body) => body(),
      it,
      name: 'BerkeleyDB',
      open: async () => {
        const { options, peerOptions = options, end } = newOptions()
        const driver = berkeley(options)
        return {
          driver,
          close: async () => {
            await driver.close()
            await end?.()
          },
          peer: async () => berkeley(peerOptions),
        }
      },
    })
  })
}

suite('in a folder', () => ({ options: { directory: temporaryFolder() } }))

suite('on a live environment, and by its folder', () => {
  const directory = temporaryFolder()
  const cache = handle(directory)
  return { options: { cache }, peerOptions: { directory }, end: () => cache.close() }
})

suite('on a database of an environment that a function gives', () => {
  const environment = handle(temporaryFolder(), {})
  const cache = async () => environment.openDB('sessions', binary)
  return { options: { cache }, end: () => environment.close() }
})

describeWith('lmdb', 'BerkeleyDB: options', () => {
  it('name one place, and no more', () => {
    expect(() => berkeley({})).toThrow(OptionError)
    expect(() => berkeley({})).toThrow("needs option 'directory'")
    expect(() => berkeley({ directory: '/x', cache: {} })).toThrow('two places')
    for (const directory of ['', 'a\0b', 7]) expect(() => berkeley({ directory })).toThrow("Option 'directory' must be")
  })

  it('cache may be a function, called at first use, and again after it failed', async () => {
    let calls = 0
    const cache = () => {
      if (calls++ === 0) throw new Error('not yet')
      return handle()
    }
    const driver = berkeley({ cache })
    expect(calls).toBe(0)
    await expect(driver.retrieve(id)).rejects.toThrow('not yet')
    expect(await driver.store(id, record)).toBe('stored')
    await driver.retrieve(id)
    expect(calls).toBe(2)
  })

  it('cache stays open, and has the bytes as they are', async () => {
    const cache = handle()
    const driver = berkeley({ cache })
    await driver.store('\xff\x00', record)
    await driver.close()
    expect(cache.status).toBe('open')
    expect(cache.get(Buffer.of(0xff, 0))).toEqual(record)
  })

  it.each([
    ['no database', () => ({}), 'must be a database of the package lmdb'],
    ['default encodings', () => handle(temporaryFolder(), {}), 'another encoding'],
    ['keys of text', () => handle(temporaryFolder(), { encoding: 'binary' }), 'another encoding'],
    ['compression', () => handle(temporaryFolder(), { ...binary, compression: true }), 'without compression'],
    ['versions', () => handle(temporaryFolder(), { ...binary, useVersions: true }), 'without useVersions'],
    ['several values a key', () => handle(temporaryFolder(), { ...binary, dupSort: true }), 'without dupSort'],
  ])('cache with %s is refused', async (_title, newHandle, message) => {
    const driver = berkeley({ cache: newHandle() })
    await expect(driver.store(id, record)).rejects.toThrow(OptionError)
    await expect(driver.store(id, record)).rejects.toThrow(message)
  })

  it('cache that its owner closed is a clear error', async () => {
    const cache = handle()
    const driver = berkeley({ cache })
    await driver.store(id, record)
    await cache.close()
    const closed = { code: 'ERR_SESSION_DRIVER', message: expect.stringContaining('has closed the environment') }
    await expect(driver.store(id, other)).rejects.toMatchObject(closed)
    await expect(driver.retrieve(id)).rejects.toMatchObject(closed)
    await expect(listed(driver)).rejects.toMatchObject(closed)
  })
})

describeWith('lmdb', 'BerkeleyDB: the program’s own transactions on its environment', () => {
  it('are waited for, and have no part of a session in them', async () => {
    const cache = handle()
    const driver = berkeley({ cache })
    await driver.store(id, record)
    let end = (): void => {}
    const own = cache.transaction(async () => {
      cache.putSync(keyOf(id), Buffer.from('not committed yet'))
      await new Promise<void>((resolve) => (end = resolve))
      cache.putSync(keyOf(id), record)
    })
    await expect.poll(() => (cache as unknown as { env: { writeTxn: unknown } }).env.writeTxn).toBeTruthy()
    const [read, stored] = [driver.retrieve(id), driver.store(id, other, { expect: record })]
    await new Promise(setImmediate)
    end()
    expect(await read).toEqual(record)
    expect(await stored).toBe('stored')
    await own
    expect(cache.get(keyOf(id))).toEqual(other)
  })

  it('that come one after the other do not keep a stored record from being there at once', async () => {
    const environment = handle(temporaryFolder(), {})
    const driver = berkeley({ cache: environment.openDB('sessions', binary) })
    const own = environment as unknown as { put(key: string, value: unknown): Promise<boolean> }
    let isOver = false
    const program = (async () => {
      for (let round = 0; !isOver; round++) {
        const puts = Array.from({ length: 3000 }, (_, index) => own.put(`own${index}`, round))
        const transactions = [1, 2].map((pause) =>
          environment.transaction(() => new Promise((resolve) => setTimeout(resolve, pause))),
        )
        await Promise.all<unknown>([...puts, ...transactions])
      }
    })()
    const count = async (one: string): Promise<void> => {
      for (let number = 0; number < 25; number++) {
        const [present, next] = [number - 1, number].map((value) => Buffer.from(String(value)))
        const expected = number === 0 ? null : present!
        expect(await driver.store(one, next!, { expect: expected })).toBe('stored')
        expect(await driver.retrieve(one)).toEqual(next)
      }
    }
    await Promise.all(Array.from({ length: 8 }, (_, index) => count(`counter${index}`)))
    isOver = true
    await program
  })

  it('are waited for as long as timeout says', async () => {
    const cache = handle()
    const driver = berkeley({ cache, timeout: 20 })
    let end = (): void => {}
    const own = cache.transaction(() => new Promise<void>((resolve) => (end = resolve)))
    await expect.poll(() => (cache as unknown as { env: { writeTxn: unknown } }).env.writeTxn).toBeTruthy()
    const late = { code: 'ERR_SESSION_DRIVER', message: expect.stringContaining('option timeout') }
    await expect(driver.retrieve(id)).rejects.toMatchObject(late)
    await expect(driver.store(id, record)).rejects.toMatchObject(late)
    end()
    await own
    expect(await driver.store(id, record)).toBe('stored')
  })
})

describeWith('lmdb', 'BerkeleyDB: many processes', () => {
  it('create each id once, and lose no update', async () => {
    const directory = temporaryFolder()
    const target = { driver: 'BerkeleyDB', options: { directory } }
    const outcomes = await raceToCreate(target, 6, 40)
    for (const outcome of outcomes) expect(outcome).toEqual([...Array(5).fill('exists'), 'stored'])
    const driver = closing(berkeley({ directory }))
    await driver.store('counter', Buffer.from('0'))
    await countTogether(target, 6, 'counter', 50)
    expect(Buffer.from((await driver.retrieve('counter'))!).toString()).toBe('300')
  })

  it('lose no update while others open and close the environment', async () => {
    // A disk makes a commit so slow that it is seldom within an opening.
    const directory = folderInMemory()
    const target = { driver: 'BerkeleyDB', options: { directory } }
    const driver = closing(berkeley({ directory }))
    await driver.store('counter', Buffer.from('0'))
    await Promise.all([
      countTogether(target, 2, 'counter', 1000),
      countTogether(target, 4, 'counter', 30, 'open and count'),
    ])
    expect(Buffer.from((await driver.retrieve('counter'))!).toString()).toBe('2120')
  })

  it('a program that has the folder locked for longer than timeout is told of, and nothing is written', async () => {
    const directory = temporaryFolder()
    const driver = closing(berkeley({ directory, timeout: 20 }))
    await driver.store(id, record)
    const folder = openSync(directory, 'r')
    expect(loadFlock('a test').tryLock(folder, 'exclusive')).toBe(true)
    const late = { code: 'ERR_SESSION_LOCK_TIMEOUT', message: expect.stringContaining('20 ms (timeout)') }
    await expect(driver.store(id, other)).rejects.toMatchObject(late)
    await expect(berkeley({ directory, timeout: 20 }).retrieve(id)).rejects.toMatchObject(late)
    expect(await driver.retrieve(id)).toEqual(record)
    closeSync(folder)
    expect(await driver.store(id, other)).toBe('stored')
  })

  it('are not asked for by noFlock', async () => {
    const directory = temporaryFolder()
    const folder = openSync(directory, 'r')
    expect(loadFlock('a test').tryLock(folder, 'exclusive')).toBe(true)
    const driver = closing(berkeley({ directory, timeout: 20, noFlock: true }))
    expect(await driver.store(id, record)).toBe('stored')
    closeSync(folder)
  })

  it('a read sees what another process has just committed, in the same turn of the event loop', async () => {
    const directory = temporaryFolder()
    const driver = closing(berkeley({ directory }))
    await driver.store('forgetful', other)
    const script = await bundle('t/support/forgetful-worker.ts')
    expect(Buffer.from((await driver.retrieve('forgetful'))!)).toEqual(other)
    const options = JSON.stringify({ directory })
    expect(spawnSync(process.execPath, [script, 'BerkeleyDB', options], { encoding: 'utf8' }).stdout).toBe('stored')
    expect(Buffer.from((await driver.retrieve('forgetful'))!).toString()).toBe('record')
  })

  it('the map grows with what any of them stores', async () => {
    const directory = temporaryFolder()
    const cache = handle(directory)
    const driver = berkeley({ cache })
    await driver.store('first', record)
    const before = cache.getStats().mapSize
    const names = await Promise.all(
      ['one', 'two'].map(async () => (await (await worker('fill', directory, 3000)).done).trim()),
    )
    await fill(driver, 3000, 1000)
    for (const name of names) {
      for (const number of [0, 1500, 2999]) {
        expect(Buffer.from((await driver.retrieve(`${name}-${number}`))!).toString()).toBe(
          `${name}-${number}`.padEnd(1000),
        )
      }
    }
    const { entryCount, mapSize } = cache.getStats()
    expect(entryCount).toBe(9001)
    expect(mapSize).toBeGreaterThan(20 * before)
  })

  it('slots of readers that were killed are taken again', async () => {
    const directory = temporaryFolder()
    const cache = handle(directory, { ...binary, maxReaders: 4 })
    const driver = berkeley({ cache })
    await driver.store(id, record)
    for (let kill = 0; kill < 8; kill++) {
      const reader = await worker('read', directory)
      await reader.said('reading')
      reader.process.kill('SIGKILL')
      await ended(reader)
    }
    expect(Buffer.from((await driver.retrieve(id))!)).toEqual(record)
    const target = { driver: 'BerkeleyDB', options: { directory } }
    expect(await raceToCreate(target, 2, 5)).toEqual(Array(5).fill(['exists', 'stored']))
  })

  it('one that is killed while it writes leaves whole records, and nobody waits for it', async () => {
    const directory = temporaryFolder()
    const driver = closing(berkeley({ directory }))
    for (let kill = 0; kill < 5; kill++) {
      const writer = await worker('write', directory, 5000)
      await writer.said('writing')
      writer.process.kill('SIGKILL')
      expect(await driver.store(`after${kill}`, record)).toBe('stored')
      for (let index = 0; index < 20; index++) {
        const found = Buffer.from((await driver.retrieve(`killed${index}`))!)
        expect(found).toEqual(Buffer.alloc(5000, found[0]))
      }
      await ended(writer)
    }
  })

  it('one that is killed in a transaction is passed over; readers never wait for it', async () => {
    const directory = temporaryFolder()
    const driver = closing(berkeley({ directory }))
    await driver.store(id, record)
    const frozen = await worker('freeze', directory)
    await frozen.said('inside')
    frozen.process.kill('SIGSTOP')
    expect(Buffer.from((await driver.retrieve(id))!)).toEqual(record)
    expect(await listed(driver)).toEqual([id])
    const waiting = await worker('fill', directory, 100)
    frozen.process.kill('SIGKILL')
    await waiting.done
    expect(await driver.store(id, other, { expect: record })).toBe('stored')
    expect((await listed(driver)).length).toBe(101)
  })
})

describeWith('lmdb', 'BerkeleyDB: passes over all sessions', () => {
  it('go on while sessions come and go, and give each that stays once', async () => {
    const driver = closing(berkeley({ directory: temporaryFolder() }))
    await fill(driver, 2500, 10)
    const seen: string[] = []
    for await (const one of driver.ids()) {
      seen.push(one)
      if (seen.length % 2 === 0) await driver.remove(one)
      if (seen.length === 100) await fill(driver, 3, 20)
      if (seen.length === 200) await Promise.all(['a', 'zz'].map((added) => driver.store(added, record)))
    }
    expect(new Set(seen).size).toBe(seen.length)
    expect(seen.filter((one) => one.startsWith('fill')).length).toBe(2500)
    expect([seen.includes('a'), seen.includes('zz')]).toEqual([false, true])
  })

  it.each(['ids', 'possiblyExpired'] as const)(
    'keep no view open while the consumer of %s() thinks',
    async (method) => {
      const cache = handle()
      const driver = berkeley({ cache })
      await fill(driver, 1200)
      let steps = 0
      for await (const _ of driver[method]()) {
        if (++steps % 300 !== 0) continue
        await new Promise((resolve) => setTimeout(resolve))
        // A reader that is at work has the number of a transaction, one that is not has a dash.
        expect(cache.readerList()).toMatch(/^[^\n]*pid[^\n]*\n(?:.* -\n)+$/)
      }
      expect(steps).toBe(1200)
    },
  )

  it('give large records in small pages, each record whole', async () => {
    const driver = closing(berkeley({ directory: temporaryFolder() }))
    const lengths = [1, 1000, 40_000, 300_000, 2_000_000, 70_000]
    for (const length of lengths) await driver.store(String(length), Buffer.alloc(length, String(length)))
    const found: number[] = []
    for await (const { id: one, record: bytes } of driver.possiblyExpired()) {
      expect(Buffer.compare(bytes, Buffer.alloc(Number(one), one))).toBe(0)
      found.push(bytes.length)
    }
    expect(found.sort((a, b) => a - b)).toEqual(lengths.sort((a, b) => a - b))
  })

  it('take the same memory for 20,000 sessions as for few', async () => {
    const options = { type: 'driver:BerkeleyDB;serialize:JSON', directory: temporaryFolder() }
    let now = Date.now()
    await using sessions = await SessionManager.create({ ...options, clock: () => now })
    for (let from = 0; from < 20_000; from += 500) {
      const some = Array.from({ length: 500 }, (_, index) => sessions.open({ id: `session${from + index}` }))
      const lifetime = from % 1000 === 0 ? '1h' : '1d'
      await Promise.all(some.map(async (one) => (await one).param('text', 'x'.repeat(1000)).expire(lifetime).flush()))
    }
    now += 7_200_000
    const used = (): number => {
      const { heapUsed, external } = process.memoryUsage()
      return heapUsed + external
    }
    const start = used()
    let [count, peak] = [0, 0]
    await sessions.traverse(() => {
      if (++count % 100 === 0) peak = Math.max(peak, used() - start)
    })
    expect(count).toBe(20_000)
    const timer = setInterval(() => (peak = Math.max(peak, used() - start)), 1)
    expect(await sessions.purge()).toEqual({ removed: 10_000, kept: 10_000, unreadable: 0 })
    clearInterval(timer)
    // All records together have more than 20 MB, as strings and bytes more than 40.
    expect(peak).toBeLessThan(30_000_000)
  })

  it('pass over keys that no session can have', async () => {
    const cache = handle()
    cache.putSync(Buffer.alloc(300, 'k'), record)
    const driver = berkeley({ cache })
    await driver.store(id, record)
    expect(await listed(driver)).toEqual([id])
  })
})

describeWith('lmdb', 'BerkeleyDB: the folder', () => {
  it('is for this user alone when the driver makes it, and no file is for others', async () => {
    const directory = join(temporaryFolder(), 'www.example.com', 'sessions.d')
    await (await worker('make', directory)).done
    expect((statSync(directory).mode & 0o777).toString(8)).toBe('700')
    expect(readdirSync(directory)).toEqual(['data.mdb', 'lock.mdb'])
    for (const name of ['data.mdb', 'lock.mdb']) expect(statSync(join(directory, name)).mode & 0o007).toBe(0)
  })

  it('with an empty data.mdb is a new environment', async () => {
    const directory = temporaryFolder()
    writeFileSync(join(directory, 'data.mdb'), '')
    const driver = closing(berkeley({ directory }))
    expect(await driver.store(id, record)).toBe('stored')
  })

  it.each([
    ['no environment', Buffer.alloc(20_000, 'x'), 'not that of an LMDB environment'],
    ['hardly anything', Buffer.from('short'), 'not that of an LMDB environment'],
    ['an environment of LMDB 0.9', oldEnvironment(), 'of data format 1'],
  ])('with a data.mdb that has %s is refused, and left as it is', async (_title, content, message) => {
    const directory = temporaryFolder()
    const file = join(directory, 'data.mdb')
    writeFileSync(file, content)
    const driver = closing(berkeley({ directory }))
    const refused = { code: 'ERR_SESSION_DRIVER', message: expect.stringContaining(message) }
    await expect(driver.retrieve(id)).rejects.toMatchObject(refused)
    await expect(driver.store(id, record)).rejects.toMatchObject(refused)
    expect(readFileSync(file)).toEqual(content)
  })

  it('with a data.mdb that is cut short, or with folders in place of files, is refused', async () => {
    const directory = temporaryFolder()
    const first = berkeley({ directory })
    await first.store(id, record)
    await first.close()
    truncateSync(join(directory, 'data.mdb'), 4096)
    await expect(berkeley({ directory }).retrieve(id)).rejects.toThrow('cut short')
    for (const name of ['data.mdb', 'lock.mdb']) {
      const odd = temporaryFolder()
      mkdirSync(join(odd, name))
      await expect(berkeley({ directory: odd }).retrieve(id)).rejects.toThrow('not a file')
    }
  })

  it('that cannot be written is told, and so is a file in its place', async () => {
    // Nobody may make files there, root included.
    await expect(berkeley({ directory: '/sys/kernel' }).retrieve(id)).rejects.toThrow(
      'this user may not read and write',
    )
    const file = join(temporaryFolder(), 'file')
    writeFileSync(file, '')
    for (const directory of [file, join(file, 'below')]) {
      await expect(berkeley({ directory }).retrieve(id)).rejects.toThrow('is there a file of this name')
    }
  })

  const reason = mountMissing()
  if (reason !== undefined) console.warn(`skipped: BerkeleyDB: a folder on a full disk: ${reason}`)
  it.skipIf(reason !== undefined)('on a full disk is told, and does not end the process', async () => {
    const directory = temporaryFolder()
    const script = await bundle('t/support/lmdb-worker.ts')
    const inside = 'mount -t tmpfs -o size=64k tmpfs "$4" && exec "$@"'
    const child = start('unshare', ['-rm', 'sh', '-c', inside, 'sh', process.execPath, script, 'make', directory])
    expect(await child.done).toContain('the disk is full')
  })

  it.skipIf(reason !== undefined)('whose disk becomes full keeps what was acknowledged, and the process', async () => {
    const script = await bundle('t/support/lmdb-worker.ts')
    const inside = 'mount -t tmpfs -o size=3m tmpfs "$4" && exec "$@"'
    const crowd = [process.execPath, script, 'crowd', temporaryFolder()]
    const child = start('unshare', ['-rm', 'sh', '-c', inside, 'sh', ...crowd])
    const { stored, errors, lost } = JSON.parse(await child.done)
    expect(stored).toBeGreaterThan(100)
    expect(errors).toHaveLength(30)
    for (const error of errors) expect(error).toContain('the disk is full')
    expect(lost).toBe(0)
  })

  it('that is removed or replaced under a program is told, and nothing is written to what is no longer there', async () => {
    for (const cache of [false, true]) {
      const directory = temporaryFolder()
      const driver = closing(berkeley(cache ? { cache: handle(directory, binary) } : { directory }))
      await driver.store(id, record)
      // As a folder looks that has been there for long.
      utimesSync(directory, 1_600_000_000, 1_600_000_000)
      expect(await driver.store(id, other, { expect: record })).toBe('stored')
      renameSync(join(directory, 'data.mdb'), join(directory, 'old.mdb'))
      await expect(driver.store(id, other)).rejects.toThrow('removed or replaced while the environment was open')
      writeFileSync(join(directory, 'data.mdb'), readFileSync(join(directory, 'old.mdb')))
      await expect(driver.remove(id)).rejects.toThrow('start the program anew')
    }
  })

  it('whose disk becomes full is told, and keeps what was there', async () => {
    const directory = temporaryFolder()
    const script = await bundle('t/support/lmdb-worker.ts')
    // A limit on the size of files, in place of a full disk.
    const limit = 'trap \'\' XFSZ; ulimit -f 2000; exec "$@"'
    const child = start('sh', ['-c', limit, 'sh', process.execPath, script, 'burst', directory])
    const said = JSON.parse((await child.done).trim())
    expect(said).toMatchObject({ code: 'ERR_SESSION_DRIVER', isKept: true, small: 'stored' })
    expect(said.message).toContain('the disk is full, or failed')
    expect(said.message).not.toContain('secret')
    const driver = closing(berkeley({ directory }))
    expect(await driver.store('big', Buffer.alloc(3_000_000, 'x'))).toBe('stored')
  })
})

/** Why there can be no small file system of a test's own; undefined when there can be. */
function mountMissing(): string | undefined {
  const { status } = spawnSync('unshare', ['-rm', 'mount', '-t', 'tmpfs', 'tmpfs', tmpdir()])
  return status === 0 ? undefined : 'unshare or mount may not mount a file system here'
}

/** The beginning of data.mdb as LMDB 0.9 writes it. */
function oldEnvironment(): Buffer {
  const page = Buffer.alloc(8192)
  page.writeUInt32LE(0xbeefc0de, 16)
  page.writeUInt32LE(1, 20)
  return page
}

describeWith('lmdb', 'BerkeleyDB: the end', () => {
  it('close() waits for what is under way, and leaves no lock behind', async () => {
    const directory = temporaryFolder()
    const driver = berkeley({ directory })
    const writes = Array.from({ length: 50 }, (_, index) => driver.store(`under-way-${index}`, record))
    await driver.close()
    expect(await Promise.all(writes)).toEqual(Array(50).fill('stored'))
    await expect(driver.store(id, record)).rejects.toMatchObject({ code: 'ERR_SESSION_CLOSED' })
    await (await worker('fill', directory, 100)).done
    expect((await listed(closing(berkeley({ directory })))).length).toBe(150)
  })

  it.skipIf(!existsSync('/proc/self/fd'))('close() gives back the files that the driver opened', async () => {
    const directory = temporaryFolder()
    const driver = berkeley({ directory })
    await driver.store(id, record)
    expect(openFiles(directory).length).toBeGreaterThan(0)
    await driver.close()
    expect(openFiles(directory)).toEqual([])
  })

  it('of one driver is not the end of another one in the same folder', async () => {
    const directory = temporaryFolder()
    const [one, another] = [berkeley({ directory }), closing(berkeley({ directory }))]
    await one.store(id, record)
    await another.retrieve(id)
    await one.close()
    expect(await another.store(id, other, { expect: record })).toBe('stored')
    expect(Buffer.from((await another.retrieve(id))!)).toEqual(other)
  })

  it('a script that forgets close() ends, and its session is there', async () => {
    const directory = temporaryFolder()
    const script = await startNode('t/support/forgetful-worker.ts', ['BerkeleyDB', JSON.stringify({ directory })])
    expect(await script.done).toBe('stored')
    expect(Buffer.from((await closing(berkeley({ directory })).retrieve('forgetful'))!).toString()).toBe('record')
  })

  it('worker threads share a folder', async () => {
    const directory = temporaryFolder()
    const script = await bundle('t/support/lmdb-worker.ts')
    const driver = closing(berkeley({ directory }))
    await driver.store(id, record)
    const threads = [1, 2, 3].map(async () => {
      const one = new Worker(script, { argv: ['fill', directory, '300'] })
      expect(await new Promise((resolve) => one.once('exit', resolve))).toBe(0)
    })
    await Promise.all(threads)
    expect((await listed(driver)).length).toBe(901)
  })

  it('errors have no session in them', async () => {
    const cache = handle()
    const driver = berkeley({ cache })
    await driver.store(id, record)
    await cache.close()
    const error = await driver.store(id, other, { expect: record }).then(
      () => expect.fail('it should have failed'),
      (reason: unknown) => inspect(reason, { depth: 9 }),
    )
    expect(error).toContain('DriverError')
    expect(error).not.toContain(id)
    expect(error).not.toContain("'n'")
  })
})

describeWith('lmdb,strace', 'BerkeleyDB: the disk', () => {
  // The second one makes the environment; the others write the page that says where the newest records are.
  it.each([2, 3, 4, 5])('that fails once, at write %i, is used again by the same process', async (nth) => {
    const directory = temporaryFolder()
    const fault = ['-f', '-o', '/dev/null', '-e', 'trace=pwrite64', '-e', `inject=pwrite64:error=EIO:when=${nth}`]
    const worker = [await bundle('t/support/lmdb-worker.ts'), 'persist', directory]
    const { stdout } = spawnSync('strace', [...fault, process.execPath, ...worker], { encoding: 'utf8' })
    const ends = JSON.parse(stdout) as string[]
    expect(ends.slice(-2)).toEqual(['stored', 'fourth'])
    for (const end of ends.filter((one) => one.startsWith('BerkeleyDB'))) expect(end).toContain('EIO')
    expect(ends.filter((one) => one.startsWith('BerkeleyDB')).length).toBeLessThan(2)
  })

  it.each(['own', 'live', 'without overlappingSync', 'named'])(
    'has a write when it is told as stored (%s)',
    async (cache) => {
      const trace = join(temporaryFolder(), 'trace')
      const calls = ['-f', '-o', trace, '-e', 'trace=write,fsync,fdatasync,msync', '-s', '16']
      const worker = [await bundle('t/support/lmdb-worker.ts'), 'acknowledge', temporaryFolder(), cache]
      const { status } = spawnSync('strace', [...calls, process.execPath, ...worker])
      expect(status).toBe(0)
      const writes = readFileSync(trace, 'utf8').split('write(1, "begin').slice(1)
      expect(writes).toHaveLength(3)
      for (const write of writes) expect(write.split('write(1, "stored')[0]).toMatch(/f(?:data)?sync\(|msync\(/)
    },
  )
})
