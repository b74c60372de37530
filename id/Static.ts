/** `id:Static`: the id that the program chose, always the same. */

import type { IdGenerator, IdShape, OptionTable } from '../lib/contracts.js'
import { optionalText } from '../lib/options.js'
import { cannotGenerate } from './shared/failure.js'

export interface StaticOptions {
  /** The id to give each time, as in `open({ id })`. Perl: `id`. Unlike Perl, `'0'` is an id too. */
  id?: string
}

/** Perl's fixed answer to `id_length`, which sizes the id column; a longer id asks for more. */
const USUAL_LENGTH = 32

/**
 * The caller's own id. It promises a `word` so that it goes with every driver: an id that a driver cannot hold is
 * refused by the driver's own check of it.
 */
export default class Static implements IdGenerator {
  static readonly options: OptionTable<StaticOptions> = { id: optionalText() }

  readonly shape: IdShape = 'word'
  readonly isPredictable = true
  readonly length: number
  readonly #id: string | undefined

  constructor({ id }: StaticOptions = {}) {
    this.#id = id
    this.length = Math.max(USUAL_LENGTH, id?.length ?? 0)
  }

  /** @throws {IdError} ERR_SESSION_ID_GENERATE when no id was given */
  async generate(): Promise<string> {
    if (this.#id) return this.#id
    throw cannotGenerate('Static', 'it gives the id that you choose, and none was given; say open({ id })')
  }
}
