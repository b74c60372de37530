/**
 * How much memory it takes to walk through a million sessions and to purge half of them, with driver:BerkeleyDB:
 * `npm run bench:million -- --sessions 1000000 --bytes 1000`.
 *
 * What counts is the heap and what Node holds beside it. The resident size has the pages of the store in it, which LMDB maps
 * into memory: they are the system's cache of the file, and it takes them back when others need the memory.
 */

import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { SessionManager } from 'data-session'

const { values: options } = parseArgs({
  options: { sessions: { type: 'string', default: '1000000' }, bytes: { type: 'string', default: '1000' } },
})
const count = Number(options.sessions)
const text = 'x'.repeat(Math.max(0, Number(options.bytes) - 170))

/** So many sessions are stored at once. */
const group = 500
const sampleEvery = 1000

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`

/** The largest and the first of what was sampled. */
class Memory {
  readonly #first = Memory.#now()
  #largest = this.#first

  sample(): void {
    const now = Memory.#now()
    this.#largest = {
      held: Math.max(now.held, this.#largest.held),
      resident: Math.max(now.resident, this.#largest.resident),
    }
  }

  toString(): string {
    const { held, resident } = this.#largest
    return `heap and external ${megabytes(this.#first.held)}, at most ${megabytes(held)}; resident at most ${megabytes(resident)}`
  }

  static #now(): { held: number; resident: number } {
    const { heapUsed, external, rss } = process.memoryUsage()
    return { held: heapUsed + external, resident: rss }
  }
}

async function measured(title: string, work: (sample: () => void) => Promise<unknown>): Promise<void> {
  const memory = new Memory()
  const start = performance.now()
  const result = await work(() => memory.sample())
  const seconds = (performance.now() - start) / 1000
  console.log(`${title}: ${JSON.stringify(result)} in ${seconds.toFixed(1)} s; ${memory}`)
}

async function fill(sessions: SessionManager): Promise<number> {
  for (let from = 0; from < count; from += group) {
    const ids = Array.from({ length: Math.min(group, count - from) }, (_, index) => from + index)
    await Promise.all(
      ids.map(async (number) => {
        const session = await sessions.open({ id: number.toString(16).padStart(32, '0') })
        await session
          .param({ text })
          .expire(number % 2 === 0 ? '1h' : '1d')
          .flush()
      }),
    )
  }
  return count
}

async function main(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'data-session-million-'))
  try {
    let now = Date.now()
    const sessions = await SessionManager.create({
      type: 'driver:BerkeleyDB;serialize:JSON',
      directory,
      clock: () => now,
    })
    await measured('filled', () => fill(sessions))
    console.log(`data.mdb has ${megabytes(statSync(join(directory, 'data.mdb')).size)}`)
    await measured('traversed', async (sample) => {
      let seen = 0
      await sessions.traverse(() => {
        if (++seen % sampleEvery === 0) sample()
      })
      return seen
    })
    now += 7_200_000
    await measured('purged', async (sample) => {
      const timer = setInterval(sample, 20)
      const result = await sessions.purge()
      clearInterval(timer)
      return result
    })
    await sessions.close()
  } finally {
    rmSync(directory, { recursive: true })
  }
}

main().catch((error) => {
  console.error(error)
  process.exitCode = 1
})
