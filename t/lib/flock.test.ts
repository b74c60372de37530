import { closeSync, openSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { DriverError, PluginError } from '../../lib/errors.js'
import { acquire, type FlockProvider, type LockMode, loadFlock, tryAcquire } from '../../lib/flock.js'
import { bundle, type Child, startNode, startPerl } from '../support/child.js'
import { temporaryFolder } from '../support/folders.js'
import { describeWith } from '../support/requirements.js'

const directory = temporaryFolder()
const path = join(directory, 'cgisess_lock')
const fds = new Set<number>()

function open(flags = 'r+'): number {
  const fd = openSync(path, flags)
  fds.add(fd)
  return fd
}

function close(fd: number): void {
  if (fds.delete(fd)) closeSync(fd)
}

beforeEach(() => writeFileSync(path, 'x'))
afterEach(() => {
  for (const fd of fds) closeSync(fd)
  fds.clear()
})

async function release(holder: Child): Promise<void> {
  holder.process.stdin.end()
  await holder.done
}

/** What a lock means, whoever else holds it. */
function lockCases(provider: FlockProvider, hold: () => Promise<Child>): void {
  const flock = () => loadFlock('a test', [provider])

  it('sees the lock of another process, and gets it when that ends', async () => {
    const holder = await hold()
    await holder.said('locked')
    const fd = open()
    expect(flock().tryLock(fd, 'shared')).toBe(false)
    expect(flock().tryLock(fd, 'exclusive')).toBe(false)
    const order: string[] = []
    const waiting = acquire(flock(), fd, 'exclusive', 5000).then(() => order.push('locked'))
    setImmediate(() => {
      order.push('released')
      holder.process.stdin.end()
    })
    await Promise.all([waiting, holder.done])
    expect(order).toEqual(['released', 'locked'])
  })

  it('gives up after the timeout, with a code', async () => {
    const holder = await hold()
    await holder.said('locked')
    const began = performance.now()
    const failed = await acquire(flock(), open(), 'shared', 60, 'Some').catch((error: unknown) => error)
    expect(failed).toBeInstanceOf(DriverError)
    expect(failed).toMatchObject({ code: 'ERR_SESSION_LOCK_TIMEOUT', driver: 'Some', operation: 'lock' })
    expect((failed as Error).message).toContain('within 60 ms')
    const waited = performance.now() - began
    expect(waited).toBeGreaterThanOrEqual(60)
    expect(waited).toBeLessThan(1000)
    await release(holder)
    expect(flock().tryLock(open(), 'exclusive')).toBe(true)
  })
}

for (const provider of ['fs-ext', 'koffi'] as const) {
  describeWith(provider, `flock from ${provider}`, () => {
    const flock = () => loadFlock('a test', [provider])

    it.each<[LockMode, LockMode, boolean]>([
      ['shared', 'shared', true],
      ['shared', 'exclusive', false],
      ['exclusive', 'shared', false],
      ['exclusive', 'exclusive', false],
    ])('%s and then %s: %s', (held, wanted, free) => {
      const holder = open()
      expect(flock().tryLock(holder, held)).toBe(true)
      expect(flock().tryLock(open(), wanted)).toBe(free)
      close(holder)
      expect(flock().tryLock(open('r'), free ? 'shared' : wanted)).toBe(true)
    })

    it('gives a lock back', () => {
      const holder = open()
      const other = open()
      expect(flock().tryLock(holder, 'exclusive')).toBe(true)
      expect(flock().tryLock(other, 'shared')).toBe(false)
      flock().unlock(holder)
      expect(flock().tryLock(other, 'shared')).toBe(true)
    })

    it('throws what is no question of waiting', () => {
      expect(flock().provider).toBe(provider)
      expect(() => flock().tryLock(999_999, 'shared')).toThrow()
    })

    it('rejects a waiter whose descriptor is closed', async () => {
      expect(flock().tryLock(open(), 'exclusive')).toBe(true)
      const fd = open()
      const waiting = acquire(flock(), fd, 'exclusive', 1000)
      close(fd)
      await expect(waiting).rejects.toThrow()
    })

    describe('with another Node process', () => {
      lockCases(provider, () => startNode('t/support/file-worker.ts', ['hold', directory, 'lock', provider]))
    })

    describeWith('perl', 'with a Perl process', () => {
      lockCases(provider, async () => startPerl('t/support/file-driver.pl', ['hold', directory, 'lock']))
    })
  })
}

describeWith('fs-ext', 'the queue of a file', () => {
  const flock = () => loadFlock('a test')

  it('serves in the order of the calls, newcomers last', async () => {
    const holder = open()
    flock().tryLock(holder, 'exclusive')
    const order: number[] = []
    const take = async (number: number): Promise<void> => {
      const fd = open()
      await acquire(flock(), fd, 'exclusive', 5000)
      order.push(number)
      // Held over a turn of the event loop, as a slow owner would.
      await new Promise(setImmediate)
      close(fd)
    }
    const waiting = Array.from({ length: 20 }, (_, number) => take(number))
    close(holder)
    // The lock is free, but others came first.
    expect(tryAcquire(flock(), open(), 'exclusive')).toBe(false)
    await Promise.all([...waiting, take(20)])
    expect(order).toEqual(Array.from({ length: 21 }, (_, number) => number))
  })

  it('times out those who wait too long, and serves the others', async () => {
    const holder = open()
    flock().tryLock(holder, 'exclusive')
    const patient = open()
    const waits = [acquire(flock(), open(), 'exclusive', 20), acquire(flock(), patient, 'exclusive', 5000)]
    const impatient = acquire(flock(), open(), 'shared', 20)
    await expect(waits[0]).rejects.toMatchObject({ code: 'ERR_SESSION_LOCK_TIMEOUT' })
    await expect(impatient).rejects.toMatchObject({ code: 'ERR_SESSION_LOCK_TIMEOUT' })
    close(holder)
    await waits[1]
    expect(flock().tryLock(open(), 'shared')).toBe(false)
  })

  it('a timeout of 0 tries once', async () => {
    flock().tryLock(open(), 'exclusive')
    const failed = acquire(flock(), open(), 'exclusive', 0)
    await expect(failed).rejects.toMatchObject({ code: 'ERR_SESSION_LOCK_TIMEOUT' })
  })

  it('keeps files apart, also those that were replaced', async () => {
    flock().tryLock(open(), 'exclusive')
    const waiting = acquire(flock(), open(), 'exclusive', 30)
    unlinkSync(path)
    writeFileSync(path, 'y')
    expect(tryAcquire(flock(), open(), 'exclusive')).toBe(true)
    await expect(waiting).rejects.toMatchObject({ code: 'ERR_SESSION_LOCK_TIMEOUT' })
  })

  it('leaves the event loop free while it waits', async () => {
    flock().tryLock(open(), 'exclusive')
    let turns = 0
    let waiting = true
    const turn = (): void => {
      turns++
      if (waiting) setImmediate(turn)
    }
    turn()
    await acquire(flock(), open(), 'exclusive', 50).catch(() => undefined)
    waiting = false
    expect(turns).toBeGreaterThan(50)
  })
})

describeWith('koffi', 'worker threads', () => {
  it('have locks, and the process survives them', async () => {
    loadFlock('a test')
    const script = await bundle('t/support/file-worker.ts')
    const exits = [1, 2, 3].map(
      (index) =>
        new Promise((resolve) =>
          new Worker(script, { argv: ['write', directory, `thread${index}`, '20'], stdout: true }).once(
            'exit',
            resolve,
          ),
        ),
    )
    expect(await Promise.all(exits)).toEqual([0, 0, 0])
  })
})

describe('without a package', () => {
  it('is an error that names both', () => {
    const load = () => loadFlock('File', [])
    expect(load).toThrow(PluginError)
    expect(load).toThrow(/File needs the package fs-ext or koffi/)
  })
})
