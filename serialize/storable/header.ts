/** The first bytes of an image: whether it is one, and how it spells numbers. */

import { cannotThaw } from '../shared/failure.js'
import * as codes from './opcodes.js'

/** How an image spells numbers of more than a byte. */
export interface Layout {
  /** Where the first value begins. */
  readonly start: number
  readonly isBigEndian: boolean
  /** Bytes of SX_INTEGER. Network order has none. */
  readonly integerSize: 4 | 8
  /** Bytes of SX_DOUBLE; only 8 can be read. */
  readonly doubleSize: number
}

/** Files of `Storable::store` have this in front of what `freeze` returns. */
const fileMagic = 'pst0'

const byteOrders: Readonly<Record<string, Pick<Layout, 'isBigEndian' | 'integerSize'>>> = {
  '12345678': { isBigEndian: false, integerSize: 8 },
  '87654321': { isBigEndian: true, integerSize: 8 },
  '1234': { isBigEndian: false, integerSize: 4 },
  '4321': { isBigEndian: true, integerSize: 4 },
}

/**
 * The layout of an image of any machine. As in Perl, any minor version is taken: what a newer one added is refused where
 * it is met.
 * @throws {SerializeError} what is no image of the major version 2
 */
export function readHeader(bytes: Buffer): Layout {
  const start = bytes.toString('latin1', 0, 4) === fileMagic ? 4 : 0
  const version = bytes[start]
  const minor = bytes[start + 1]
  if (version === undefined || minor === undefined) throw cannotThaw(codes.serializerName, bytes.length, 'no header')
  if (version === 5) return { start: start + 2, isBigEndian: true, integerSize: 8, doubleSize: 8 }
  if (version !== 4) throw cannotThaw(codes.serializerName, start, 'no header of the major version 2')
  return readNativeHeader(bytes, start + 2, minor)
}

function readNativeHeader(bytes: Buffer, at: number, minor: number): Layout {
  const sizes = at + 1 + (bytes[at] ?? 0)
  const order = byteOrders[bytes.toString('latin1', at + 1, sizes)]
  // The sizes of int, long and pointer, which tell nothing about the data, and since minor version 2 that of a double.
  const start = sizes + (minor < 2 ? 3 : 4)
  if (order === undefined) throw cannotThaw(codes.serializerName, at, 'an unknown order of bytes')
  if (start > bytes.length) throw cannotThaw(codes.serializerName, bytes.length, 'no complete header')
  return { start, ...order, doubleSize: minor < 2 ? 8 : bytes[sizes + 3]! }
}
