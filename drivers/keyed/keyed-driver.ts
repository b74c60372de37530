/** The half that Memcached, BerkeleyDB and Redis share: opening once and at first use, the closed state, errors of one kind. */

import type { Driver, DriverSupport, RemoveOptions, StoreOptions, StoreOutcome } from '../../lib/contracts.js'
import { DriverError } from '../../lib/errors.js'
import { within } from '../shared/within.js'
import { type Advice, failure } from './failure.js'

/** What takes too long may know better why, and then says so itself. */
const GRACE_MS = 100

/** A client, and how it is closed. */
export interface Opened<Client> {
  readonly client: Client
  /** Absent where the client was handed over: that one stays open. */
  close?(): unknown
  /** Let go of what the driver keeps beside a client that was handed over. */
  release?(): unknown
}

/** What makes a driver of this kind. */
export interface KeyedSetup<Client> {
  /** As in the type string. */
  readonly name: string
  /** Open what the options name, or take what was handed over. It is called at first use, and again after it failed. */
  open(): Opened<Client> | Promise<Opened<Client>>
  /** What to do about the errors of its client and its store. */
  readonly advice: Advice
  /** How long an operation may take, opening included, in milliseconds. */
  readonly timeout: number
  /** The client can do nothing any more, and did nothing of this operation: it is opened anew, and the operation repeated. */
  isUseless?(error: unknown): boolean
}

/** What an operation is for, so that an error can say so. */
export interface Request {
  /** `retrieve`, `store`, `remove` or `list`. */
  readonly operation: string
  readonly id?: string
  /** What is sent, no part of which gets into a message. */
  readonly records?: readonly (Uint8Array | null | undefined)[]
}

/** A store that keeps a value under a key. Each operation of a driver is one call of `run`. */
export abstract class KeyedDriver<Client> implements Driver {
  abstract readonly supports: DriverSupport
  readonly #setup: KeyedSetup<Client>
  #opened: Opened<Client> | undefined
  #opening: Promise<Opened<Client>> | undefined
  /** Operations under way, and what waits for their end. */
  #running = 0
  #whenIdle: (() => void) | undefined
  #closing: Promise<void> | undefined

  protected constructor(setup: KeyedSetup<Client>) {
    this.#setup = setup
  }

  abstract retrieve(id: string): Promise<Uint8Array | undefined>
  abstract store(id: string, record: Uint8Array, options?: StoreOptions): Promise<StoreOutcome>
  abstract remove(id: string, options?: RemoveOptions): Promise<boolean>
  abstract ids(): AsyncIterable<string>

  /** Waits for the operations that are under way. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    if (this.#running > 0) await new Promise<void>((resolve) => (this.#whenIdle = resolve))
    await this.#opened?.close?.()
    await this.#opened?.release?.()
  }

  /**
   * One operation on the client.
   * @param operate is told until when (`performance.now()`) it may take
   * @throws {DriverError} for whatever the client throws; errors of this package pass
   */
  protected async run<Result>(
    request: Request,
    operate: (client: Client, deadline: number) => Result | Promise<Result>,
  ): Promise<Awaited<Result>> {
    this.#assertOpen(request.operation)
    this.#running++
    try {
      const deadline = performance.now() + this.#setup.timeout
      const opened = this.#opened ?? (await this.#open())
      try {
        return await operate(opened.client, deadline)
      } catch (error) {
        if (opened.close === undefined || this.#setup.isUseless?.(error) !== true) throw error
        await this.#giveUp(opened)
        return await operate((this.#opened ?? (await this.#open())).client, deadline)
      }
    } catch (error) {
      throw failure(error, this.#setup.advice, { driver: this.#setup.name, ...request })
    } finally {
      if (--this.#running === 0) this.#whenIdle?.()
    }
  }

  async #giveUp(opened: Opened<Client>): Promise<void> {
    if (this.#opened !== opened) return
    this.#opened = undefined
    await opened.close?.()
  }

  /** Once, however many operations come at first; an attempt that failed, or took too long, is not remembered. */
  #open(): Promise<Opened<Client>> {
    this.#opening ??= this.#openNow().finally(() => {
      this.#opening = undefined
    })
    return this.#opening
  }

  async #openNow(): Promise<Opened<Client>> {
    const opening = this.#setup.open()
    const giveBack = (late: Opened<Client>): unknown => late.close?.()
    this.#opened =
      opening instanceof Promise
        ? await within(this.#setup.timeout + GRACE_MS, opening, giveBack, 'Opening took too long')
        : opening
    return this.#opened
  }

  #assertOpen(operation: string): void {
    if (this.#closing === undefined) return
    const { name } = this.#setup
    throw new DriverError(name, operation, `${name}: the driver is closed`, { code: 'ERR_SESSION_CLOSED' })
  }
}
