/** A store and hostile ids: each is tried in every way, and what it touched is counted. */

import { readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Driver } from '../../../lib/contracts.js'
import { DriverGuard } from '../../../lib/driver-guard.js'
import { isId } from '../../../lib/id-check.js'
import { SessionError, SessionManager } from '../../../lib/index.js'
import { snapshot } from '../../support/folders.js'
import { recordOf } from '../../support/records.js'
import { stores } from '../../support/stores.js'
import { victim } from './hostile-ids.js'
import { openDriver } from './open-driver.js'

/** So many ids are tried before everything is looked at. */
const LOOK_EVERY = 10
const record = recordOf(victim, 100, 1)
/** Sessions that nobody touches: of the same store, and of the one beside it. */
const bystanders = [victim, 'x', 'Victim', '00']

/** The store beside one: another table, folder or prefix of the same place. */
function beside(options: Record<string, string>): Record<string, string> {
  if (options.directory !== undefined) return { ...options, directory: join(options.directory, '..', 'neighbour') }
  if (options.prefix !== undefined) return { ...options, prefix: `neighbour-${options.prefix}` }
  if (options.namespace !== undefined) return { ...options, namespace: `n${options.namespace}` }
  if (options.space !== undefined) return { ...options, space: `${options.space} neighbour` }
  return { ...options, tableName: (options.tableName ?? 'sessions').replace(/sessions$/, 'neighbours') }
}

/** Counts the calls that reach a driver. */
function counted(driver: Driver, count: { operations: number }): Driver {
  const counting =
    <Args extends unknown[], Result>(call: (...args: Args) => Result) =>
    (...args: Args): Result => {
      count.operations++
      return call.apply(driver, args)
    }
  return {
    supports: driver.supports,
    retrieve: counting(driver.retrieve),
    store: counting(driver.store),
    remove: counting(driver.remove),
    ids: counting(driver.ids),
    close: () => driver.close(),
  }
}

/** Counts what must not happen. */
export class IdTally {
  tried = 0
  ordinary = 0
  storeOperations = 0
  foreign = 0
  adopted = 0
  untyped = 0
}

/** One store under attack. */
export class IdAttack {
  readonly #name: string
  readonly #tally: IdTally
  readonly #log: (text: string) => void
  readonly #count = { operations: 0 }
  #driver!: Driver
  #neighbour!: Driver
  #sessions!: SessionManager
  #guard!: DriverGuard
  #folder: string | undefined
  #before: unknown
  #tried = 0

  constructor(name: string, tally: IdTally, log: (text: string) => void) {
    this.#name = name
    this.#tally = tally
    this.#log = log
  }

  async begin(): Promise<void> {
    const { options } = await stores[this.#name]!()
    const place = { ...(options as Record<string, string>) }
    if (this.#name === 'File' || this.#name === 'BerkeleyDB') place.directory = join(place.directory!, 'sessions')
    if (place.directory !== undefined) this.#folder = dirname(place.directory)
    this.#driver = await openDriver(this.#name, place)
    this.#neighbour = await openDriver(this.#name, beside(place))
    await this.#neighbour.createTable?.({ idLength: 200, expires: true }).catch((error: SessionError) => {
      if (error.code !== 'ERR_SESSION_UNSUPPORTED') throw error
    })
    for (const id of bystanders) {
      await this.#driver.store(id, recordOf(id, 100, 1))
      await this.#neighbour.store(id, recordOf(id, 200, 2))
    }
    const driver = counted(this.#driver, this.#count)
    this.#sessions = await SessionManager.create({ type: { driver, id: 'MD5', serialize: 'DataDumper' } })
    this.#guard = new DriverGuard(this.#name, driver, { isOurs: false })
    this.#before = await this.#world()
  }

  /** All that is there. */
  async #world(): Promise<string> {
    const seen: unknown[] = []
    for (const driver of [this.#driver, this.#neighbour]) {
      if (driver.supports.list) {
        const ids: string[] = []
        for await (const id of driver.ids()) ids.push(id)
        seen.push(ids.sort())
      }
      for (const id of bystanders) seen.push(String(await driver.retrieve(id)))
    }
    if (this.#name === 'File')
      seen.push(
        readdirSync(this.#folder!),
        ...['sessions', 'neighbour'].map((name) => snapshot(join(this.#folder!, name))),
      )
    return JSON.stringify(seen)
  }

  async try(id: unknown): Promise<void> {
    if (bystanders.includes(id as string)) return
    this.#tally.tried++
    this.#tried++
    const isLegal = typeof id === 'string' && isId(id, this.#driver.supports.ids)
    this.#count.operations = 0
    await this.#fromClient(id as string)
    if (isLegal) await this.#use(id)
    else await this.#refused(id as string)
    if (this.#tried % LOOK_EVERY === 0 || (!isLegal && this.#count.operations > 0)) await this.#look(id)
    if (isLegal || this.#count.operations === 0) return
    this.#tally.storeOperations++
    this.#tell(id, `${this.#count.operations} operations of the store`)
  }

  async #look(id: unknown): Promise<void> {
    if ((await this.#world()) === this.#before) return
    this.#tally.foreign++
    this.#tell(id, `something else was changed, by this or one of the ${LOOK_EVERY} before`)
    this.#before = await this.#world()
  }

  #tell(id: unknown, what: string): void {
    const shown = typeof id === 'string' ? JSON.stringify(id.slice(0, 60)) : `a ${typeof id}`
    this.#log(`${this.#name}, ${shown}: ${what}`)
  }

  /** A cookie never chooses the id of a new session, and keeps nobody out. */
  async #fromClient(clientId: string): Promise<void> {
    try {
      const session = await this.#sessions.open({ clientId })
      if (session.isNew() && session.id() !== clientId) return
      this.#tally.adopted++
      this.#tell(clientId, 'it was adopted, or found')
    } catch (error) {
      this.#judge(clientId, error)
    }
  }

  /** An id that the store can hold is an ordinary one; or it is refused, and nothing is there. */
  async #use(id: string): Promise<void> {
    try {
      const session = await this.#sessions.open({ id })
      session.param('mine', id.length)
      await session.flush()
      const again = await this.#sessions.open({ clientId: id })
      if (again.isNew() || again.param('mine') !== id.length) {
        this.#tally.foreign++
        this.#tell(id, 'it does not find its own session')
      }
      await again.delete()
      await again.flush()
      this.#tally.ordinary++
    } catch (error) {
      this.#judge(id, error)
    }
  }

  async #refused(id: string): Promise<void> {
    const calls = [
      () => this.#sessions.open({ id }),
      () => this.#guard.retrieve(id),
      () => this.#guard.store(id, record),
      () => this.#guard.store(id, record, { expect: null }),
      () => this.#guard.remove(id),
      () => this.#guard.remove(id, { expect: record }),
    ]
    for (const call of calls) {
      const error = await call().then(
        () => new Error('it was taken'),
        (thrown: unknown) => thrown,
      )
      this.#judge(id, error)
    }
  }

  /** A text is refused with an error that has a code, anything else with a TypeError. */
  #judge(id: unknown, error: unknown): void {
    const isTyped = typeof id === 'string' ? error instanceof SessionError : error instanceof TypeError
    const isSilent = typeof id !== 'string' || id.length < 9 || !String((error as Error).message).includes(id)
    if (isTyped && isSilent) return
    this.#tally.untyped++
    this.#tell(id, isTyped ? 'the error shows it' : `an error of no kind: ${error}`)
  }

  async end(): Promise<void> {
    await this.#look('')
    await this.#sessions.close()
    await this.#driver.close()
    await this.#neighbour.close()
  }
}
