/** Rounds of updates: in each, several writers update one session at the same time, and then it is read. */

import type { ManagerOptions } from '../../../lib/index.js'
import { Managers } from './managers.js'
import { missing, type Updates, update } from './updates.js'
import { startWorker, type Worker } from './workers.js'

export type Writer = Worker<Updates, string[]>

/** What was acknowledged, and how much of it is lost. */
export interface Tally {
  acknowledged: number
  lost: number
}

/** A set of tags that grows makes every write longer, so a round ends soon. Who waits for others to end theirs updates nothing. */
const ROUND = { most: 50, milliseconds: 250 }

let rounds = 0

/** Rounds with new sessions, as long as they are wanted. */
export async function playRounds(
  writers: readonly Writer[],
  options: ManagerOptions,
  goesOn: (tally: Tally) => boolean,
): Promise<Tally> {
  const managers = new Managers()
  const tally = { acknowledged: 0, lost: 0 }
  try {
    do await playRound(writers, options, managers, tally)
    while (goesOn(tally))
  } finally {
    await managers.close()
  }
  return tally
}

async function playRound(
  writers: readonly Writer[],
  options: ManagerOptions,
  managers: Managers,
  tally: Tally,
): Promise<void> {
  const sessions = await managers.for(options)
  const id = `round${++rounds}`
  await (await sessions.open({ id })).param('begun', 1).flush()
  const name = (index: number): string => `writer${index}`
  const tags = await Promise.all(
    writers.map((writer, index) => writer.do({ options, id, writer: name(index), ...ROUND })),
  )
  const session = await sessions.open({ id })
  for (const [index, acknowledged] of tags.entries()) {
    tally.acknowledged += acknowledged.length
    tally.lost += missing(session, name(index), acknowledged)
  }
  await session.delete()
}

/** Writers that are processes of Node. */
export async function nodeWriters(count: number): Promise<Writer[]> {
  return Promise.all(Array.from({ length: count }, () => startWorker<Updates, string[]>('updates.ts', [])))
}

/** Writers that are processes of Perl, with a driver of CGI::Session. */
export async function perlWriters(count: number, driver: string): Promise<Writer[]> {
  return Promise.all(Array.from({ length: count }, () => startWorker<Updates, string[]>('updates.pl', [driver])))
}

/** Writers within this process: a store in memory has no others. */
export function writersHere(count: number): Writer[] {
  const managers = new Managers()
  const writer = { do: (updates: Updates) => update(managers, updates), end: () => managers.close() }
  return Array.from({ length: count }, () => writer)
}

/** Let all of them go. */
export async function endAll(writers: readonly Writer[]): Promise<void> {
  for (const writer of writers) await writer.end()
}
