/** What the store has under an id: expired sessions are removed, and what cannot be read is put aside. */

import type { Engine } from './engine.js'
import { DriverError, IdError, SerializeError } from './errors.js'
import type { Store } from './heeding.js'
import { logId } from './id-check.js'
import type { SessionData } from './record.js'
import { forwardOf, MOST_FORWARDS } from './renewal.js'
import { thawRecord } from './thaw-record.js'

/** A session as the store has it. */
export interface StoredSession {
  /** Its id: another one than was asked for, when the session was renewed. */
  readonly id: string
  readonly data: SessionData
  readonly record: Uint8Array
}

/** What the store has. `unusable`: what was sent cannot be an id. */
export type Found = 'none' | 'expired' | 'unusable' | StoredSession

export class SessionFinder {
  readonly #engine: Engine
  readonly #store: Store

  constructor(engine: Engine, store: Store) {
    this.#engine = engine
    this.#store = store
  }

  /**
   * An id that a visitor sent opens a session that exists, and is never taken for a new one (D3). A cookie that cannot be an
   * id must not keep a visitor out: it is as good as none.
   */
  async findForClient(clientId: string | undefined): Promise<Found> {
    if (clientId === undefined) return 'none'
    try {
      return await this.find(clientId)
    } catch (error) {
      if (error instanceof IdError || error instanceof TypeError) return 'unusable'
      throw error
    }
  }

  async find(id: string, forwards = MOST_FORWARDS): Promise<Found> {
    let expired: Uint8Array | undefined
    for (;;) {
      const record = await this.#store.retrieve(id)
      if (record === undefined) return expired === undefined ? 'none' : 'expired'
      const data = await this.#thaw(id, record)
      // Put aside, or replaced meanwhile.
      if (data === undefined) continue
      const forward = forwardOf(data)
      const hasEnded = this.#engine.hasEnded(data)
      if (forward === undefined && !hasEnded) return { id, data, record }
      // A renewed session's old id is of no more use when it has ended under its new one.
      const leadsNowhere = hasEnded || forwards === 0
      const found = forward && (leadsNowhere ? 'none' : await this.find(forward.id, forwards - 1))
      if (typeof found === 'object') return found
      if (expired !== undefined && Buffer.compare(expired, record) === 0) throw this.#notRemovable(id)
      if (await this.#store.removeIfStill(id, record)) {
        this.#engine.log?.('open', id, 'expired, and removed')
        return found ?? 'expired'
      }
      expired = record
    }
  }

  #notRemovable(id: string): DriverError {
    const { name } = this.#store
    const message = `${name}: session ${logId(id)} has expired, and the store does not let it be removed: check this user's rights, and triggers`
    return new DriverError(name, 'remove', message)
  }

  /** The data of a record; undefined when it could not be read, and is no longer there. */
  async #thaw(id: string, record: Uint8Array): Promise<SessionData | undefined> {
    try {
      return thawRecord(this.#engine, id, record)
    } catch (error) {
      if (!(error instanceof SerializeError) || this.#engine.options.onCorrupt === 'throw') throw error
      await this.#putAside(id, record, error)
      return undefined
    }
  }

  /** Keep a bad record under a new id, so that nothing is lost, and free its own id; unless it was replaced meanwhile. */
  async #putAside(id: string, record: Uint8Array, reason: SerializeError): Promise<void> {
    const aside = await this.#engine.ids.generate()
    const outcome = await this.#store.store(aside, record, { expect: null })
    if (outcome !== 'stored') throw reason
    if (await this.#store.removeIfStill(id, record)) {
      process.emitWarning(
        `A record cannot be read: ${reason.message}. It is kept as session ${logId(aside)}, and a new session begins`,
        { code: 'DATA_SESSION_CORRUPT' },
      )
      return
    }
    await this.#store.remove(aside)
    const present = await this.#store.retrieve(id)
    if (present !== undefined && Buffer.compare(present, record) === 0) throw reason
  }
}
