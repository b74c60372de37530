/** What another process does to an LMDB environment: `node lmdb-worker.cjs <task> <directory> <number>`. */

import { writeSync } from 'node:fs'
import { createRequire } from 'node:module'
import { threadId } from 'node:worker_threads'
import BerkeleyDB from '../../drivers/BerkeleyDB.js'
import type { Database } from '../../drivers/berkeleydb/lmdb.js'
import { readOptions } from '../../lib/options.js'

const [task = '', directory = '', number = '0'] = process.argv.slice(2)

const say = (text: string): unknown => writeSync(1, `${text}\n`)
const newDriver = (options: object = { directory }): BerkeleyDB =>
  new BerkeleyDB(readOptions(BerkeleyDB.options, { ...options }))
interface RawDatabase extends Database {
  useReadTransaction(): unknown
  openDB(name: string, options: object): Database
}
const binary = { encoding: 'binary', keyEncoding: 'binary' }
const raw = (options: object = {}): RawDatabase =>
  createRequire(import.meta.url)('lmdb').open({ path: directory, ...binary, ...options })

/** Live databases, whose commits wait for the disk in different ways. */
const caches: Readonly<Record<string, () => Database>> = {
  live: () => raw(),
  'without overlappingSync': () => raw({ overlappingSync: false }),
  named: () => raw().openDB('sessions', binary),
}

/** Until the test kills it. */
const forever = (): Promise<never> => new Promise(() => setInterval(() => {}, 1000))

const tasks: Record<string, () => Promise<unknown>> = {
  /** Take a reader slot, and keep it. */
  async read() {
    raw().useReadTransaction()
    say('reading')
    await forever()
  },

  /** Write records, over and over, each of one letter. */
  async write() {
    const driver = newDriver()
    for (let round = 0; ; round++) {
      const record = Buffer.alloc(Number(number), 97 + (round % 26))
      await Promise.all(Array.from({ length: 20 }, (_, index) => driver.store(`killed${index}`, record)))
      if (round === 3) say('writing')
    }
  },

  /** Have a transaction for writing open that does not end. */
  async freeze() {
    raw().transactionSync(() => {
      say('inside')
      for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000)
    })
  },

  /** Store so many records of 1 KB. */
  async fill() {
    const driver = newDriver()
    const name = `${process.pid}.${threadId}`
    for (let done = 0; done < Number(number); done += 100) {
      const ids = Array.from({ length: 100 }, (_, index) => `${name}-${done + index}`)
      await Promise.all(ids.map((id) => driver.store(id, Buffer.from(id.padEnd(1000)))))
    }
    await driver.close()
    say(name)
  },

  /** Store bigger and bigger records until it fails, then say how, and what the last good one is. */
  async burst() {
    const driver = newDriver()
    await driver.store('big', Buffer.alloc(10, 'a'))
    for (let length = 100_000; ; length *= 2) {
      try {
        await driver.store('big', Buffer.alloc(length, 'secret'))
      } catch (error) {
        const { code, message } = error as { code: string; message: string }
        const kept = (await driver.retrieve('big'))?.length ?? 0
        const small = await driver.store('small', Buffer.from('fits'))
        say(JSON.stringify({ code, message, isKept: kept === 10 || kept === length / 2, small }))
        break
      }
    }
    await driver.close()
  },

  /** Store records until the disk is full, go on all the same, and say what became of those that were stored. */
  async crowd() {
    const driver = newDriver()
    const stored: string[] = []
    const errors: string[] = []
    for (let index = 0; index < 2000 && errors.length < 30; index++) {
      const id = `crowd${index}`
      await driver.store(id, Buffer.alloc(3000, id)).then(
        () => stored.push(id),
        (error: Error) => errors.push(error.message),
      )
    }
    let lost = 0
    for (const id of stored) if ((await driver.retrieve(id))?.length !== 3000) lost++
    await driver.close()
    say(JSON.stringify({ stored: stored.length, errors, lost }))
  },

  /** Store three records one after the other, and say so each time. */
  async acknowledge() {
    const driver = newDriver(number === 'own' ? undefined : { cache: caches[number] })
    await driver.store('first', Buffer.from('record'))
    for (let round = 0; round < 3; round++) {
      say('begin')
      await driver.store('id', Buffer.from(`record ${round}`))
      say('stored')
    }
    process.exit()
  },

  /** Store and read records one after the other, whatever fails; prints how each ended. */
  async persist() {
    const driver = newDriver()
    const ends: string[] = []
    const attempt = (work: Promise<unknown>): Promise<unknown> =>
      work.then(
        (outcome) => ends.push(String(outcome)),
        (error: Error) => ends.push(error.message),
      )
    for (const text of ['first', 'second', 'third', 'fourth']) {
      await attempt(driver.store('id', Buffer.from(text)))
      await attempt(driver.retrieve('id'))
    }
    await driver.close()
    say(JSON.stringify(ends))
  },

  /** Make an environment, whatever the umask lets through; prints how it went. */
  async make() {
    process.umask(0)
    say(
      await newDriver()
        .store('a', Buffer.from('record'))
        .catch((error: Error) => error.message),
    )
  },
}

void tasks[task]!()
