/**
 * Reads a record: one loop over a linked list of open containers instead of recursion, so the depth of a record is
 * limited by an option, never by the stack.
 */

import { asBuffer } from '../../lib/bytes.js'
import { type Hash, setElement } from '../../lib/hash.js'
import { type PerlObject, ScalarRef, StorableHook } from '../../lib/perl-values.js'
import { overLimit } from '../shared/failure.js'
import type { SerializerOptions } from '../shared/options.js'
import { noteLock, noteSlot, noteTexts } from '../shared/origin.js'
import { hasNonAscii } from '../shared/text.js'
import { findKey, WideKeys } from '../shared/wide-keys.js'
import { Cell, SharedCells } from './cells.js'
import { ElementReader, hole } from './elements.js'
import { Frame, type PerlKey } from './frames.js'
import * as codes from './opcodes.js'
import { needsCells, opened } from './things.js'

/**
 * The value of a record.
 * @throws {SerializeError} what is no image, what is no data, and what is over a limit
 */
export function readRecord(record: Uint8Array, options: SerializerOptions): unknown {
  if (record.length > options.maxBytes) throw overLimit(codes.serializerName, 'bytes', options.maxBytes, 'maxBytes')
  const bytes = asBuffer(record)
  try {
    return new RecordReader(bytes, options, undefined).read()
  } catch (error) {
    if (error !== needsCells) throw error
    return new RecordReader(bytes, options, new SharedCells()).read()
  }
}

class RecordReader extends ElementReader {
  read(): unknown {
    const holder = new ScalarRef(null)
    const bottom = new Frame('scalar', holder, holder, 1, undefined, undefined)
    this.frame = bottom
    if (this.shared !== undefined) bottom.element = new Cell()
    let value = this.thing(undefined, false)
    for (;;) {
      if (value !== opened) this.put(this.frame!, value)
      value = this.fill(this.frame!)
      if (this.frame === undefined) break
    }
    this.shared?.finish()
    const root = holder.value
    if (typeof root === 'object' && root !== null) noteTexts(root, this.texts)
    return root
  }

  /** Read elements of a container; it as a value when it is complete, or `opened` when an element is a container. */
  private fill(frame: Frame): unknown {
    if (frame.kind === 'hook') return this.fillHook(frame)
    while (frame.done < frame.size) {
      const value = this.element(frame)
      if (value === opened) return opened
      this.put(frame, value)
    }
    if (frame.flags !== undefined) this.lock(frame)
    return this.close(frame)
  }

  private close(frame: Frame): unknown {
    this.frame = frame.outer
    this.form = frame.form
    return frame.kind === 'scalar' ? this.shown(frame.reference) : frame.reference
  }

  /** Put a complete value into a container. */
  private put(frame: Frame, value: unknown): void {
    if (frame.kind === 'hash') this.putPair(frame, value)
    else if (frame.kind === 'array') this.putItem(frame, value)
    else if (frame.kind === 'hook') this.nextHookFlags(frame)
    else this.putScalar(frame, value)
  }

  private putScalar(frame: Frame, value: unknown): void {
    const scalar = frame.target as ScalarRef
    frame.done++
    scalar.value = value
    this.stored(frame, scalar, 'value', 'value', value)
  }

  private nextHookFlags(frame: Frame): void {
    frame.hookFlags = this.byte()
    this.form = undefined
  }

  private putItem(frame: Frame, value: unknown): void {
    const items = frame.target as unknown[]
    const index = frame.done++
    if (value === hole) items.length = index + 1
    else items.push(value)
    this.stored(frame, items, index, index, value)
  }

  /** A value in a hash; its key stands behind it. */
  private putPair(frame: Frame, value: unknown): void {
    frame.done++
    const flags = frame.flags === undefined ? 0 : this.byte()
    const start = this.take(this.length())
    if (flags === 0 && this.isAscii(start, this.pos)) {
      const key = this.binary.slice(start, this.pos)
      setElement(frame.target as Hash, key, value)
      this.stored(frame, frame.target as Hash, key, key, value)
    } else {
      this.putWidePair(frame, value, this.wideKey(start, flags), flags)
    }
  }

  /** A key with flags or other characters than ASCII. */
  private wideKey(start: number, flags: number): PerlKey {
    if (flags & codes.keyIsScalar) throw this.fail('a key that is a value of its own', start)
    const isChars = !this.isAscii(start, this.pos) && (flags & (codes.keyUtf8 | codes.keyWasUtf8)) !== 0
    const isUtf8 = isChars && (flags & codes.keyUtf8) !== 0
    return { text: isUtf8 ? this.decode(start, this.pos) : this.binary.slice(start, this.pos), isChars }
  }

  private putWidePair(frame: Frame, value: unknown, perl: PerlKey, flags: number): void {
    if (flags & codes.keyPlaceholder) {
      // The key does not exist, it is only allowed.
      frame.flags!.allowed.push(perl)
      this.form = undefined
      this.isAlias = false
      return
    }
    if (flags & codes.keyLocked) frame.flags!.locked.push(perl)
    if (hasNonAscii(perl.text)) frame.wideKeys ??= new WideKeys(frame.target as Hash)
    const key = hasNonAscii(perl.text) ? frame.wideKeys!.show(this, perl) : perl.text
    setElement(frame.target as Hash, key, value)
    this.stored(frame, frame.target as Hash, key, perl.text, value)
  }

  /** A value is in its place: note its form, and make its cell known. */
  private stored(
    frame: Frame,
    container: ScalarRef | Hash | unknown[],
    key: string | number,
    perlKey: string | number,
    value: unknown,
  ): void {
    const { form } = this
    if (form !== undefined) {
      noteSlot(container, key, value, form)
      this.form = undefined
    }
    if (this.shared === undefined) return
    const { cell } = frame
    cell.homes.push({ container, key: perlKey })
    if (!this.isAlias) {
      cell.value = value === hole ? null : value
      cell.form = form
    }
    this.isAlias = false
  }

  private lock({ target, flags }: Frame): void {
    if (!flags!.isRestricted) return
    const locked = flags!.locked.map(({ text }) => findKey(target as Hash, text) ?? text)
    noteLock(target, { locked: new Set(locked), allowed: flags!.allowed })
  }

  /** What an object refers to stands before it, unless it stands elsewhere. */
  private fillHook(frame: Frame): unknown {
    while (frame.hookFlags & codes.hookObject) {
      if (this.shared !== undefined) frame.element = new Cell()
      const value = this.thing(undefined, false)
      if (value === opened) return opened
      this.put(frame, value)
    }
    const object = frame.target as PerlObject
    const flags = frame.hookFlags
    const isLongClass = (flags & codes.hookLongClass) !== 0
    const classNumber = this.shortLength(isLongClass)
    object.className = flags & codes.hookKnownClass ? this.knownClass(classNumber) : this.newClass(classNumber)
    const length = this.shortLength((flags & codes.hookLongString) !== 0)
    const start = this.take(length)
    const frozen = Buffer.from(this.bytes.subarray(start, this.pos))
    const values = flags & codes.hookList ? this.listed(this.shortLength((flags & codes.hookLongList) !== 0)) : []
    object.value = new StorableHook(hookKinds[flags & codes.hookKind]!, frozen, values)
    return this.close(frame)
  }
}

/** The kinds of things, by their numbers in the flags of hooks. */
const hookKinds = ['scalar', 'array', 'hash'] as const
