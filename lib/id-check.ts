/** Which ids may reach a driver. Ids come from cookies: nothing about them is taken on trust. */

import type { IdShape } from './contracts.js'
import { IdError } from './errors.js'
import { sha256 } from './sha256.js'

/** One set of ids: what it is in words, and the test for it. */
interface ShapeRule {
  readonly wanted: string
  accepts(id: string): boolean
}

const word = /^[A-Za-z0-9_-][A-Za-z0-9_.,@+=~-]*$/
const device = /^(?:con|prn|aux|nul|com[1-9]|lpt[1-9])(?:\.|$)/i
const unprintable = /[\x00-\x1f\x7f-\x9f\u2028\u2029]/
const beyondBytes = /[^\x00-\xff]/

const rules: Readonly<Record<IdShape, ShapeRule>> = {
  word: {
    wanted: '1 to 200 letters, digits or _ - . , @ + = ~ that do not begin or end with a dot and are no device name',
    accepts: (id) => id.length <= 200 && word.test(id) && !id.endsWith('.') && !device.test(id),
  },
  text: {
    wanted: '1 to 255 printable characters',
    accepts: (id) => id.length >= 1 && id.length <= 255 && id.isWellFormed() && !unprintable.test(id),
  },
  bytes: {
    wanted: '1 to 250 bytes, one character a byte',
    accepts: (id) => id.length >= 1 && id.length <= 250 && !beyondBytes.test(id),
  },
}

/**
 * Is this an id of the shape?
 *
 * Every word is a text. Words, and texts of up to 250 Latin-1 characters, are also bytes; other texts are not, and need a
 * driver for text. All generators keep within ASCII or raw bytes, so an id of theirs always fits the shapes above its own.
 */
export function isId(id: string, shape: IdShape): boolean {
  return rules[shape].accepts(id)
}

/**
 * How a session is named in messages and logs: a short hash of its id, the same each time, from which nobody gets the id. For a
 * program's own log, so that its lines and those of this package can be put together.
 */
export function logId(id: string): string {
  if (typeof id !== 'string') throw new TypeError('logId() takes the id of a session, a string')
  return `#${sha256(id).slice(0, 8)}`
}

/**
 * The id, when a driver may be given it.
 * @param driver the name for the message
 * @throws {TypeError} for anything but a string
 * @throws {IdError} ERR_SESSION_ID_INVALID for a string that is not of the shape
 */
export function assertId(id: unknown, shape: IdShape, driver: string): string {
  if (typeof id !== 'string')
    throw new TypeError(`A session id must be a string, not ${id === null ? 'null' : typeof id}`)
  if (isId(id, shape)) return id
  const shown = id === '' ? 'An empty string' : `${logId(id)} (${id.length} characters)`
  throw new IdError('ERR_SESSION_ID_INVALID', `${shown} cannot be a session id: ${driver} wants ${rules[shape].wanted}`)
}
