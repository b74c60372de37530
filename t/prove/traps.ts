/** Traps that stores set: each is walked around, or the write is refused with an error that names the trap. */

import { copyFileSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { temporaryFolder } from '../support/folders.js'
import { newNamespace, newPrefix } from '../support/keyed.js'
import { stores } from '../support/stores.js'
import { absent } from './shared/drivers.js'
import type { Proof } from './shared/proof.js'

import {
  areTwo,
  comesBack,
  DAY,
  driverOf,
  id,
  idsOf,
  isSame,
  livesWith,
  managerOf,
  must,
  mysql,
  other,
  pg,
  record,
  refused,
  type Trap,
} from './shared/trap.js'

const modes = ['', 'strict_all_tables'] as const
const modeOf = (mode: string): string => (mode === '' ? 'lenient' : 'strict')

const traps: readonly Trap[] = [
  ...['30d', '31d', '6M', '100y'].map(
    (lifetime): Trap => ({
      title: `memcached takes a lifetime of more than 30 days for a time long ago: ${lifetime}`,
      part: 'memcached',
      run: async (later) => livesWith({ type: 'driver:Memcached', ...(await newNamespace()) }, lifetime, later),
    }),
  ),
  {
    title: 'memcached throws the old item away when the new one is too large: 1.2 MB',
    part: 'memcached',
    async run(later) {
      const driver = await driverOf('Memcached', await newNamespace(), later)
      await driver.store(id, record)
      const large = Buffer.alloc(1_200_000, 'x')
      await refused(driver, () => driver.store(id, large), /large|item_size|-I/i, record)
      await refused(driver, () => driver.store(id, large, { expect: record }), /large|item_size|-I/i, record)
    },
  },
  ...modes.flatMap((mode): Trap[] => [
    {
      title: `MySQL cuts 65,536 bytes in a text (${modeOf(mode)})`,
      part: 'mariadb',
      async run(later) {
        const driver = await mysql('id char(32) primary key, a_session text', mode, later)
        const fits = Buffer.alloc(65_535, 'x')
        must((await driver.store(id, fits)) === 'stored', '65,535 bytes were not stored')
        await refused(driver, () => driver.store(id, Buffer.alloc(65_536, 'y')), /holds 65535/, fits)
      },
    },
    {
      title: `MySQL cuts an id that is longer than its column (${modeOf(mode)})`,
      part: 'mariadb',
      async run(later) {
        const driver = await mysql('id char(32) primary key, a_session blob', mode, later)
        await driver.store(id, record)
        await refused(
          driver,
          () => driver.store(`${id}01234567`, other),
          /40 characters, and its column holds 32/,
          record,
        )
        must((await driver.retrieve(`${id}01234567`)) === undefined, 'the longer id finds the shorter one')
      },
    },
    {
      title: `MySQL's utf8mb3 has no emoji (${modeOf(mode)})`,
      part: 'mariadb',
      async run(later) {
        const driver = await mysql('id char(32) primary key, a_session text character set utf8mb3', mode, later)
        await driver.store(id, record)
        await refused(driver, () => driver.store(id, Buffer.from('😀')), /not ASCII text/, record)
        for (const serialize of ['DataDumper', 'JSON']) {
          await driver.remove(id)
          await comesBack(await managerOf({ type: { driver, serialize } }, later), 'é☺😀')
        }
      },
    },
  ]),
  ...[
    ['ignores case', 'utf8mb4_general_ci', 'abc', 'ABC'],
    ['ignores accents', 'utf8mb4_unicode_ci', 'abc', 'ábc'],
    ['ignores blanks', 'utf8mb4_bin', 'abc', 'abc '],
  ].map(
    ([what, collation, theirs, mine]): Trap => ({
      title: `MySQL's column of ids ${what}`,
      part: 'mariadb',
      async run(later) {
        const column = `varchar(32) character set utf8mb4 collate ${collation}`
        await areTwo(
          await mysql(`id ${column} primary key, a_session blob`, '', later),
          theirs!,
          mine!,
          /ignores case or blanks/,
        )
      },
    }),
  ),
  {
    title: 'MySQL counts no row when the same is written again',
    part: 'mariadb',
    async run(later) {
      const driver = await mysql('id char(32) primary key, a_session blob', '', later)
      await driver.store(id, record)
      must((await driver.store(id, record, { expect: record })) === 'stored', 'it was not stored')
    },
  },
  {
    title: "PostgreSQL's char(32) is filled up with blanks, and finds an id with more of them",
    part: 'postgres',
    async run(later) {
      const driver = await pg(later, 'create table sessions (id char(32) primary key, a_session bytea)')
      await areTwo(driver, 'abc', 'abc   ', /ends in a blank/)
      must((await idsOf(driver)).join() === 'abc', 'the list has blanks in it')
    },
  },
  {
    title: "PostgreSQL's text has no NUL",
    part: 'postgres',
    async run(later) {
      const driver = await pg(later, 'create table sessions (id char(32) primary key, a_session text)')
      await driver.store(id, record)
      await refused(driver, () => driver.store(id, Buffer.from('a\0b')), /not ASCII text.*bytea/, record)
      await driver.remove(id)
      await comesBack(await managerOf({ type: { driver, serialize: 'DataDumper' } }, later), 'a\0b')
      const binary = await managerOf({ type: { driver, serialize: 'Storable' } }, later)
      const session = await binary.open({ id: 'another' })
      session.param('a', 'b')
      await refused(driver, () => session.flush(), /not ASCII text.*bytea/)
    },
  },
  {
    title: "PostgreSQL's collations may ignore case",
    part: 'postgres',
    async run(later) {
      const collation = "create collation loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false)"
      const table = 'create table sessions (id text collate loose primary key, a_session bytea)'
      await areTwo(await pg(later, collation, table), 'abc', 'ABC', /ignores case or blanks/)
    },
  },
  {
    title: 'Redis takes a lifetime in milliseconds, which a long one must not exceed: 100 years',
    part: 'redis',
    run: async (later) => livesWith({ type: 'driver:Redis', ...(await newPrefix()) }, '100y', later),
  },
  {
    title: 'SQLite takes 07 for 7 in a column of numbers',
    part: 'better-sqlite3',
    async run(later) {
      const file = join(temporaryFolder(), 'sessions.sqlite')
      const db = createRequire(import.meta.url)('better-sqlite3')(file)
      db.exec('create table sessions (id numeric primary key, a_session blob)')
      db.prepare('insert into sessions values (7, ?)').run(record)
      db.close()
      const driver = await driverOf('SQLite', { dataSource: `dbi:SQLite:dbname=${file}` }, later)
      must((await driver.retrieve('07')) === undefined, 'the other one was read')
      must(!(await driver.remove('07')), 'the other one was removed')
      await refused(driver, () => driver.store('07', other), /number/)
      must(isSame(await driver.retrieve('7'), record), 'the other one was changed')
    },
  },
  {
    title: 'a copied file has the id of another session',
    part: 'fs-ext',
    async run(later) {
      const directory = temporaryFolder()
      const sessions = await managerOf({ directory }, later)
      await comesBack(sessions, 'mine')
      const copy = join(directory, 'cgisess_copied')
      copyFileSync(join(directory, `cgisess_${id}`), copy)
      const driver = await driverOf('File', { directory }, later)
      await refused(driver, () => sessions.open({ clientId: 'copied' }), /own _SESSION_ID is not the id/)
      must(readFileSync(copy).equals(readFileSync(join(directory, `cgisess_${id}`))), 'the copy was changed')
    },
  },
  {
    title: 'a clock that was ahead makes no session immortal, and one that goes back ends none',
    async run(later) {
      const { options } = await stores.Memory!()
      let now = 1_700_000_000
      const sessions = await managerOf({ type: 'driver:Memory', ...options, clock: () => now * 1000 }, later)
      now += 40 * DAY
      const session = await sessions.open({ id })
      session.param('user', 'bob')
      session.expire('1h')
      await session.flush()
      now -= 40 * DAY
      const back = await sessions.open({ clientId: id })
      must(back.param('user') === 'bob', 'it ended when the clock went back')
      await back.flush()
      now += 3601
      must((await sessions.open({ clientId: id })).expired(), 'it does not end any more')
    },
  },
]

const proof: Proof = {
  summary: 'traps of the stores: walked around, or refused with a name',
  seconds: 20,
  short: 20,
  async run(run) {
    let cases = 0
    let wrong = 0
    for (const { title, part, run: walk } of traps) {
      const reason = absent(part)
      if (reason !== undefined) {
        run.log(`left out: ${title}: ${reason}`)
        continue
      }
      cases++
      const closing: (() => Promise<unknown>)[] = []
      try {
        await walk((close) => closing.push(close))
      } catch (error) {
        wrong++
        run.log(`${title}: ${(error as Error).message}`)
      }
      for (const close of closing.reverse()) await close()
    }
    return [{ name: 'cases', value: cases, target: 8, rule: '>=' }, run.exactly('wrong', wrong)]
  },
}

export default proof
