/** memcached's binary protocol: its lengths stand before a key and a value, so that neither can end a request. */

import { withCode } from '../../lib/coded-error.js'

/** What a request asks for. `get` is answered with the key, which shows that the answer belongs to it. */
export const opcodes = { get: 0x0c, add: 0x02, replace: 0x03, delete: 0x04, login: 0x21 } as const

/** What is used of the status of an answer. */
export const statuses = { done: 0x00, missing: 0x01, exists: 0x02, loginRefused: 0x20 } as const

/** Names of the other statuses, as memcached's source has them. */
const problems: Readonly<Record<number, string>> = {
  3: 'E2BIG',
  4: 'EINVAL',
  5: 'NOT_STORED',
  32: 'AUTH_ERROR',
  129: 'UNKNOWN_COMMAND',
  130: 'ENOMEM',
  131: 'NOT_SUPPORTED',
  132: 'EINTERNAL',
  133: 'EBUSY',
  134: 'ETMPFAIL',
}

/** The error for an answer that neither carried out a request nor found its precondition not met. */
export function refusal(status: number): Error {
  const code = problems[status] ?? `status ${status}`
  return withCode(code, `memcached refused it: ${code}`)
}

/** The longest key, in bytes. memcached ends the connection, and with it what others asked on it, when it gets a longer one. */
export const LONGEST_KEY = 250

/** The first byte of every answer. */
export const ANSWER = 0x81
export const HEADER = 24

/**
 * The version of an item, 64 bits as two numbers. It counts on the connection on which it came: a server that was started anew
 * begins to count anew, and its connections have ended.
 */
export interface Version {
  readonly connection: object
  readonly high: number
  readonly low: number
}

/** What is stored. */
export interface Item {
  readonly value: Uint8Array
  /** As `expiryOf` tells it. */
  readonly expiry: number
}

/** A request. */
export interface Request {
  readonly opcode: number
  readonly key: Buffer
  /** It is stored with flags of 0, as Perl does. */
  readonly item?: Item
  /** The version of the item that is there, or nothing is done. Absent: any. */
  readonly version?: Version | undefined
  /** What is sent without being stored. */
  readonly value?: Uint8Array | undefined
}

/** A request that was sent. */
export interface Sent {
  readonly request: Request
  /** What comes back with the answer. */
  readonly opaque: number
  readonly connection: object
}

/** An answer. */
export interface Reply {
  readonly status: number
  readonly version: Version | undefined
  readonly flags: number
  readonly value: Buffer
}

const EXTRAS = 8

/** The bytes of a request. @param opaque comes back with the answer */
export function encode({ opcode, key, item, version, value = item?.value }: Request, opaque: number): Buffer {
  const extras = item === undefined ? 0 : EXTRAS
  const body = extras + key.length + (value?.length ?? 0)
  const bytes = Buffer.allocUnsafe(HEADER + body)
  bytes.writeUInt32BE(0x8000_0000 + opcode * 0x1_0000 + key.length, 0)
  bytes.writeUInt32BE(extras * 0x100_0000, 4)
  bytes.writeUInt32BE(body, 8)
  bytes.writeUInt32BE(opaque, 12)
  bytes.writeUInt32BE(version?.high ?? 0, 16)
  bytes.writeUInt32BE(version?.low ?? 0, 20)
  if (item !== undefined) {
    bytes.writeUInt32BE(0, HEADER)
    bytes.writeUInt32BE(item.expiry, HEADER + 4)
  }
  bytes.set(key, HEADER + extras)
  if (value !== undefined) bytes.set(value, HEADER + extras + key.length)
  return bytes
}

/** The length of the answer that begins here, header and all; its header must be there. */
export function lengthAt(bytes: Buffer, start: number): number {
  return HEADER + bytes.readUInt32BE(start + 8)
}

/** The answer that begins here, whole; undefined when it does not belong to the request. */
export function decode(bytes: Buffer, start: number, { request, opaque, connection }: Sent): Reply | undefined {
  const keyStart = start + HEADER + bytes[start + 4]!
  const valueStart = keyStart + bytes.readUInt16BE(start + 2)
  const end = start + lengthAt(bytes, start)
  if (bytes[start] !== ANSWER || bytes.readUInt32BE(start + 12) !== opaque || valueStart > end) return undefined
  const status = bytes.readUInt16BE(start + 6)
  if (!belongs(request, bytes[start + 1]!, status, bytes.subarray(keyStart, valueStart))) return undefined
  return {
    status,
    version: versionAt(bytes, start + 16, connection),
    flags: keyStart - start - HEADER >= 4 ? bytes.readUInt32BE(start + HEADER) : 0,
    value: bytes.subarray(valueStart, end),
  }
}

/** Whether an answer may be that to a request: a value comes with its key. */
function belongs(request: Request, opcode: number, status: number, key: Buffer): boolean {
  if (opcode !== request.opcode) return false
  return opcode !== opcodes.get || status !== statuses.done || key.equals(request.key)
}

/** The version that stands here. A server that was told to do without versions (-C) says 0, which in a request is any version. */
function versionAt(bytes: Buffer, start: number, connection: object): Version | undefined {
  const high = bytes.readUInt32BE(start)
  const low = bytes.readUInt32BE(start + 4)
  return high === 0 && low === 0 ? undefined : { connection, high, low }
}
