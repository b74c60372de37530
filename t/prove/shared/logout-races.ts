/** Races of slow requests against the removal of their session. */

import type { ManagerOptions } from '../../../lib/index.js'
import type { Step, Written } from './logouts.js'
import { Managers } from './managers.js'
import type { Random } from './random.js'
import type { Worker } from './workers.js'

export type Process = Worker<Step, Written>

const SESSIONS_A_ROUND = 20
/** Within so many milliseconds everything happens. */
const SPREAD_MS = 8
const modes = ['merge', 'overwrite', 'fail'] as const

/** What was counted. */
export interface Tally {
  races: number
  /** Flushes that were in time. */
  written: number
  broughtBack: number
  /** Flushes that said they had written, though the session was removed before. */
  falselyWritten: number
}

/** Who takes part in the races for a driver's sessions. */
export interface Field {
  readonly options: ManagerOptions
  readonly flushers: readonly Process[]
  readonly deleter: Process
}

const noRaces = (): Tally => ({ races: 0, written: 0, broughtBack: 0, falselyWritten: 0 })

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0)

let rounds = 0

/** Two flush what a third one removes, at about the same time, and once more afterwards. */
async function race({ options, flushers, deleter }: Field, managers: Managers, random: Random): Promise<Tally> {
  const sessions = await managers.for(options)
  const ids = Array.from({ length: SESSIONS_A_ROUND }, (_, index) => `race${rounds}x${index}`)
  rounds++
  for (const id of ids) await (await sessions.open({ id })).param('user', 'ann').flush()

  const sessionModes = ids.map((_, index) => modes[index % modes.length]!)
  const step = (does: Step['does']): Step => {
    return { does, options, ids, modes: sessionModes, after: ids.map(() => random.below(SPREAD_MS)) }
  }
  const tell = (does: Step['does']): Promise<Written[]> => Promise.all(flushers.map((one) => one.do(step(does))))
  await tell('open')
  const removed = deleter.do(step('delete'))
  const [written] = await Promise.all([tell('flush'), removed])
  const late = await tell('flush')

  let broughtBack = 0
  for (const id of ids) if (!(await sessions.open({ clientId: id })).isNew()) broughtBack++
  return { races: ids.length, written: sum(written), broughtBack, falselyWritten: sum(late) }
}

/** Rounds of races, as long as they are wanted. */
export async function races(field: Field, goesOn: () => boolean, random: Random): Promise<Tally> {
  const managers = new Managers()
  const total = noRaces()
  try {
    do {
      const one = await race(field, managers, random)
      for (const name of Object.keys(total) as (keyof Tally)[]) total[name] += one[name]
    } while (goesOn())
  } finally {
    await managers.close()
  }
  return total
}
