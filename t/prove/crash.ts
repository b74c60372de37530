/** Writers that are killed, at every system call of a write and at random: readers find the old record or the new one. */

import { bundle, startNode } from '../support/child.js'
import { Findings, id, lengths, placeWith, reset, type State } from './shared/after-kill.js'
import { absent } from './shared/drivers.js'
import { type Embedded, embedded, type Place } from './shared/embedded.js'
import { inParallel, shuffled } from './shared/many.js'
import { PerlJudge } from './shared/perl-judge.js'
import type { Proof, Run } from './shared/proof.js'
import { startDisturbed, stepsOf } from './shared/steps.js'

const worker = 't/prove/children/one-write.ts'
const AT_ONCE = 3
/** So much of the time goes to kills at a system call, and the rest to those at random. */
const STEPWISE = 0.7
const LONGEST_PAUSE_MS = 15

/** The calls by which stores write, and those next to them. */
const calls =
  'openat,mkdir,flock,fcntl,pwrite64,pwritev,write,writev,ftruncate,rename,link,unlink,fsync,fdatasync,msync,close'.split(
    ',',
  )

/** A write: from one length to another. */
interface Write {
  readonly kind: Embedded
  readonly from: number
  readonly to: number
}

function argumentsFor(task: string, { kind, options }: Place, to: readonly number[]): string[] {
  return [task, kind.driver, JSON.stringify(options), String(kind.padding), id, ...to.map(String)]
}

/** Kill a writer at each of its steps, as long as there is time; were those all? */
async function killAtEach({ kind, from, to }: Write, isOver: () => boolean, findings: Findings): Promise<boolean> {
  const old: State = [from, 0]
  const place = await placeWith(kind, old)
  const command = [process.execPath, await bundle(worker), ...argumentsFor('once', place, [to])]
  const steps = await stepsOf(command, calls)
  await reset(place, old)
  for (const { call, nth } of steps) {
    if (isOver()) return false
    const child = startDisturbed({ call, nth }, 'signal=SIGKILL', command)
    await child.done.catch(() => undefined)
    const isKilled = child.process.signalCode === 'SIGKILL'
    const what = `killed at ${call} ${nth}, from a payload of ${from} to one of ${to}`
    if (isKilled) await findings.look(place, [old, [to, 1]], old, what)
    // Its threads shared their work in another way this time.
    else await reset(place, old)
  }
  return true
}

/** Where a writer that goes on and on begins. */
const beginning: State = [500, 25]

/** Kill a writer that goes on and on, some milliseconds after its first write. */
async function killSomewhere(place: Place, to: readonly number[], pause: number, findings: Findings): Promise<void> {
  const child = await startNode(worker, argumentsFor('always', place, to))
  await child.said('\n')
  const due = performance.now() + pause
  while (performance.now() < due) await new Promise(setImmediate)
  child.process.kill('SIGKILL')
  await child.done.catch(() => undefined)
  const said = child.output().trim().split('\n').slice(-2)
  const allowed = said.map((line): State => {
    const [turn, length] = line.split(' ').map(Number) as [number, number]
    return [length, turn % 26]
  })
  if (allowed.length === 1) allowed.push(beginning)
  await findings.look(place, allowed, beginning, `killed at random, among payloads of ${to}`)
}

/** All writes: first one of each kind, then the next of each. */
function allWrites(kinds: readonly Embedded[], { random }: Run): Write[] {
  const ofKinds = kinds.map((kind) => {
    const writes = lengths.flatMap((from) => lengths.map((to): Write => ({ kind, from, to })))
    const real = writes.filter(({ from, to }) => from + to > 0)
    return shuffled(real, random)
  })
  return ofKinds[0]!.flatMap((_, index) => ofKinds.map((writes) => writes[index]!))
}

async function killAtSteps(writes: readonly Write[], end: number, findings: Findings, run: Run): Promise<void> {
  const isOver = (): boolean => performance.now() > end
  let begun = 0
  let finished = 0
  await inParallel(writes, AT_ONCE, async (write) => {
    if (isOver()) return
    begun++
    if (await killAtEach(write, isOver, findings)) finished++
  })
  run.log(
    `${findings.kills} kills at the system calls of ${begun} writes, of which ${finished} at each; there are ${writes.length}`,
  )
}

async function killAtRandom(kinds: readonly Embedded[], findings: Findings, { end, random }: Run): Promise<void> {
  await inParallel(Array(AT_ONCE).keys(), AT_ONCE, async (first) => {
    const places = await Promise.all(kinds.map((kind) => placeWith(kind, beginning)))
    for (let turn = first; performance.now() < end; turn++) {
      const to = turn % 2 === 0 ? lengths.slice(1, 3) : lengths.slice(1)
      await killSomewhere(places[turn % places.length]!, to, random.fraction() * LONGEST_PAUSE_MS, findings)
    }
  })
}

const proof: Proof = {
  summary: 'writers killed at every system call and at random leave the old record or the new one',
  parts: 'strace,perl-sqlite',
  seconds: 240,
  short: 40,
  async run(run) {
    const kinds = embedded.filter(({ part }) => absent(part) === undefined)
    const perl = new PerlJudge()
    const findings = new Findings(perl, run.log)
    const now = performance.now()
    try {
      await killAtSteps(allWrites(kinds, run), now + (run.end - now) * STEPWISE, findings, run)
      await killAtRandom(kinds, findings, run)
    } finally {
      perl.end()
    }
    for (const [title, { kills, broken }] of findings.long)
      run.log(`${title}: after ${broken} of ${kills} kills in writes of more than 4 KB Perl finds no whole record`)
    return [
      run.atLeast('kills', findings.kills, 900),
      run.exactly('nodeBroken', findings.nodeBroken),
      run.exactly('perlBroken', findings.perlBroken),
      run.exactly('stuck', findings.stuck),
    ]
  },
}

export default proof
