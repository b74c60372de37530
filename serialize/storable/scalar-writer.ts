/** Writes what is neither a text nor a reference: numbers, booleans, bytes, version strings. */

import type { PerlVString } from '../../lib/perl-values.js'
import { booleanClass } from '../shared/json-boolean.js'
import { formOf } from '../shared/origin.js'
import * as codes from './opcodes.js'
import { regexpMinor, TextWriter, vstringMinor } from './text-writer.js'
import type { Key, WriteFrame } from './write-frames.js'

export class ScalarWriter extends TextWriter {
  protected number(frame: WriteFrame, key: Key, value: number): void {
    this.tag++
    const isDouble = frame.origin?.slots !== undefined && formOf(frame.origin, key, value) === 'double'
    if ((value | 0) === value && !isDouble && !Object.is(value, -0)) this.int32(value)
    else if (!Number.isFinite(value) && !isDouble) this.refuse(frame, key, `${value} is no data`)
    else this.longNumber(value, isDouble)
  }

  private int32(value: number): void {
    if (value >= -128 && value <= 127) this.out.twoBytes(codes.byte, value + 128)
    else this.out.network(codes.netInteger, value)
  }

  private longNumber(value: number, isDouble: boolean): void {
    this.plan.needNative()
    if (Number.isSafeInteger(value) && !isDouble && !Object.is(value, -0)) this.out.integer(BigInt(value))
    else this.out.double(value)
  }

  /** Integers of 64 bits; Perl itself writes those of 2^63 and more as digits. */
  protected bigint(frame: WriteFrame, key: Key, value: bigint): void {
    this.tag++
    if (BigInt.asIntN(32, value) === value) {
      this.int32(Number(value))
    } else if (BigInt.asIntN(64, value) === value) {
      this.plan.needNative()
      this.out.integer(value)
    } else if (BigInt.asUintN(64, value) === value) {
      this.out.asciiScalar(String(value))
    } else {
      this.refuse(frame, key, "an integer beyond Perl's 64 bits")
    }
  }

  /**
   * A boolean. Perl 5.36 has booleans, but only Storable 3.27 (Perl 5.38) can read them; and SX_SV_YES and SX_SV_NO,
   * which every Perl reads, become its read-only constants: a program that assigns to such an element dies. So new
   * booleans are those of JSON, in the form that makes Perl load their class, as all references to them need.
   */
  protected boolean({ origin }: WriteFrame, key: Key, value: boolean): void {
    switch (origin?.slots?.get(key)?.form) {
      case 'perl-constant':
        this.single(value ? codes.constantTrue : codes.constantFalse)
        break
      case 'perl-boolean':
        this.minor = regexpMinor
        this.single(value ? codes.booleanTrue : codes.booleanFalse)
        break
      default:
        this.single(codes.overload)
        this.writeClass(booleanClass)
        this.tag++
        this.int32(value ? 1 : 0)
    }
  }

  /** The source and the value of a version string. */
  protected vstring(vstring: PerlVString): void {
    const { source, value } = vstring
    this.tag++
    this.minor = Math.max(this.minor, vstringMinor)
    this.out.versionSource(source)
    if (!this.out.asciiScalar(value)) this.out.charString(value)
  }

  protected bytes(value: Uint8Array): void {
    this.tag++
    this.out.byteString(value)
  }
}
