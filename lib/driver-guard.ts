/** What stands round every driver, so that drivers stay simple: id check, closed state, errors of one kind. */

import { codeOf } from './coded-error.js'
import type {
  Driver,
  DriverSupport,
  PossiblyExpired,
  RemoveOptions,
  StoreOptions,
  StoreOutcome,
  TableOptions,
} from './contracts.js'
import { DriverError, SessionError, UnsupportedError } from './errors.js'
import { assertId, logId } from './id-check.js'
import type { Log } from './log.js'

/** A record that may have expired. */
export interface PurgeCandidate extends Omit<PossiblyExpired, 'record'> {
  read(): Promise<Uint8Array | undefined>
}

/** A driver that is only ever called with good ids, while it is open, and that fails with `SessionError`s. */
export class DriverGuard implements Driver {
  readonly supports: DriverSupport
  readonly name: string
  readonly #driver: Driver
  readonly #isOurs: boolean
  readonly #log: Log | undefined
  #closed = false

  /** `isOurs`: closing this one closes the driver. `log`: tells every operation. */
  constructor(name: string, driver: Driver, { isOurs, log }: { isOurs: boolean; log?: Log | undefined }) {
    this.name = name
    this.#isOurs = isOurs
    this.#log = log
    this.#driver = driver
    this.supports = driver.supports
  }

  async retrieve(id: string): Promise<Uint8Array | undefined> {
    this.#check('retrieve', id)
    try {
      const record = await this.#driver.retrieve(id)
      this.#log?.('retrieve', id, record === undefined ? 'none' : `${record.length} bytes`)
      return record === undefined || record.length === 0 ? undefined : record
    } catch (error) {
      throw this.#wrap('retrieve', error, id)
    }
  }

  async store(id: string, record: Uint8Array, options?: StoreOptions): Promise<StoreOutcome> {
    this.#check('store', id)
    try {
      const outcome = await this.#driver.store(id, record, options)
      this.#log?.('store', id, `${outcome}, ${record.length} bytes`)
      return outcome
    } catch (error) {
      throw this.#wrap('store', error, id)
    }
  }

  async remove(id: string, options?: RemoveOptions): Promise<boolean> {
    this.#check('remove', id)
    try {
      const removed = await this.#driver.remove(id, options)
      this.#log?.('remove', id, removed ? 'removed' : 'not there, or another record')
      return removed
    } catch (error) {
      throw this.#wrap('remove', error, id)
    }
  }

  /**
   * Remove a record unless it is another one by now: true when it is gone. An expired session that somebody else has made
   * anew since it was read must stay.
   */
  async removeIfStill(id: string, record: Uint8Array): Promise<boolean> {
    if (this.supports.expect && (await this.remove(id, { expect: record }))) return true
    const present = await this.retrieve(id)
    if (present === undefined) return true
    if (this.supports.expect || Buffer.compare(present, record) !== 0) return false
    await this.remove(id)
    return true
  }

  /** Records that may have expired, each read when it is asked for where the store does not give them all at once. */
  async *candidates(now: number): AsyncIterable<PurgeCandidate> {
    this.assertOpen('list')
    if (this.#driver.possiblyExpired === undefined) {
      for await (const id of this.ids()) yield { id, isDated: false, read: () => this.retrieve(id) }
      return
    }
    try {
      for await (const { id, record, isDated } of this.#driver.possiblyExpired(now)) {
        yield { id, isDated, read: async () => (record.length === 0 ? undefined : record) }
      }
    } catch (error) {
      throw this.#wrap('list', error)
    }
  }

  /** @throws {UnsupportedError} where the store has no tables */
  createTable(options: TableOptions): Promise<void> {
    return this.#make(this.#driver.createTable, options)
  }

  /** @throws {UnsupportedError} where the store has no tables */
  createTableSql(options: TableOptions): Promise<string> {
    return this.#make(this.#driver.createTableSql, options)
  }

  async #make<T>(make: ((options: TableOptions) => Promise<T>) | undefined, options: TableOptions): Promise<T> {
    this.assertOpen('create table')
    if (make === undefined) throw this.#noTables()
    try {
      return await make.call(this.#driver, options)
    } catch (error) {
      throw this.#wrap('create table', error)
    }
  }

  #noTables(): UnsupportedError {
    return new UnsupportedError('createTable', `${this.name} keeps its sessions in no table: there is none to make`)
  }

  async *ids(): AsyncIterable<string> {
    this.assertOpen('list')
    if (!this.supports.list) {
      throw new UnsupportedError('list', `${this.name} cannot list its sessions: the store has no way to ask for them`)
    }
    try {
      yield* this.#driver.ids()
    } catch (error) {
      throw this.#wrap('list', error)
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    if (!this.#isOurs) return
    try {
      await this.#driver.close()
    } catch (error) {
      throw this.#wrap('close', error)
    }
  }

  #check(operation: string, id: string): void {
    this.assertOpen(operation)
    assertId(id, this.supports.ids, this.name)
  }

  /** @throws {DriverError} ERR_SESSION_CLOSED */
  assertOpen(operation: string): void {
    if (!this.#closed) return
    throw new DriverError(this.name, operation, `${this.name}: the manager is closed; open sessions before close()`, {
      code: 'ERR_SESSION_CLOSED',
    })
  }

  /** Native messages may quote the id (a file name, a key), so it is cut there. */
  #wrap(operation: string, error: unknown, id?: string): unknown {
    this.#log?.(operation, id, `failed, ${codeOf(error) ?? 'without a code'}`)
    if (error instanceof SessionError) return error
    const native = error instanceof Error ? error.message : String(error)
    // Ids of a few characters are no secrets, and stand in any text by chance.
    const message = id === undefined || id.length < 4 ? native : native.replaceAll(id, () => logId(id))
    return new DriverError(this.name, operation, `${this.name} could not ${operation}: ${message}`, { cause: error })
  }
}

/** Call a function with each id, one after the other. */
export async function visitEach(ids: AsyncIterable<string>, visit: (id: string) => unknown): Promise<void> {
  if (typeof visit !== 'function') throw new TypeError('traverse() needs a function that takes an id')
  for await (const id of ids) await visit(id)
}
