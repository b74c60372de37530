/** What other processes do to the files of a test: `node file-worker.cjs <task> <directory> <id> …`. */

import { openSync, statSync } from 'node:fs'
import { acquire, type FlockProvider, loadFlock } from '../../lib/flock.js'
import { fileStore } from './file-store.js'
import { problemOf, recordOf } from './records.js'

const [task = '', directory = '', id = '', ...rest] = process.argv.slice(2)

function say(value: unknown): void {
  process.stdout.write(`${typeof value === 'string' ? value : JSON.stringify(value)}\n`)
}

/** A whole number below `limit`. */
const below = (limit: number): number => Math.floor(Math.random() * limit)

const tasks: Record<string, () => Promise<void>> = {
  /** Write records of 1 to 60 KB for so many milliseconds. */
  async write() {
    const driver = fileStore({ directory })
    const end = Date.now() + Number(rest[0])
    let written = 0
    while (Date.now() < end) {
      await driver.store(id, recordOf(id, 1000 + below(59_000), below(26)))
      written++
    }
    say({ written })
  },

  /** Read for so many milliseconds, and count what is not whole. */
  async read() {
    const driver = fileStore({ directory })
    const end = Date.now() + Number(rest[0])
    const { ino } = statSync(`${directory}/cgisess_${id}`)
    const counts = { reads: 0, bad: 0, missing: 0, replaced: 0 }
    while (Date.now() < end) {
      const record = await driver.retrieve(id)
      counts.reads++
      if (record === undefined) counts.missing++
      else if (problemOf(record) !== undefined) counts.bad++
      if (statSync(`${directory}/cgisess_${id}`).ino !== ino) counts.replaced++
    }
    say(counts)
  },

  /** Add one, so many times, each time to what was read. */
  async count() {
    const driver = fileStore({ directory })
    for (let done = 0; done < Number(rest[0]); ) {
      const current = (await driver.retrieve(id))!
      const next = Buffer.from(String(Number(Buffer.from(current).toString()) + 1))
      if ((await driver.store(id, next, { expect: current })) === 'stored') done++
    }
  },

  /** Write records of about one size without end; ready after the first. */
  async scribble() {
    const driver = fileStore({ directory, durable: rest[1] === 'durable' })
    for (let turn = 0; ; turn++) {
      await driver.store(id, recordOf(id, Number(rest[0]) + below(500), turn % 26))
      if (turn === 0) say('ready')
      if (turn % 50 === 0) await new Promise(setImmediate)
    }
  },

  /** Create sessions without end. */
  async create() {
    const driver = fileStore({ directory })
    say('ready')
    for (let turn = 0; ; turn++) {
      await driver.store(`${id}${turn}`, recordOf(`${id}${turn}`, 100, turn % 26), { expect: null })
      if (turn % 50 === 0) await new Promise(setImmediate)
    }
  },

  /** Store a record of this length, and say how that failed. */
  async grow() {
    try {
      await fileStore({ directory }).store(id, recordOf(id, Number(rest[0]), 1))
      say('stored')
    } catch (error) {
      say((error as Error).message)
    }
  },

  /** Hold the exclusive lock of the file until the standard input ends. */
  async hold() {
    const fd = openSync(`${directory}/cgisess_${id}`, 'r+')
    await acquire(loadFlock('a test', [rest[0] as FlockProvider]), fd, 'exclusive', 5000)
    say('locked')
    process.stdin.resume()
    await new Promise((resolve) => process.stdin.on('end', resolve))
  },

  /** Many loads and stores of one session at once. */
  async crowd() {
    const driver = fileStore({ directory })
    const began = performance.now()
    const visit = async (): Promise<void> => {
      await driver.retrieve(id)
      await driver.store(id, recordOf(id, 500, 3))
    }
    await Promise.all(Array.from({ length: Number(rest[0]) }, visit))
    say({ milliseconds: performance.now() - began })
  },
}

void tasks[task]!()
