/** Errors of clients and servers that quote what was sent to them: no part of a session may get into a message. */

import { asBuffer } from '../../lib/bytes.js'

/** What is sent to a store. */
type Quotable = string | number | Uint8Array | null

/** So many characters of a value in an error's text are no chance. A word that is in both costs no more than the text. */
const TELLING = 6
/** A longer text is full of values, whatever they are. */
const LONGEST_TEXT = 1000

/**
 * Tells whether a text may be shown: no part of these values is in it. A trigger can put any value into the text of an error
 * with any code.
 */
export function textTest(values: readonly Quotable[]): (text: string) => boolean {
  const forms = values.flatMap(formsOf)
  return (text) => forms.length === 0 || (text.length <= LONGEST_TEXT && !forms.some((form) => shares(text, form)))
}

/** A value as it may stand in a text. Times and nulls are no secrets. */
function formsOf(value: Quotable): string[] {
  if (typeof value === 'number' || value === null) return []
  const bytes = typeof value === 'string' ? Buffer.from(value) : asBuffer(value)
  const hex = bytes.toString('hex')
  return [bytes.toString(), bytes.toString('latin1'), hex, hex.toUpperCase()].filter((form) => form !== '')
}

/** Is a part of the value, or all of a short one, in the text? */
function shares(text: string, value: string): boolean {
  const size = Math.min(TELLING, value.length)
  for (let at = 0; at + size <= text.length; at++) {
    if (value.includes(text.slice(at, at + size))) return true
  }
  return false
}
