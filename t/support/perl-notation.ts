/**
 * The tagged notation of t/fixtures/perl/README.md: what Perl holds, as JSON.
 *
 * `describeValue` says what Perl would get from a value (its origin notes are taken into account), `buildValue` makes the
 * value that a reader would make. Both number ids and slots as perl-check.pl does, so that two nodes may be compared as
 * JSON texts.
 */

import { createHash } from 'node:crypto'
import { ElementRef, PerlGlob, PerlObject, PerlRegExp, PerlVString, ScalarRef } from '../../lib/perl-values.js'
import {
  type Form,
  formOf,
  noteAlias,
  noteKey,
  noteLock,
  noteSlot,
  noteTexts,
  originOf,
  type TextForm,
} from '../../serialize/shared/origin.js'
import { decodeBytes, type Encoding, encodeBytes, hasNonAscii } from '../../serialize/shared/text.js'

/** A node of the notation that has members. */
export interface NodeObject {
  readonly u?: string
  readonly s?: Node
  readonly cp?: readonly number[]
  readonly i?: string
  readonly n?: string
  readonly b?: boolean
  readonly jb?: boolean
  readonly v?: string
  readonly glob?: string
  readonly h?: readonly (readonly [Node, Node])[]
  readonly a?: readonly Node[]
  readonly r?: Node
  readonly re?: Node
  readonly flags?: string
  readonly undef?: boolean
  readonly hole?: boolean
  readonly long?: 's' | 'u'
  readonly length?: number
  readonly sha256?: string
  readonly bless?: string
  readonly id?: number
  readonly same?: number
  readonly slot?: number
  readonly sameslot?: number
  readonly weak?: boolean
  readonly restricted?: boolean
  readonly locked?: readonly Node[]
  readonly placeholders?: readonly Node[]
  readonly [other: string]: unknown
}

/** A node: `null` is undef, a text a byte string (or ASCII). */
export type Node = null | string | NodeObject

/** A node that describes what JavaScript has no value for: code, ties, aliased elements, dualvars, weak references… */
export class NotRepresentable extends Error {
  override readonly name = 'NotRepresentable'
}

/** How texts without a note are to be taken, and how byte strings are shown; the serializers' options of these names. */
export interface NotationOptions {
  readonly encoding?: Encoding
  readonly newText?: 'chars' | 'bytes'
  /** With what only Storable keeps: weak references, locked hashes, elements that are one scalar. */
  readonly storable?: boolean
  /** With what only DataDumper keeps: typeglobs. */
  readonly globs?: boolean
}

/** Longer strings are described by a digest. */
const longest = 4096

/** Two strings in Perl's order, which is that of the code points and not that of the UTF-16 units. */
export function byCodePoint(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    if (x !== y) return (isSurrogate(x) ? x + 0x10000 : x) - (isSurrogate(y) ? y + 0x10000 : y)
  }
  return a.length - b.length
}

function isSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdfff
}

/** The node of a Perl string: its characters, and whether they are characters or bytes. */
export function stringNode(text: string, isChars: boolean): Node {
  const flagged = isChars && hasNonAscii(text)
  const points = text.length > longest || flagged ? [...text].map((char) => char.codePointAt(0)!) : []
  if (points.length > longest) {
    const sha256 = createHash('sha256').update(encodeLoosely(points)).digest('hex')
    return { long: flagged ? 'u' : 's', length: points.length, sha256 }
  }
  if (!flagged) return text
  return text.isWellFormed() ? { u: text } : { cp: points }
}

/** UTF-8 as Perl makes it: surrogates are encoded like any other character. */
function encodeLoosely(points: readonly number[]): Buffer {
  const parts = points.map((point) =>
    isSurrogate(point)
      ? Buffer.from([0xe0 | (point >> 12), 0x80 | ((point >> 6) & 0x3f), 0x80 | (point & 0x3f)])
      : Buffer.from(String.fromCodePoint(point)),
  )
  return Buffer.concat(parts)
}

/** The node of a version string. */
function vstringNode(value: PerlVString): NodeObject {
  return { v: value.source, s: stringNode(value.value, true) }
}

type Key = string | number
type Container = Record<string, unknown> | unknown[] | ScalarRef

/** One Perl scalar: how often it is reached, and the number it got. */
interface Slot {
  count: number
  id: number
}

/** What Perl gets from a value, read by a serializer or made by hand. */
export function describeValue(value: unknown, options: NotationOptions = {}): Node {
  return new Describer(value, options).describe()
}

class Describer {
  private readonly slots = new Map<object, Map<Key, Slot>>()
  private readonly counts = new Map<object, number>()
  private readonly classes = new Map<object, string>()
  private readonly ids = new Map<object, number>()
  private lastSlot = 0
  private readonly root: ScalarRef
  private readonly texts: Map<string, TextForm> | undefined
  private readonly encoding: Encoding
  private readonly newText: 'chars' | 'bytes'
  private readonly storable: boolean

  constructor(value: unknown, options: NotationOptions) {
    this.root = new ScalarRef(value)
    this.texts = typeof value === 'object' && value !== null ? originOf(value)?.texts : undefined
    this.encoding = options.encoding ?? 'utf8'
    this.newText = options.newText ?? 'chars'
    this.storable = options.storable ?? false
  }

  describe(): Node {
    this.countSlot(this.root, 'value')
    return this.slotNode(this.root, 'value')
  }

  private slotOf(container: object, key: Key): Slot {
    const alias = this.storable ? originOf(container)?.aliases?.get(key) : undefined
    return alias !== undefined && Object.is(alias.shown, at(container as Container, key))
      ? this.ownSlotOf(alias, '')
      : this.ownSlotOf(container, key)
  }

  private ownSlotOf(container: object, key: Key): Slot {
    let slots = this.slots.get(container)
    if (slots === undefined) {
      slots = new Map()
      this.slots.set(container, slots)
    }
    const slot = slots.get(key) ?? { count: 0, id: 0 }
    slots.set(key, slot)
    return slot
  }

  private countSlot(container: Container, key: Key): void {
    const slot = this.slotOf(container, key)
    if (slot.count++ > 0) return
    const { target, className } = unwrap(at(container, key))
    if (target === undefined || isJsonBoolean(target, className)) return
    if (className !== undefined) this.classes.set(target, className)
    if (target instanceof ScalarRef) this.countSlot(target, 'value')
    else if (target instanceof ElementRef) this.countSlot(target.container, target.key)
    else this.countContainer(target)
  }

  private countContainer(target: object): void {
    const count = this.counts.get(target) ?? 0
    this.counts.set(target, count + 1)
    if (count > 0) return
    for (const key of this.keysOf(target)) this.countSlot(target as Container, key)
  }

  private slotNode(container: Container, key: Key): Node {
    const slot = this.slotOf(container, key)
    if (slot.id > 0) return { sameslot: slot.id }
    if (slot.count > 1) slot.id = ++this.lastSlot
    const value = at(container, key)
    const isWeak = this.storable && formOf(originOf(container), key, value) === 'weak'
    const mark = { ...(slot.id > 0 ? { slot: slot.id } : {}), ...(isWeak ? { weak: true } : {}) }
    const { target, className } = unwrap(value)
    if (target !== undefined) return this.referenceNode(target, className, mark)
    const node = this.plainNode(value, formOf(originOf(container), key, value))
    if (slot.id === 0) return node
    if (node === null) return { undef: true, ...mark }
    return typeof node === 'string' ? { s: node, ...mark } : { ...node, ...mark }
  }

  private referenceNode(target: object, className: string | undefined, mark: object): Node {
    if (isJsonBoolean(target, className)) return { jb: isTrue((target as ScalarRef).value), ...mark }
    if (target instanceof PerlVString) return { ...vstringNode(target), ...mark }
    if (target instanceof PerlGlob) return { glob: target.source.replace('*::', '*main::'), ...mark }
    const blessed = className ?? this.classes.get(target)
    const bless = blessed === undefined ? {} : { bless: blessed }
    if (target instanceof ScalarRef) return { r: this.slotNode(target, 'value'), ...bless, ...mark }
    if (target instanceof ElementRef) return { r: this.slotNode(target.container, target.key), ...bless, ...mark }
    const known = this.ids.get(target)
    if (known !== undefined) return { same: known, ...mark }
    const id = this.counts.get(target)! > 1 ? { id: this.ids.size + 1 } : {}
    if (this.counts.get(target)! > 1) this.ids.set(target, this.ids.size + 1)
    return { ...this.bodyNode(target), ...bless, ...id, ...mark }
  }

  private keysOf(target: object): readonly Key[] {
    if (isLeaf(target)) return []
    return Array.isArray(target)
      ? [...target.keys()].filter((index) => index in target)
      : this.sortedKeys(target).map(([, key]) => key)
  }

  private bodyNode(target: object): NodeObject {
    if (target instanceof PerlRegExp) {
      const form = formOf(originOf(target), 'source', target.source)
      return { re: this.plainNode(target.source, form), flags: target.flags }
    }
    if (Array.isArray(target)) {
      return { a: Array.from(target, (_, i): Node => (i in target ? this.slotNode(target, i) : { hole: true })) }
    }
    const keys = this.sortedKeys(target)
    const pairs = keys.map(([node, key]) => [node, this.slotNode(target as Container, key)] as const)
    return { h: pairs, ...this.lockOf(target, keys) }
  }

  private lockOf(hash: object, keys: readonly [Node, string][]): NodeObject {
    const lock = this.storable ? originOf(hash)?.lock : undefined
    if (lock === undefined) return {}
    const locked = keys.filter(([, key]) => lock.locked.has(key)).map(([node]) => node)
    const placeholders = lock.allowed.map(({ text, isChars }) => stringNode(text, isChars))
    return {
      restricted: true,
      ...(locked.length > 0 ? { locked } : {}),
      ...(placeholders.length > 0 ? { placeholders } : {}),
    }
  }

  /** The keys of a hash as nodes, in Perl's order, each with the JavaScript key. */
  private sortedKeys(hash: object): [Node, string][] {
    const forms = originOf(hash)?.keys
    const keys = Object.keys(hash)
      .filter((key) => (hash as Record<string, unknown>)[key] !== undefined)
      .map((key): [string, boolean, string] => {
        const form = forms?.get(key)
        const binary = form === 'latin1' && !/[^\x00-\xff]/.test(key) ? key : this.bytesOf(key, form)
        return [binary ?? key, binary === undefined, key]
      })
    keys.sort(([a], [b]) => byCodePoint(a, b))
    return keys.map(([text, isChars, key]) => [stringNode(text, isChars), key])
  }

  /** The bytes of a text that Perl gets as bytes; undefined for characters. */
  private bytesOf(text: string, form: Form | undefined): string | undefined {
    if (!hasNonAscii(text)) return text
    const chosen = form ?? this.texts?.get(text) ?? (this.newText === 'bytes' ? 'utf8' : 'chars')
    return encodeBytes(text, chosen as TextForm, this.encoding)
  }

  private plainNode(value: unknown, form: Form | undefined): Node {
    if (value === null || value === undefined) return null
    if (typeof value === 'string') {
      const binary = this.bytesOf(value, form)
      return stringNode(binary ?? value, binary === undefined)
    }
    if (typeof value === 'bigint') return { i: String(value) }
    if (typeof value === 'boolean') return form === 'json-boolean' ? { jb: value } : { b: value }
    if (typeof value === 'number') return numberNode(value, form)
    if (value instanceof Uint8Array) return stringNode(Buffer.from(value).toString('latin1'), false)
    throw new TypeError(`No Perl value for a ${typeof value}`)
  }
}

function numberNode(value: number, form: Form | undefined): NodeObject {
  if (Object.is(value, -0)) return { n: '-0' }
  return Number.isSafeInteger(value) && form !== 'double' ? { i: String(value) } : { n: String(value) }
}

function at(container: Container, key: Key): unknown {
  return (container as Record<Key, unknown>)[key]
}

/** What a value refers to and the class of that; no target: the value is a plain scalar. */
function unwrap(value: unknown): { target?: object; className?: string } {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return {}
  if (value instanceof PerlObject) return { target: value.value as object, className: value.className }
  if (!isLeaf(value) && !Array.isArray(value) && !(value instanceof ScalarRef) && !(value instanceof ElementRef)) {
    const prototype = Object.getPrototypeOf(value)
    if (prototype !== Object.prototype && prototype !== null) throw new TypeError('No Perl value for a class instance')
  }
  return { target: value }
}

function isLeaf(target: object): boolean {
  return target instanceof PerlRegExp || target instanceof PerlVString || target instanceof PerlGlob
}

function isJsonBoolean(target: object, className: string | undefined): boolean {
  if (className !== 'JSON::PP::Boolean' || !(target instanceof ScalarRef)) return false
  return unwrap(target.value).target === undefined
}

function isTrue(value: unknown): boolean {
  return Boolean(value) && value !== '0'
}

/**
 * The value that a reader would make of what a node describes, with its notes.
 * @throws {NotRepresentable}
 */
export function buildValue(node: Node, options: NotationOptions = {}): unknown {
  return new Builder(node, options).build()
}

/** A scalar as it is shown, and the form to note. */
interface Shown {
  readonly value: unknown
  readonly form?: Form
}

class Builder {
  private readonly encoding: Encoding
  private readonly idNodes = new Map<number, NodeObject>()
  private readonly slotNodes = new Map<number, Node>()
  /** The elements that are numbered slots: container and position in it. */
  private readonly elements = new Map<number, Element[]>()
  private readonly built = new Map<NodeObject, { target: object; value: unknown }>()
  private readonly scalars = new Map<number | NodeObject, { target: ScalarRef; value: unknown }>()
  private readonly keys = new Map<NodeObject, Shown[]>()
  private readonly texts = new Map<string, TextForm>()
  private readonly root: Node
  private readonly storable: boolean
  private readonly globs: boolean

  constructor(root: Node, options: NotationOptions) {
    this.encoding = options.encoding ?? 'utf8'
    this.storable = options.storable ?? false
    this.globs = options.globs ?? false
    this.root = root
    this.scan(root, undefined)
    if (slotNumber(root) !== undefined) throw new NotRepresentable('a reference to the root variable')
  }

  build(): unknown {
    const top = new ScalarRef(undefined)
    this.fill(top, 'value', this.root)
    for (const elements of this.elements.values()) if (elements.length > 1) this.alias(elements)
    if (typeof top.value === 'object' && top.value !== null) noteTexts(top.value, this.texts)
    else if (formOf(originOf(top), 'value', top.value) !== undefined) throw new NotRepresentable('a root with a form')
    return top.value
  }

  /** Find ids and slots, which may be used before they are met in building. */
  private scan(node: Node, element: Element | undefined): void {
    if (node === null || typeof node !== 'object') return
    for (const member of unholdable) if (member in node) throw new NotRepresentable(member)
    if ('glob' in node && !this.globs) throw new NotRepresentable('glob')
    for (const member of this.storable ? [] : onlyStorable) if (member in node) throw new NotRepresentable(member)
    if (node.id !== undefined) this.idNodes.set(node.id, node)
    if (node.slot !== undefined) this.slotNodes.set(node.slot, node)
    const slot = slotNumber(node)
    if (slot !== undefined && element !== undefined) {
      const elements = this.elements.get(slot) ?? []
      if (elements.length > 0 && !this.storable) throw new NotRepresentable('two elements that are one scalar')
      this.elements.set(slot, [...elements, element])
    }
    if (node.r !== undefined) this.scan(node.r, undefined)
    for (const [index, child] of node.a?.entries() ?? []) this.scan(child, { container: node, index })
    for (const [index, [, child]] of node.h?.entries() ?? []) this.scan(child, { container: node, index })
  }

  /** Put what a node describes into a slot. */
  private fill(container: object, key: Key, node: Node): void {
    const content = isObject(node) && node.sameslot !== undefined ? this.slotNodes.get(node.sameslot)! : node
    const shown = this.shownOf(content)
    if (key === '__proto__') define(container, key, shown.value)
    else (container as Record<Key, unknown>)[key] = shown.value
    const form = isObject(content) && content.weak ? 'weak' : shown.form
    if (form !== undefined) noteSlot(container, key, shown.value, form)
  }

  private shownOf(node: Node): Shown {
    if (node === null || typeof node === 'string') return node === null ? { value: null } : this.bytes(node)
    if (node.v !== undefined) return { value: new PerlVString(node.v) }
    if (typeof node.glob === 'string' && this.globs) return { value: new PerlGlob(node.glob.replace('*main::', '*::')) }
    if (node.same !== undefined) return { value: this.reference(this.idNodes.get(node.same)!).value }
    if (node.r !== undefined) return { value: this.scalarReference(node, node.r) }
    if (node.h !== undefined || node.a !== undefined || node.re !== undefined) {
      return { value: this.reference(node).value }
    }
    return this.scalar(node)
  }

  private scalar(node: NodeObject): Shown {
    if (node.undef !== undefined) return { value: null }
    if (node.jb !== undefined) return { value: node.jb, form: 'json-boolean' }
    if (node.b !== undefined) return { value: node.b }
    if (node.i !== undefined) return { value: integer(node.i) }
    if (node.n !== undefined) return this.double(Number(node.n))
    if (typeof node.s === 'string') return this.bytes(node.s)
    return this.chars(charsOf(node))
  }

  private double(value: number): Shown {
    const isNoted = Number.isFinite(value) ? Number.isSafeInteger(value) && !Object.is(value, -0) : this.storable
    return isNoted ? { value, form: 'double' } : { value }
  }

  private bytes(binary: string): Shown {
    if (!hasNonAscii(binary)) return { value: binary }
    if (this.encoding === 'bytes') return { value: Buffer.from(binary, 'latin1') }
    const { text, form } = decodeBytes(binary, this.encoding)
    return this.remember(text, form)
  }

  private chars(text: string): Shown {
    return hasNonAscii(text) ? this.remember(text, 'chars') : { value: text }
  }

  private remember(text: string, form: TextForm): Shown {
    if (!this.texts.has(text)) this.texts.set(text, form)
    return { value: text, form }
  }

  /** A hash, an array or a pattern, blessed or not. */
  private reference(node: NodeObject): { target: object; value: unknown } {
    const known = this.built.get(node)
    if (known !== undefined) return known
    const target = node.re !== undefined ? this.pattern(node) : node.a !== undefined ? [] : {}
    const made = { target, value: node.bless === undefined ? target : new PerlObject(node.bless, target) }
    this.built.set(node, made)
    if (node.a !== undefined) this.fillArray(target as unknown[], node.a)
    if (node.h !== undefined) this.fillHash(target, node, node.h)
    return made
  }

  private pattern(node: NodeObject): PerlRegExp {
    const { value, form } = shownText(node.re as Node, this.encoding === 'utf8' ? 'utf8' : 'latin1')
    const made = new PerlRegExp(String(value), node.flags)
    if (form !== undefined) noteSlot(made, 'source', value, form)
    return made
  }

  private fillArray(target: unknown[], items: readonly Node[]): void {
    target.length = items.length
    for (const [index, item] of items.entries()) {
      if (!isObject(item) || item.hole === undefined) this.fill(target, index, item)
    }
  }

  private fillHash(target: object, node: NodeObject, pairs: readonly (readonly [Node, Node])[]): void {
    this.fillLock(target, node)
    for (const [index, { value, form }] of this.shownKeys(node).entries()) {
      const key = value as string
      this.fill(target, key, pairs[index]![1])
      if (form === undefined) continue
      noteKey(target, key, form as TextForm)
      this.remember(key, form as TextForm)
    }
  }

  private fillLock(target: object, { restricted, locked = [], placeholders = [] }: NodeObject): void {
    if (!restricted) return
    const allowed = placeholders.map((key) => ({
      text: typeof key === 'string' ? key : charsOf(key!),
      isChars: isObject(key),
    }))
    noteLock(target, { locked: new Set(locked.map((key) => shownText(key, 'utf8').value as string)), allowed })
  }

  /** The keys of a hash as they are shown: by their code points when they would collide otherwise. */
  private shownKeys(node: NodeObject): Shown[] {
    let keys = this.keys.get(node)
    if (keys === undefined) {
      keys = node.h!.map(([key]) => shownText(key, this.encoding === 'utf8' ? 'utf8' : 'latin1'))
      if (new Set(keys.map((key) => key.value)).size < keys.length) {
        keys = node.h!.map(([key]) => shownText(key, 'latin1'))
      }
      this.keys.set(node, keys)
    }
    return keys
  }

  private scalarReference(node: NodeObject, target: Node): unknown {
    const slot = slotNumber(target)
    const element = slot === undefined ? undefined : this.elements.get(slot)?.[0]
    if (element !== undefined) return blessed(node, this.elementReference(element))
    const known = this.scalars.get(slot ?? node)
    if (known !== undefined) return known.value
    const scalar = new ScalarRef(undefined)
    const value = blessed(node, scalar)
    this.scalars.set(slot ?? node, { target: scalar, value })
    this.fill(scalar, 'value', target)
    return value
  }

  private elementReference({ container, index }: Element): ElementRef {
    const target = this.reference(container).target as Record<string, unknown> | unknown[]
    return new ElementRef(
      target,
      container.a === undefined ? (this.shownKeys(container)[index]!.value as string) : index,
    )
  }

  private alias(elements: readonly Element[]): void {
    const places = elements.map((element) => this.elementReference(element))
    const alias = { shown: places[0]!.value }
    for (const { container, key } of places) noteAlias(container, key, alias)
  }
}

/** An element of a hash or an array, by its place among the elements. */
interface Element {
  readonly container: NodeObject
  readonly index: number
}

/** Members of nodes for which JavaScript has nothing. */
const unholdable = 'code other tied bare type dual malformed long'.split(' ')

/** And members of which only Storable keeps notes. */
const onlyStorable = ['weak', 'restricted', 'locked', 'placeholders']

function isObject(node: Node): node is NodeObject {
  return node !== null && typeof node === 'object'
}

function slotNumber(node: Node): number | undefined {
  return isObject(node) ? (node.slot ?? node.sameslot) : undefined
}

function blessed(node: NodeObject, target: object): unknown {
  return node.bless === undefined ? target : new PerlObject(node.bless, target)
}

function charsOf(node: NodeObject): string {
  if (node.u !== undefined) return node.u
  if (node.cp === undefined) throw new NotRepresentable(Object.keys(node).join())
  if (node.cp.some((point) => point > 0x10ffff)) throw new NotRepresentable('a character beyond Unicode')
  const text = String.fromCodePoint(...node.cp)
  if ([...text].length !== node.cp.length) throw new NotRepresentable('two surrogates that are two characters')
  return text
}

/** A key or the source of a pattern, which are texts in every encoding. */
function shownText(key: Node, encoding: 'utf8' | 'latin1'): Shown {
  if (isObject(key)) {
    if ('long' in key) throw new NotRepresentable('long')
    return { value: charsOf(key), form: 'chars' }
  }
  if (key === null || !hasNonAscii(key)) return { value: key }
  const { text, form } = decodeBytes(key, encoding)
  return { value: text, form }
}

function integer(digits: string): number | bigint {
  return Number.isSafeInteger(Number(digits)) ? Number(digits) : BigInt(digits)
}

function define(container: object, key: string, value: unknown): void {
  Object.defineProperty(container, key, { value, writable: true, enumerable: true, configurable: true })
}
