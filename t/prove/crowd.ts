/** 200 requests of one process open and flush one session at once, where Node has but one thread for its pool. */

import { startNode } from '../support/child.js'
import { folderInMemory } from '../support/folders.js'
import { stores } from '../support/stores.js'
import { driversHere } from './shared/drivers.js'
import type { Proof } from './shared/proof.js'

const requests = 200

/** Seconds that they took, and how many of their changes are lost. */
interface Crowd {
  readonly seconds: number
  readonly lost: number
}

/** A process that hangs is killed. */
const PATIENCE = 60_000

async function crowdOf(driver: string): Promise<Crowd> {
  // Whether requests get in each other's way is measured, and not the disk, for which SQLite waits at each commit.
  const store = await stores[driver]!(folderInMemory)
  const args = [JSON.stringify({ type: { driver, serialize: 'JSON' }, ...store.options }), String(requests)]
  const child = await startNode('t/prove/children/crowd.ts', args, { UV_THREADPOOL_SIZE: '1' })
  const watchdog = setTimeout(() => child.process.kill('SIGKILL'), PATIENCE)
  try {
    return JSON.parse(await child.done)
  } finally {
    clearTimeout(watchdog)
    await store.remove?.()
  }
}

const proof: Proof = {
  summary: '200 concurrent openings and flushes of one session in one process, with UV_THREADPOOL_SIZE=1, per driver',
  seconds: 20,
  short: 20,
  async run(run) {
    const drivers = driversHere(run.log)
    let [slowest, lost] = [0, 0]
    for (const driver of drivers) {
      const crowd = await crowdOf(driver)
      run.log(`${driver}: ${crowd.seconds.toFixed(2)} s, ${crowd.lost} lost`)
      slowest = Math.max(slowest, crowd.seconds)
      lost += crowd.lost
    }
    return [run.exactly('lost', lost), run.atMost('seconds', Number(slowest.toFixed(2)), 5)]
  },
}

export default proof
