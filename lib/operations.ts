/** Changes of one parameter that count on top of another writer's: when two writers meet, they are applied again. */

import { cloneValue, isSameValue } from './clone.js'

/** What `increment` works on and gives. */
export type Numeric = number | bigint

export interface Operation {
  /** What the parameter must hold, in words. */
  readonly wanted: string
  /** Can it be applied? A parameter that does not exist, or holds null (Perl's undef), is as good as an empty one. */
  fits(value: unknown): boolean
  /** The new value; undefined clears the parameter. A list is changed in place, as a program may hold it. */
  apply(value: unknown): unknown
}

/** Perl's numbers may come as text: FreezeThaw and YAML have nothing else. */
const decimal = /^-?(?:0|[1-9]\d{0,19})(?:\.\d{1,20})?(?:e[+-]?\d{1,3})?$/i

/** The largest integers that the formats hold: those of Perl. */
const LARGEST = 2n ** 64n

function isNumeric(value: unknown): boolean {
  return typeof value === 'bigint' || Number.isFinite(value) || (typeof value === 'string' && decimal.test(value))
}

function numericOf(value: unknown): Numeric {
  if (typeof value === 'bigint') return value
  const number = Number(value ?? 0)
  return typeof value === 'string' && Number.isInteger(number) && /^-?\d+$/.test(value) ? narrow(BigInt(value)) : number
}

/** Integers beyond 2^53 are bigint, all others numbers; those beyond Perl's are no longer exact. */
function narrow(integer: bigint): Numeric {
  const number = Number(integer)
  return Number.isSafeInteger(number) || integer >= LARGEST || integer <= -LARGEST ? number : integer
}

function sum(one: Numeric, other: Numeric): Numeric {
  const number = Number(one) + Number(other)
  const areIntegers = [one, other].every((part) => typeof part === 'bigint' || Number.isInteger(part))
  if (!areIntegers || Math.abs(number) > 2 ** 65) return number
  return narrow(BigInt(one) + BigInt(other))
}

/** Add to a number. */
export function incrementBy(amount: Numeric): Operation {
  return {
    wanted: 'a number',
    fits: (value) => value === undefined || value === null || isNumeric(value),
    apply: (value) => sum(numericOf(value), amount),
  }
}

/** Add values to the end of a list, each time as copies: what becomes of the program's own later is no part of it. */
export function append(values: readonly unknown[]): Operation {
  return addTo(values, () => true)
}

/** Add those values to a list that are not in it yet. */
export function appendNew(values: readonly unknown[]): Operation {
  return addTo(values, (list, value) => !list.some((known) => isSameElement(known, value)))
}

/** Take values out of a list, each once, wherever they are in it by now; a list of which nothing is left is cleared. */
export function takeOut(given: readonly unknown[]): Operation {
  return changeList(given, (list, values) => {
    for (const one of values) {
      const index = list.findIndex((known) => isSameElement(known, one))
      if (index >= 0) list.splice(index, 1)
    }
    return list.length === 0 ? undefined : list
  })
}

function addTo(given: readonly unknown[], isToAdd: (list: readonly unknown[], value: unknown) => boolean): Operation {
  return changeList(given, (list, values) => {
    for (const one of cloneValue(values)) if (isToAdd(list, one)) list.push(one)
    return list
  })
}

/** @param given as it is now: what becomes of it later is no part of the operation */
function changeList(
  given: readonly unknown[],
  change: (list: unknown[], values: readonly unknown[]) => unknown,
): Operation {
  const values = cloneValue(given)
  return {
    wanted: 'an array',
    fits: (value) => value === undefined || value === null || Array.isArray(value),
    apply: (value) => change((value ?? []) as unknown[], values),
  }
}

/** A number and the same number as text are one: some formats have nothing but text. */
function isSameElement(one: unknown, other: unknown): boolean {
  return isSameValue(one, other) || (isNumeric(one) && isNumeric(other) && String(one) === String(other))
}
