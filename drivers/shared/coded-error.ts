/** Errors that are told apart by a code, as those of Node are. */

/** An error with a code. */
export function withCode(code: string, message: string): Error {
  return Object.assign(new Error(message), { code })
}
