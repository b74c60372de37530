/** Waiting no longer than a signal allows. */

/**
 * What the operation gives, unless the signal ends the waiting first. The operation itself goes on; it is not begun when the signal
 * was there before.
 * @throws the signal's reason
 */
export function unlessAborted<T>(signal: AbortSignal | undefined, operation: () => Promise<T>): Promise<T> {
  if (signal === undefined) return operation()
  return new Promise<T>((resolve, reject) => {
    signal.throwIfAborted()
    const abort = (): void => reject(signal.reason)
    signal.addEventListener('abort', abort, { once: true })
    operation()
      .then(resolve, reject)
      .finally(() => signal.removeEventListener('abort', abort))
  })
}

/** A stream that ends with the signal's reason when that comes first. */
export async function* streamUnlessAborted<T>(
  signal: AbortSignal | undefined,
  stream: AsyncIterable<T>,
): AsyncIterable<T> {
  const iterator = stream[Symbol.asyncIterator]()
  let isOver = false
  try {
    for (;;) {
      const { done, value } = await unlessAborted(signal, () => iterator.next())
      isOver = done === true
      if (isOver) return
      yield value
    }
  } finally {
    // A generator that hangs would not come to its end: nobody waits for it.
    if (!isOver) void Promise.resolve(iterator.return?.()).catch(() => undefined)
  }
}

/** @throws {TypeError} for anything but an AbortSignal or undefined */
export function refuseNoSignal(signal: unknown): void {
  if (signal === undefined || signal instanceof AbortSignal) return
  throw new TypeError("'signal' takes an AbortSignal, such as AbortSignal.timeout(2000)")
}
