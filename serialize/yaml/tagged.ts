/** Perl's values made of what js-yaml has read. */

import { type Hash, setElement } from '../../lib/hash.js'
import { PerlObject, PerlRegExp, ScalarRef } from '../../lib/perl-values.js'
import { hasNonAscii } from '../shared/text.js'
import { WideKeys } from '../shared/wide-keys.js'
import type { Strings } from './strings.js'

/** A value with a tag of Perl's. */
export class Tagged {
  /** `hash`, `array`, `scalar`, `ref`, `regexp`… */
  readonly kind: string
  readonly className: string | undefined
  readonly content: unknown

  /** `tag` is what follows `!!perl/`: `hash:My::Class`. */
  constructor(tag: string, content: unknown) {
    const colon = tag.indexOf(':')
    this.kind = colon < 0 ? tag : tag.slice(0, colon)
    this.className = colon < 0 ? undefined : tag.slice(colon + 1)
    this.content = content
  }
}

/** A tag on something that it does not fit, or that is no data. */
export class NoData extends Error {}

/** Makes one value out of what stands in many places as often as that. */
export class Converter {
  private readonly strings: Strings
  /** The text behind the stand-ins for bytes. */
  private readonly showBytes: (text: string) => string
  /** What has been made of each container of js-yaml's, and of each tagged value. */
  private readonly made = new Map<object, unknown>()

  constructor(strings: Strings, showBytes: (text: string) => string) {
    this.strings = strings
    this.showBytes = showBytes
  }

  /** @throws {NoData} */
  convert(raw: unknown): unknown {
    if (typeof raw === 'string') return this.string(raw)
    if (raw === null || raw === undefined) return null
    if (raw instanceof Tagged) return this.made.has(raw) ? this.made.get(raw) : this.tagged(raw)
    return this.made.has(raw) ? this.made.get(raw) : this.container(raw, undefined)
  }

  private string(raw: string): unknown {
    const text = this.showBytes(raw)
    return this.strings.show({ text, isChars: /[^\x00-\xff]/.test(text) })
  }

  private tagged(raw: Tagged): unknown {
    const { kind, content } = raw
    if (kind === 'hash' || kind === 'array') {
      if (typeof content === 'string') throw new NoData()
      return this.container(content ?? (kind === 'hash' ? {} : []), raw)
    }
    if (kind === 'ref' && isHash(content)) return this.scalarRef(raw, content['='])
    if (typeof content === 'string' && kind === 'scalar') return this.scalarRef(raw, content === '~' ? null : content)
    if (typeof content === 'string' && kind === 'regexp') return this.pattern(raw, content)
    throw new NoData()
  }

  /** Inside a tagged value its anchor means its content: to Perl that is the same thing, blessed. */
  private keep(target: object, tag: Tagged | undefined, content: unknown): unknown {
    const value = tag?.className === undefined ? target : new PerlObject(tag.className, target)
    if (tag !== undefined) this.made.set(tag, value)
    if (typeof content === 'object' && content !== null) this.made.set(content, value)
    return value
  }

  private container(raw: object, tag: Tagged | undefined): unknown {
    const target: unknown[] | Hash = Array.isArray(raw) ? [] : {}
    const value = this.keep(target, tag, raw)
    if (Array.isArray(raw)) this.fillList(target as unknown[], raw)
    else this.fillHash(target as Hash, raw as Hash)
    return value
  }

  private fillList(list: unknown[], raw: readonly unknown[]): void {
    for (const item of raw) {
      list.push(this.convert(item))
      this.strings.note(list, list.length - 1, list.at(-1))
    }
  }

  private fillHash(hash: Hash, raw: Hash): void {
    const wideKeys = new WideKeys(hash)
    for (const [rawKey, item] of Object.entries(raw)) {
      const text = this.showBytes(rawKey)
      const isChars = /[^\x00-\xff]/.test(text)
      const key = hasNonAscii(text) ? wideKeys.show(this.strings, { text, isChars }) : text
      const value = this.convert(item)
      setElement(hash, key, value)
      this.strings.note(hash, key, value)
    }
  }

  private scalarRef(tag: Tagged, raw: unknown): unknown {
    const scalar = new ScalarRef(null)
    const value = this.keep(scalar, tag, tag.content)
    scalar.value = this.convert(raw)
    this.strings.note(scalar, 'value', scalar.value)
    return value
  }

  private pattern(tag: Tagged, raw: string): unknown {
    const source = this.string(raw)
    const pattern = new PerlRegExp(typeof source === 'string' ? source : this.showBytes(raw))
    this.strings.note(pattern, 'source', source)
    return this.keep(pattern, tag, undefined)
  }
}

function isHash(content: unknown): content is Hash {
  return typeof content === 'object' && content !== null && !Array.isArray(content)
}
