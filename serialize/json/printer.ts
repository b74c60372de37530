/**
 * The exact way to write JSON: big integers, doubles that look like integers, and the reasons why a value cannot be
 * written. The writer takes this way where `JSON.stringify` would not do.
 */

import { PerlObject, ScalarRef } from '../../lib/perl-values.js'
import { cannotFreeze, kindOf, overLimit } from '../shared/failure.js'
import type { SerializerOptions } from '../shared/options.js'
import { type Form, formOf, originOf } from '../shared/origin.js'
import { isInteger64, writeNumber } from './numbers.js'

type Limits = Pick<SerializerOptions, 'maxBytes' | 'maxDepth' | 'maxValues'>

/**
 * The JSON text of a value.
 * @throws {SerializeError} with the path of what cannot be written, or ERR_SESSION_LIMIT
 */
export function printExactly(value: unknown, limits: Limits): string {
  const printer = new Printer(limits)
  try {
    printer.print(value)
  } catch (error) {
    if (error instanceof RangeError) throw cannotFreeze('JSON', [], 'it is nested too deeply for the stack')
    throw error
  }
  return printer.text
}

class Printer {
  text = ''
  private values = -1
  private readonly path: (string | number)[] = []
  /** The containers on the way to the value, for cycles. */
  private readonly open = new Set<object>()

  constructor(private readonly limits: Limits) {}

  print(value: unknown, form?: Form): void {
    if (++this.values > this.limits.maxValues) throw overLimit('JSON', 'values', this.limits.maxValues, 'maxValues')
    if (isContainer(value)) this.printContainer(value)
    else this.add(this.scalar(value, form))
  }

  private scalar(value: unknown, form: Form | undefined): string {
    switch (typeof value) {
      case 'string':
        return this.quote(value)
      case 'number':
        return Number.isFinite(value) ? writeNumber(value, form) : this.refuse(`${value} is no JSON number`)
      case 'bigint':
        return isInteger64(value) ? String(value) : this.refuse('Perl has integers of 64 bits at most')
      case 'boolean':
        return String(value)
      case 'object':
        return value === null ? 'null' : this.boolean(value as ScalarRef)
      default:
        return this.refuse(value === undefined ? 'undefined is no data' : `${kindOf(value)} is no data`)
    }
  }

  private add(text: string): void {
    this.text += text
    if (this.text.length > this.limits.maxBytes) throw overLimit('JSON', 'bytes', this.limits.maxBytes, 'maxBytes')
  }

  private refuse(reason: string): never {
    throw cannotFreeze('JSON', this.path, reason)
  }

  private quote(text: string): string {
    return text.isWellFormed() ? JSON.stringify(text) : this.refuse("Perl's JSON cannot read a lone surrogate")
  }

  private printContainer(value: object): void {
    if (!isPlain(value)) this.refuse(reasonAgainst(value))
    if (this.open.has(value)) this.refuse('it contains itself, and JSON has no references')
    if (this.open.size === this.limits.maxDepth) {
      this.refuse(`it is nested more than ${this.limits.maxDepth} levels deep; the limit is the option 'maxDepth'`)
    }
    this.open.add(value)
    if (Array.isArray(value)) this.printArray(value)
    else this.printHash(value as Record<string, unknown>)
    this.open.delete(value)
  }

  /** Perl's `\1` and `\0`. */
  private boolean({ value }: ScalarRef): string {
    if (value === 1 || value === '1') return 'true'
    if (value === 0 || value === '0') return 'false'
    return this.refuse('JSON has no references to scalars (except to 1 and 0, which are true and false)')
  }

  private printArray(items: readonly unknown[]): void {
    const origin = originOf(items)
    this.add('[')
    for (let i = 0; i < items.length; i++) {
      if (i > 0) this.add(',')
      this.path.push(i)
      this.print(items[i] ?? null, formOf(origin, i, items[i]))
      this.path.pop()
    }
    this.add(']')
  }

  private printHash(hash: Record<string, unknown>): void {
    const origin = originOf(hash)
    let comma = ''
    this.add('{')
    for (const key of Object.keys(hash)) {
      const value = hash[key]
      if (value === undefined) continue
      this.path.push(key)
      this.add(`${comma}${this.quote(key)}:`)
      this.print(value, formOf(origin, key, value))
      this.path.pop()
      comma = ','
    }
    this.add('}')
  }
}

function isContainer(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !(value instanceof ScalarRef)
}

/** An array or an object without a class, of this or another realm (`vm` contexts have an `Object` of their own). */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  if (Array.isArray(value)) return Array.isArray(prototype)
  if (prototype === null || prototype === Object.prototype) return true
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype as object, 'isPrototypeOf')
}

function reasonAgainst(value: object): string {
  if (value instanceof Uint8Array) return "bytes are no text; encode them first, for example toString('base64')"
  if (value instanceof PerlObject) return "Perl's JSON refuses blessed values"
  return `${kindOf(value)} is no plain data`
}
