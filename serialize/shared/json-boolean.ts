/** JSON's true and false in Perl: objects of class JSON::PP::Boolean, which are references to 1 and 0. */

import { PerlObject, ScalarRef } from '../../lib/perl-values.js'

/** The class of such objects. */
export const booleanClass = 'JSON::PP::Boolean'

/** True or false, if that is what a value is. */
export function booleanOf(value: unknown): boolean | undefined {
  if (!(value instanceof PerlObject) || value.className !== booleanClass) return undefined
  if (!(value.value instanceof ScalarRef)) return undefined
  const scalar = value.value.value
  if (!/^(?:number|string|boolean)$/.test(typeof scalar)) return undefined
  const number = Number(scalar)
  return number === 0 || number === 1 ? number === 1 : undefined
}
