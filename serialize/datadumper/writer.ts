/**
 * Writes a whole record: one statement that assigns to `$D`, fix-up statements for what is shared, and `$D` at the end.
 *
 * One loop over a linked list of open containers instead of recursion, as in the reader.
 */

import { asBuffer } from '../../lib/bytes.js'
import { isPlainObject } from '../../lib/hash.js'
import { ElementRef, PerlGlob, PerlObject, PerlRegExp, PerlVString, ScalarRef } from '../../lib/perl-values.js'
import { ElementCopies } from '../shared/element-copies.js'
import { cannotFreeze, kindOf, overLimit } from '../shared/failure.js'
import type { SerializerOptions } from '../shared/options.js'
import { type Form, formOf, originOf, type TextForm } from '../shared/origin.js'
import { encodeBytes, hasNonAscii } from '../shared/text.js'
import { serializerName } from './cursor.js'
import { elementPath, Frame, keysTo, pathOf } from './frames.js'
import { bigintLiteral, isSimple, numberLiteral, patternLiteral, quoteBytes, quoteChars } from './literals.js'

type Key = string | number

/** A reference to an element, written when it is known where all containers are. */
interface Pending {
  readonly location: string
  readonly reference: ElementRef
  readonly className: string | undefined
}

/** The record of a value: ASCII without NUL. */
export function writeRecord(value: unknown, options: SerializerOptions): Uint8Array {
  const text = new RecordWriter(value, options).write(value)
  if (text.length > options.maxBytes) throw overLimit(serializerName, 'bytes', options.maxBytes, 'maxBytes')
  return Buffer.from(text, 'latin1')
}

const emptyScalar = 'do{my $o}'

const pathWithNul =
  'it leads to a value that is in two places, and a key with a NUL on the way there is what Perl cannot write; make two values of it, or change the key'

class RecordWriter {
  private readonly options: SerializerOptions
  private readonly texts: ReadonlyMap<string, TextForm> | undefined
  private readonly seen = new Map<object, Frame>()
  private readonly plainKeys = new Map<string, string>()
  private readonly pending: Pending[] = []
  private out = '$D = '
  private fixups = ''
  private frame: Frame | undefined = undefined
  private readonly quoteKey = (frame: Frame, key: string): string => {
    // Data::Dumper (2.184) breaks off such a path, and then not even Perl can read the record.
    if (key.includes('\0')) this.refuse(frame, key, pathWithNul)
    return pathKey(this.key(frame, key))
  }

  constructor(root: unknown, options: SerializerOptions) {
    this.options = options
    this.texts = typeof root === 'object' && root !== null ? originOf(root)?.texts : undefined
  }

  write(root: unknown): string {
    if (root === null || root === undefined) throw cannotFreeze(serializerName, [], 'there is no value')
    this.value(undefined, '', root instanceof ElementRef ? new ScalarRef(root.value) : root)
    this.finish()
    while (this.pending.length > 0) this.resolve()
    return `${this.out};${this.fixups};$D`
  }

  private finish(): void {
    while (this.frame !== undefined) this.step(this.frame)
  }

  /** Write the next element of a container, or its end. */
  private step(frame: Frame): void {
    const at = frame.done++
    if (at === frame.size) {
      this.out += frame.close
      this.frame = frame.outer
    } else if (frame.keys !== undefined) {
      this.pair(frame, frame.keys[at]!)
    } else if (frame.target instanceof ScalarRef) {
      this.value(frame, 'value', frame.target.value)
    } else {
      if (at > 0) this.out += ','
      this.value(frame, at, (frame.target as unknown[])[at])
    }
  }

  private pair(frame: Frame, key: string): void {
    const value = (frame.target as Record<string, unknown>)[key]
    if (value === undefined) return
    if (!frame.isEmpty) this.out += ','
    frame.isEmpty = false
    this.out += frame.origin?.keys === undefined ? this.plainKey(frame, key) : `${this.key(frame, key)} => `
    this.value(frame, key, value)
  }

  /** The same few keys come again and again in a list of hashes. */
  private plainKey(frame: Frame, key: string): string {
    let text = this.plainKeys.get(key)
    if (text === undefined) {
      text = `${this.key(frame, key)} => `
      this.plainKeys.set(key, text)
    }
    return text
  }

  private value(frame: Frame | undefined, key: Key, value: unknown): void {
    switch (typeof value) {
      case 'string':
        this.out += isSimple(value) ? `'${value}'` : this.text(value, this.formOf(frame, key, value))
        break
      case 'object':
        if (value === null) this.out += 'undef'
        else this.reference(frame, key, value)
        break
      case 'undefined':
        this.out += 'undef'
        break
      default:
        this.out += this.plain(frame, key, value)
    }
  }

  private formOf(frame: Frame | undefined, key: Key, value: unknown): Form | undefined {
    return formOf(frame?.origin, key, value)
  }

  /** A number or a boolean. */
  private plain(frame: Frame | undefined, key: Key, value: unknown): string {
    const form = this.formOf(frame, key, value)
    if (typeof value === 'boolean') return booleanLiteral(value, form === 'json-boolean')
    if (typeof value === 'number') {
      return numberLiteral(value, form === 'double') ?? this.refuse(frame, key, 'Perl has no literal for this number')
    }
    if (typeof value !== 'bigint') this.refuse(frame, key, `${kindOf(value)} is no data`)
    return bigintLiteral(value) ?? this.refuse(frame, key, "an integer beyond Perl's 64 bits")
  }

  private refuse(frame: Frame | undefined, key: Key, reason: string): never {
    throw cannotFreeze(serializerName, keysTo(frame, key), reason)
  }

  private text(text: string, noted: Form | undefined): string {
    if (!hasNonAscii(text)) return quoteBytes(text)
    const { newText, encoding } = this.options
    const form = noted ?? this.texts?.get(text) ?? (newText === 'bytes' ? 'utf8' : 'chars')
    const binary = encodeBytes(text, form as TextForm, encoding)
    return binary === undefined ? quoteChars(text) : quoteBytes(binary)
  }

  private key(frame: Frame, key: string): string {
    if (isSimple(key)) return `'${key}'`
    const form = frame.origin?.keys?.get(key)
    // The code points that a reader has shown are the bytes, whatever else they could be decoded as.
    return form === 'latin1' && !/[^\x00-\xff]/.test(key) ? quoteBytes(key) : this.text(key, form)
  }

  /** Anything that is an object in JavaScript. */
  private reference(frame: Frame | undefined, key: Key, value: object): void {
    const className = value instanceof PerlObject ? value.className : undefined
    const target = value instanceof PerlObject ? (value.value as object) : value
    const known = this.seen.get(target)
    if (known !== undefined) this.again(frame, key, known, className)
    else if (target instanceof ElementRef) this.postpone(frame!, key, target, className)
    else if (className === undefined && isNamed(target)) this.out += target.source
    else if (className === undefined && target instanceof Uint8Array) this.out += quoteBytes(latin1(target))
    else this.first(frame, key, target, className)
  }

  /** A container that is met for the first time. */
  private first(frame: Frame | undefined, key: Key, target: object, className: string | undefined): void {
    const [open, close] = this.brackets(frame, key, target, className)
    const [blessOpen, blessClose] = blessBrackets(className)
    this.out += blessOpen + open
    const inner = new Frame(target, className, frame, key, close + blessClose)
    if (frame === undefined) inner.path = '$D'
    this.seen.set(target, inner)
    if (target instanceof PerlRegExp) {
      this.out += inner.close
      return
    }
    if (inner.depth > this.options.maxDepth) {
      throw overLimit(serializerName, 'levels of nesting', this.options.maxDepth, 'maxDepth')
    }
    this.frame = inner
  }

  private brackets(
    frame: Frame | undefined,
    key: Key,
    target: unknown,
    className: string | undefined,
  ): [string, string] {
    if (Array.isArray(target)) return ['[', ']']
    if (isPlainObject(target)) return ['{', '}']
    if (target instanceof ScalarRef) return scalarBrackets(target, className)
    if (target instanceof PerlRegExp) return [this.pattern(frame, key, target), '']
    return this.refuse(frame, key, `${kindOf(target)} is no data; convert it to plain objects, arrays and scalars`)
  }

  private pattern(frame: Frame | undefined, key: Key, pattern: PerlRegExp): string {
    const { source } = pattern
    const form = formOf(originOf(pattern), 'source', source) ?? 'chars'
    const binary = encodeBytes(source, form as TextForm, this.options.encoding)
    const literal = patternLiteral(pattern, binary ?? source, binary === undefined)
    return literal ?? this.refuse(frame, key, 'a pattern that Perl could not read back')
  }

  /** A container that has been written elsewhere. */
  private again(frame: Frame | undefined, key: Key, known: Frame, className: string | undefined): void {
    if (className !== undefined && className !== known.className) {
      this.refuse(frame, key, 'the same container is an object here and something else in another place')
    }
    this.out += emptyScalar
    this.fix(`${this.pathTo(frame!, key)} = ${pathOf(known, this.quoteKey)}`)
  }

  private fix(statement: string): void {
    this.fixups += `${statement};`
    if (this.fixups.length > this.options.maxBytes) {
      throw overLimit(serializerName, 'bytes', this.options.maxBytes, 'maxBytes')
    }
  }

  private pathTo(frame: Frame, key: Key): string {
    return elementPath(frame, pathOf(frame, this.quoteKey), key, this.quoteKey)
  }

  private postpone(frame: Frame, key: Key, reference: ElementRef, className: string | undefined): void {
    this.out += emptyScalar
    this.pending.push({ location: this.pathTo(frame, key), reference, className })
  }

  /** Write the references to elements of containers that are in the record, and one that leads out of it. */
  private resolve(): void {
    const outside: Pending[] = []
    for (const pending of this.pending.splice(0)) {
      const { container, key } = pending.reference
      const frame = this.seen.get(container)
      if (frame === undefined || (container as Record<Key, unknown>)[key] === undefined) outside.push(pending)
      else this.fix(`${pending.location} = ${blessBrackets(pending.className).join(`\\${this.pathTo(frame, key)}`)}`)
    }
    const [first, ...others] = outside
    if (first !== undefined) this.writeOutside(first)
    this.pending.push(...others)
  }

  private readonly outside = new ElementCopies()

  /** A reference to an element of a container that is not in the record: to Perl it is a scalar of its own. */
  private writeOutside({ location, reference, className }: Pending): void {
    const scalar = this.outside.of(reference)
    const known = this.seen.get(scalar)
    if (known === undefined) this.writeScalar(scalar, location, className)
    else this.fix(`${location} = ${known.path}`)
  }

  private writeScalar(scalar: ScalarRef, location: string, className: string | undefined): void {
    const [open, close] = scalarBrackets(scalar, className)
    const [blessOpen, blessClose] = blessBrackets(className)
    const frame = new Frame(scalar, className, undefined, '', close + blessClose)
    frame.path = location
    this.seen.set(scalar, frame)
    this.out += `;${location} = ${blessOpen}${open}`
    this.frame = frame
    this.finish()
  }
}

/** `\undef` and `\!!1` would refer to the constants of Perl, which are read-only and the same everywhere. */
function scalarBrackets({ value }: ScalarRef, className: string | undefined): [string, string] {
  const isConstant = value === null || value === undefined || typeof value === 'boolean'
  return isConstant || className !== undefined ? ['do{\\(my $o = ', ')}'] : ['\\', '']
}

/** A constant key in a path would lose Perl's UTF8 flag, and take it from the hash that is assigned to. */
function pathKey(literal: string): string {
  return literal.startsWith('"') && literal.includes('\\N{U+') ? `\${\\${literal}}` : literal
}

function blessBrackets(className: string | undefined): [string, string] {
  return className === undefined ? ['', ''] : ['bless( ', `, ${quoteClass(className)} )`]
}

/** Perl compares class names by code points. */
function quoteClass(className: string): string {
  return /[^\x00-\xff]/.test(className) ? quoteChars(className) : quoteBytes(className)
}

/** Scalars that are written as the source they came from. */
function isNamed(value: object): value is PerlVString | PerlGlob {
  return value instanceof PerlVString || value instanceof PerlGlob
}

function booleanLiteral(value: boolean, isJson: boolean): string {
  if (isJson) return `bless( do{\\(my $o = ${value ? 1 : 0})}, 'JSON::PP::Boolean' )`
  return value ? '!!1' : '!!0'
}

function latin1(bytes: Uint8Array): string {
  return asBuffer(bytes).toString('latin1')
}
