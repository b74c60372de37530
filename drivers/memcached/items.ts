/** Reading and writing items, with the preconditions of a driver for sessions. */

import { withCode } from '../../lib/coded-error.js'
import type { StoreOutcome } from '../../lib/contracts.js'
import type { Connection } from './connection.js'
import { type Item, opcodes, type Reply, refusal, statuses, type Version } from './protocol.js'
import { recordOf } from './value.js'
import { Versions } from './versions.js'

/** Where a record is kept, and until when (`performance.now()`) the operation may take that is for it. */
interface Place {
  readonly key: string
  readonly bytes: Buffer
  readonly connection: Connection
  readonly deadline: number
}

/** Which server a key belongs to. @throws {Error} when there is none */
type ConnectionOf = (key: string) => Connection

/**
 * The items of a client. Nothing is written by memcached's `set`: when the new value is too large for the server it throws the old
 * one away, which `replace` and `add` do not.
 */
export class Items {
  readonly #connectionOf: ConnectionOf
  readonly #versions = new Versions()

  constructor(connectionOf: ConnectionOf) {
    this.#connectionOf = connectionOf
  }

  async read(key: string, deadline: number): Promise<Buffer | undefined> {
    const reply = await this.#get(this.#place(key, deadline))
    if (reply === undefined || reply.value.length === 0) return undefined
    const record = reply.flags === 0 ? reply.value : await recordOf(reply)
    this.#versions.remember(record, key, reply.version)
    return record
  }

  /** Write where there is no record. */
  create(key: string, item: Item, deadline: number): Promise<StoreOutcome> {
    const place = this.#place(key, deadline)
    return repeat(deadline, async () => {
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
  overwrite(key: string, item: Item, deadline: number): Promise<StoreOutcome> {
    const place = this.#place(key, deadline)
    return repeat(deadline, async () => {
      if (isDone(await this.#write(opcodes.replace, place, item), statuses.missing)) return 'stored'
      return isDone(await this.#write(opcodes.add, place, item), statuses.exists) ? 'stored' : undefined
    })
  }

  /** Write where the record is exactly this one. */
  replace(key: string, item: Item, expect: Uint8Array, deadline: number): Promise<StoreOutcome> {
    return this.#onVersion(this.#place(key, deadline), expect, 'stored', (place, version) =>
      this.#write(opcodes.replace, place, item, version),
    )
  }

  /** Remove what is there, or only exactly this record. */
  async remove(key: string, expect: Uint8Array | undefined, deadline: number): Promise<boolean> {
    const place = this.#place(key, deadline)
    if (expect === undefined) return this.#removeAny(place)
    return (await this.#onVersion(place, expect, 'removed', remove)) === 'removed'
  }

  /** Both are sent at once, and answered in order: an empty record, which is none, is removed and not told. */
  async #removeAny(place: Place): Promise<boolean> {
    const [present, reply] = await Promise.all([this.#get(place), remove(place)])
    return isDone(reply, statuses.missing) && present?.value.length !== 0
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
    const known = this.#versions.of(expect, place.key)
    if (known !== undefined) {
      const { status } = check(await act(place, known))
      if (status !== statuses.exists) return status === statuses.done ? done : 'gone'
    }
    return repeat(place.deadline, async () => {
      const present = await this.#get(place)
      if (present === undefined || present.value.length === 0) return 'gone'
      if (Buffer.compare(await recordOf(present), expect) !== 0) return 'conflict'
      const { status } = check(await act(place, versionOf(present)))
      return status === statuses.done ? done : status === statuses.missing ? 'gone' : undefined
    })
  }

  #place(key: string, deadline: number): Place {
    return { key, bytes: Buffer.from(key), connection: this.#connectionOf(key), deadline }
  }

  async #get({ bytes, connection, deadline }: Place): Promise<Reply | undefined> {
    const reply = await connection.ask({ opcode: opcodes.get, key: bytes }, deadline)
    return isDone(reply, statuses.missing) ? reply : undefined
  }

  async #write(opcode: number, place: Place, item: Item, version?: Version): Promise<Reply> {
    const { key, bytes, connection, deadline } = place
    const reply = check(await connection.ask({ opcode, key: bytes, item, version }, deadline))
    if (reply.status === statuses.done) this.#versions.remember(item.value, key, reply.version)
    return reply
  }
}

function remove({ bytes, connection, deadline }: Place, version?: Version): Promise<Reply> {
  return connection.ask({ opcode: opcodes.delete, key: bytes, version }, deadline)
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
  throw withCode('NO_CAS', 'the server tells no versions')
}

/** Try until there is an outcome. @throws {Error} when there is none in time */
async function repeat<Outcome>(deadline: number, attempt: () => Promise<Outcome | undefined>): Promise<Outcome> {
  do {
    const outcome = await attempt()
    if (outcome !== undefined) return outcome
  } while (performance.now() < deadline)
  throw withCode('CONTENTION', 'others wrote all the time')
}
