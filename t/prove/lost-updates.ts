/** Many processes update one session, and what was acknowledged is there: on every driver, and together with Perl. */

import { temporaryFolder } from '../support/folders.js'
import { absent } from './shared/drivers.js'
import type { Finding, Proof, Run } from './shared/proof.js'
import { endAll, nodeWriters, perlWriters, playRounds, type Tally, type Writer, writersHere } from './shared/rounds.js'
import { type DriverStore, partOf, storesHere } from './shared/stores-here.js'

const WRITERS = 6
/** Overwriting loses something in nearly every round: that the losses are seen is what is to be shown. */
const MOST_OVERWRITTEN = 10_000

const isNothingLost = ({ acknowledged, lost }: Tally): boolean => lost === 0 && acknowledged < MOST_OVERWRITTEN

/** A driver with what it does by itself, and then with overwriting. */
async function proveDriver(
  run: Run,
  { driver, store }: DriverStore,
  node: readonly Writer[],
  goesOn: () => boolean,
): Promise<Finding[]> {
  const options = { type: `driver:${driver}`, ...store.options }
  const writers = driver === 'Memory' ? writersHere(WRITERS) : node
  const merged = await playRounds(writers, options, goesOn)
  const overwritten = await playRounds(writers, { ...options, onConflict: 'overwrite' }, isNothingLost)
  if (writers !== node) await endAll(writers)
  await store.remove?.()
  run.log(`${driver}: ${inWords(merged)}; with overwrite ${inWords(overwritten)}`)
  return [
    run.atLeast('acknowledged', merged.acknowledged, 10_000),
    run.exactly('lost', merged.lost),
    run.exactly('overwriteLostNothing', overwritten.lost === 0 ? 1 : 0),
  ]
}

/** Three processes of Node and two of Perl: with the driver that keeps its lock, and with CGI::Session's own. */
async function provePerl(run: Run, node: readonly Writer[], goesOn: () => boolean): Promise<Finding[]> {
  const options = { type: 'driver:File', directory: temporaryFolder() }
  const play = async (driver: string, goesOn: (tally: Tally) => boolean): Promise<Tally> => {
    const perl = await perlWriters(2, driver)
    const tally = await playRounds([...node.slice(0, 3), ...perl], options, goesOn)
    await endAll(perl)
    run.log(`Node and Perl with driver:${driver}: ${inWords(tally)}`)
    return tally
  }
  const locked = await play('lockedfile', goesOn)
  const plain = await play('file', isNothingLost)
  return [
    run.atLeast('perlAcknowledged', locked.acknowledged, 10_000),
    run.exactly('perlLost', locked.lost),
    run.exactly('plainPerlLostNothing', plain.lost === 0 ? 1 : 0),
  ]
}

function inWords({ acknowledged, lost }: Tally): string {
  return `${lost} lost of ${acknowledged}`
}

/** Those of the same name as one. */
function summed(findings: readonly Finding[]): Finding[] {
  return [...new Set(findings.map(({ name }) => name))].map((name) => {
    const same = findings.filter((finding) => finding.name === name)
    return { ...same[0]!, value: same.reduce((sum, { value }) => sum + value, 0) }
  })
}

async function run(run: Run): Promise<readonly Finding[]> {
  const noPerl = absent('perl')
  const opened = await storesHere(run.log)
  const node = await nodeWriters(WRITERS)
  // Now that the servers run, the time begins.
  const end = performance.now() + run.seconds * 1000
  const findings: Finding[] = []
  if (noPerl === undefined) findings.push(...(await provePerl(run, node, partOf(end, 3))))
  else run.log(`Perl is left out: ${noPerl}`)
  for (const [index, one] of opened.entries()) {
    findings.push(...(await proveDriver(run, one, node, partOf(end, opened.length - index))))
  }
  await endAll(node)
  return summed(findings)
}

const proof: Proof = {
  summary: 'no acknowledged update of a session is lost among several processes',
  seconds: 80,
  short: 25,
  run,
}

export default proof
