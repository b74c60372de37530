/** The error of a serializer that refuses. */

import { SerializeError } from '../../lib/errors.js'

/** The SerializeError that a call throws. @throws whatever else it throws, and when it throws nothing */
export function refusal(call: () => unknown): SerializeError {
  try {
    call()
  } catch (error) {
    if (error instanceof SerializeError) return error
    throw error
  }
  throw new Error('it should have been refused')
}
