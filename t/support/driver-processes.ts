/** What several processes do to one store at once. */

import { type Child, startNode } from './child.js'

/** The driver of the processes, and its options. */
export interface DriverTarget {
  readonly driver: string
  readonly options: object
}

/** Start processes, let them go at once, and give what each printed at its end. */
async function together(target: DriverTarget, count: number, args: readonly string[]): Promise<unknown[]> {
  const { driver, options } = target
  const children: Child[] = await Promise.all(
    Array.from({ length: count }, () =>
      startNode('t/support/driver-worker.ts', [driver, JSON.stringify(options), ...args]),
    ),
  )
  await Promise.all(children.map((child) => child.said('ready')))
  for (const child of children) child.process.stdin.end('go\n')
  const outputs = await Promise.all(children.map((child) => child.done))
  return outputs.map((output) => JSON.parse(output.trim().split('\n').at(-1)!))
}

/** For each of the ids, how the attempts of the processes to create it went, sorted. */
export async function raceToCreate(target: DriverTarget, processes: number, ids: number): Promise<string[][]> {
  const outcomes = (await together(target, processes, ['create', 'race', String(ids)])) as string[][]
  return Array.from({ length: ids }, (_, index) => outcomes.map((one) => one[index]!).sort())
}

/**
 * Each process adds one, so many times, to the number under an id.
 * @param task `open and count`: with a store that is opened for each and closed again
 */
export async function countTogether(
  target: DriverTarget,
  processes: number,
  id: string,
  times: number,
  task: 'count' | 'open and count' = 'count',
): Promise<void> {
  await together(target, processes, [task, id, String(times)])
}
