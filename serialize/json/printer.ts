/**
 * The exact way to write JSON: big integers, doubles that look like integers, and the reasons why a value cannot be
 * written. The writer takes this way where `JSON.stringify` would not do.
 */

import { PerlObject, ScalarRef } from '../../lib/perl-values.js'
import { cannotFreeze, kindOf, overLimit } from '../shared/failure.js'
import type { SerializerOptions } from '../shared/options.js'
import { type ContainerOrigin, type Form, formOf, originOf } from '../shared/origin.js'
import { isInteger64, writeNumber } from './numbers.js'

type Limits = Pick<SerializerOptions, 'maxBytes' | 'maxDepth' | 'maxValues'>

/**
 * The JSON text of a value.
 * @throws {SerializeError} with the path of what cannot be written, or ERR_SESSION_LIMIT
 */
export function printExactly(value: unknown, limits: Limits): string {
  return new Printer(limits).run(value)
}

/** A container of which a part is written. */
interface Level {
  readonly container: Readonly<Record<string | number, unknown>>
  readonly origin: ContainerOrigin | undefined
  /** The keys of an object; undefined for an array. */
  readonly keys: readonly string[] | undefined
  readonly size: number
  /** How many elements are done. */
  done: number
  /** The element that is being written. */
  key: string | number
  separator: '' | ','
}

/** A loop with a stack of its own: a value may be nested deeper than JavaScript's stack is high. */
class Printer {
  private text = ''
  private values = -1
  private readonly levels: Level[] = []
  /** The containers of all levels, for cycles. */
  private readonly open = new Set<object>()

  constructor(private readonly limits: Limits) {}

  run(value: unknown): string {
    this.print(value, undefined)
    for (let level = this.levels.at(-1); level !== undefined; level = this.levels.at(-1)) {
      if (level.done < level.size) this.printNext(level)
      else this.end(level)
    }
    return this.text
  }

  private print(value: unknown, form: Form | undefined): void {
    if (++this.values > this.limits.maxValues) throw overLimit('JSON', 'values', this.limits.maxValues, 'maxValues')
    if (isContainer(value)) this.begin(value)
    else this.add(this.scalar(value, form))
  }

  private scalar(value: unknown, form: Form | undefined): string {
    switch (typeof value) {
      case 'string':
        return this.quote(value)
      case 'number':
        return writeNumber(value, form) ?? this.refuse(`${value} is no JSON number`)
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
    const path = this.levels.map((level) => level.key)
    throw cannotFreeze('JSON', path, reason)
  }

  private quote(text: string): string {
    return text.isWellFormed() ? JSON.stringify(text) : this.refuse("Perl's JSON cannot read a lone surrogate")
  }

  private begin(container: object): void {
    if (!isPlain(container)) this.refuse(reasonAgainst(container))
    if (this.open.has(container)) this.refuse('it contains itself, and JSON has no references')
    if (this.levels.length === this.limits.maxDepth) throw overLimit('JSON', 'levels', this.limits.maxDepth, 'maxDepth')
    this.open.add(container)
    this.levels.push(makeLevel(container))
    this.add(Array.isArray(container) ? '[' : '{')
  }

  private printNext(level: Level): void {
    level.key = level.keys?.[level.done] ?? level.done
    level.done++
    const value = level.container[level.key]
    if (value === undefined && level.keys !== undefined) return
    this.add(typeof level.key === 'string' ? `${level.separator}${this.quote(level.key)}:` : level.separator)
    level.separator = ','
    this.print(value ?? null, formOf(level.origin, level.key, value))
  }

  private end(level: Level): void {
    this.levels.pop()
    this.open.delete(level.container)
    this.add(level.keys === undefined ? ']' : '}')
  }

  /** Perl's `\1` and `\0`. */
  private boolean({ value }: ScalarRef): string {
    if (value === 1 || value === '1') return 'true'
    if (value === 0 || value === '0') return 'false'
    return this.refuse('JSON has no references to scalars (except to 1 and 0, which are true and false)')
  }
}

function makeLevel(container: object): Level {
  const keys = Array.isArray(container) ? undefined : Object.keys(container)
  const size = Array.isArray(container) ? container.length : keys!.length
  const origin = originOf(container)
  return { container: container as Level['container'], origin, keys, size, done: 0, key: 0, separator: '' }
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
