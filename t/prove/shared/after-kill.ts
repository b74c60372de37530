/** What a writer that was killed may leave: the old record or the new one, for every reader. */

import type { Driver } from '../../../lib/contracts.js'
import { problemOf, recordOf } from '../../support/records.js'
import { type Embedded, newPlace, type Place } from './embedded.js'
import { withDriver } from './open-driver.js'
import type { PerlJudge } from './perl-judge.js'

/** A session as it may be: its payload's length, 0 for no session, and the number of its letter. */
export type State = readonly [length: number, letter: number]

export const id = '0123456789abcdef'
const around = recordOf(id, 1000, 0).length - 1000
/** A process can be killed between two pages of a write, but not within one. */
const PAGE = 4096
/** No session, a record of 1 KB, one of exactly 4 KB, and one of 200 KB. */
export const lengths = [0, 1024 - around, PAGE - around, 200_000]

const textOf = (record: Uint8Array | undefined): string =>
  record === undefined ? 'none' : Buffer.from(record).toString('latin1').replace(/\n+$/, '')

const recordIn = ([length, letter]: State): string => (length === 0 ? 'none' : textOf(recordOf(id, length, letter)))

/** What Perl's judge says of it. */
const verdictOn = ([length, letter]: State): string =>
  length === 0 ? 'none' : `${length} ${String.fromCharCode(97 + letter)}`

/** Bring the session to a state; why it is not in it afterwards. */
async function bring(driver: Driver, state: State): Promise<string | undefined> {
  const [length, letter] = state
  await (length === 0 ? driver.remove(id) : driver.store(id, recordOf(id, length, letter)))
  return textOf(await driver.retrieve(id)) === recordIn(state) ? undefined : 'it is not there'
}

/** Do something with the driver of a place. */
const within = <T>({ kind, options }: Place, work: (driver: Driver) => Promise<T>): Promise<T> =>
  withDriver([kind.driver, options, kind.padding], work)

/** Bring the session of a place to a state. */
export async function reset(place: Place, state: State): Promise<void> {
  const problem = await within(place, (driver) => bring(driver, state))
  if (problem !== undefined) throw new Error(`${place.kind.title}: the session cannot be written: ${problem}`)
}

/** A new store with the session in a state, and another session. */
export async function placeWith(kind: Embedded, state: State): Promise<Place> {
  const place = await newPlace(kind)
  await within(place, (driver) => driver.store('somebody-else', recordOf('somebody-else', 100, 3)))
  await reset(place, state)
  return place
}

/** Counts what is found after kills. */
export class Findings {
  kills = 0
  nodeBroken = 0
  /** Among records of up to 4 KB. */
  perlBroken = 0
  /** Sessions that could not be written afterwards. */
  stuck = 0
  /** Kills in writes of more than 4 KB, and how often Perl found neither record before Node had repaired it. */
  readonly long = new Map<string, { kills: number; broken: number }>()
  readonly #perl: PerlJudge
  readonly #log: (text: string) => void

  constructor(perl: PerlJudge, log: (text: string) => void) {
    this.#perl = perl
    this.#log = log
  }

  /** Look at a session: Perl first, which repairs no file, then Node; then bring it to another state. */
  async look(place: Place, allowed: readonly State[], next: State, what: string): Promise<void> {
    this.kills++
    await this.#askPerl(place, allowed, what)
    await within(place, async (driver) => {
      const found = await driver.retrieve(id)
      if (!allowed.some((state) => recordIn(state) === textOf(found))) {
        this.nodeBroken++
        const problem = found === undefined ? 'nothing' : (problemOf(found) ?? 'another record')
        this.#log(`${place.kind.title}: Node finds ${problem}; ${what}`)
      }
      const refusal = await bring(driver, next).catch((error: Error) => error.message)
      if (refusal === undefined) return
      this.stuck++
      this.#log(`${place.kind.title}: it cannot be written afterwards: ${refusal}; ${what}`)
    })
  }

  async #askPerl({ kind, path }: Place, allowed: readonly State[], what: string): Promise<void> {
    if (kind.perl === undefined) return
    const seen = await this.#perl.verdict(kind.perl, path, id)
    const isBroken = !allowed.some((state) => verdictOn(state) === seen)
    if (allowed.some(([length]) => length + around > PAGE)) {
      const { kills, broken } = this.long.get(kind.title) ?? { kills: 0, broken: 0 }
      this.long.set(kind.title, { kills: kills + 1, broken: broken + (isBroken ? 1 : 0) })
    } else if (isBroken) {
      this.perlBroken++
      this.#log(`${kind.title}: Perl finds ${seen}; ${what}`)
    }
  }
}
