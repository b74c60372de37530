/** Generated sessions that Node writes, real Perl reads and writes again, and Node reads: the same, or refused before they are written. */

import { createInterface } from 'node:readline'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { SerializeError } from '../../lib/errors.js'
import type { Hash } from '../../lib/hash.js'
import { makeSerializer } from '../fuzz/serializers.js'
import { startPerl } from '../support/child.js'
import { differenceOf, losses } from './shared/format-losses.js'
import type { Finding, Proof, Run } from './shared/proof.js'
import { sessions } from './shared/round-trip-values.js'

/** The record that real Perl makes of a record; rejected with why Perl cannot. */
type Rewrite = (serializer: string, record: Uint8Array) => Promise<Buffer>

/** One Perl process for all of them. */
function startRewriting(): { rewrite: Rewrite; end(): Promise<unknown> } {
  const { process: child, done } = startPerl('t/prove/children/round-trip.pl', [])
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const rewrite: Rewrite = async (serializer, record) => {
    child.stdin.write(`${serializer} ${Buffer.from(record).toString('hex')}\n`)
    const { value, done: isOver } = await answers.next()
    if (isOver) await done
    const [, verdict, rest] = /^(ok|no) (.*)/.exec(String(value)) ?? []
    if (verdict !== 'ok') throw new Error(`Perl: ${rest}`)
    return Buffer.from(rest!, 'hex')
  }
  const end = (): Promise<unknown> => {
    child.stdin.end()
    return done
  }
  return { rewrite, end }
}

/** What is left of a serializer's sessions. */
interface Count {
  equal: number
  refused: number
  different: number
}

async function prove(name: string, seed: number, end: number, rewrite: Rewrite, log: Run['log']): Promise<Count> {
  const serializer = makeSerializer(name)
  const count: Count = { equal: 0, refused: 0, different: 0 }
  const property = fc.asyncProperty(sessions, async (session: Hash) => {
    let record: Uint8Array
    try {
      record = serializer.freeze(session)
    } catch (error) {
      if (!(error instanceof SerializeError)) throw error
      count.refused++
      return
    }
    const place = differenceOf(session, serializer.thaw(await rewrite(name, record)), losses[name]!)
    if (place !== undefined) throw new Error(`it differs at ${place}`)
    count.equal++
  })
  for (let round = 0; performance.now() < end && count.different === 0; round++) {
    const result = await fc.check(property, { numRuns: 100, seed: seed + round })
    if (!result.failed) continue
    count.different++
    const shown = inspect(result.counterexample?.[0], { depth: 9 })
    log(`${name} (seed ${result.seed}, path ${result.counterexamplePath}): ${String(result.errorInstance)}\n${shown}`)
  }
  log(`${name}: ${count.equal} equal, ${count.refused} refused`)
  return count
}

async function run({ random, seconds, log, atLeast, exactly }: Run): Promise<readonly Finding[]> {
  const { rewrite, end } = startRewriting()
  const names = Object.keys(losses)
  const counts: Count[] = []
  for (const name of names) {
    const until = performance.now() + (seconds * 1000) / names.length
    counts.push(await prove(name, random.seed() >> 1, until, rewrite, log))
  }
  await end()
  const differences = counts.reduce((sum, { different }) => sum + different, 0)
  return [...names.map((name, index) => atLeast(name, counts[index]!.equal, 1000)), exactly('different', differences)]
}

export default {
  summary: 'generated values from Node to real Perl and back, in every format: equal, or refused at flush',
  parts: 'perl,freezethaw,yaml-tiny',
  seconds: 30,
  short: 15,
  run,
} satisfies Proof
