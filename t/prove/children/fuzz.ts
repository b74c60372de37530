/**
 * Gives one reader odd inputs: changes by chance of what it can read, and of every input that reached code that none before did.
 * Arguments: the reader, how many inputs, a seed. The last line of its output is what happened, as JSON; what is wrong is told before.
 *
 * A process of its own, with a small heap (the caller says --max-old-space-size), so that an allocation from a length field ends it.
 */

import { statSync } from 'node:fs'
import vm from 'node:vm'
import fc from 'fast-check'
import { collectContainers } from '../../../lib/clone.js'
import * as perlValues from '../../../lib/perl-values.js'
import { apply, damage } from '../../fuzz/damage.js'
import { Coverage } from '../shared/coverage.js'
import { fuzzTargets } from '../shared/fuzz-targets.js'
import { Random } from '../shared/random.js'

const [name = '', wanted = '0', seed = '0'] = process.argv.slice(2)
/** Asking what was reached takes a hundred times as long as reading a record, so it is asked for so many at once. */
const BATCH = 500
/** Nothing but an endless loop takes so long, in milliseconds. */
const HANG = 20_000
const SLOW = 50

const target = fuzzTargets[name]!
const random = new Random(Number(seed))
const counts = { inputs: 0, read: 0, refused: 0, crashes: 0, prototypeChanges: 0, slow: 0 }
const changes = fc.array(damage, { minLength: 1, maxLength: 4 })

/** Where a `__proto__` of an input must not have gone. */
const builtIn = [Object, Array, Function, String, Number, RegExp, Map, Buffer].map((one) => one.prototype as object)
const ownNames = () => builtIn.map((one) => Reflect.ownKeys(one).map(String).join()).join(';')
const untouched = ownNames()
const known = new Set<object | null>([null, ...builtIn, ...Object.values(perlValues).map((one) => one.prototype)])

function hasStrangePrototype(value: unknown): boolean {
  const containers = [...collectContainers(value, new Set())]
  return containers.some((container) => !known.has(Object.getPrototypeOf(container)))
}

let isHanging = false
let current: Buffer = Buffer.alloc(0)

function complain(kind: 'crashes' | 'prototypeChanges' | 'slow', reason: string): void {
  if (++counts[kind] > 3 && !isHanging) return
  console.log(`${name}: ${kind}: ${reason}; the input in base64: ${current.toString('base64').slice(0, 4000)}`)
}

function read(): void {
  try {
    if (hasStrangePrototype(target.read(current))) complain('prototypeChanges', 'an object with a prototype of its own')
    counts.read++
  } catch (error) {
    counts.refused++
    if (!(error instanceof target.refusal)) complain('crashes', String((error as Error)?.stack ?? error))
  }
}

/** Processor time of one reading, in milliseconds. */
function cost(): number {
  const before = process.cpuUsage()
  read()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}

/** Slow is what is slow three times; once is a busy machine. The counts stay as they were. */
function lookAgain(): void {
  const { read: wasRead, refused } = counts
  const costs = [cost(), cost(), cost()]
  Object.assign(counts, { read: wasRead, refused })
  if (Math.min(...costs) > SLOW) complain('slow', `${Math.round(Math.min(...costs))} ms for ${current.length} bytes`)
}

function attempt(input: Buffer): void {
  current = input
  const start = performance.now()
  read()
  if (performance.now() - start > SLOW) lookAgain()
}

/** Run a batch, unless it never ends. */
function guarded(inputs: readonly Buffer[]): void {
  const run = () => {
    for (const input of inputs) attempt(input)
  }
  try {
    Object.assign(globalThis, { runOfInputs: run })
    vm.runInThisContext('runOfInputs()', { timeout: HANG })
  } catch (error) {
    if ((error as { code?: string }).code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error
    isHanging = true
    complain('crashes', `no end after ${HANG} ms`)
  }
  if (ownNames() !== untouched)
    complain('prototypeChanges', 'a built-in prototype, by an input of the batch of this one')
}

/** The inputs that reach new code; found by halves, as most batches have none. */
function newOnes(coverage: Coverage, inputs: readonly Buffer[]): Buffer[] {
  if (isHanging || !coverage.isNewIn(() => guarded(inputs))) return []
  if (inputs.length === 1) {
    coverage.accept()
    return [...inputs]
  }
  const middle = inputs.length >> 1
  return [...newOnes(coverage, inputs.slice(0, middle)), ...newOnes(coverage, inputs.slice(middle))]
}

function main(): void {
  const corpus = target.seeds()
  const coverage = new Coverage(__filename, statSync(__filename).size)
  coverage.isNewIn(() => guarded(corpus))
  coverage.accept()
  const [seeds, begun] = [corpus.length, coverage.size]
  for (let round = 0; counts.inputs < Number(wanted) && !isHanging; round++) {
    const plans = fc.sample(changes, { numRuns: BATCH, seed: Number(seed) + round })
    const inputs = plans.map((plan) => plan.reduce(apply, random.pick(corpus)))
    counts.inputs += BATCH
    corpus.push(...newOnes(coverage, inputs))
  }
  console.log(JSON.stringify({ ...counts, seeds, kept: corpus.length - seeds, reached: [begun, coverage.size] }))
}

main()
