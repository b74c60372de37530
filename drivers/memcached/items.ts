/** Reading and writing items, with the preconditions of a driver for sessions. */

import type { StoreOutcome } from '../../lib/contracts.js'
import type { Line, Lines } from './line.js'
import { type Item, opcodes, type Reply, refusal, statuses, type Version } from './protocol.js'
import { recordOf } from './value.js'
import { Versions } from './versions.js'

/** Where a record is kept. */
interface Place {
  readonly key: string
  readonly bytes: Buffer
  readonly line: Line
}

/** Others can be faster so many times by chance. */
const MOST_ATTEMPTS = 1000

/**
 * The items of a client. Nothing is written by memcached's `set`: when the new value is too large for the server it throws the old
 * one away, which `replace` and `add` do not.
 */
export class Items {
  readonly #lineOf: Lines
  readonly #versions = new Versions()

  constructor(lineOf: Lines) {
    this.#lineOf = lineOf
  }

  async read(key: string): Promise<Buffer | undefined> {
    const place = this.#place(key)
    const reply = await this.#get(place)
    if (reply === undefined || reply.value.length === 0) return undefined
    const record = reply.flags === 0 ? reply.value : await recordOf(reply)
    this.#versions.remember(record, key, place.line, reply.version)
    return record
  }

  /** Write where there is no record. */
  create(key: string, item: Item): Promise<StoreOutcome> {
    const place = this.#place(key)
    return repeat(async () => {
      if (isDone(await this.#write(opcodes.add, place, item), statuses.exists)) return 'stored'
      const present = await this.#get(place)
      if (present === undefined) return undefined
      // An empty record is none.
      if (present.value.length > 0) return 'exists'
      const reply = await this.#write(opcodes.replace, place, item, versionOf(present))
      return isDone(reply, statuses.exists, statuses.missing) ? 'stored' : undefined
    })
  }

  /** Write whatever is there. */
  overwrite(key: string, item: Item): Promise<StoreOutcome> {
    const place = this.#place(key)
    return repeat(async () => {
      if (isDone(await this.#write(opcodes.replace, place, item), statuses.missing)) return 'stored'
      return isDone(await this.#write(opcodes.add, place, item), statuses.exists) ? 'stored' : undefined
    })
  }

  /** Write where the record is exactly this one. */
  replace(key: string, item: Item, expect: Uint8Array): Promise<StoreOutcome> {
    return this.#onVersion(this.#place(key), expect, 'stored', (place, version) =>
      this.#write(opcodes.replace, place, item, version),
    )
  }

  /** Remove what is there, or only exactly this record. */
  async remove(key: string, expect: Uint8Array | undefined): Promise<boolean> {
    const place = this.#place(key)
    const remove = ({ bytes, line }: Place, version?: Version): Promise<Reply> =>
      line.ask({ opcode: opcodes.delete, key: bytes, version })
    if (expect === undefined) return isDone(await remove(place), statuses.missing)
    return (await this.#onVersion(place, expect, 'removed', remove)) === 'removed'
  }

  /**
   * Do something to the version of the item that is this record: the one that is remembered, or else the one that is there when
   * its bytes are the same.
   */
  async #onVersion<Outcome>(
    place: Place,
    expect: Uint8Array,
    done: Outcome,
    act: (place: Place, version: Version) => Promise<Reply>,
  ): Promise<Outcome | 'gone' | 'conflict'> {
    const known = this.#versions.of(expect, place.key, place.line)
    if (known !== undefined) {
      const { status } = check(await act(place, known))
      if (status !== statuses.exists) return status === statuses.done ? done : 'gone'
    }
    return repeat(async () => {
      const present = await this.#get(place)
      if (present === undefined || present.value.length === 0) return 'gone'
      if (Buffer.compare(await recordOf(present), expect) !== 0) return 'conflict'
      const { status } = check(await act(place, versionOf(present)))
      return status === statuses.done ? done : status === statuses.missing ? 'gone' : undefined
    })
  }

  #place(key: string): Place {
    return { key, bytes: Buffer.from(key), line: this.#lineOf(key) }
  }

  async #get({ bytes, line }: Place): Promise<Reply | undefined> {
    const reply = await line.ask({ opcode: opcodes.get, key: bytes })
    return isDone(reply, statuses.missing) ? reply : undefined
  }

  async #write(opcode: number, { key, bytes, line }: Place, item: Item, version?: Version): Promise<Reply> {
    const reply = check(await line.ask({ opcode, key: bytes, item, version }))
    if (reply.status === statuses.done) this.#versions.remember(item.value, key, line, reply.version)
    return reply
  }
}

/** Whether a request was carried out. @throws {Error} for a status that is none of these either */
function isDone({ status }: Reply, ...otherwise: readonly number[]): boolean {
  if (status !== statuses.done && !otherwise.includes(status)) throw refusal(status)
  return status === statuses.done
}

/** The answer, where it says that something was done, or why its precondition was not met. */
function check(reply: Reply): Reply {
  isDone(reply, statuses.missing, statuses.exists)
  return reply
}

/** @throws {Error} when the server tells none: a precondition cannot be sent */
function versionOf({ version }: Reply): Version {
  if (version !== undefined) return version
  throw Object.assign(new Error('the server tells no versions'), { code: 'NO_CAS' })
}

/** Try until there is an outcome. */
async function repeat<Outcome>(attempt: () => Promise<Outcome | undefined>): Promise<Outcome> {
  for (let attempts = 0; attempts < MOST_ATTEMPTS; attempts++) {
    const outcome = await attempt()
    if (outcome !== undefined) return outcome
  }
  throw Object.assign(new Error('others wrote all the time'), { code: 'CONTENTION' })
}
