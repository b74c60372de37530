/**
 * Deep copies and comparison of session values: shared references stay shared, cycles stay cycles. Both take time in
 * proportion to the number of containers, however often one is shared, and no stack, however deep they nest.
 */

import { isPlainObject, setElement } from './hash.js'
import { ElementRef, PerlGlob, PerlObject, PerlRegExp, PerlVString, ScalarRef, StorableHook } from './perl-values.js'

/** Things to do, one after the other: recursion without the stack. */
type Tasks = (() => void)[]

function run(tasks: Tasks): void {
  for (let task = tasks.pop(); task !== undefined; task = tasks.pop()) task()
}

/** A deep copy. Values that cannot be part of a session (functions, Dates…) are copied as they are. */
export function cloneValue<Value>(value: Value): Value {
  const tasks: Tasks = []
  const copy = copyOf(value, new Map(), tasks)
  run(tasks)
  return copy as Value
}

/** The copy of a value; what is in it is copied by the tasks that it adds. */
function copyOf(value: unknown, copies: Map<object, unknown>, tasks: Tasks): unknown {
  if (typeof value !== 'object' || value === null) return value
  const known = copies.get(value)
  if (known !== undefined) return known
  const copy = emptyCopy(value, copies, tasks)
  copies.set(value, copy)
  return copy
}

function emptyCopy(value: object, copies: Map<object, unknown>, tasks: Tasks): unknown {
  const copied = (part: unknown) => copyOf(part, copies, tasks)
  if (Array.isArray(value)) {
    const copy: unknown[] = new Array(value.length)
    // forEach leaves out elements that do not exist, so they do not exist in the copy.
    tasks.push(() =>
      value.forEach((element, index) => {
        copy[index] = copied(element)
      }),
    )
    return copy
  }
  if (isPlainObject(value)) {
    const copy = Object.create(Object.getPrototypeOf(value))
    tasks.push(() => {
      for (const key of Object.keys(value)) setElement(copy, key, copied(value[key]))
    })
    return copy
  }
  if (value instanceof PerlObject || value instanceof ScalarRef) {
    const copy = value instanceof PerlObject ? new PerlObject(value.className, null) : new ScalarRef(null)
    tasks.push(() => {
      copy.value = copied(value.value)
    })
    return copy
  }
  if (value instanceof ElementRef) return new ElementRef(copied(value.container) as ElementRef['container'], value.key)
  if (value instanceof StorableHook) return new StorableHook(value.kind, value.frozen, value.values.map(copied))
  return value instanceof Uint8Array ? Buffer.from(value) : value
}

/** All containers that a value leads to, itself among them, added to `found`. */
export function collectContainers(value: unknown, found: Set<object>): Set<object> {
  const todo = [value]
  while (todo.length > 0) {
    const next = todo.pop()
    if (typeof next !== 'object' || next === null || found.has(next)) continue
    found.add(next)
    if (isComparable(next)) for (const part of Object.values(next)) todo.push(part)
  }
  return found
}

/**
 * Are two values the same, all the way down? `0`, `''`, `null` and absent are different things (Data::Session: D16), and so
 * are one shared list and two equal ones.
 */
export function isSameValue(one: unknown, other: unknown): boolean {
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null)
    return Object.is(one, other)
  return one === other || new Comparison().isSame(one, other)
}

/** Pairs off the containers of two values: each has exactly one partner. */
class Comparison {
  readonly #partners = new Map<object, object>()
  readonly #taken = new Set<object>()
  readonly #pairs: [unknown, unknown][] = []

  isSame(one: unknown, other: unknown): boolean {
    this.#pairs.push([one, other])
    for (let pair = this.#pairs.pop(); pair !== undefined; pair = this.#pairs.pop()) {
      if (!this.#isSamePair(...pair)) return false
    }
    return true
  }

  #isSamePair(one: unknown, other: unknown): boolean {
    if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null)
      return Object.is(one, other)
    const partner = this.#partners.get(one)
    if (partner !== undefined) return partner === other
    if (this.#taken.has(other) || !isSameKind(one, other)) return false
    this.#partners.set(one, other)
    this.#taken.add(other)
    return this.#haveSameParts(one, other)
  }

  #haveSameParts(one: object, other: object): boolean {
    if (one instanceof Uint8Array) return Buffer.compare(one, other as Uint8Array) === 0
    // Of Dates and the like nothing is known: they are the same only if they are one.
    if (!isComparable(one)) return one === other
    const keys = Object.keys(one)
    if (keys.length !== Object.keys(other).length) return false
    if (Array.isArray(one) && one.length !== (other as unknown[]).length) return false
    for (const key of keys) {
      if (!Object.hasOwn(other, key)) return false
      this.#pairs.push([(one as Record<string, unknown>)[key], (other as Record<string, unknown>)[key]])
    }
    return true
  }
}

/** A copy of a Uint8Array is a Buffer, and a hash of another realm has another prototype. */
function isSameKind(one: object, other: object): boolean {
  if (one instanceof Uint8Array) return other instanceof Uint8Array
  if (isPlainObject(one)) return isPlainObject(other)
  return Object.getPrototypeOf(one) === Object.getPrototypeOf(other)
}

const perlValues: readonly unknown[] = [
  ElementRef,
  PerlGlob,
  PerlObject,
  PerlRegExp,
  PerlVString,
  ScalarRef,
  StorableHook,
]

/** Containers and Perl values, whose parts are their properties. */
function isComparable(value: object): boolean {
  return Array.isArray(value) || isPlainObject(value) || perlValues.includes(value.constructor)
}
