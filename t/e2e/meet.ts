/** Lets requests of several processes wait for each other, so that they truly come at the same time. */

import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const WAITS_FOR = 20_000

/**
 * Fulfilled when as many have come to a place as its name says, such as `tabs-4`.
 * @throws when they do not come
 */
export async function meet(folder: string, place: string): Promise<void> {
  const count = Number(/^[a-z]+-(\d)$/.exec(place)?.[1])
  const room = join(folder, place)
  mkdirSync(room, { recursive: true })
  writeFileSync(join(room, `${process.pid}-${process.hrtime.bigint()}`), '')
  for (const deadline = Date.now() + WAITS_FOR; readdirSync(room).length !== count; await pause()) {
    if (Date.now() > deadline) throw new Error(`the others did not come to ${place}`)
  }
}

const pause = () => new Promise((resolve) => setTimeout(resolve, 5))
