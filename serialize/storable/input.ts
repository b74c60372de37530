/** The bytes of an image, and a position in them. Every length is checked against the bytes that are left. */

import { isAscii } from 'node:buffer'
import type { SerializeError } from '../../lib/errors.js'
import { cannotThaw } from '../shared/failure.js'
import { type Layout, readHeader } from './header.js'
import * as codes from './opcodes.js'

/** Longer strings are scanned by Node's own code, shorter ones faster here. */
const longest = 64

export class Input {
  readonly bytes: Buffer
  /** The same, one character a byte: cutting a piece out of a string is faster than decoding bytes. */
  readonly binary: string
  readonly end: number
  private readonly layout: Layout
  private readonly isBigEndian: boolean
  pos: number

  constructor(bytes: Buffer) {
    this.bytes = bytes
    this.layout = readHeader(bytes)
    this.isBigEndian = this.layout.isBigEndian
    this.binary = bytes.toString('latin1')
    this.pos = this.layout.start
    this.end = bytes.length
  }

  /** The error for what stands at a position. */
  fail(reason: string, at = this.pos): SerializeError {
    return cannotThaw(codes.serializerName, at, reason)
  }

  byte(): number {
    if (this.pos >= this.end) throw this.fail('the record ends too early')
    return this.bytes[this.pos++]!
  }

  /** Go over some bytes; where they begin. */
  take(length: number): number {
    const start = this.pos
    if (length > this.end - start) throw this.fail('a length that is larger than what follows')
    this.pos = start + length
    return start
  }

  /** A length or a count: four bytes in the order of the image. */
  length(): number {
    const { bytes } = this
    const at = this.take(4)
    return this.isBigEndian
      ? bytes[at]! * 0x1000000 + ((bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!)
      : bytes[at + 3]! * 0x1000000 + ((bytes[at + 2]! << 16) | (bytes[at + 1]! << 8) | bytes[at]!)
  }

  /** A length in eight bytes. */
  longLength(): number {
    const { isBigEndian } = this
    const [one, two] = [this.length(), this.length()]
    return isBigEndian ? one * 0x100000000 + two : two * 0x100000000 + one
  }

  /** A length in one byte, or in four. */
  shortLength(isLong: boolean): number {
    return isLong ? this.length() : this.byte()
  }

  /** The number of a class or the length of its name. */
  classNumber(): number {
    const short = this.byte()
    return short & codes.longLength ? this.length() : short
  }

  /** The number of a thing that was met before: four bytes, always big-endian. */
  tag(): number {
    return this.bytes.readUInt32BE(this.take(4))
  }

  netInteger(): number {
    return this.bytes.readInt32BE(this.take(4))
  }

  /** An integer of the machine that wrote the image. */
  integer(): number | bigint {
    const { bytes } = this
    const { isBigEndian, integerSize } = this.layout
    const at = this.take(integerSize)
    if (integerSize === 4) return isBigEndian ? bytes.readInt32BE(at) : bytes.readInt32LE(at)
    const high = isBigEndian ? bytes.readInt32BE(at) : bytes.readInt32LE(at + 4)
    const low = isBigEndian ? bytes.readUInt32BE(at + 4) : bytes.readUInt32LE(at)
    const near = high * 0x100000000 + low
    return Number.isSafeInteger(near) ? near : (BigInt(high) << 32n) | BigInt(low)
  }

  double(): number {
    const { isBigEndian, doubleSize } = this.layout
    if (doubleSize !== 8) throw this.fail(`a floating point number of ${doubleSize} bytes`)
    const at = this.take(8)
    return isBigEndian ? this.bytes.readDoubleBE(at) : this.bytes.readDoubleLE(at)
  }

  /** Are there only ASCII characters between two positions? */
  isAscii(start: number, end: number): boolean {
    const { bytes } = this
    if (end - start > longest) return isAscii(bytes.subarray(start, end))
    for (let at = start; at < end; at++) if (bytes[at]! > 0x7f) return false
    return true
  }
}
