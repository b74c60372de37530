/**
 * Thaws damaged records: mutations and truncations of every fixture, the same ones for the same seed.
 *
 * A process of its own, with a small heap (the caller says --max-old-space-size), so that an allocation from a length field ends it.
 * Arguments: the folder of fixtures, a serializer, how many inputs, the seed. Prints what happened as JSON.
 */

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import type { PluginClass, Serializer } from '../../lib/contracts.js'
import { SerializeError } from '../../lib/errors.js'
import DataDumper from '../../serialize/DataDumper.js'
import FreezeThaw from '../../serialize/FreezeThaw.js'
import Json from '../../serialize/JSON.js'
import Storable from '../../serialize/Storable.js'
import Yaml from '../../serialize/YAML.js'

const serializers: Record<string, PluginClass<Serializer>> = {
  DataDumper,
  FreezeThaw,
  JSON: Json,
  Storable,
  YAML: Yaml,
}

const [folder = '', name = '', runs = '0', seed = '0'] = process.argv.slice(2)
const mebibyte = 1024 * 1024

/** The records of a format, those of CGI::Session too. */
function records(): Buffer[] {
  const cgi: Record<string, string> = {
    DataDumper: 'default',
    FreezeThaw: 'freezethaw',
    Storable: 'storable',
    YAML: 'yaml',
  }
  const isOurs = new RegExp(`\\.(?:${name}|cgi-${cgi[name] ?? name})(?:-[^.]+)*\\.bin$`)
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => isOurs.test(file))
  return files.sort().map((file) => readFileSync(join(folder, file)))
}

function makeSerializer(): Serializer {
  const Plugin = serializers[name]!
  const options = Object.entries(Plugin.options).map(([option, read]) => [option, read(undefined, option)])
  return new Plugin(Object.fromEntries(options), { now: () => 0, padding: false })
}

/** One thing that happens to a record. Positions are fractions of its length. */
type Damage =
  | { kind: 'cut'; at: number }
  | { kind: 'set'; at: number; byte: number }
  | { kind: 'insert'; at: number; bytes: Uint8Array }
  | { kind: 'remove'; at: number; count: number }
  | { kind: 'copy'; from: number; to: number; count: number }

const position = fc.nat(99_999).map((part) => part / 100_000)
/** Bytes that mean something in one of the formats are met more often than by chance. */
const byte = fc.oneof(
  fc.nat(255),
  fc.constantFrom(
    ...Buffer.from('\0\x01\x02\x03\x04\x05\x0a\x7f\x80\xff{}[]()\\\'"$@%|<>_-:;,=#0123456789 \n', 'latin1'),
  ),
)
const bytes = fc.oneof(
  fc.array(byte, { minLength: 1, maxLength: 8 }).map((list) => Uint8Array.from(list)),
  fc.constantFrom(
    ...[
      '__proto__',
      'constructor',
      '\xff\xff\xff\xff',
      '\x7f\xff\xff\xff',
      '999999999|',
      '$D->{',
      '\\x{110000}',
      '[[[[[[[[',
    ].map((text) => Buffer.from(text, 'latin1')),
  ),
)
const damage: fc.Arbitrary<Damage> = fc.oneof(
  fc.record({ kind: fc.constant('cut' as const), at: position }),
  fc.record({ kind: fc.constant('set' as const), at: position, byte }),
  fc.record({ kind: fc.constant('insert' as const), at: position, bytes }),
  fc.record({ kind: fc.constant('remove' as const), at: position, count: fc.integer({ min: 1, max: 16 }) }),
  fc.record({
    kind: fc.constant('copy' as const),
    from: position,
    to: position,
    count: fc.integer({ min: 1, max: 64 }),
  }),
)

function apply(record: Buffer, change: Damage): Buffer {
  const index = (fraction: number) => Math.floor(fraction * (record.length + 1))
  switch (change.kind) {
    case 'cut':
      return record.subarray(0, index(change.at))
    case 'set': {
      const copy = Buffer.from(record)
      copy[index(change.at)] = change.byte
      return copy
    }
    case 'insert':
      return Buffer.concat([record.subarray(0, index(change.at)), change.bytes, record.subarray(index(change.at))])
    case 'remove':
      return Buffer.concat([record.subarray(0, index(change.at)), record.subarray(index(change.at) + change.count)])
    case 'copy': {
      const piece = record.subarray(index(change.from), index(change.from) + change.count)
      return Buffer.concat([record.subarray(0, index(change.to)), piece, record.subarray(index(change.to))])
    }
  }
}

const counts = { thawed: 0, refused: 0, frozen: 0, arrayBuffersMiB: 0 }

/** Anything but a value or a SerializeError is thrown on. */
function attempt<Result>(run: () => Result): Result | undefined {
  try {
    return run()
  } catch (error) {
    if (!(error instanceof SerializeError)) throw error
    return undefined
  }
}

function main(): void {
  const serializer = makeSerializer()
  const all = records()
  const untouched = Object.getOwnPropertyNames(Object.prototype).join()
  const input = fc.record({
    record: fc.constantFrom(...all),
    changes: fc.array(damage, { minLength: 1, maxLength: 4 }),
  })
  const property = fc.property(input, ({ record, changes }) => {
    const value = attempt(() => serializer.thaw(changes.reduce(apply, record)))
    if (value === undefined) counts.refused++
    else {
      counts.thawed++
      if (attempt(() => serializer.freeze(value)) !== undefined) counts.frozen++
    }
    if (Object.getOwnPropertyNames(Object.prototype).join() !== untouched) throw new Error('a prototype was reached')
    counts.arrayBuffersMiB = Math.max(counts.arrayBuffersMiB, process.memoryUsage().arrayBuffers / mebibyte)
  })
  fc.assert(property, { numRuns: Number(runs), seed: Number(seed), endOnFailure: true })
  console.log(JSON.stringify({ records: all.length, ...counts }))
}

main()
