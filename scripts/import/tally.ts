/** What an import counts, and the refusals that it tells of. */

import { logId } from '../../lib/id-check.js'
import { type ImportResult, type Outcome, outcomes } from './importer.js'

/** So many refusals are told one by one. */
const MOST_TOLD = 20

export class Tally {
  readonly #counts: Record<Outcome, number> = { wrote: 0, 'already there': 0, kept: 0, expired: 0, refused: 0 }
  readonly #say: (line: string) => void

  /** @param say prints a line */
  constructor(say: (line: string) => void) {
    this.#say = say
  }

  get read(): number {
    return outcomes.reduce((sum, outcome) => sum + this.#counts[outcome], 0)
  }

  get refused(): number {
    return this.#counts.refused
  }

  add({ outcome, id, reason = '' }: ImportResult): void {
    this.#counts[outcome]++
    if (outcome !== 'refused' || this.refused > MOST_TOLD) return
    const shown = id === undefined ? 'a key' : logId(id)
    this.#say(`refused: ${reason.includes(shown) ? reason : `${shown}: ${reason}`}`)
  }

  /** Tell how many refusals were not told. */
  tellRest(): void {
    if (this.refused > MOST_TOLD) this.#say(`refused: and ${this.refused - MOST_TOLD} more`)
  }

  /** `read 1000, wrote 990, already there 0, kept 2, expired 5, refused 3` */
  toString(): string {
    return [`read ${this.read}`, ...outcomes.map((outcome) => `${outcome} ${this.#counts[outcome]}`)].join(', ')
  }
}
