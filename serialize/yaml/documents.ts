/**
 * The grammar of YAML::Tiny, to the letter: a record has for Node the value that it has for Perl, also where YAML would
 * have it otherwise. One loop over a linked list of open containers instead of recursion, so depth costs no stack.
 */

import { type Hash, setElement } from '../../lib/hash.js'
import { overLimit } from '../shared/failure.js'
import type { SerializerOptions } from '../shared/options.js'
import { hasNonAscii } from '../shared/text.js'
import { WideKeys } from '../shared/wide-keys.js'
import { isBlank, skipBlanks, trimEnd } from './blanks.js'
import { isInlineHash, readKey } from './keys.js'
import { Lines } from './lines.js'
import { NotTiny, readScalar } from './scalars.js'
import type { Strings } from './strings.js'

/** The name in error messages. */
export const serializerName = 'YAML'

/** A container that is not complete. */
class Frame {
  readonly list: unknown[] | undefined
  readonly hash: Hash | undefined
  /** Its lines have just as much white space in front. */
  readonly indent: number
  readonly outer: Frame | undefined
  readonly depth: number
  wideKeys: WideKeys | undefined = undefined

  constructor(target: unknown[] | Hash, indent: number, outer: Frame | undefined) {
    if (Array.isArray(target)) this.list = target
    else this.hash = target
    this.indent = indent
    this.outer = outer
    this.depth = outer === undefined ? 1 : outer.depth + 1
  }
}

type Limits = Pick<SerializerOptions, 'maxDepth' | 'maxValues'>

/** Reads the documents of a record. */
export class DocumentReader {
  private readonly lines: Lines
  private readonly strings: Strings
  private readonly limits: Limits
  /** YAML.pm or YAML::Syck wrote the record, and not YAML::Tiny. */
  private readonly isForeign: boolean
  private frame: Frame | undefined = undefined
  private hasHeader = false
  private values = 0

  constructor(strings: Strings, isForeign: boolean, limits: Limits) {
    this.lines = new Lines(strings.text)
    this.strings = strings
    this.isForeign = isForeign
    this.limits = limits
  }

  /** Where the line that is being read begins in the record, in bytes. */
  get offset(): number {
    return this.strings.offsetOf(this.lines.start)
  }

  /**
   * The first document; the others are read too, since Perl dies of their errors. Undefined: there is none.
   * @throws {NotTiny}
   */
  read(): unknown {
    const { lines } = this
    if (/^%YAML[: ][\d.]+/.test(lines.line)) lines.next()
    const first = lines.atEnd ? undefined : this.document(false)
    while (!lines.atEnd) this.document(true)
    return first
  }

  /** Undefined: nothing is behind the header. */
  private document(isLater: boolean): unknown {
    const { lines } = this
    const scalar = lines.isHeader() ? this.header() : undefined
    if (scalar !== undefined) return scalar.value
    if (lines.atEnd || lines.isMarker()) {
      lines.skipDocument()
      this.hasHeader = false
      return undefined
    }
    if (isLater && !this.hasHeader) throw new NotTiny('a second document without a header')
    return this.root()
  }

  /** Go over a header; the scalar on its line, if there is one. */
  private header(): { value: unknown } | undefined {
    const { line } = this.lines
    const text = line.slice(skipBlanks(line, 3))
    if (text !== '' && !/^(?:#.+|%YAML[: ][\d.]+)$/.test(text)) return { value: this.scalar(text) }
    this.hasHeader = true
    this.lines.next()
    return undefined
  }

  /** A list or a hash at the top. */
  private root(): unknown {
    const { lines } = this
    const { line, indent } = lines
    const rest = line.slice(indent)
    const isList = line[indent] === '-' && (/^-+$/.test(rest) || isBlank(line.charCodeAt(indent + 1)))
    const target = isList ? [] : {}
    this.open(target, isList ? 0 : indent)
    while (this.frame !== undefined && !lines.atEnd && !lines.isMarker()) this.step(this.frame)
    this.frame = undefined
    if (!lines.atEnd && lines.isMarker()) lines.skipDocument()
    return target
  }

  private open(target: unknown[] | Hash, indent: number): void {
    this.frame = new Frame(target, indent, this.frame)
    if (this.frame.depth > this.limits.maxDepth) {
      throw overLimit(serializerName, 'levels of nesting', this.limits.maxDepth, 'maxDepth')
    }
  }

  private step(frame: Frame): void {
    const { lines } = this
    if (lines.indent < frame.indent) this.frame = frame.outer
    else if (lines.indent > frame.indent) throw new NotTiny('indented too much')
    else if (frame.list === undefined) this.pair(frame, frame.hash!)
    else this.item(frame, frame.list)
  }

  private claim(): void {
    if (++this.values > this.limits.maxValues) {
      throw overLimit(serializerName, 'values', this.limits.maxValues, 'maxValues')
    }
  }

  private item(frame: Frame, list: unknown[]): void {
    const { line, indent } = this.lines
    if (line[indent] !== '-') {
      // The list stands at the level of its key, and that level goes on.
      if (frame.outer?.indent !== frame.indent) throw new NotTiny('no item of a list')
      this.frame = frame.outer
      return
    }
    this.claim()
    const at = skipBlanks(line, indent + 1)
    if (at === line.length) this.nestedItem(frame, list)
    else if (at > indent + 1 && isInlineHash(line, at)) this.inlineHash(list, at)
    else this.storeItem(list, this.scalar(line.slice(at)))
  }

  private storeItem(list: unknown[], value: unknown): void {
    list.push(value)
    this.strings.note(list, list.length - 1, value)
  }

  /** A dash alone. YAML::Tiny takes a hash for the item wherever it begins. */
  private nestedItem(frame: Frame, list: unknown[]): void {
    const { lines } = this
    lines.next()
    const isList = lines.line[lines.indent] === '-'
    if (lines.atEnd || (isList && lines.indent === frame.indent)) list.push(null)
    else this.nest(list, String(list.length), isList)
  }

  private nest(container: unknown[] | Hash, key: string, isList: boolean): void {
    const target = isList ? [] : {}
    setElement(container as Hash, key, target)
    this.open(target, this.lines.indent)
  }

  private inlineHash(list: unknown[], at: number): void {
    this.lines.indent = at
    this.nest(list, String(list.length), false)
  }

  private pair(frame: Frame, hash: Hash): void {
    const { lines } = this
    const key = readKey(lines.line, lines.indent)
    if (key === undefined) throw new NotTiny('no key, or no colon and blank behind it')
    this.claim()
    const shown = this.showKey(frame, hash, key.raw, key.quote)
    if (key.valueAt === lines.line.length) this.nestedValue(frame, hash, shown)
    else this.storeElement(hash, shown, this.scalar(lines.line.slice(key.valueAt)))
  }

  private storeElement(hash: Hash, key: string, value: unknown): void {
    setElement(hash, key, value)
    this.strings.note(hash, key, value)
  }

  private showKey(frame: Frame, hash: Hash, raw: string, quote: string | undefined): string {
    const key = this.strings.read(raw, quote)
    if (!hasNonAscii(key.text)) return key.text
    frame.wideKeys ??= new WideKeys(hash)
    return frame.wideKeys.show(this.strings, key)
  }

  /** A key with nothing behind it: a list may begin at any level, a hash must be deeper. */
  private nestedValue(frame: Frame, hash: Hash, key: string): void {
    const { lines } = this
    lines.next()
    const isList = lines.line[lines.indent] === '-'
    if (!lines.atEnd && (isList || lines.indent > frame.indent)) this.nest(hash, key, isList)
    else setElement(hash, key, null)
  }

  /** The value on a line, and on those that follow when it is a block. */
  private scalar(raw: string): unknown {
    const { lines, strings } = this
    const text = trimEnd(raw)
    const scalar = readScalar(text)
    if (scalar === 'block' && this.isForeign) throw new NotTiny('a block', true)
    lines.next()
    if (scalar === 'block') return this.block(text)
    if (scalar === 'undef') return null
    if (scalar === 'hash') return {}
    return scalar === 'list' ? [] : strings.show(strings.read(scalar.raw, scalar.quote))
  }

  private block(header: string): unknown {
    const { lines, strings } = this
    const { indent } = lines
    if (lines.atEnd) throw new NotTiny('a block without lines')
    if (this.frame !== undefined && indent <= this.frame.indent) throw new NotTiny('a block that is not indented')
    const found: string[] = []
    for (; !lines.atEnd && lines.indent >= indent; lines.next()) {
      this.claim()
      found.push(lines.line.slice(indent))
    }
    const end = header[1] === '-' ? '' : '\n'
    return strings.show(strings.read(found.join(header[0] === '>' ? ' ' : '\n') + end, undefined))
  }
}
