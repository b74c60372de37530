/** What was seen of operations during outages. */

import type { Finding, Run } from './proof.js'

/** Counts, and what was wrong with whom. */
export class Tally {
  cases = 0
  readonly bad: Record<string, number> = {}
  readonly timeout: number
  readonly #log: (text: string) => void
  readonly #drivers = new Map<string, { cases: number; done: number; longest: number; slowest: number }>()

  constructor(log: (text: string) => void, timeout: number) {
    this.#log = log
    this.timeout = timeout
    for (const name of ['hangs', 'falseSuccesses', 'slowRecoveries', 'untyped', 'lostAfterRetry']) this.bad[name] = 0
  }

  count(driver: string, isDone: boolean, took: number, recovery: number): void {
    const sums = this.#drivers.get(driver) ?? { cases: 0, done: 0, longest: 0, slowest: 0 }
    this.#drivers.set(driver, sums)
    this.cases++
    sums.cases++
    if (isDone) sums.done++
    sums.longest = Math.max(sums.longest, took)
    sums.slowest = Math.max(sums.slowest, recovery)
  }

  note(name: string, where: string, what: string): void {
    this.bad[name]!++
    this.#log(`${name}: ${where}: ${what}`)
  }

  tell(): void {
    for (const [driver, { cases, done, longest, slowest }] of this.#drivers) {
      const times = `the longest took ${Math.round(longest)} ms, the slowest was well again after ${Math.round(slowest)} ms`
      this.#log(`${driver}: ${cases} cases, ${done} succeeded all the same, ${times}`)
    }
  }

  findings(run: Run): Finding[] {
    return Object.entries(this.bad).map(([name, value]) => run.exactly(name, value))
  }
}
