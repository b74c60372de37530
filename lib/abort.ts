/** Waiting no longer than a signal allows. */

/** All that is waited for under one signal, with one listener however much that is. */
export class Waits {
  readonly #signal: AbortSignal
  readonly #rejections = new Set<(reason: unknown) => void>()
  readonly #operations = new Set<Promise<unknown>>()

  constructor(signal: AbortSignal) {
    this.#signal = signal
  }

  /**
   * What the operation gives, unless the signal ends the waiting first. The operation itself goes on; it is not begun when the signal
   * was there before.
   * @param late told of the result for which nobody waited
   * @throws the signal's reason
   */
  unlessAborted<T>(begin: () => Promise<T>, late: (result: T) => void = () => undefined): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#signal.throwIfAborted()
      const operation = begin()
      this.#add(operation, reject)
      const end = (result: T): void => (this.#signal.aborted ? late(result) : resolve(result))
      operation.then(end, reject).finally(() => this.#remove(operation, reject))
    })
  }

  /** Fulfilled when also that has ended which nobody waits for any longer. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#operations)
  }

  readonly #abort = (): void => {
    for (const reject of this.#rejections) reject(this.#signal.reason)
  }

  #add(operation: Promise<unknown>, reject: (reason: unknown) => void): void {
    if (this.#rejections.size === 0) this.#signal.addEventListener('abort', this.#abort)
    this.#rejections.add(reject)
    this.#operations.add(operation)
  }

  #remove(operation: Promise<unknown>, reject: (reason: unknown) => void): void {
    this.#operations.delete(operation)
    this.#rejections.delete(reject)
    if (this.#rejections.size === 0) this.#signal.removeEventListener('abort', this.#abort)
  }
}

/** A wait of its own; without a signal, for as long as it takes. @throws the signal's reason */
export function unlessAborted<T>(signal: AbortSignal | undefined, begin: () => Promise<T>): Promise<T> {
  return signal === undefined ? begin() : new Waits(signal).unlessAborted(begin)
}

/** A stream that ends with the signal's reason when that comes first. */
export async function* streamUnlessAborted<T>(waits: Waits, stream: AsyncIterable<T>): AsyncIterable<T> {
  const iterator = stream[Symbol.asyncIterator]()
  let isOver = false
  try {
    for (;;) {
      const { done, value } = await waits.unlessAborted(() => iterator.next())
      isOver = done === true
      if (isOver) return
      yield value
    }
  } finally {
    // A generator that hangs would not come to its end: nobody waits for it.
    if (!isOver) void Promise.resolve(iterator.return?.()).catch(() => undefined)
  }
}
