/** Slower requests flush a session while another one removes it: it stays removed, on every driver and in every mode. */

import type { ManagerOptions } from '../../lib/index.js'
import { absent } from './shared/drivers.js'
import { type Process, races, type Tally } from './shared/logout-races.js'
import { Racer, type Step, type Written } from './shared/logouts.js'
import { Managers } from './shared/managers.js'
import { perlStores } from './shared/perl-stores.js'
import type { Finding, Proof, Run } from './shared/proof.js'
import { type DriverStore, partOf, storesHere } from './shared/stores-here.js'
import { startWorker } from './shared/workers.js'

/** A process of Perl that removes the sessions of a driver, where there can be one. */
async function perlDeleter(driver: string, options: ManagerOptions): Promise<Process | undefined> {
  const perl = perlStores[driver]
  if (perl === undefined || absent(perl.needs) !== undefined) return undefined
  return startWorker('logouts.pl', [perl.driver, JSON.stringify(perl.arguments(options))])
}

/** Requests within this process: a store in memory has no others. */
function here(): Process {
  const managers = new Managers()
  const racer = new Racer(managers)
  return { do: (step) => racer.do(step), end: () => managers.close() }
}

type Language = 'Node' | 'Perl'
type Tallies = Readonly<Record<Language, Tally[]>>

/** The races of a driver: removed by Node, and by Perl where it shares the store. */
async function proveDriver(
  { random, log }: Run,
  { driver, store }: DriverStore,
  node: readonly Process[],
  [end, parts]: readonly [number, number],
): Promise<Tallies> {
  const options = { type: `driver:${driver}`, ...store.options }
  const processes = driver === 'Memory' ? [here(), here(), here()] : node
  const perl = await perlDeleter(driver, options)
  const deleters: [Language, Process | undefined][] = [
    ['Node', processes[2]],
    ['Perl', perl],
  ]
  const tallies: Tallies = { Node: [], Perl: [] }
  for (const [language, deleter] of deleters) {
    if (deleter === undefined) continue
    const goesOn = partOf(end, language === 'Node' && perl !== undefined ? 2 * parts : parts)
    const tally = await races({ options, flushers: processes.slice(0, 2), deleter }, goesOn, random)
    log(`${driver}, removed by ${language}: ${JSON.stringify(tally)}`)
    tallies[language].push(tally)
  }
  await endAll(processes === node ? [perl] : [perl, ...processes])
  await store.remove?.()
  return tallies
}

async function endAll(processes: readonly (Process | undefined)[]): Promise<void> {
  for (const one of processes) await one?.end()
}

async function run(run: Run): Promise<readonly Finding[]> {
  const opened = await storesHere(run.log)
  const node = await Promise.all([0, 1, 2].map(() => startWorker<Step, Written>('logouts.ts', [])))
  // Now that the servers run, the time begins.
  const end = performance.now() + run.seconds * 1000
  const all: Tallies = { Node: [], Perl: [] }
  for (const [index, one] of opened.entries()) {
    const { Node, Perl } = await proveDriver(run, one, node, [end, opened.length - index])
    all.Node.push(...Node)
    all.Perl.push(...Perl)
  }
  await endAll(node)
  const sum = (name: keyof Tally, of = [...all.Node, ...all.Perl]): number =>
    of.reduce((total, tally) => total + tally[name], 0)
  return [
    run.atLeast('races', sum('races'), 1000),
    ...(all.Perl.length > 0 ? [run.atLeast('racesWithPerl', sum('races', all.Perl), 200)] : []),
    run.exactly('broughtBack', sum('broughtBack')),
    run.exactly('falselyWritten', sum('falselyWritten')),
  ]
}

const proof: Proof = {
  summary: 'no flush brings back a session that was removed',
  seconds: 40,
  short: 15,
  run,
}

export default proof
