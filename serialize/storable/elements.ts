/** Reads what stands in an element of a container, or in a scalar that is referred to. */

import { PerlObject } from '../../lib/perl-values.js'
import { Cell } from './cells.js'
import type { Frame } from './frames.js'
import * as codes from './opcodes.js'
import { needsCells, ThingReader } from './things.js'

/** Stands for an element of an array that does not exist. */
export const hole = Symbol('hole')

export class ElementReader extends ThingReader {
  /** The element is a scalar that was read before. */
  protected isAlias = false

  /** The value of an element, or of what a reference refers to; `opened` for a container. */
  protected element(frame: Frame): unknown {
    if (this.shared !== undefined) frame.element = this.newCell(frame)
    for (;;) {
      const start = this.pos
      const code = this.byte()
      if (code === codes.object) return this.alias(frame, this.tag(), start)
      const className = this.className(code)
      // Perl's scalars can be of a class without a reference to them; it is seen through references only.
      if (className === undefined) return this.scalar(frame, code, start)
      if (this.shared !== undefined) frame.cell.className = className
    }
  }

  private newCell(frame: Frame): Cell {
    const cell = new Cell()
    if (frame.kind !== 'scalar' || frame.outer === undefined) return cell
    cell.reference = frame.reference
    if (frame.reference instanceof PerlObject) cell.className = frame.reference.className
    const outer = frame.outer.cell
    cell.referrers.push(outer)
    return cell
  }

  private scalar(frame: Frame, code: number, start: number): unknown {
    switch (code) {
      case codes.scalar:
        this.things.push(frame.element)
        return this.string(this.byte())
      case codes.byte:
        this.things.push(frame.element)
        return this.byte() - 128
      case codes.reference:
        this.things.push(frame.element)
        return this.thing(undefined, false)
      case codes.netInteger:
        this.things.push(frame.element)
        return this.netInteger()
      case codes.undef:
        this.things.push(frame.element)
        return null
      case codes.integer:
        this.things.push(frame.element)
        return this.integer()
      case codes.longScalar:
        this.things.push(frame.element)
        return this.string(this.length())
      case codes.utf8:
        this.things.push(frame.element)
        return this.chars(this.byte())
      case codes.longUtf8:
        this.things.push(frame.element)
        return this.chars(this.length())
      default:
        return this.rareScalar(frame, code, start)
    }
  }

  private rareScalar(frame: Frame, code: number, start: number): unknown {
    switch (code) {
      case codes.vstring:
      case codes.longVstring:
        return this.vstring(frame, code === codes.longVstring)
      case codes.largeObject:
        return this.largeScalar(frame, start)
      default:
        this.things.push(frame.element)
        return this.otherScalar(frame, code, start)
    }
  }

  private otherScalar(frame: Frame, code: number, start: number): unknown {
    switch (code) {
      case codes.double:
        return this.noted(this.double())
      case codes.overload:
        return this.thing(undefined, true)
      case codes.weakReference:
        return this.thing('weak', false)
      case codes.weakOverload:
        return this.thing('weak', true)
      case codes.constantUndef:
        return frame.kind === 'array' ? hole : null
      case codes.undefElement:
        return null
      case codes.constantTrue:
      case codes.constantFalse:
        this.form = 'perl-constant'
        return code === codes.constantTrue
      case codes.booleanTrue:
      case codes.booleanFalse:
        this.form = 'perl-boolean'
        return code === codes.booleanTrue
      default:
        throw this.fail(complaint(code), start)
    }
  }

  /** Whole numbers are noted, and what only Perl's own doubles may be: infinite, or not a number. */
  private noted(value: number): number {
    const isWhole = Number.isSafeInteger(value) && !Object.is(value, -0)
    if (isWhole || !Number.isFinite(value)) this.form = 'double'
    return value
  }

  /** The source of a version string, and then its value, which the source tells. */
  private vstring(frame: Frame, isLong: boolean): unknown {
    const value = this.versionString(isLong)
    const start = this.pos
    const code = this.byte()
    const strings: number[] = [codes.scalar, codes.longScalar, codes.utf8, codes.longUtf8]
    if (!strings.includes(code)) throw this.fail('expected the value of a version string', start)
    this.scalar(frame, code, start)
    this.form = undefined
    return value
  }

  private largeScalar(frame: Frame, start: number): unknown {
    const code = this.byte()
    if (code === codes.object) return this.alias(frame, this.longLength(), start)
    this.things.push(frame.element)
    if (code === codes.longScalar) return this.string(this.longLength())
    if (code === codes.longUtf8) return this.chars(this.longLength())
    throw this.fail('a large value of unknown kind', start)
  }

  /** The element is a scalar that has a tag. */
  private alias(frame: Frame, tag: number, start: number): unknown {
    const thing = this.tagged(tag, start)
    if (this.shared === undefined) throw needsCells
    if (!(thing instanceof Cell)) throw this.fail('a container where only a reference can be', start)
    frame.element = thing
    this.isAlias = true
    return this.shared.alias(thing)
  }
}

/** Why an opcode is refused. */
function complaint(code: number): string {
  if (code === codes.code) return 'code is never read'
  if (tied.includes(code)) return 'a tied value is no data'
  if (containers.includes(code)) return 'a container where only a reference can be'
  return `the unknown opcode ${code}`
}

const tied: readonly number[] = [codes.tiedArray, codes.tiedHash, codes.tiedScalar, codes.tiedKey, codes.tiedIndex]
const containers: readonly number[] = [codes.array, codes.hash, codes.flagHash, codes.hook, codes.regexp]
