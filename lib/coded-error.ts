/** Errors that are told apart by a code, as those of Node are. */

/** The code of an error; undefined where it has none. */
export function codeOf(error: unknown): string | undefined {
  const { code } = (error ?? {}) as { code?: unknown }
  return typeof code === 'string' || typeof code === 'number' ? String(code) : undefined
}

/** An error with a code. */
export function withCode(code: string, message: string): Error {
  return Object.assign(new Error(message), { code })
}
