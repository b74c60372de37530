/** From a value to a record: what YAML::Tiny writes, line for line, but in ASCII. */

import { asBuffer } from '../../lib/bytes.js'
import { ElementRef, PerlObject, PerlRegExp, PerlVString, ScalarRef } from '../../lib/perl-values.js'
import { cannotFreeze, kindOf, overLimit } from '../shared/failure.js'
import type { SerializerOptions } from '../shared/options.js'
import { formOf, originOf, type TextForm } from '../shared/origin.js'
import { decodeBytes, encodeBytes, hasNonAscii } from '../shared/text.js'
import { serializerName } from './documents.js'
import { Frame, type HashKey, type Key, keysTo } from './frames.js'
import { isKeyUndoneByPerl, isSimple, isUndoneByPerl, quoteKey, quoteValue } from './literals.js'

/** The record of a value: ASCII without NUL. */
export function writeRecord(value: unknown, options: SerializerOptions): Uint8Array {
  return Buffer.from(new RecordWriter(value, options).write(value), 'latin1')
}

class RecordWriter {
  private readonly options: SerializerOptions
  private readonly texts: ReadonlyMap<string, TextForm> | undefined
  private readonly seen = new Set<object>()
  private out = ''
  private values = 0
  private frame: Frame | undefined = undefined

  constructor(root: unknown, options: SerializerOptions) {
    this.options = options
    this.texts = typeof root === 'object' && root !== null ? originOf(root)?.texts : undefined
  }

  write(root: unknown): string {
    if (root === null || root === undefined) throw cannotFreeze(serializerName, [], 'there is no value')
    this.value(undefined, '', root, '---')
    while (this.frame !== undefined) this.step(this.frame)
    return this.out
  }

  private step(frame: Frame): void {
    const at = frame.done++
    if (at === frame.size) {
      this.frame = frame.outer
    } else if (frame.keys === undefined) {
      this.value(frame, at, (frame.target as unknown[])[at], `${frame.indent}-`)
    } else {
      const { perl, key } = frame.keys[at]!
      const value = (frame.target as Record<string, unknown>)[key]
      this.value(frame, key, value, `${frame.indent}${isSimple(perl) ? perl : quoteKey(perl)}:`)
    }
  }

  private add(line: string): void {
    this.out += line
    const { maxBytes } = this.options
    if (this.out.length > maxBytes) throw overLimit(serializerName, 'bytes', maxBytes, 'maxBytes')
  }

  /** A value behind its dash or key. */
  private value(frame: Frame | undefined, key: Key, value: unknown, start: string): void {
    if (++this.values > this.options.maxValues + 1) {
      throw overLimit(serializerName, 'values', this.options.maxValues, 'maxValues')
    }
    if (typeof value === 'object' && value !== null && !this.isBytes(value)) this.container(frame, key, value, start)
    else this.add(`${start} ${this.scalar(frame, key, value)}\n`)
  }

  /** With that option Buffers are what is read, so they are written. */
  private isBytes(value: object): value is Uint8Array {
    return this.options.encoding === 'bytes' && value instanceof Uint8Array
  }

  private scalar(frame: Frame | undefined, key: Key, value: unknown): string {
    if (typeof value === 'string') return isSimple(value) ? value : this.text(frame, key, value)
    if (value === null || value === undefined) return '~'
    if (typeof value === 'boolean') return value ? "'1'" : "''"
    if (value instanceof Uint8Array) return quoteValue(latin1(value))
    return numberText(value) ?? refuse(keysTo(frame, key), `${kindOf(value)} is no data`)
  }

  private text(frame: Frame | undefined, key: Key, text: string): string {
    if (isUndoneByPerl(text)) refuse(keysTo(frame, key), undone)
    if (!hasNonAscii(text)) return quoteValue(text)
    const form = formOf(frame?.origin, key, text) as TextForm | undefined
    return quoteValue(this.encode(text, form) ?? this.refuseText(keysTo(frame, key)))
  }

  /** The characters that Perl gets; undefined where none of them would be read as this text again. */
  private encode(text: string, noted: TextForm | undefined): string | undefined {
    const { encoding, newText } = this.options
    if (encoding === 'latin1') return encodeBytes(text, 'latin1', encoding)
    const form = noted ?? this.texts?.get(text) ?? (newText === 'bytes' || encoding === 'bytes' ? 'utf8' : 'chars')
    const characters = form === 'utf8' ? undefined : encodeBytes(text, 'latin1', encoding)
    return characters ?? encodeBytes(text, 'utf8', encoding)
  }

  private refuseText(path: readonly Key[]): never {
    const reason =
      this.options.encoding === 'utf8'
        ? 'half of a surrogate pair is no character'
        : "YAML::Tiny has characters up to U+00FF; for others use the option encoding: 'utf8'"
    return refuse(path, reason)
  }

  private container(frame: Frame | undefined, key: Key, value: object, start: string): void {
    const isList = Array.isArray(value)
    if (!isList && !isPlainObject(value)) refuse(keysTo(frame, key), reasonAgainst(value))
    const keys = isList ? undefined : this.keysOf(() => keysTo(frame, key), value as Record<string, unknown>)
    const inner = new Frame(value, frame, key, keys)
    if (inner.depth > this.options.maxDepth) {
      throw overLimit(serializerName, 'levels of nesting', this.options.maxDepth, 'maxDepth')
    }
    if (inner.size === 0) this.add(`${start} ${isList ? '[]' : '{}'}\n`)
    else this.open(inner, start)
  }

  private open(frame: Frame, start: string): void {
    if (this.seen.has(frame.target)) {
      const kind = frame.keys === undefined ? 'list' : 'hash'
      refuse(keysTo(frame.outer, frame.key), `YAML::Tiny cannot hold the same ${kind} twice; put a copy here`)
    }
    this.seen.add(frame.target)
    this.add(`${start}\n`)
    this.frame = frame
  }

  /** The keys that have a value, in Perl's order. */
  private keysOf(path: () => Key[], hash: Record<string, unknown>): HashKey[] {
    const keys = Object.keys(hash).filter((key) => hash[key] !== undefined)
    const isNested = this.frame !== undefined
    const bad = keys.find((key) => !isSimple(key) && isKeyUndoneByPerl(key, isNested))
    if (bad !== undefined) refuse([...path(), bad], undone)
    if (!keys.some(hasNonAscii)) return keys.sort().map((key) => ({ perl: key, key }))
    const forms = originOf(hash)?.keys
    const found = keys.map((key) => ({ perl: this.perlKey(path, key, forms?.get(key)), key }))
    found.sort((a, b) => (a.perl < b.perl ? -1 : 1))
    if (this.options.encoding === 'utf8' && areAlike(found)) refuseOthers(found, path)
    return found
  }

  private perlKey(path: () => Key[], key: string, form: TextForm | undefined): string {
    if (!hasNonAscii(key)) return key
    const isShownAsBytes = form === 'latin1' || this.options.encoding !== 'utf8'
    // The code points that a reader has shown are the bytes, whatever else they could be decoded as.
    if (isShownAsBytes && !/[^\x00-\xff]/.test(key)) return key
    const perl = this.options.encoding === 'utf8' ? this.encode(key, form) : undefined
    return perl ?? this.refuseText([...path(), key])
  }
}

/** Are there two keys that a reader would show as the same text? */
function areAlike(keys: readonly HashKey[]): boolean {
  return new Set(keys.map(({ perl }) => decodeBytes(perl, 'utf8').text)).size < keys.length
}

/** The reader shows all keys of such a hash by their bytes, so there cannot be others. */
function refuseOthers(keys: readonly HashKey[], path: () => Key[]): void {
  const other = keys.find(({ perl, key }) => perl !== key)
  if (other === undefined) return
  refuse(
    [...path(), other.key],
    'two keys of this hash are one text in different bytes, so all are shown by their bytes',
  )
}

/** @throws {SerializeError} */
function refuse(path: readonly Key[], reason: string): never {
  throw cannotFreeze(serializerName, path, reason)
}

const undone =
  'YAML::Tiny could not read the record again, once Perl has written it: no number may have a line end, and no key begin with a dash'

/** The text of a finite number, or of an integer that fits Perl's 64 bits. */
function numberText(value: unknown): string | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : undefined
  return typeof value === 'bigint' && value >= -(2n ** 63n) && value < 2n ** 64n ? String(value) : undefined
}

function reasonAgainst(value: object): string {
  if (value instanceof Uint8Array) return "bytes are no text; encode them first, or use the option encoding: 'bytes'"
  if (value instanceof PerlObject) return 'YAML::Tiny has no objects'
  if (value instanceof ScalarRef || value instanceof ElementRef) return 'YAML::Tiny has no references to scalars'
  if (value instanceof PerlRegExp) return 'YAML::Tiny has no patterns'
  if (value instanceof PerlVString) return 'YAML::Tiny has no version strings'
  return `${kindOf(value)} is no data; convert it to plain objects, arrays and scalars`
}

function latin1(bytes: Uint8Array): string {
  return asBuffer(bytes).toString('latin1')
}

function isPlainObject(value: object): boolean {
  const prototype = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}
