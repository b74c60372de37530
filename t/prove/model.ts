/** Programs by chance on every driver, with two processes, against a model of what they must see. */

import { createHash } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import { inspect } from 'node:util'
import fc from 'fast-check'
import type { ManagerOptions } from '../../lib/index.js'
import { stores } from '../support/stores.js'
import { driversHere } from './shared/drivers.js'
import { type Step, steps, World } from './shared/model-steps.js'
import type { Finding, Proof, Run } from './shared/proof.js'

/** In the full time, which is enough where each write is synced to a slow disk; most drivers are done much sooner. */
const RUNS = 1000

/**
 * Memcached and Redis drop a session by their own clock, and the model's clock runs ahead of that, never behind: a record that is
 * written when `n` seconds are left stays for `n` seconds of theirs, and at least one. As nobody waits in a run, it is over long
 * before; where a busy machine made it last, what went wrong is tried again.
 */
const LONGEST = 700

/** Take the steps in a store that has no session with these ids. */
async function take(all: readonly Step[], driver: string, options: ManagerOptions, seed: string): Promise<void> {
  const ids = ['one', 'two'].map((name) => createHash('md5').update(`${seed} ${name}`).digest('hex'))
  const start = performance.now()
  const world = await World.open(driver, options, ids)
  try {
    for (const step of all) await world.take(step)
    await world.finish()
  } catch (error) {
    if (performance.now() - start < LONGEST) throw error
    return await take(all, driver, options, `${seed} again`)
  } finally {
    await world.close()
  }
}

async function check(
  driver: string,
  { log, seconds }: Run,
  seed: number,
  count: number,
): Promise<{ runs: number; failed: number }> {
  const store = await stores[driver]!()
  let runs = 0
  const property = fc.asyncProperty(steps, async (all) => {
    runs++
    // Memory and File never wait: the others' turn.
    await setImmediate()
    await take(all, driver, store.options, `${driver} ${seed} ${runs}`)
  })
  const result = await fc.check(property, { seed, numRuns: count, interruptAfterTimeLimit: seconds * 1000 })
  const isWrong = result.failed && result.counterexample !== null
  if (isWrong) {
    const shown = inspect(result.counterexample[0], { depth: 4, breakLength: 160 })
    log(`${driver} (seed ${seed}, path ${result.counterexamplePath}): ${String(result.errorInstance)}\n${shown}`)
  }
  log(`${driver}: ${result.numRuns} runs`)
  return { runs: result.numRuns, failed: isWrong ? 1 : 0 }
}

async function run(run: Run): Promise<readonly Finding[]> {
  const names = driversHere(run.log)
  const count = Math.ceil(RUNS * Math.min(1, run.seconds / FULL))
  const seeds = names.map(() => run.random.seed() >> 1)
  const done = await Promise.all(names.map((name, index) => check(name, run, seeds[index]!, count)))
  return [
    run.atLeast('runs', Math.min(...done.map(({ runs }) => runs)), RUNS),
    run.exactly(
      'counterexamples',
      done.reduce((sum, { failed }) => sum + failed, 0),
    ),
  ]
}

const FULL = 480

export default {
  summary: 'programs by chance against a model, on every driver: what sessions show is what they must',
  seconds: FULL,
  short: 40,
  run,
} satisfies Proof
