/** A store in memory that tells what was asked of it, and that can be slow or fail. */

import Memory from '../../drivers/Memory.js'
import type { RemoveOptions, StoreOptions, StoreOutcome } from '../../lib/contracts.js'

type OperationName = 'retrieve' | 'store' | 'remove'

let spaces = 0

export class WatchedMemory extends Memory {
  /** What was asked, in order. */
  readonly operations: OperationName[] = []
  #failing: OperationName | undefined
  #gate: Promise<void> | undefined
  #open = (): void => undefined
  #arrive = (): void => undefined

  constructor() {
    super({ space: `watched ${++spaces}` }, { now: () => 0, padding: false })
  }

  /** Writes wait from now on, until `open()`. The promise is done when the first one has come. */
  shut(): Promise<void> {
    this.#gate = new Promise((resolve) => {
      this.#open = resolve
    })
    return new Promise((resolve) => {
      this.#arrive = resolve
    })
  }

  open(): void {
    this.#gate = undefined
    this.#open()
  }

  /** Operations of this name fail from now on; without a name, none. */
  fail(operation?: OperationName): void {
    this.#failing = operation
  }

  /** How many records there are. */
  async count(): Promise<number> {
    let count = 0
    for await (const _ of this.ids()) count++
    return count
  }

  override async retrieve(id: string): Promise<Uint8Array | undefined> {
    this.#note('retrieve')
    return super.retrieve(id)
  }

  override async store(id: string, record: Uint8Array, options?: StoreOptions): Promise<StoreOutcome> {
    this.#note('store')
    this.#arrive()
    await this.#gate
    return super.store(id, record, options)
  }

  override async remove(id: string, options?: RemoveOptions): Promise<boolean> {
    this.#note('remove')
    return super.remove(id, options)
  }

  #note(operation: OperationName): void {
    this.operations.push(operation)
    if (this.#failing === operation) throw new Error(`${operation} fails, as the test wants it`)
  }
}
