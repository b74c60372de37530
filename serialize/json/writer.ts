/** From a value to a record: by `JSON.stringify` where that writes what Perl must get, which is nearly always. */

import { Buffer } from 'node:buffer'
import { overLimit } from '../shared/failure.js'
import type { SerializerOptions } from '../shared/options.js'
import { originOf } from '../shared/origin.js'
import { isOrdinaryNumber } from './numbers.js'
import { printExactly } from './printer.js'

/**
 * The record of a value, in ASCII.
 * @throws {SerializeError} with the path of a value that cannot be written
 */
export function writeJson(value: unknown, options: SerializerOptions): Buffer {
  const record = toAscii(stringifyFast(value, options) ?? printExactly(value, options))
  if (record.length > options.maxBytes) throw overLimit('JSON', 'bytes', options.maxBytes, 'maxBytes')
  return record
}

/** Everything from DEL on as \uXXXX. */
function toAscii(text: string): Buffer {
  const isAscii = Buffer.byteLength(text) === text.length && !text.includes('\x7f')
  return Buffer.from(isAscii ? text : text.replace(/[\x7f-\uffff]/g, escapeUnit), 'latin1')
}

function escapeUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
}

/** The text, or undefined where the exact printer must look: something unusual, an error, or a limit. */
function stringifyFast(value: unknown, options: SerializerOptions): string | undefined {
  try {
    if (value === undefined || !new OrdinaryCheck(options).isOrdinary(value, options.maxDepth)) return undefined
    const text = JSON.stringify(value)
    // JSON.stringify escapes surrogates only where they are alone.
    return text.includes('\\ud') ? undefined : text
  } catch {
    return undefined
  }
}

/**
 * Is a value such that `JSON.stringify` writes it as it should be? Stops at the limits, and so at cycles. Texts and
 * numbers are looked at where they stand: with a call for each the check takes three times as long.
 */
class OrdinaryCheck {
  private values: number
  private bytes: number

  constructor({ maxValues, maxBytes }: SerializerOptions) {
    this.values = maxValues
    this.bytes = maxBytes
  }

  isOrdinary(value: unknown, levels: number): boolean {
    if (typeof value === 'object' && value !== null) return levels > 0 && this.isOrdinaryContainer(value, levels - 1)
    if (typeof value === 'number') return isOrdinaryNumber(value)
    return value === null || value === undefined || typeof value === 'boolean' || typeof value === 'string'
  }

  private isOrdinaryContainer(container: object, levels: number): boolean {
    if ((container as { toJSON?: unknown }).toJSON !== undefined) return false
    if (originOf(container)?.slots !== undefined) return false
    const prototype = Object.getPrototypeOf(container)
    if (prototype === Array.prototype) return this.areItemsOrdinary(container as unknown[], levels)
    return (prototype === Object.prototype || prototype === null) && this.areMembersOrdinary(container, levels)
  }

  private areItemsOrdinary(items: unknown[], levels: number): boolean {
    this.values -= items.length
    if (this.values < 0) return false
    for (let i = 0; i < items.length; i++) {
      const item = items[i]
      if (typeof item === 'string') this.bytes -= item.length
      else if (typeof item === 'number') {
        if (!isOrdinaryNumber(item)) return false
      } else if (!this.isOrdinary(item, levels)) return false
    }
    return this.bytes >= 0
  }

  private areMembersOrdinary(container: object, levels: number): boolean {
    for (const key in container) {
      this.values--
      const member = (container as Record<string, unknown>)[key]
      if (typeof member === 'string') this.bytes -= member.length
      else if (typeof member === 'number') {
        if (!isOrdinaryNumber(member)) return false
      } else if (!this.isOrdinary(member, levels)) return false
    }
    return this.values >= 0 && this.bytes >= 0
  }
}
