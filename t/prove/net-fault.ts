/** Every driver that speaks to a server, every operation, everything that goes wrong on the way. */

import { type ManagerOptions, SessionManager } from '../../lib/index.js'
import { ABORTED, faultsFor, OF_ANOTHER } from './shared/faults.js'
import { FaultyProxy } from './shared/faulty-proxy.js'
import { shuffled } from './shared/many.js'
import { attempts, Lane, type State, states } from './shared/outage.js'
import type { Proof, Run } from './shared/proof.js'
import { type OwnServer, startServers } from './shared/servers.js'
import { standstill } from './shared/standstill.js'
import { Tally } from './shared/tally.js'

/** Of the drivers, in milliseconds. */
const TIMEOUT = 500
/** So many cases of one driver are tried at once. */
const LANES = 3
/** The part of the time for servers that are stopped, which stops them for all lanes. */
const STOPPED = 0.25

/**
 * Where clients read what comes: some garbage makes pg-protocol and ioredis throw where nobody can catch it (docs/outages.md). It is
 * told, and not counted.
 */
const ofParsers = /node_modules\/(?:pg-protocol\/dist\/parser|ioredis\/built\/DataHandler)/

/** What goes wrong with whom at what. */
interface Case {
  readonly what: string
  readonly operation: string
  readonly state: State
}

function casesOf(driver: string, faults: readonly string[]): Case[] {
  const all = faults.flatMap((what) =>
    Object.keys(attempts).flatMap((operation) => states(operation).map((state) => ({ what, operation, state }))),
  )
  return all.filter(({ what, operation }) => operation !== 'list' || (driver !== 'Memcached' && what !== OF_ANOTHER))
}

/** All of them by chance, again and again until it is time. */
function* endless(cases: readonly Case[], run: Run, end: number): Generator<Case> {
  for (;;) {
    for (const one of shuffled(cases, run.random)) {
      if (performance.now() > end) return
      yield one
    }
  }
}

async function onTheWay(run: Run, tally: Tally, server: OwnServer, end: number): Promise<void> {
  const faults = faultsFor(TIMEOUT, run.random)
  const cases = endless(casesOf(server.driver, Object.keys(faults)), run, end)
  const inLane = async () => {
    const proxy = await new FaultyProxy(server.port).open()
    const lane = await laneOf(server, tally, proxy)
    for (const { what, operation, state } of cases) {
      lane.put(state)
      await lane.attempt(what, operation, {
        isAborted: what === ABORTED && operation !== 'close',
        begin: () => proxy.set(faults[what]!),
        end: () => proxy.set({}),
      })
    }
    await lane.close()
    await proxy.close()
  }
  await all(Array.from({ length: LANES }, inLane))
}

/** A server that stands still with all its processes. */
async function stopped(run: Run, tally: Tally, server: OwnServer): Promise<void> {
  const { control } = server
  if (control === undefined) return run.log(`the server of ${server.driver} is not ours, and is not stopped`)
  const proxy = await new FaultyProxy(server.port).open()
  const lane = await laneOf(server, tally, proxy)
  for (const { what, operation, state } of endless(casesOf(server.driver, ['stopped']), run, run.end)) {
    lane.put(state)
    await lane.attempt(what, operation, {
      begin: async () => control.signal('SIGSTOP'),
      end: async () => control.signal('SIGCONT'),
    })
  }
  await lane.close()
  await proxy.close()
}

async function laneOf({ driver, port, options }: OwnServer, tally: Tally, proxy: FaultyProxy): Promise<Lane> {
  const impatient = () => SessionManager.create({ ...options(proxy.port), timeout: TIMEOUT } as ManagerOptions)
  return new Lane(driver, impatient, await SessionManager.create(options(port)), proxy, tally).open()
}

/** Waits for all of them, also when one fails: the others still need the servers. @throws what the first said that failed */
async function all(tasks: readonly Promise<void>[]): Promise<void> {
  await Promise.allSettled(tasks)
  await Promise.all(tasks)
}

const proof: Proof = {
  summary: 'Each driver and operation on a faulty way to its server: no hang, no false success, and well again at once',
  seconds: 240,
  short: 45,
  async run(run) {
    const strays: unknown[] = []
    for (const event of ['uncaughtException', 'unhandledRejection']) process.on(event, (error) => strays.push(error))
    const servers = await startServers(run.log)
    const tally = new Tally(run.log, TIMEOUT)
    const end = run.end - run.seconds * STOPPED * 1000
    await all(servers.map((server) => onTheWay(run, tally, server, end)))
    await all(servers.map((server) => stopped(run, tally, server)))
    for (const stray of strays) run.log(`nobody caught ${(stray as Error).stack}`)
    tally.tell()
    run.log(`this process had no turn for ${Math.round(standstill())} ms in all, which are not counted`)
    const ours = strays.filter((stray) => !ofParsers.test(String((stray as Error).stack)))
    return [run.atLeast('cases', tally.cases, 2000), ...tally.findings(run), run.exactly('uncaught', ours.length)]
  },
}

export default proof
