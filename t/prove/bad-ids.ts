/** Hostile ids: what cannot be an id never reaches the store, and what can be touches nothing but its own session. */

import { driversHere } from './shared/drivers.js'
import { collected, hostileIds, noStrings } from './shared/hostile-ids.js'
import { IdAttack, IdTally } from './shared/id-attack.js'
import { inParallel } from './shared/many.js'
import type { Proof, Run } from './shared/proof.js'

const BY_CHANCE = 200

async function attack(name: string, texts: readonly string[], tally: IdTally, run: Run): Promise<void> {
  const one = new IdAttack(name, tally, run.log)
  await one.begin()
  const from = performance.now()
  let used = 0
  const values = noStrings(() => used++)
  for (const id of [...texts, ...values]) await one.try(id)
  if (used > 0) {
    tally.untyped += used
    run.log(`${name}: things that are no ids were looked into ${used} times`)
  }
  await one.end()
  run.log(`${name}: ${Math.round((performance.now() - from) / 1000)} s`)
}

const proof: Proof = {
  summary: 'hostile ids reach no store, choose no session and touch nothing but their own',
  seconds: 60,
  short: 60,
  async run(run) {
    const names = driversHere(run.log)
    const texts = [...collected, ...hostileIds(BY_CHANCE, run.random)]
    const tally = new IdTally()
    await inParallel(names, 2, (name) => attack(name, texts, tally, run))
    run.log(`${texts.length} texts and other things, of which ${tally.ordinary} were ordinary ids to a driver`)
    return [
      { name: 'tried', value: tally.tried, target: 500 * names.length, rule: '>=' },
      run.exactly('storeOperations', tally.storeOperations),
      run.exactly('foreign', tally.foreign),
      run.exactly('adopted', tally.adopted),
      run.exactly('untyped', tally.untyped),
    ]
  },
}

export default proof
