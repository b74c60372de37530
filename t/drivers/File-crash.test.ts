/** Session files of processes that are killed, run out of room, or race. */

import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { encodeJournal } from '../../drivers/file/journal.js'
import { logId } from '../../lib/id-check.js'
import { bundle, startNode } from '../support/child.js'
import { fileStore } from '../support/file-store.js'
import { snapshot, temporaryFolder } from '../support/folders.js'
import { problemOf, recordOf } from '../support/records.js'
import { describeWith } from '../support/requirements.js'

const worker = 't/support/file-worker.ts'
const id = '0123456789abcdef'

/** A record as a text, which is compared faster and shown shorter. */
function textOf(record: Uint8Array | undefined): string | undefined {
  return record && Buffer.from(record).toString('latin1')
}

/** Kill a worker somewhere in its work. */
async function killOne(args: string[], pauseMs: number): Promise<void> {
  const child = await startNode(worker, args)
  await child.said('ready')
  const due = performance.now() + pauseMs
  while (performance.now() < due) await new Promise(setImmediate)
  child.process.kill('SIGKILL')
  await child.done.catch(() => undefined)
}

/** Kill writers of records of about this length; after each kill the session must be whole. */
async function killWhileWriting(length: number, kills: number, look: (path: string) => void): Promise<void> {
  const directory = temporaryFolder()
  const path = join(directory, `cgisess_${id}`)
  await fileStore({ directory }).store(id, recordOf(id, length, 0))
  const seen = new Set<string>()
  for (let kill = 0; kill < kills; kill++) {
    await killOne(['scribble', directory, id, String(length)], 1 + Math.random() * 6)
    look(path)
    const found = await fileStore({ directory }).retrieve(id)
    expect(found, 'the session').toBeDefined()
    expect(problemOf(found!)).toBeUndefined()
    expect(existsSync(join(directory, `.ns-j-cgisess_${id}`)), 'a journal').toBe(false)
    seen.add(textOf(found)!)
  }
  expect(seen.size, 'different records').toBeGreaterThan(kills / 2)
}

/** The same twice at a time. */
async function killTwo(length: number, kills: number, look: (path: string) => void): Promise<void> {
  await Promise.all([killWhileWriting(length, kills / 2, look), killWhileWriting(length, kills / 2, look)])
}

describe('File: kill -9', () => {
  it('while records of 1 KB are written: whole for everybody, Perl included', async () => {
    await killTwo(1000, 40, (path) => {
      expect(problemOf(readFileSync(path))).toBeUndefined()
    })
  })

  it('while records of 200 KB are written: the old one or the new one', async () => {
    let halfway = 0
    await killTwo(200_000, 50, (path) => {
      if (problemOf(readFileSync(path)) !== undefined) halfway++
    })
    console.info(`${halfway} of 50 files were halfway, and were put right`)
  })

  it('while sessions are created: every session is whole, and every name of it works', async () => {
    const directory = temporaryFolder()
    for (let kill = 0; kill < 10; kill++) await killOne(['create', directory, `k${kill}x`], 5 + Math.random() * 10)
    const driver = fileStore({ directory })
    let count = 0
    for await (const one of driver.ids()) {
      count++
      expect(problemOf((await driver.retrieve(one))!)).toBeUndefined()
    }
    expect(count).toBeGreaterThan(10)
  })
})

describeWith('strace', 'File: stopped at a step of a write', () => {
  const [short, long] = [recordOf(id, 100, 1).length, recordOf(id, 9000, 1).length]

  it.each([
    // First the room, then the journal, then the record.
    [100, 9000, 'pwrite64', 1, short, false],
    [100, 9000, 'pwrite64', 2, long, false],
    [100, 9000, 'rename', 1, long, false],
    [100, 9000, 'pwrite64', 7, long, true],
    [100, 9000, 'unlink', 1, long, true],
    // First the journal, then the record, then the cut.
    [9000, 100, 'pwrite64', 1, long, false],
    [9000, 100, 'rename', 1, long, false],
    [9000, 100, 'pwrite64', 6, long, true],
    [9000, 100, 'ftruncate', 1, long, true],
    [9000, 100, 'unlink', 1, short, true],
  ])('from %i to %i bytes, at %s %i', async (oldLength, newLength, call, count, size, journal) => {
    const directory = temporaryFolder()
    const path = join(directory, `cgisess_${id}`)
    const [before, after] = [recordOf(id, oldLength, 2), recordOf(id, newLength, 1)]
    writeFileSync(path, before)
    const kill = ['-f', '-o', '/dev/null', '-e', `trace=${call}`, '-e', `inject=${call}:signal=SIGKILL:when=${count}`]
    const args = [process.execPath, await bundle(worker), 'grow', directory, id, String(newLength)]
    const { stdout, signal } = spawnSync('strace', [...kill, ...args], { encoding: 'utf8' })
    expect({ stdout, signal }).toEqual({ stdout: '', signal: 'SIGKILL' })
    expect(statSync(path).size).toBe(size)
    expect(existsSync(join(directory, `.ns-j-cgisess_${id}`))).toBe(journal)
    const read = textOf(await fileStore({ directory }).retrieve(id))!.replace(/\n+$/, '')
    expect([textOf(before), textOf(after)]).toContain(read)
  })
})

describe('File: journals', () => {
  const lengths = [
    [9000, 9000],
    [5000, 9000],
    [9000, 5000],
    [9000, 100],
    [100, 9000],
  ] as const

  for (const [oldLength, newLength] of lengths) {
    for (const padding of [true, false]) {
      it(`from ${oldLength} to ${newLength} bytes${padding ? '' : ' without padding'}: stopped anywhere`, async () => {
        const before = recordOf(id, oldLength, 1)
        const after = recordOf(id, newLength, 2)
        for (const stop of [0, 1, 110, 150, 190, 4096, 8000, newLength + 100]) {
          const { directory, path, journal } = broken(before, after, padding, stop)
          // Nothing that differs had been written yet: the old record is still whole.
          const whole = readFileSync(path).equals(before) ? before : after
          const driver = fileStore({ directory }, padding)
          expect(textOf(await driver.retrieve(id))).toBe(textOf(whole))
          expect(textOf(readFileSync(path))).toBe(textOf(whole))
          expect(existsSync(journal)).toBe(false)
        }
      })
    }
  }

  /** The files as they are when a rewrite stops after so many bytes. */
  function broken(before: Buffer, after: Buffer, padding: boolean, stop: number) {
    const directory = temporaryFolder()
    const path = join(directory, `cgisess_${id}`)
    const journal = join(directory, `.ns-j-cgisess_${id}`)
    const length = Math.max(before.length, after.length)
    const fill = (bytes: Buffer, rest: Buffer) =>
      Buffer.concat([bytes, padding ? Buffer.alloc(length - bytes.length, '\n') : rest.subarray(bytes.length)])
    const file = fill(before, after)
    fill(after, before).copy(file, 0, 0, stop)
    writeFileSync(path, file)
    writeFileSync(journal, Buffer.concat(encodeJournal(padding, before, after)))
    return { directory, path, journal }
  }

  it('a writer puts the file right before it compares', async () => {
    const [before, after] = [recordOf(id, 9000, 1), recordOf(id, 9000, 2)]
    const { directory } = broken(before, after, true, 5000)
    const driver = fileStore({ directory })
    expect(await driver.store(id, recordOf(id, 1, 1), { expect: before })).toBe('conflict')
    expect(await driver.store(id, recordOf(id, 1, 1), { expect: after })).toBe('stored')
    expect(readdirSync(directory)).toEqual([`cgisess_${id}`])
  })

  it('is dropped when a program without journals has written since', async () => {
    const since = [recordOf(id, 8000, 7), recordOf(id, 9000, 7), recordOf(id, 9000, 1), recordOf(id, 9000, 2)]
    for (const written of since) {
      const { directory, path, journal } = broken(recordOf(id, 9000, 1), recordOf(id, 9000, 2), true, 5000)
      writeFileSync(path, written)
      expect(textOf(await fileStore({ directory }).retrieve(id))).toBe(textOf(written))
      expect(existsSync(journal)).toBe(false)
    }
  })

  it('is dropped when it is no whole journal', async () => {
    const [before, after] = [recordOf(id, 9000, 1), recordOf(id, 9000, 2)]
    const whole = Buffer.concat(encodeJournal(true, before, after))
    const flipped = Buffer.from(whole)
    flipped[5000]! ^= 1
    for (const bad of [Buffer.alloc(0), whole.subarray(0, 40), whole.subarray(0, -1), Buffer.alloc(500), flipped]) {
      const { directory, path, journal } = broken(before, after, true, 5000)
      const file = readFileSync(path)
      writeFileSync(journal, bad)
      expect(textOf(await fileStore({ directory }).retrieve(id))).toBe(textOf(file))
      expect(existsSync(journal)).toBe(false)
    }
  })

  it('goes with its session', async () => {
    const { directory } = broken(recordOf(id, 9000, 1), recordOf(id, 100, 2), true, 50)
    expect(await fileStore({ directory }).remove(id)).toBe(true)
    expect(readdirSync(directory)).toEqual([])
  })
})

describe('File: no room', () => {
  it.each([
    [1000, 30_000],
    [6000, 9000],
    [7000, 7500],
  ])('a record of %i bytes that cannot grow to %i stays as it was', async (length, wanted) => {
    const directory = temporaryFolder()
    await fileStore({ directory }).store(id, recordOf(id, length, 1))
    const before = snapshot(directory)
    const program = await bundle(worker)
    // Files may not be longer than 8 KB: the system refuses as it does when a disk is full.
    const limited = `trap '' XFSZ; ulimit -f 8; exec "$@"`
    const args = ['-c', limited, 'bash', process.execPath, program, 'grow', directory, id, String(wanted)]
    const { stdout } = spawnSync('bash', args, { encoding: 'utf8' })
    expect(stdout).toContain(`File: cannot store session ${logId(id)}`)
    expect(stdout).toContain('EFBIG')
    expect(snapshot(directory)).toEqual(before)
  })
})

describe('File: races', () => {
  it('four processes lose no update when each expects what it read', async () => {
    const directory = temporaryFolder()
    await fileStore({ directory }).store(id, Buffer.from('0'))
    const counters = await Promise.all([1, 2, 3, 4].map(() => startNode(worker, ['count', directory, id, '250'])))
    await Promise.all(counters.map((counter) => counter.done))
    expect(readFileSync(join(directory, `cgisess_${id}`), 'utf8')).toBe('1000')
  })
})
