/** What may happen to the bytes of an input. */

import fc from 'fast-check'

/** One thing that happens to a record. Positions are fractions of its length. */
export type Damage =
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
export const damage: fc.Arbitrary<Damage> = fc.oneof(
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

/** The input with one change. */
export function apply(record: Buffer, change: Damage): Buffer {
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
