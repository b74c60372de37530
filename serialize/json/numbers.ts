/** Which numbers JSON's two languages hold alike, and which they do not. */

import type { Form } from '../shared/origin.js'

/** Integers with more digits than this (and a sign) do not fit 64 bits. */
const longestInteger = 20

/**
 * Do `JSON.parse` and `JSON.stringify` treat the number as Perl does? They do not with negative zero, whole numbers beyond
 * 2^53 (integers in Perl, or doubles, or strings), Infinity and NaN.
 */
export function isOrdinaryNumber(value: number): boolean {
  if (Number.isSafeInteger(value)) return value !== 0 || 1 / value > 0
  return Number.isFinite(value) && !Number.isInteger(value)
}

/** Would a double not be written back as it was: for an integer, or, too large, not at all? */
export function isNotedDouble(value: number): boolean {
  return !Number.isFinite(value) || (Number.isSafeInteger(value) && !Object.is(value, -0))
}

/** Does the integer fit Perl's signed or unsigned integers? */
export function isInteger64(value: bigint): boolean {
  return value >= -(2n ** 63n) && value < 2n ** 64n
}

/** The value of an integer. Perl takes one that 64 bits do not hold for a string. */
export function readInteger(digits: string): number | bigint | string {
  const value = Number(digits)
  // Perl's integers have no negative zero.
  if (Number.isSafeInteger(value)) return value + 0
  if (digits.length > longestInteger) return digits
  const exact = BigInt(digits)
  return isInteger64(exact) ? exact : digits
}

/**
 * A number, so that Perl and JavaScript read it as the same number of the same kind; undefined where JSON has none. Infinity
 * has one only if it was read from a number that is too large.
 */
export function writeNumber(value: number, form: Form | undefined): string | undefined {
  if (!Number.isFinite(value)) return form === 'double' ? `${value < 0 ? '-' : ''}1e999` : undefined
  if (!Number.isInteger(value)) return String(value)
  // With all its digits JSON::XS would miss the nearest double now and then.
  if (!Number.isSafeInteger(value)) return value.toExponential()
  if (Object.is(value, -0)) return '-0.0'
  return form === 'double' ? `${value}.0` : String(value)
}
