/**
 * Records of CGI::Session, which writes YAML with YAML::Syck or YAML.pm: objects, patterns and references are tags there,
 * and what is shared has anchors. js-yaml parses them; it is loaded for nothing else.
 */

import { Buffer } from 'node:buffer'
import { SerializeError, SessionError } from '../../lib/errors.js'
import { loadPeer } from '../../lib/peer.js'
import { cannotThaw, overLimit } from '../shared/failure.js'
import type { SerializerOptions } from '../shared/options.js'
import { hasNonAscii } from '../shared/text.js'
import { serializerName } from './documents.js'
import type { Strings } from './strings.js'
import { Converter, NoData, Tagged } from './tagged.js'

type Limits = Pick<SerializerOptions, 'maxDepth' | 'maxValues'>

/** As much of js-yaml as is used. */
interface JsYaml {
  loadAll(text: string, iterator: null, options: object): unknown[]
  readonly Type: new (tag: string, options: object) => object
  readonly FAILSAFE_SCHEMA: { extend(types: object): object }
}

/** The longest record for js-yaml, in bytes: it takes up to 50 times as much memory. */
const longest = 1 << 20

/** Was the record written by CGI::Session? YAML::Syck leaves a blank behind the header, YAML::Tiny has other users. */
export function isDialect(text: string): boolean {
  return /^--- \r?\n/.test(text) || /^_SESSION_REMOTE_ADDR:/m.test(text)
}

/**
 * The value of a record.
 * @throws {SerializeError}
 * @throws {PluginError} js-yaml is not installed
 */
export function readDialect(record: Buffer, strings: Strings, limits: Limits): unknown {
  if (record.length > longest) {
    const reason = `a record with tags, anchors or blocks is read up to ${longest} bytes`
    throw new SerializeError('ERR_SESSION_LIMIT', serializerName, `${serializerName}: ${reason}`)
  }
  try {
    return new Converter(strings, showBytes).convert(parse(record, limits))
  } catch (error) {
    if (error instanceof RangeError) throw overLimit(serializerName, 'levels of nesting', limits.maxDepth, 'maxDepth')
    if (error instanceof SessionError) throw error
    if (error instanceof NoData) throw cannotThaw(serializerName, 0, 'a tag that is no data, somewhere')
    // The error of js-yaml shows the record.
    const position = (error as { mark?: { position?: number } }).mark?.position ?? 0
    throw cannotThaw(serializerName, position, 'neither YAML::Tiny nor js-yaml understands it')
  }
}

function parse(record: Buffer, limits: Limits): unknown {
  const yaml = loadPeer<JsYaml>('js-yaml', 'YAML with tags and anchors')
  return yaml.loadAll(hideBytes(record), null, {
    schema: schemaOf(yaml),
    json: true,
    maxDepth: Number.POSITIVE_INFINITY,
    listener: limiter(limits),
  })[0]
}

const perlTag = 'tag:yaml.org,2002:perl/'

function schemaOf({ Type, FAILSAFE_SCHEMA }: JsYaml): object {
  const undef = { kind: 'scalar', resolve: (text: unknown) => text === '~', construct: () => null }
  const construct = (content: unknown, tag: string) => new Tagged(tag.slice(perlTag.length), content)
  const tagged = ['mapping', 'sequence', 'scalar'].map((kind) => new Type(perlTag, { kind, multi: true, construct }))
  return FAILSAFE_SCHEMA.extend({ implicit: [new Type('tag:yaml.org,2002:null', undef)], explicit: tagged })
}

/** Counts what js-yaml reads. A key is a node too, and a scalar is one level below its container. */
function limiter({ maxDepth, maxValues }: Limits): (event: 'open' | 'close') => void {
  let depth = 0
  let nodes = 0
  return (event) => {
    depth += event === 'open' ? 1 : -1
    if (depth > maxDepth + 1) throw overLimit(serializerName, 'levels of nesting', maxDepth, 'maxDepth')
    if (event === 'open' && ++nodes > 2 * maxValues + 1)
      throw overLimit(serializerName, 'values', maxValues, 'maxValues')
  }
}

/** Bytes that js-yaml would refuse, or take for white space, become these characters. */
const hidden = 0xe000

function hideBytes(record: Buffer): string {
  return mapUnits(record.length, (at) => (isPlain(record[at]!) ? record[at]! : hidden + record[at]!))
}

function isPlain(byte: number): boolean {
  return (byte >= 0x20 && byte < 0x7f) || byte === 9 || byte === 10 || byte === 13
}

function showBytes(text: string): string {
  return hasNonAscii(text) ? mapUnits(text.length, (at) => shownUnit(text.charCodeAt(at))) : text
}

function shownUnit(unit: number): number {
  return unit >= hidden && unit <= hidden + 0xff ? unit - hidden : unit
}

/** A text of so many units. It takes no memory but for these, however many are replaced. */
function mapUnits(length: number, unitAt: (at: number) => number): string {
  const units = new Uint16Array(length)
  for (let at = 0; at < length; at++) units[at] = unitAt(at)
  return Buffer.from(units.buffer).toString('utf16le')
}
