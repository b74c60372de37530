/** Errors of id generators: which one, and why. */

import { IdError } from '../../lib/errors.js'

/** An id that could not be made: nothing was handed out, and no weaker id is made instead. */
export function cannotGenerate(generator: string, reason: string, cause?: unknown): IdError {
  return new IdError('ERR_SESSION_ID_GENERATE', `${generator} cannot make an id: ${reason}`, { cause })
}

/** What the system said, for a message. */
export function saidBy(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}
