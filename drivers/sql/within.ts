/** Waiting no longer than a limit: for a connection of a pool that may have none to spare, or for a client that may hang. */

/**
 * The connection, if it comes in time; one that comes late is given back, so that nothing is done with it after the error.
 * @param what the error says
 * @throws {Error} ETIMEDOUT
 */
export async function within<T>(
  milliseconds: number,
  promise: Promise<T>,
  giveBack: (late: T) => unknown,
  what = 'All connections of the pool are in use',
): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  let isLate = false
  promise.then(
    (value) => {
      if (isLate) giveBack(value)
    },
    () => undefined,
  )
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      isLate = true
      reject(Object.assign(new Error(what), { code: 'ETIMEDOUT' }))
    }, milliseconds)
  })
  try {
    return await Promise.race([promise, timeout])
  } finally {
    clearTimeout(timer)
  }
}
