/** Programs that have trouble with a store: how their flushes ended, and what the store has. */

import type { ManagerOptions } from '../../../lib/index.js'
import type { Child } from '../../support/child.js'
import { type Ended, endOf, flushWith, type Kept, kept, NEW, recordNow } from './flush-end.js'

/** What failing-write.ts says at its end. */
interface Said {
  readonly first: Ended
  readonly after: Kept
  readonly second: Ended
  readonly last: Kept
}

/** A store, and the command that has trouble with it. */
export interface Case {
  readonly title: string
  readonly options: ManagerOptions
  command(trouble: string): string[]
}

/** Counts what came of it. */
export class Verdicts {
  cases = 0
  failed = 0
  /** The error came after the write, as when the disk does not sync: the new session is there, whole. */
  newDespiteError = 0
  oldLost = 0
  untyped = 0
  notRecovered = 0
  readonly #log: (text: string) => void

  constructor(log: (text: string) => void) {
    this.#log = log
  }

  add(what: string, { first, after, second, last }: Said): void {
    this.cases++
    if (first !== '') this.failed++
    if (first !== '' && after === 'new') this.newDespiteError++
    const isWhole = after === 'new' || (first !== '' && after === 'old')
    const isTyped = !`${first}${second}`.includes('untyped')
    const isRecovered = second === '' && last === 'new'
    if (!isWhole) this.oldLost++
    if (!isTyped) this.untyped++
    if (!isRecovered) this.notRecovered++
    if (!isWhole || !isTyped || !isRecovered)
      this.#log(`${what}: ${first || 'no error'}, then ${after}; ${second || 'no error'}, then ${last}`)
  }

  /** The process ended before it could say anything. */
  died(what: string, reason: string, now: Kept): void {
    this.cases++
    this.untyped++
    if (now === 'lost') this.oldLost++
    this.#log(`${what}: the process ended, the session is ${now}: ${reason.slice(0, 300)}`)
  }
}

/** Run a program that has trouble, and tell it what the store has when it asks. `andLater`: the trouble does not end. */
export async function watch(
  one: Case,
  begin: () => Child,
  what: string,
  verdicts: Verdicts,
  andLater = false,
): Promise<void> {
  const before = await recordNow(one.options)
  const child = begin()
  // One that looks by itself does not listen.
  child.process.stdin.on('error', () => undefined)
  const now = (): Promise<Kept> => kept(one.options, before)
  try {
    await child.said('{"first"')
    const after = await now()
    if (andLater) child.process.stdin.end()
    else {
      child.process.stdin.write(after)
      await child.said('"second"')
      child.process.stdin.write(await now())
    }
    await child.done
    const said = JSON.parse(child.output().trim().split('\n').at(-1)!) as Said
    if (!andLater) return verdicts.add(what, said)
    const second = await endOf(() => flushWith(one.options, NEW))
    verdicts.add(what, { first: said.first, after, second, last: await now() })
  } catch (error) {
    verdicts.died(what, (error as Error).message, await now())
  }
}
