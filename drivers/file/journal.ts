/**
 * The journal of one rewrite: both versions of the record, kept beside the file while it is written in place. A process
 * that dies in the middle leaves it behind, and whoever has the file next, under the exclusive lock, ends the work.
 */

const MAGIC = Buffer.from('data-session journal 1\n')
const DIGEST = 32
const HEADER = MAGIC.length + DIGEST + 9

/** What a journal holds. */
export interface Journal {
  /** Was the file lengthened with line ends before, and are they left where the new record is shorter? */
  readonly padding: boolean
  readonly old: Buffer
  readonly new: Buffer
}

// A program that writes short sessions never needs the checksum, so it does not pay for loading node:crypto.
function digest(...parts: Uint8Array[]): Buffer {
  const hash = process.getBuiltinModule('node:crypto').createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest()
}

/** The bytes of a journal, in parts to be written one after the other. */
export function encodeJournal(padding: boolean, old: Uint8Array, record: Uint8Array): Uint8Array[] {
  const lengths = Buffer.alloc(9)
  lengths.writeUInt8(padding ? 1 : 0, 0)
  lengths.writeUInt32BE(old.length, 1)
  lengths.writeUInt32BE(record.length, 5)
  return [MAGIC, digest(lengths, old, record), lengths, old, record]
}

/** The journal in these bytes, or undefined where they are not a whole journal. */
export function decodeJournal(bytes: Buffer): Journal | undefined {
  if (bytes.length < HEADER || !bytes.subarray(0, MAGIC.length).equals(MAGIC)) return undefined
  const body = bytes.subarray(MAGIC.length + DIGEST)
  const oldLength = body.readUInt32BE(1)
  if (body.length !== 9 + oldLength + body.readUInt32BE(5)) return undefined
  if (!digest(body).equals(bytes.subarray(MAGIC.length, MAGIC.length + DIGEST))) return undefined
  return {
    padding: body.readUInt8(0) === 1,
    old: body.subarray(9, 9 + oldLength),
    new: body.subarray(9 + oldLength),
  }
}

/** How many bytes two buffers have in common at their beginning. */
function commonStart(one: Buffer, other: Buffer): number {
  let low = 0
  let high = Math.min(one.length, other.length)
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if (one.subarray(low, middle).equals(other.subarray(low, middle))) low = middle
    else high = middle - 1
  }
  return low
}

function lengthened(bytes: Buffer, length: number, journal: Journal, filler: Buffer): Buffer {
  const missing = length - bytes.length
  if (missing <= 0) return bytes
  return Buffer.concat([bytes, journal.padding ? Buffer.alloc(missing, '\n') : filler.subarray(bytes.length)])
}

/**
 * Did the rewrite of this journal stop halfway? True only if the file is the beginning of the new record followed by the
 * rest of the old one. In any other case the file is whole, or a program without journals has written since.
 */
export function isHalfway(journal: Journal, file: Buffer): boolean {
  if (file.equals(journal.old) || file.equals(journal.new)) return false
  const length = Math.max(journal.old.length, journal.new.length)
  if (file.length < journal.old.length || file.length > length) return false
  const before = lengthened(journal.old, length, journal, journal.new).subarray(0, file.length)
  const after = lengthened(journal.new, length, journal, journal.old).subarray(0, file.length)
  const written = commonStart(file, after)
  return file.subarray(written).equals(before.subarray(written))
}
