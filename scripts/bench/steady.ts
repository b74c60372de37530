/**
 * Sessions a second in a process that goes on, as a server's does: this package, the client by hand, knex, and the stores for
 * express-session.
 *
 * All contenders take a short turn in each round, in random order; what counts is the ratio to the client by hand in the same
 * round: `npm run bench:steady -- --rounds 75 --slice 10 --kilobytes 1,10 --database SQLite,Pg,mysql`.
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { median, parametersOf, shuffle } from './measure.js'
import { berkeleydbEntry } from './steady/berkeleydb.js'
import type { Contender, PlainSession, Save } from './steady/contender.js'
import { memcachedEntry } from './steady/memcached.js'
import { mysqlEntry } from './steady/mysql.js'
import { missingPackages } from './steady/packages.js'
import { pgEntry } from './steady/pg.js'
import type { Entry, Sessions } from './steady/places.js'
import { redisEntry } from './steady/redis.js'
import { sqliteEntry } from './steady/sqlite.js'

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '75' },
    slice: { type: 'string', default: '10' },
    kilobytes: { type: 'string', default: '1,10' },
    database: { type: 'string', default: 'SQLite,Pg,mysql' },
  },
})
const slice = BigInt(options.slice) * 1_000_000n

/** Sessions in the store, and those of them that are open and saved again and again, and are touched by nothing else. */
const count = 1000
const heldCount = 100

const databases: Record<string, (folder: string, sessions: Sessions) => Promise<Entry | undefined>> = {
  SQLite: sqliteEntry,
  Pg: pgEntry,
  mysql: mysqlEntry,
  Redis: redisEntry,
  BerkeleyDB: berkeleydbEntry,
  Memcached: memcachedEntry,
}

/** So many entries of the cart make 1 KB of JSON. */
const entriesOfOneKilobyte = 4.7

const operations = ['open+read', 'save', 'open+change+flush'] as const
type Operation = (typeof operations)[number]

/** A contender with its open sessions, and what it did a second in each round. */
interface Runner {
  readonly contender: Contender
  readonly held: readonly Save[]
  readonly rates: Readonly<Record<Operation, number[]>>
}

function idOf(number: number): string {
  return number.toString(16).padStart(32, '0')
}

async function readyRunner(contender: Contender): Promise<Runner> {
  const held: Save[] = []
  for (let i = 0; i < heldCount; i++) held.push(await contender.hold(idOf(count + i)))
  return { contender, held, rates: { 'open+read': [], save: [], 'open+change+flush': [] } }
}

/** What one operation does with the n-th session. */
function taskOf({ contender, held }: Runner, operation: Operation, ids: readonly string[]): (n: number) => unknown {
  if (operation === 'save') return (n) => held[n % heldCount]!()
  return operation === 'open+read' ? (n) => contender.read(ids[n % count]!) : (n) => contender.change(ids[n % count]!)
}

/** Times a second. A task that is synchronous is not waited for. */
async function rate(task: (n: number) => unknown): Promise<number> {
  const start = process.hrtime.bigint()
  let done = 0
  let now = start
  do {
    for (let i = 0; i < 10; i++) {
      const result = task(done++)
      if (result instanceof Promise) await result
    }
    now = process.hrtime.bigint()
  } while (now - start < slice)
  return done / (Number(now - start) / 1e9)
}

async function playRounds(runners: readonly Runner[]): Promise<void> {
  const ids = shuffle(Array.from({ length: count }, (_, number) => idOf(number)))
  // The first round only warms up.
  for (let round = 0; round <= Number(options.rounds); round++) {
    for (const operation of shuffle(operations)) {
      for (const runner of shuffle(runners)) {
        const result = await rate(taskOf(runner, operation, ids))
        // What was put off until there is time (finalizers, parts of garbage collections) is done between two turns.
        await new Promise(setImmediate)
        if (round > 0) runner.rates[operation].push(result)
      }
    }
  }
}

async function measure(database: string, kilobytes: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'data-session-steady-'))
  const ids = Array.from({ length: count + heldCount }, (_, number) => idOf(number))
  try {
    const parameters = parametersOf(Math.round(kilobytes * entriesOfOneKilobyte)) as PlainSession
    const entry = await databases[database]!(folder, { ids, parameters })
    if (entry === undefined) return
    const runners: Runner[] = []
    for (const contender of entry.contenders) runners.push(await readyRunner(contender))
    await playRounds(runners)
    report(`${database}, ${kilobytes} KB`, runners)
    for (const contender of entry.contenders) await contender.close()
    await entry.end()
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function report(title: string, runners: readonly Runner[]): void {
  console.log(`\n| ${title} | ${operations.map((name) => `${name}/s | x`).join(' | ')} |`)
  console.log(`|---|${operations.map(() => '---:|---:|').join('')}`)
  for (const { contender, rates } of runners) {
    const cells = operations.map((operation) => {
      const own = rates[operation]
      const ratio = median(own.map((value, round) => value / runners[0]!.rates[operation][round]!))
      return `${Math.round(median(own)).toLocaleString('en')} | ${ratio.toFixed(2)}`
    })
    console.log(`| ${contender.name} | ${cells.join(' | ')} |`)
  }
}

async function main(): Promise<void> {
  for (const database of options.database.split(',')) {
    for (const kilobytes of options.kilobytes.split(',')) await measure(database, Number(kilobytes))
  }
  if (missingPackages.size > 0) {
    console.log(`\nnot installed: \`node scripts/dev/add-peer.mjs ${[...missingPackages].join(' ')}\``)
  }
}

// Some stores have timers that nothing ends.
main().then(
  () => process.exit(),
  (error) => {
    console.error(error)
    process.exit(1)
  },
)
