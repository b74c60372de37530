/** The properties of `req.session` as parameters, and back. */

import { elementOf, type Hash, isPlainObject, setElement } from '../../hash.js'

/** A property that a request was shown. */
export interface Shown {
  /** The parameter. */
  readonly name: string
  /** What JSON makes of its value. */
  readonly text: string
}

const prefix = 'express.'

/** Names that begin with _ belong to the session itself. */
export const parameterOf = (property: string): string =>
  /^(?:express\.)*_/.test(property) ? `${prefix}${property}` : property

const propertyOf = (parameter: string): string =>
  /^(?:express\.)+_/.test(parameter) ? parameter.slice(prefix.length) : parameter

/** Perl's long integers as text: JSON has no word for them. */
const textOf = (value: unknown): string | undefined =>
  JSON.stringify(value, (_key, one: unknown) => (typeof one === 'bigint' ? String(one) : one))

/** Parameters as properties. What JSON cannot say, such as references that lead back, is not shown, and stays as it is. */
export function show(parameters: Hash): Map<string, Shown> {
  const shown = new Map<string, Shown>()
  for (const [name, value] of Object.entries(parameters)) {
    const property = propertyOf(name)
    const text = textOrNothing(value)
    if (text !== undefined && !shown.has(property)) shown.set(property, { name, text })
  }
  return shown
}

function textOrNothing(value: unknown): string | undefined {
  try {
    return textOf(value)
  } catch {
    return undefined
  }
}

/**
 * The properties as a program left them, by name, with what JSON makes of them; what JSON leaves out does not exist.
 * @throws {TypeError} for what JSON cannot say
 */
export function textsOf(data: object): Map<string, string> {
  const texts = new Map<string, string>()
  for (const [property, value] of Object.entries(data)) {
    const text = textOf(value)
    if (text !== undefined) texts.set(property, text)
  }
  return texts
}

/** What a value becomes that a program changed: what JSON has no word for stays where nothing was changed. */
export function withChanges(before: unknown, after: unknown): unknown {
  if (textOrNothing(before) === textOf(after)) return before
  if (Array.isArray(before) && Array.isArray(after)) return after.map((one, index) => withChanges(before[index], one))
  if (!isPlainObject(before) || !isPlainObject(after)) return after
  const result: Hash = {}
  for (const [key, value] of Object.entries(after)) setElement(result, key, withChanges(elementOf(before, key), value))
  return result
}
