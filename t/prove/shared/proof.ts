/** What a proof is: a file directly in t/prove/, with this as its default export. */

import type { Random } from './random.js'

/** Something that was counted, and what it must be. */
export interface Finding {
  readonly name: string
  readonly value: number
  readonly target: number
  readonly rule: '>=' | '=' | '<='
}

/** What a proof is given. */
export interface Run {
  /** How long it may go on; what it counts is expected in proportion to that. */
  readonly seconds: number
  /** When that time is over, in the milliseconds of `performance.now()`. */
  readonly end: number
  /** The same numbers for the same seed. */
  readonly random: Random
  /** Tell whoever watches how it goes (standard error). */
  log(text: string): void
  /** So many are wanted in the proof's full time; in proportion less in a shorter run. */
  atLeast(name: string, value: number, target: number): Finding
  /** Exactly so many are wanted: none of a bad thing. */
  exactly(name: string, value: number, target?: number): Finding
  /** No more than that: a time that must not be exceeded. */
  atMost(name: string, value: number, target: number): Finding
}

export interface Proof {
  /** In one line, for the list. */
  readonly summary: string
  /** The parts without which nothing can be proved (names with commas), as t/support/requirements.ts knows them. */
  readonly parts?: string
  /** How long it takes in full, and in a run of all proofs for a change. */
  readonly seconds: number
  readonly short: number
  run(run: Run): Promise<readonly Finding[]>
}

const rules: Record<Finding['rule'], (value: number, target: number) => boolean> = {
  '>=': (value, target) => value >= target,
  '=': (value, target) => value === target,
  '<=': (value, target) => value <= target,
}

/** Was it reached? */
export function isReached({ value, target, rule }: Finding): boolean {
  return rules[rule](value, target)
}
