/** What an attacker puts in the place of session files is neither followed nor waited for. */

import { chmodSync, existsSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Driver } from '../../lib/contracts.js'
import { SessionError, SessionManager } from '../../lib/index.js'
import { startNode } from '../support/child.js'
import { recordOf } from '../support/records.js'
import { openDriver } from './shared/open-driver.js'
import type { Proof, Run } from './shared/proof.js'
import { id, newScene, type Scene, SECRET, things, thingsOfRoot } from './shared/traps-in-files.js'

const HANGS_MS = 2000
const SWAPS = 10_000
/** A machine that has other things to do gets so much more time for them. */
const LATER_MS = 60_000
const isRoot = process.getuid?.() === 0
const records = { old: recordOf(id, 5000, 0), new: recordOf(id, 7000, 1), short: recordOf(id, 50, 2) }

/** Counts what must not happen. */
class Tally {
  attempts = 0
  followed = 0
  hangs = 0
  untyped = 0
  readonly log: (text: string) => void

  constructor(log: (text: string) => void) {
    this.log = log
  }

  /** Do something that the attack is aimed at; what it gives, or nothing when it is refused. */
  async attempt(what: string, work: () => Promise<unknown>): Promise<unknown> {
    const from = performance.now()
    this.attempts++
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<unknown>((resolve) => {
      timer = setTimeout(resolve, HANGS_MS, 'late')
    })
    const outcome = await Promise.race([work().catch((error: unknown) => error), late])
    clearTimeout(timer)
    if (performance.now() - from >= HANGS_MS) {
      this.hangs++
      this.log(`${what}: it hangs`)
    }
    if (outcome instanceof Error && !(outcome instanceof SessionError)) {
      this.untyped++
      this.log(`${what}: ${outcome}`)
    }
    if (outcome instanceof Uint8Array && Buffer.from(outcome).includes(SECRET)) this.#follow(`${what}: it was read`)
    return outcome
  }

  #follow(what: string): void {
    this.followed++
    if (this.followed < 10) this.log(what)
  }

  /** Nothing outside may be another than before. */
  compare(what: string, before: string, after: string): void {
    if (before !== after) this.#follow(`${what}: something outside was changed`)
  }
}

async function list(driver: Driver): Promise<void> {
  for await (const _ of driver.ids());
}

/** All that a program may do with a session. */
const operations: Readonly<Record<string, (driver: Driver, directory: string) => Promise<unknown>>> = {
  retrieve: (driver) => driver.retrieve(id),
  create: (driver) => driver.store(id, records.new, { expect: null }),
  update: (driver) => driver.store(id, records.new, { expect: records.old }),
  overwrite: (driver) => driver.store(id, records.new),
  shorten: (driver) => driver.store(id, records.short),
  list: (driver) => list(driver),
  purge: async (_, directory) => {
    const sessions = await SessionManager.create({ directory, clock: () => 4e12 })
    await sessions.purge().finally(() => sessions.close())
  },
  remove: (driver) => driver.remove(id),
}

/** Each operation on a scene of its own, where `plant` put something. */
async function each(title: string, tally: Tally, plant: (scene: Scene) => unknown): Promise<void> {
  for (const [name, operation] of Object.entries(operations)) {
    const scene = newScene()
    await plant(scene)
    const before = scene.outsideNow()
    const driver = await openDriver('File', { directory: scene.directory })
    const what = `${title}: ${name}`
    await tally.attempt(what, () => operation(driver, scene.directory))
    await tally.attempt(`${what}, then retrieve`, () => driver.retrieve(id))
    await driver.close()
    tally.compare(what, before, scene.outsideNow())
  }
}

/** In the place of the file, of its journal, of what a killed process leaves, and of a file in the making. */
async function standing(tally: Tally): Promise<void> {
  const all = { ...things, ...(isRoot ? thingsOfRoot : {}) }
  if (!isRoot) tally.log('devices and files of other users are left out: only root can make them')
  for (const [title, plant] of Object.entries(all)) {
    await each(`${title} as the file`, tally, (scene) => plant(scene.path, scene))
    await each(`${title} as the journal`, tally, (scene) => {
      writeFileSync(scene.path, records.old)
      return plant(scene.journal, scene)
    })
    await each(`${title} as what was left behind`, tally, async (scene) => {
      writeFileSync(scene.path, records.old)
      for (const name of ['.ns-t-1-0-old', '.ns-j-cgisess_gone']) {
        const at = join(scene.directory, name)
        await plant(at, scene)
        if (existsSync(at) && !title.includes('link')) utimesSync(at, 1, 1)
      }
    })
    await each(`${title} as the file, in the folder of a group`, tally, (scene) => {
      chmodSync(scene.directory, 0o2770)
      return plant(scene.path, scene)
    })
  }
}

/** Another process swaps the file for something else and back, while all is done to it. */
async function swapping(tally: Tally, run: Run): Promise<number> {
  const scene = newScene()
  const good = join(scene.directory, '.good')
  writeFileSync(good, records.old)
  const swapped = ['a symbolic link', 'a dangling link', 'a hard link', 'a pipe', 'a link to a device']
  const stock = swapped.map((title, index) => {
    const at = join(scene.directory, `.thing${index}`)
    things[title]!(at, scene)
    return at
  })
  const before = scene.outsideNow()
  const latest = run.end + LATER_MS
  const child = await startNode('t/prove/children/swapper.ts', [scene.path, good, ...stock])
  await child.said('\n')
  const swaps = (): number => Number(child.output().trim().split('\n').at(-1))
  const driver = await openDriver('File', { directory: scene.directory })
  const works = Object.entries(operations).filter(([name]) => name !== 'purge')
  const outcomes = new Map<string, number>()
  for (let turn = 0; performance.now() < run.end || (swaps() < SWAPS && performance.now() < latest); turn++) {
    const [name, operation] = run.random.pick(works)
    const outcome = await tally.attempt(`swapped: ${name}`, () => operation(driver, scene.directory))
    const ended = outcome instanceof Error ? 'refused' : 'done'
    outcomes.set(`${name} ${ended}`, (outcomes.get(`${name} ${ended}`) ?? 0) + 1)
    if (turn % 500 === 0) tally.compare('swapped', before, scene.outsideNow())
    if (turn % 20 === 0) await new Promise(setImmediate)
  }
  child.process.stdin.end()
  await child.done
  await driver.close()
  tally.compare('swapped', before, scene.outsideNow())
  run.log(`swapped ${swaps()} times: ${[...outcomes].map((one) => one.join(' ')).join(', ')}`)
  return swaps()
}

const proof: Proof = {
  summary: 'links, pipes, devices and files of others in the place of sessions are not followed, nor waited for',
  parts: 'fs-ext',
  seconds: 40,
  short: 20,
  async run(run) {
    const tally = new Tally(run.log)
    await standing(tally)
    const swaps = await swapping(tally, run)
    run.log(`${tally.attempts} attempts`)
    return [
      { name: 'swaps', value: swaps, target: SWAPS, rule: '>=' },
      run.exactly('followed', tally.followed),
      run.exactly('hangs', tally.hangs),
      run.exactly('untyped', tally.untyped),
    ]
  },
}

export default proof
