/** A buffer that grows, and the ways in which an image spells numbers and strings. */

import { Buffer } from 'node:buffer'
import { overLimit } from '../shared/failure.js'
import { encodeLoosely } from '../shared/loose-utf8.js'
import * as codes from './opcodes.js'

/** Enough for nearly every session. One buffer serves all writers, as none is at work while another is. */
const firstSize = 32 * 1024
let spare: Buffer | undefined

/** Longer strings are copied by Node's own code, shorter ones faster here. */
const longest = 40

/** A string of at least this length has four bytes of length. */
const longString = 256

/** The layout of Perl on nearly all machines: little-endian, with integers, pointers and doubles of 8 bytes. */
const nativeHeader = Buffer.from('\x04\x00\x0812345678\x04\x08\x08\x08', 'latin1')

export class Output {
  pos: number
  private readonly isNative: boolean
  private readonly maxBytes: number
  private bytes: Buffer

  constructor(isNative: boolean, maxBytes: number) {
    this.isNative = isNative
    this.maxBytes = maxBytes
    this.bytes = spare ?? Buffer.allocUnsafeSlow(firstSize)
    spare = undefined
    this.pos = isNative ? nativeHeader.copy(this.bytes) : 2
  }

  /** The image; it is of this minor version. */
  finish(minor: number): Buffer {
    this.checkLimit(0)
    if (!this.isNative) this.bytes[0] = 5
    this.bytes[1] = minor
    const image = Buffer.from(this.bytes.subarray(0, this.pos))
    this.release()
    return image
  }

  /** Leave the buffer to the next writer. */
  release(): void {
    if (this.bytes.length === firstSize) spare = this.bytes
  }

  private checkLimit(size: number): void {
    const { maxBytes } = this
    if (this.pos + size > maxBytes) throw overLimit(codes.serializerName, 'bytes', maxBytes, 'maxBytes')
  }

  /** Make room, if what will be written at least is within the limit. */
  private reserve(size: number, least = 0): void {
    if (this.pos + size <= this.bytes.length) return
    this.checkLimit(least)
    const larger = Buffer.allocUnsafeSlow(Math.max(2 * this.bytes.length, this.pos + size))
    this.bytes.copy(larger, 0, 0, this.pos)
    this.release()
    this.bytes = larger
  }

  byte(value: number): void {
    this.reserve(1)
    this.bytes[this.pos++] = value
  }

  /** An opcode or a length, and a byte behind it. */
  twoBytes(one: number, two: number): void {
    this.reserve(2)
    this.bytes[this.pos++] = one
    this.bytes[this.pos++] = two
  }

  /** A length or a count. */
  length(value: number): void {
    this.reserve(4)
    this.setLength(this.pos, value)
    this.pos += 4
  }

  /** Fill in a length that was not known when its place was written. */
  setLength(at: number, value: number): void {
    const { bytes } = this
    if (this.isNative) {
      bytes[at] = value
      bytes[at + 1] = value >>> 8
      bytes[at + 2] = value >>> 16
      bytes[at + 3] = value >>> 24
    } else {
      bytes[at] = value >>> 24
      bytes[at + 1] = value >>> 16
      bytes[at + 2] = value >>> 8
      bytes[at + 3] = value
    }
  }

  /** An opcode, and a number that is big-endian in every image. */
  network(opcode: number, value: number): void {
    this.byte(opcode)
    this.tag(value)
  }

  /** The number of a thing that has been written. */
  tag(value: number): void {
    this.reserve(4)
    this.pos = this.bytes.writeInt32BE(value | 0, this.pos)
  }

  integer(value: bigint): void {
    this.reserve(9)
    this.bytes[this.pos++] = codes.integer
    this.pos = this.bytes.writeBigInt64LE(value, this.pos)
  }

  double(value: number): void {
    this.reserve(9)
    this.bytes[this.pos++] = codes.double
    this.pos = this.bytes.writeDoubleLE(value, this.pos)
  }

  /** A string with its opcode and length, if it is ASCII; else false, and nothing is written. */
  asciiScalar(text: string): boolean {
    const { length } = text
    const start = this.pos
    this.reserve(5 + 3 * length, length)
    if (length < longString) {
      this.bytes[this.pos++] = codes.scalar
      this.bytes[this.pos++] = length
    } else {
      this.bytes[this.pos++] = codes.longScalar
      this.setLength(this.pos, length)
      this.pos += 4
    }
    return this.ascii(text, start)
  }

  /** A key with its length, if it is ASCII; else false, and nothing is written. */
  asciiKey(key: string): boolean {
    const start = this.pos
    this.reserve(4 + 3 * key.length, key.length)
    this.setLength(start, key.length)
    this.pos += 4
    return this.ascii(key, start)
  }

  /** The characters of a text, for which there is room. Where one is not ASCII, back to `start`. */
  private ascii(text: string, start: number): boolean {
    const { length } = text
    const { bytes } = this
    let at = this.pos
    if (length > longest) {
      at += bytes.write(text, at)
    } else {
      for (let i = 0; i < length; i++) {
        const unit = text.charCodeAt(i)
        // Too far, as if it took more than one byte.
        if (unit > 0x7f) at++
        bytes[at++] = unit
      }
    }
    const isAscii = at === this.pos + length
    this.pos = isAscii ? at : start
    return isAscii
  }

  /** Bytes with an opcode for short and one for long strings. */
  private data(data: Uint8Array, short: number, long: number): void {
    if (data.length < longString) {
      this.twoBytes(short, data.length)
    } else {
      this.byte(long)
      this.length(data.length)
    }
    this.raw(data)
  }

  /** Bytes alone. */
  raw(data: Uint8Array): void {
    this.reserve(data.length, data.length)
    this.bytes.set(data, this.pos)
    this.pos += data.length
  }

  /** A byte string. */
  byteString(data: Uint8Array): void {
    this.data(data, codes.scalar, codes.longScalar)
  }

  /** A character string. */
  charString(text: string): void {
    this.data(encodeLoosely(text), codes.utf8, codes.longUtf8)
  }

  /** The source of a version string. */
  versionSource(source: string): void {
    this.data(Buffer.from(source, 'latin1'), codes.vstring, codes.longVstring)
  }
}
