/** Deep copies and comparison of session values: shared references stay shared, cycles stay cycles. */

import { isDeepStrictEqual } from 'node:util'
import { ElementRef, PerlObject, ScalarRef, StorableHook } from './perl-values.js'
import { isPlainObject, setKey } from './record.js'

type Container = ElementRef['container']

/** A deep copy. Values that cannot be part of a session (functions, Dates…) are copied as they are. */
export function cloneValue<Value>(value: Value, copies = new Map<object, unknown>()): Value {
  if (typeof value !== 'object' || value === null) return value
  const known = copies.get(value)
  if (known !== undefined) return known as Value
  return cloneObject(value, copies) as Value
}

function cloneObject(value: object, copies: Map<object, unknown>): unknown {
  if (Array.isArray(value)) {
    const copy: unknown[] = new Array(value.length)
    copies.set(value, copy)
    // forEach leaves out elements that do not exist, so they do not exist in the copy.
    value.forEach((element, index) => {
      copy[index] = cloneValue(element, copies)
    })
    return copy
  }
  if (isPlainObject(value)) {
    const copy = Object.create(Object.getPrototypeOf(value))
    copies.set(value, copy)
    for (const key of Object.keys(value)) setKey(copy, key, cloneValue(value[key], copies))
    return copy
  }
  return cloneInstance(value, copies)
}

function cloneInstance(value: object, copies: Map<object, unknown>): unknown {
  if (value instanceof PerlObject || value instanceof ScalarRef) {
    const copy = value instanceof PerlObject ? new PerlObject(value.className, null) : new ScalarRef(null)
    copies.set(value, copy)
    copy.value = cloneValue(value.value, copies)
    return copy
  }
  if (value instanceof ElementRef) return new ElementRef(cloneValue<Container>(value.container, copies), value.key)
  if (value instanceof StorableHook) return new StorableHook(value.kind, value.frozen, cloneValue(value.values, copies))
  return value instanceof Uint8Array ? Buffer.from(value) : value
}

/**
 * Are two values the same, all the way down? `0`, `''`, `null` and absent are different things (Data::Session: D16).
 * Most parameters are scalars, and Node loads its deep comparison at the first call of it.
 */
export function isSameValue(one: unknown, other: unknown): boolean {
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null)
    return Object.is(one, other)
  return one === other || isDeepStrictEqual(one, other)
}
