/** Readers for options: a wrong value is an error that names the option, what was wanted and what was given. */

import type { OptionReader, OptionTable } from './contracts.js'
import { OptionError } from './errors.js'

/** What a value is, for a message: its kind, and the value itself only where it cannot be a secret. */
function describe(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'an array'
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}

function refuse(name: string, wanted: string, value: unknown): never {
  throw new OptionError(name, `Option '${name}' must be ${wanted}, not ${describe(value)}`)
}

/** A string; `fallback` may be a function, called when it is needed. */
export function text(fallback: string | (() => string)): OptionReader<string> {
  return (value, name) => {
    if (value === undefined) return typeof fallback === 'string' ? fallback : fallback()
    return typeof value === 'string' ? value : refuse(name, 'a string', value)
  }
}

/** A string, or nothing. */
export function optionalText(): OptionReader<string | undefined> {
  return (value, name) => (value === undefined || typeof value === 'string' ? value : refuse(name, 'a string', value))
}

/** A whole number within bounds. */
export function integer(
  fallback: number,
  { min = 0, max = Number.MAX_SAFE_INTEGER }: { min?: number; max?: number } = {},
): OptionReader<number> {
  const wanted = max === Number.MAX_SAFE_INTEGER ? `a whole number from ${min}` : `a whole number from ${min} to ${max}`
  return (value, name) => {
    if (value === undefined) return fallback
    return Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max
      ? (value as number)
      : refuse(name, wanted, value)
  }
}

/** True or false. */
export function flag(fallback: boolean): OptionReader<boolean> {
  return (value, name) =>
    value === undefined ? fallback : typeof value === 'boolean' ? value : refuse(name, 'true or false', value)
}

/** One of a few words. */
export function oneOf<const Word extends string>(words: readonly Word[], fallback: Word): OptionReader<Word> {
  return (value, name) => {
    if (value === undefined) return fallback
    if (words.includes(value as Word)) return value as Word
    const given = typeof value === 'string' ? `'${value.slice(0, 40)}'` : describe(value)
    throw new OptionError(name, `Option '${name}' must be one of ${words.join(', ')}, not ${given}`)
  }
}

/** Anything that `accepts`; `wanted` says what that is. */
export function custom<T>(fallback: T, wanted: string, accepts: (value: unknown) => value is T): OptionReader<T> {
  return (value, name) => (value === undefined ? fallback : accepts(value) ? value : refuse(name, wanted, value))
}

/** All options of a table, read from what was given; what the table does not name is left to others. */
export function readOptions<Options>(table: OptionTable<Options>, given: Readonly<Record<string, unknown>>): Options {
  const result: Record<string, unknown> = {}
  for (const [name, read] of Object.entries<OptionReader<unknown>>(table)) result[name] = read(given[name], name)
  return result as Options
}
