/** One record of a Berkeley DB file into a store: what must be right about it, and what happens to one that is there. */

import { isUtf8 } from 'node:buffer'
import { randomBytes } from 'node:crypto'
import type { IdShape } from '../../lib/contracts.js'
import type { Engine } from '../../lib/engine.js'
import { DriverError, IdError, SerializeError } from '../../lib/errors.js'
import { assertId } from '../../lib/id-check.js'
import type { SessionData } from '../../lib/record.js'
import { whyNotSession } from '../../lib/thaw-record.js'
import type { DumpEntry } from './dump-reader.js'

/** What became of a record, in the order in which the counts are printed. */
export const outcomes = ['wrote', 'already there', 'kept', 'expired', 'refused'] as const
export type Outcome = (typeof outcomes)[number]

export interface ImportResult {
  readonly outcome: Outcome
  /** Of one that was refused, as far as it is known. */
  readonly id?: string | undefined
  /** Why it was refused. */
  readonly reason?: string
}

/** A record that is not to be written; the message says why. */
class Refusal extends Error {}

/** What may be wrong with a single record. */
const recordErrors = [Refusal, IdError, SerializeError, DriverError]

export class Importer {
  readonly #engine: Engine
  readonly #overwrite: boolean

  /** @param overwrite replace another record that the store has under an id */
  constructor(engine: Engine, overwrite: boolean) {
    this.#engine = engine
    this.#overwrite = overwrite
  }

  /** @throws {DriverError} when the store itself fails */
  async take(entry: DumpEntry): Promise<ImportResult> {
    const { driver } = this.#engine
    const id = entry.key && idOf(entry.key, driver.supports.ids)
    try {
      if (id === undefined || entry.problem !== undefined) throw new Refusal(entry.problem ?? '')
      assertId(id, driver.supports.ids, driver.name)
      const data = this.#thaw(id, entry.value)
      if (this.#engine.hasEnded(data)) return { outcome: 'expired' }
      return { outcome: await this.#write(id, entry.value, this.#engine.timeToLive(data)) }
    } catch (error) {
      return { outcome: 'refused', id, reason: await this.#reasonOf(error) }
    }
  }

  #thaw(id: string, record: Buffer): SessionData {
    const data = this.#engine.serializer.thaw(record)
    const problem = whyNotSession(data, id)
    if (problem !== undefined) throw new Refusal(problem)
    return data as SessionData
  }

  async #write(id: string, record: Buffer, ttl: number): Promise<Outcome> {
    const { driver } = this.#engine
    if ((await driver.store(id, record, { ttl, expect: null })) === 'stored') return 'wrote'
    const present = await driver.retrieve(id)
    if (present !== undefined && Buffer.compare(present, record) === 0) return 'already there'
    if (!this.#overwrite) return 'kept'
    await driver.store(id, record, { ttl })
    return 'wrote'
  }

  /** @throws what is no fault of the record */
  async #reasonOf(error: unknown): Promise<string> {
    if (!recordErrors.some((kind) => error instanceof kind)) throw error
    if (error instanceof DriverError && !(await this.#answers())) throw error
    return (error as Error).message
  }

  /** Is it the record, or the store? One that is all right says that it has no such session. */
  async #answers(): Promise<boolean> {
    try {
      await this.#engine.driver.retrieve(randomBytes(16).toString('hex'))
      return true
    } catch {
      return false
    }
  }
}

/** Perl has bytes as keys. Where ids are text, they are read as all other text of Perl. */
function idOf(key: Buffer, shape: IdShape): string {
  return key.toString(shape !== 'bytes' && isUtf8(key) ? 'utf8' : 'latin1')
}
