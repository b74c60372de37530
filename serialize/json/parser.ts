/**
 * Strict JSON, read as exactly as Perl's JSON::XS does: integers of 64 bits, doubles told from integers, lone surrogates
 * refused, errors with their place. The reader takes this way where `JSON.parse` would not do.
 */

import { overLimit } from '../shared/failure.js'
import type { SerializerOptions } from '../shared/options.js'
import { noteSlot } from '../shared/origin.js'
import { JsonScanner } from './scanner.js'

/** A container that is still open. */
interface Level {
  readonly container: object
  readonly closer: ']' | '}'
  /** Take in the value that was read last. */
  add(value: unknown, isDouble: boolean): void
  /** Read what stands before the next value: the key of an object. */
  next(scanner: JsonScanner): void
  close(): void
}

class ArrayLevel implements Level {
  readonly container: unknown[] = []
  readonly closer = ']'

  add(value: unknown, isDouble: boolean): void {
    if (isDouble) noteSlot(this.container, this.container.length, value, 'double')
    this.container.push(value)
  }

  next(): void {}

  close(): void {}
}

class ObjectLevel implements Level {
  readonly container: Record<string, unknown> = {}
  readonly closer = '}'
  private key = ''
  /** Kept until the end: a repeated key may replace a double with an integer. */
  private doubles: Map<string, unknown> | undefined

  add(value: unknown, isDouble: boolean): void {
    if (isDouble) {
      this.doubles ??= new Map()
      this.doubles.set(this.key, value)
    } else this.doubles?.delete(this.key)
    if (this.key === '__proto__') defineOwn(this.container, this.key, value)
    else this.container[this.key] = value
  }

  next(scanner: JsonScanner): void {
    this.key = scanner.key()
  }

  close(): void {
    for (const [key, value] of this.doubles ?? []) noteSlot(this.container, key, value, 'double')
  }
}

function defineOwn(container: object, key: string, value: unknown): void {
  Object.defineProperty(container, key, { value, writable: true, enumerable: true, configurable: true })
}

/**
 * The value of a JSON text.
 * @throws {SerializeError} by way of `fail`, or ERR_SESSION_LIMIT
 */
export function parseExactly(
  text: string,
  limits: Pick<SerializerOptions, 'maxDepth' | 'maxValues'>,
  fail: (position: number, reason: string) => never,
): unknown {
  return new Parser(new JsonScanner(text, fail), limits).parse()
}

/** A loop with a stack of its own: hostile nesting must not reach the limit of JavaScript's stack. */
class Parser {
  private readonly open: Level[] = []
  private values = 0
  /** The last value that is complete. */
  private result: unknown

  constructor(
    private readonly scanner: JsonScanner,
    private readonly limits: Pick<SerializerOptions, 'maxDepth' | 'maxValues'>,
  ) {}

  parse(): unknown {
    for (;;) {
      const level = this.opened()
      if (level !== undefined && !this.scanner.take(level.closer)) {
        level.next(this.scanner)
        continue
      }
      this.result = level === undefined ? this.scanner.scalar() : this.closed()
      if (!this.settle(level === undefined && this.scanner.isNotedDouble)) return this.result
    }
  }

  /** A container begins here: one level more. */
  private opened(): Level | undefined {
    const level = this.scanner.take('[') ? new ArrayLevel() : this.scanner.take('{') ? new ObjectLevel() : undefined
    if (level === undefined) return undefined
    this.open.push(level)
    if (this.open.length > this.limits.maxDepth) throw overLimit('JSON', 'levels', this.limits.maxDepth, 'maxDepth')
    return level
  }

  private closed(): object {
    const level = this.open.pop()!
    level.close()
    return level.container
  }

  /** Put the result where it belongs, and close what ends behind it. False at the end of the text. */
  private settle(isDouble: boolean): boolean {
    let double = isDouble
    for (let level = this.open.at(-1); level !== undefined; level = this.open.at(-1)) {
      level.add(this.result, double)
      if (++this.values > this.limits.maxValues) throw overLimit('JSON', 'values', this.limits.maxValues, 'maxValues')
      if (this.scanner.take(',')) {
        level.next(this.scanner)
        return true
      }
      this.scanner.expect(level.closer, `"," or "${level.closer}"`)
      this.result = this.closed()
      double = false
    }
    this.scanner.end()
    return false
  }
}
