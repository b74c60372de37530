/** Waiting no longer than a limit: for a connection of a pool that may have none to spare, or for a client that may hang. */

import { withCode } from '../../lib/coded-error.js'

/**
 * The connection, if it comes in time; one that comes late is given back, so that nothing is done with it after the error.
 * @param what the error says
 * @throws {Error} ETIMEDOUT
 */
export function within<T>(
  milliseconds: number,
  connection: Promise<T>,
  giveBack: (late: T) => unknown,
  what = 'All connections of the pool are in use',
): Promise<T> {
  return race(milliseconds, connection, giveBack, 'ETIMEDOUT', what)
}

/** The code of the error for a statement that nobody waits for any longer: it may have been run, or may yet be. */
export const NO_ANSWER = 'ENOANSWER'

/**
 * The answer to a statement, if it comes in time.
 * @throws {Error} ENOANSWER
 */
export function answerWithin<T>(milliseconds: number, answer: Promise<T>): Promise<T> {
  return race(milliseconds, answer, () => undefined, NO_ANSWER, 'No answer came')
}

async function race<T>(
  milliseconds: number,
  promise: Promise<T>,
  giveBack: (late: T) => unknown,
  code: string,
  what: string,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  let immediate: NodeJS.Immediate | undefined
  let isLate = false
  promise.then((value) => (isLate ? giveBack(value) : undefined)).catch(() => undefined)
  const timeout = new Promise<never>((_, reject) => {
    const giveUp = (): void => {
      isLate = true
      reject(withCode(code, what))
    }
    // Where the program was busy until now, the answer may be there already, and is read before this.
    timer = setTimeout(() => {
      immediate = setImmediate(giveUp)
    }, milliseconds)
  })
  try {
    return await Promise.race([promise, timeout])
  } finally {
    clearTimeout(timer)
    clearImmediate(immediate)
  }
}
