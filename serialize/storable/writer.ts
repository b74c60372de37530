/**
 * Writes a record: one loop over a linked list of open containers instead of recursion, as in the reader.
 *
 * The image is in network order, which every Perl reads, on every machine. But network order has neither doubles nor
 * integers of more than 32 bits: Perl's `nfreeze` writes their text, and they come back as strings, the doubles with 15
 * digits. So a session with such numbers is written in native order instead, as Perl's `freeze` (which CGI::Session and
 * Data::Session call) writes every session: in the layout of Perl on x86-64 and ARM64.
 *
 * The minor version in the header is the lowest that has all of what is in the image: 7 (Perl 5.8.9) for plain data, 8
 * for version strings, 11 for patterns and for the booleans of Perl 5.38.
 */

import { isPlainObject } from '../../lib/hash.js'
import { ElementRef, PerlObject, PerlRegExp, PerlVString, ScalarRef, StorableHook } from '../../lib/perl-values.js'
import { cannotFreeze, kindOf, overLimit } from '../shared/failure.js'
import { booleanClass } from '../shared/json-boolean.js'
import type { SerializerOptions } from '../shared/options.js'
import { type Alias, formOf, originOf } from '../shared/origin.js'
import { findKey } from '../shared/wide-keys.js'
import * as codes from './opcodes.js'
import { ElementMap, Plan, startAgain } from './plan.js'
import { ScalarWriter } from './scalar-writer.js'
import { type Key, WriteFrame } from './write-frames.js'

/**
 * The record of a value.
 * @throws {SerializeError} with the path of a value that is no data
 */
export function writeRecord(value: unknown, options: SerializerOptions): Uint8Array {
  if (typeof value !== 'object' || value === null) {
    throw cannotFreeze(codes.serializerName, [], 'it is neither an object nor an array')
  }
  const plan = new Plan()
  for (;;) {
    const image = writeAsPlanned(value, options, plan)
    if (image !== undefined) return image
  }
}

/** The record, or undefined when the plan has changed. */
function writeAsPlanned(value: object, options: SerializerOptions, plan: Plan): Uint8Array | undefined {
  plan.isLate = false
  const writer = new RecordWriter(value, options, plan)
  try {
    return writer.write(value)
  } catch (error) {
    if (error !== startAgain) throw error
    return undefined
  } finally {
    writer.release()
  }
}

class RecordWriter extends ScalarWriter {
  /** The tags of containers, patterns, the targets of ScalarRefs, and objects that their class wrote. */
  private readonly tags = new Map<object, number>()
  private readonly classes = new Map<object, string>()
  private readonly elementTags = new ElementMap<number>()
  private readonly aliasTags = new Map<Alias, number>()
  private frame: WriteFrame | undefined = undefined

  /** Others may use the buffer. */
  release(): void {
    this.out.release()
  }

  write(root: object): Uint8Array | undefined {
    if (root instanceof PerlVString || root instanceof Uint8Array) this.refuse(undefined, '', 'it is a plain scalar')
    this.thing(undefined, '', root)
    while (this.frame !== undefined) this.fill(this.frame)
    return this.plan.isLate ? undefined : this.out.finish(this.minor)
  }

  /** Write elements of a container, up to its end or to an element that is a container. */
  private fill(frame: WriteFrame): void {
    if (frame.kind === 'hash') this.fillHash(frame)
    else if (frame.kind === 'hook') this.fillHook(frame)
    else this.fillItems(frame)
  }

  private fillItems(frame: WriteFrame): void {
    const items = frame.target as unknown[]
    while (frame.done < frame.size) {
      const key = frame.kind === 'array' ? frame.done : frame.keys[0]!
      frame.done++
      const value = items[key as number]
      if (value === undefined && frame.kind === 'array' && !(key in items)) this.single(codes.constantUndef)
      else if (this.element(frame, key, value)) return
    }
    this.frame = frame.outer
  }

  private fillHash(frame: WriteFrame): void {
    const hash = frame.target as Record<string, unknown>
    const keys = frame.keys as readonly string[]
    if (frame.isKeyDue) this.key(frame, keys[frame.done - 1]!)
    while (frame.done < frame.size) {
      const key = keys[frame.done++]!
      const value = hash[key]
      if (value === undefined) continue
      frame.count++
      if (this.element(frame, key, value)) {
        frame.isKeyDue = true
        return
      }
      this.key(frame, key)
    }
    this.closeHash(frame)
  }

  private closeHash(frame: WriteFrame): void {
    for (const allowed of frame.origin?.lock?.allowed ?? []) {
      const key = findKey(frame.target as Record<string, unknown>, allowed.text)
      if (key !== undefined && (frame.target as Record<string, unknown>)[key] !== undefined) continue
      this.placeholder(allowed)
      frame.count++
    }
    this.out.setLength(frame.countAt, frame.count)
    this.frame = frame.outer
  }

  /** The value of an element, or of a scalar that is referred to; true when it is a container that has been opened. */
  private element(frame: WriteFrame, key: Key, value: unknown): boolean {
    if ((this.plan.keepsTags || frame.origin?.aliases !== undefined) && this.repeats(frame, key, value)) return false
    switch (typeof value) {
      case 'string':
        this.tag++
        if (!this.out.asciiScalar(value)) this.wideText(frame, key, value)
        return false
      case 'number':
        this.number(frame, key, value)
        return false
      case 'object':
        if (value !== null) return this.reference(frame, key, value)
        this.single(codes.undef)
        return false
      default:
        this.rareScalar(frame, key, value)
        return false
    }
  }

  private rareScalar(frame: WriteFrame, key: Key, value: unknown): void {
    if (value === undefined) this.single(codes.undef)
    else if (typeof value === 'boolean') this.boolean(frame, key, value)
    else if (typeof value === 'bigint') this.bigint(frame, key, value)
    else this.refuse(frame, key, `${kindOf(value)} is no data`)
  }

  /** Write the tag of a scalar that has been written; else keep the tag that it gets, and write its class. */
  private repeats({ target, origin }: WriteFrame, key: Key, value: unknown): boolean {
    const { keepsTags, classes } = this.plan
    const noted = origin?.aliases?.get(key)
    const alias = noted !== undefined && Object.is(noted.shown, value) ? noted : undefined
    const known = this.elementTags.get(target, key) ?? (alias && this.aliasTags.get(alias))
    if (keepsTags) this.elementTags.set(target, key, known ?? this.tag)
    if (known !== undefined) {
      this.out.network(codes.object, known)
      return true
    }
    if (alias !== undefined) this.aliasTags.set(alias, this.tag)
    const className = keepsTags ? classes.get(target, key) : undefined
    if (className !== undefined) this.writeClass(className)
    return false
  }

  /** Anything that is an object in JavaScript. */
  private reference(frame: WriteFrame, key: Key, value: object): boolean {
    if (value instanceof PerlVString) {
      this.vstring(value)
      return false
    }
    if (value instanceof Uint8Array) {
      this.bytes(value)
      return false
    }
    const isWeak = frame.origin?.slots !== undefined && formOf(frame.origin, key, value) === 'weak'
    const isOverloaded = value instanceof PerlObject && originOf(value)?.isOverloaded === true
    if (isOverloaded) this.single(isWeak ? codes.weakOverload : codes.overload)
    else this.single(isWeak ? codes.weakReference : codes.reference)
    return this.thing(frame, key, value)
  }

  /** What a reference refers to; true when it is a container that has been opened. */
  private thing(frame: WriteFrame | undefined, key: Key, value: object): boolean {
    const className = value instanceof PerlObject ? value.className : undefined
    const target = value instanceof PerlObject ? (value.value as object) : value
    if (target instanceof ElementRef) return this.elementTarget(frame, key, target, className)
    const known = this.tags.get(target)
    if (known !== undefined) {
      if (className !== undefined && this.classes.get(target) !== className) this.refuse(frame, key, twoClasses)
      this.out.network(codes.object, known)
      return false
    }
    if (className !== undefined) this.classes.set(target, className)
    if (target instanceof StorableHook) return this.openHook(frame, key, target, className)
    if (className !== undefined) this.writeClass(this.checked(frame, key, className))
    return this.open(frame, key, target, className)
  }

  private checked(frame: WriteFrame | undefined, key: Key, className: string): string {
    return className === '' ? this.refuse(frame, key, 'an object of a class without a name') : className
  }

  private open(frame: WriteFrame | undefined, key: Key, target: object, className: string | undefined): boolean {
    if (Array.isArray(target)) return this.openArray(frame, key, target)
    if (target instanceof ScalarRef) {
      this.tags.set(target, this.tag)
      return this.enter(new WriteFrame('scalar', target, valueKey, 1, frame, key))
    }
    if (target instanceof PerlRegExp) {
      this.tags.set(target, this.tag)
      if (className === undefined) this.writeClass('Regexp')
      this.pattern(frame, key, target)
      return false
    }
    if (typeof target === 'object' && target !== null && isPlainObject(target)) return this.openHash(frame, key, target)
    return this.refuse(frame, key, `${kindOf(target)} is no data; convert it to plain objects, arrays and scalars`)
  }

  private enter(frame: WriteFrame): true {
    const { maxDepth } = this.options
    if (frame.depth > maxDepth) throw overLimit(codes.serializerName, 'levels of nesting', maxDepth, 'maxDepth')
    this.frame = frame
    return true
  }

  private openArray(frame: WriteFrame | undefined, key: Key, items: readonly unknown[]): true {
    this.tags.set(items, this.tag)
    this.single(codes.array)
    this.out.length(items.length)
    return this.enter(new WriteFrame('array', items, noKeys, items.length, frame, key))
  }

  private openHash(frame: WriteFrame | undefined, key: Key, hash: object): true {
    this.tags.set(hash, this.tag)
    const keys = Object.keys(hash)
    const inner = new WriteFrame('hash', hash, keys, keys.length, frame, key)
    const isRestricted = inner.origin?.lock !== undefined
    inner.hasFlags = isRestricted || (this.plan.checksKeys && keys.some((each) => this.isCharKey(inner, each)))
    this.single(inner.hasFlags ? codes.flagHash : codes.hash)
    if (inner.hasFlags) this.out.byte(isRestricted ? codes.restricted : 0)
    inner.countAt = this.out.pos
    this.out.length(0)
    return this.enter(inner)
  }

  /** The target of a reference to an element: it is written here, unless it has been written where it stands. */
  private elementTarget(
    frame: WriteFrame | undefined,
    key: Key,
    target: ElementRef,
    className: string | undefined,
  ): boolean {
    const { plan } = this
    plan.needTags()
    const known = this.elementTags.get(target.container, target.key)
    if (className !== undefined && plan.classes.get(target.container, target.key) !== className) {
      if (plan.classes.get(target.container, target.key) !== undefined) this.refuse(frame, key, twoClasses)
      plan.classes.set(target.container, target.key, this.checked(frame, key, className))
      plan.isLate ||= known !== undefined
    }
    if (known === undefined) return this.enter(new WriteFrame('scalar', target.container, [target.key], 1, frame, key))
    this.out.network(codes.object, known)
    return false
  }

  private openHook(frame: WriteFrame | undefined, key: Key, hook: StorableHook, className: string | undefined): true {
    if (className === undefined) this.refuse(frame, key, 'a StorableHook belongs into a PerlObject')
    this.checked(frame, key, className)
    this.tags.set(hook, this.tag)
    this.single(codes.hook)
    const values = hook.values.map(referenceOf)
    const inner = new WriteFrame('hook', values, noKeys, values.length, frame, key)
    const wrong = values.findIndex((value) => typeof value !== 'object' || value === null)
    if (wrong >= 0) this.refuse(inner, wrong, 'it is no reference')
    inner.hook = { kind: hookKinds[hook.kind], frozen: hook.frozen, className }
    return this.enter(inner)
  }

  /** What the object refers to is written before it, unless it has been written elsewhere. */
  private fillHook(frame: WriteFrame): void {
    const values = frame.target as readonly object[]
    const { kind, frozen, className } = frame.hook!
    while (frame.done < frame.size) {
      const index = frame.done++
      const value = values[index]!
      if (this.tagOf(value) !== undefined) continue
      this.out.byte(codes.hookObject | kind)
      if (this.thing(frame, index, value)) return
    }
    const isLong = frozen.length > 255 ? codes.hookLongString : 0
    const list = (frame.size > 0 ? codes.hookList : 0) | (frame.size > 255 ? codes.hookLongList : 0)
    this.out.byte(kind | this.hookClassFlags(className) | isLong | list)
    this.hookClass(className)
    this.shortLength(frozen.length)
    this.out.raw(frozen)
    if (frame.size > 0) this.shortLength(frame.size)
    for (const value of values) this.out.tag(this.tagOf(value)!)
    this.frame = frame.outer
  }

  private tagOf(value: object): number | undefined {
    const target = value instanceof PerlObject ? (value.value as object) : value
    if (!(target instanceof ElementRef)) return this.tags.get(target)
    this.plan.needTags()
    return this.elementTags.get(target.container, target.key)
  }
}

/** JSON's true and false are objects to Perl. */
function referenceOf(value: unknown): unknown {
  return typeof value === 'boolean' ? new PerlObject(booleanClass, new ScalarRef(value ? 1 : 0)) : value
}

const noKeys: readonly Key[] = []
const valueKey: readonly Key[] = ['value']
const hookKinds = { scalar: 0, array: 1, hash: 2 } as const
const twoClasses = 'the same container is an object here and something else in another place'
