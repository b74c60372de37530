/**
 * Sessions in the memory of the process: for tests, and for programs of a single process that may forget their sessions
 * when they end. Perl's modules have nothing like it.
 */

import type {
  Driver,
  DriverSupport,
  OptionTable,
  PluginContext,
  RemoveOptions,
  StoreOptions,
  StoreOutcome,
} from '../lib/contracts.js'
import { DriverError } from '../lib/errors.js'
import { text } from '../lib/options.js'

/** Options of `driver:Memory`. */
export interface MemoryOptions {
  /** Drivers of one process that name the same space share their sessions. Default: `default`. */
  space: string
}

interface Entry {
  readonly record: Uint8Array
  /** Whole seconds since 1970; Infinity: never. */
  readonly expires: number
}

/** The sessions of one space. */
interface Space {
  readonly entries: Map<string, Entry>
  /** At how many entries the expired ones are next looked for, so that a write costs the same on average. */
  sweepAt: number
}

const SMALLEST_SWEEP = 1024
const spaces = new Map<string, Space>()

function spaceNamed(name: string): Space {
  const space = spaces.get(name) ?? { entries: new Map(), sweepAt: SMALLEST_SWEEP }
  spaces.set(name, space)
  return space
}

/** The driver behind `driver:Memory`. Closing it keeps the sessions: another driver may share them. */
export default class Memory implements Driver {
  static readonly options: OptionTable<MemoryOptions> = { space: text('default') }

  readonly supports: DriverSupport = { ids: 'bytes', payload: 'bytes', ttl: false, list: true, expect: true }
  readonly #space: Space
  readonly #now: () => number
  #closed = false

  constructor(options: MemoryOptions, context: PluginContext) {
    this.#space = spaceNamed(options.space)
    this.#now = () => context.now()
  }

  async retrieve(id: string): Promise<Uint8Array | undefined> {
    const record = this.#find('retrieve', id)?.record
    return record === undefined || record.length === 0 ? undefined : record.slice()
  }

  async store(id: string, record: Uint8Array, options: StoreOptions = {}): Promise<StoreOutcome> {
    const { expect, ttl } = options
    const current = this.#find('store', id)
    if (expect === null && current !== undefined) return 'exists'
    if (expect instanceof Uint8Array) {
      if (current === undefined) return 'gone'
      if (Buffer.compare(current.record, expect) !== 0) return 'conflict'
    }
    this.#sweep()
    const expires = ttl ? this.#now() + ttl : Number.POSITIVE_INFINITY
    // A plain array of its own, whatever the caller does with his.
    this.#space.entries.set(id, { record: Uint8Array.from(record), expires })
    return 'stored'
  }

  async remove(id: string, { expect }: RemoveOptions = {}): Promise<boolean> {
    const current = this.#find('remove', id)
    if (current === undefined || (expect !== undefined && Buffer.compare(current.record, expect) !== 0)) return false
    return this.#space.entries.delete(id)
  }

  async *ids(): AsyncIterable<string> {
    this.#assertOpen('list')
    yield* this.#space.entries.keys()
  }

  async close(): Promise<void> {
    this.#closed = true
  }

  #assertOpen(operation: string): void {
    if (!this.#closed) return
    throw new DriverError('Memory', operation, 'Memory: the driver is closed', { code: 'ERR_SESSION_CLOSED' })
  }

  #find(operation: string, id: string): Entry | undefined {
    this.#assertOpen(operation)
    return this.#space.entries.get(id)
  }

  /** Drop what has expired when there is much of it. Until then a session finds out by itself, as on File. */
  #sweep(): void {
    const space = this.#space
    if (space.entries.size < space.sweepAt) return
    const now = this.#now()
    for (const [id, entry] of space.entries) if (entry.expires <= now) space.entries.delete(id)
    space.sweepAt = Math.max(SMALLEST_SWEEP, space.entries.size * 2)
  }
}
