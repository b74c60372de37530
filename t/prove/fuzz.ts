/** Odd inputs for everything that reads what others wrote: each is read or refused, at once, and reaches no prototype. */

import { startNode } from '../support/child.js'
import { fuzzTargets } from './shared/fuzz-targets.js'
import type { Finding, Proof, Run } from './shared/proof.js'

const WANTED = 100_000
/** At a time; a reader's time is measured as processor time. */
const PROCESSES = 2

/** What t/prove/children/fuzz.ts counts. */
interface Counts {
  readonly inputs: number
  readonly crashes: number
  readonly prototypeChanges: number
  readonly slow: number
}

async function fuzz(name: string, count: number, seed: number, log: Run['log']): Promise<Counts> {
  const env = { NODE_OPTIONS: '--max-old-space-size=128' }
  const child = await startNode('t/prove/children/fuzz.ts', [name, String(count), String(seed)], env)
  try {
    const lines = (await child.done).trim().split('\n')
    log(`${name} (seed ${seed}): ${lines.join('\n  ')}`)
    return JSON.parse(lines.at(-1)!) as Counts
  } catch (error) {
    log(`${name} (seed ${seed}): ${child.output()} ${String(error)}`)
    return { inputs: 0, crashes: 1, prototypeChanges: 0, slow: 0 }
  }
}

async function run({ random, seconds, log, atLeast, exactly }: Run): Promise<readonly Finding[]> {
  const count = Math.min(WANTED, Math.ceil((WANTED * seconds) / FULL))
  const waiting = Object.keys(fuzzTargets).map((name) => ({ name, seed: random.seed() >>> 2 }))
  const all: Counts[] = []
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      all.push(await fuzz(next.name, count, next.seed, log))
    }
  }
  await Promise.all(Array.from({ length: PROCESSES }, work))
  const sum = (kind: 'crashes' | 'prototypeChanges' | 'slow') => all.reduce((total, one) => total + one[kind], 0)
  return [
    atLeast('inputs', Math.min(...all.map(({ inputs }) => inputs)), WANTED),
    exactly('crashes', sum('crashes')),
    exactly('prototypeChanges', sum('prototypeChanges')),
    exactly('slow', sum('slow')),
  ]
}

/** In seconds, about. */
const FULL = 60

export default {
  summary: 'odd inputs for the five readers, the type string, durations and dumps: read or refused, at once',
  seconds: FULL,
  short: FULL,
  run,
} satisfies Proof
