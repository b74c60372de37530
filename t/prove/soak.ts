/** Ten thousand users on all stores at once, whose servers are killed and started anew meanwhile. */

import { readdirSync } from 'node:fs'
import { type ManagerOptions, SessionManager } from '../../lib/index.js'
import { stores } from '../support/stores.js'
import { driversHere } from './shared/drivers.js'
import type { Proof, Run } from './shared/proof.js'
import { type OwnServer, startServers } from './shared/servers.js'
import { newUser, type Place, Sightings, type User, visit } from './shared/users.js'

const USERS = 10_000
/** Visits at once. */
const VISITORS = 24
/** Milliseconds: short, for what is asked of a server that is starting has to be asked again. */
const TIMEOUT = 2000
/** The stores that are in this process, or in files. */
const embedded = ['File', 'SQLite', 'BerkeleyDB', 'Memory', 'ODBC']

async function placeOf(name: string, options: ManagerOptions): Promise<Place> {
  // Who only looks writes nothing.
  const sessions = await SessionManager.create({ type: { driver: name }, ...options, touchAfter: 3600 })
  return { name, sessions, isForgetful: name === 'Memcached', epoch: 0 }
}

/** The place on a server, and how it is started anew. */
async function placeOn({ port, driver, options, control }: OwnServer) {
  const place = await placeOf(driver, { ...options(port), timeout: TIMEOUT } as ManagerOptions)
  const restart = async (kill: boolean) => {
    place.epoch++
    await control?.restart({ kill })
    place.epoch++
  }
  return { place, restart }
}

async function inFiles(name: string): Promise<Place> {
  const { options } = await stores[name]!()
  return placeOf(name, options)
}

/** What the process holds. */
interface Sample {
  readonly memory: number
  readonly descriptors: number
}

function sample(): Sample {
  globalThis.gc!()
  const { heapUsed, external } = process.memoryUsage()
  return { memory: heapUsed + external, descriptors: readdirSync('/proc/self/fd').length }
}

const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!

/** By how much per cent something has grown from before the second restart to the end. */
function growth(samples: readonly Sample[], of: keyof Sample): number {
  const part = (from: number, to: number) =>
    median(samples.slice(Math.floor(samples.length * from), Math.floor(samples.length * to)).map((one) => one[of]))
  return Math.round((part(0.8, 1) / part(0.35, 0.55) - 1) * 1000) / 10
}

/** Somebody who is not there at the moment. */
function absentUser(users: readonly User[], run: Run): User {
  for (;;) {
    const user = run.random.pick(users)
    if (!user.isBusy) return user
  }
}

const proof: Proof = {
  summary: '10,000 sessions in all stores at once, servers killed and started anew: nobody sees or loses anything',
  seconds: 600,
  short: 60,
  async run(run) {
    const servers = await Promise.all((await startServers(run.log)).map(placeOn))
    const places = [...servers.map(({ place }) => place)]
    for (const name of driversHere(run.log, embedded)) places.push(await inFiles(name))
    const users = Array.from({ length: USERS }, (_, number) => newUser(number, places[number % places.length]!))
    const seen = new Sightings(run.log)
    const visitAll = () => {
      const left = [...users]
      return together(async () => {
        for (let user = left.pop(); user !== undefined; user = left.pop()) await visit(user, run.random, seen)
      })
    }
    const beginning = performance.now()
    await visitAll()
    const begin = performance.now()
    run.log(`${USERS} sessions in ${places.length} stores after ${Math.round(begin - beginning)} ms`)
    // In the end all of them are looked at once more.
    const end = run.end - (begin - beginning) / 2
    const at = (part: number) => begin + (end - begin) * part
    const samples: Sample[] = []
    const visits = async () => {
      while (performance.now() < end) await visit(absentUser(users, run), run.random, seen)
    }
    const watch = async () => {
      for (; performance.now() < end; await until(performance.now() + 500)) samples.push(sample())
    }
    const restarts = async () => {
      for (const [part, kill] of [
        [0.15, true],
        [0.6, false],
      ] as const) {
        await until(at(part))
        await Promise.all(servers.map(({ restart }) => restart(kill)))
        run.log(`all servers were ${kill ? 'killed' : 'stopped'} and started anew`)
      }
    }
    await Promise.all([together(visits), watch(), restarts()])
    await visitAll()
    for (const [name, count] of seen.failed) run.log(`${name}: ${count} operations failed`)
    run.log(`memcached forgot ${seen.forgotten} sessions at its restarts, as it must`)
    for (const { sessions } of places) await sessions.close()
    return [
      run.atLeast('operations', seen.operations, 250_000),
      ...Object.entries(seen.bad).map(([name, value]) => run.exactly(name, value)),
      run.atMost('memoryGrowth%', growth(samples, 'memory'), 5),
      run.atMost('descriptorGrowth%', growth(samples, 'descriptors'), 5),
    ]
  },
}

/** So many do it at once. */
function together(visits: () => Promise<void>): Promise<unknown> {
  return Promise.all(Array.from({ length: VISITORS }, visits))
}

function until(time: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, time - performance.now())))
}

export default proof
