/** Is a session that came back from Perl the same, but for what docs/formats.md says that its format loses? */

import { isPlainObject } from '../../../lib/hash.js'
import { decodeBytes, hasNonAscii } from '../../../serialize/shared/text.js'

/** What a format may make of a number, a text and a container in two places, when Perl has rewritten it. */
interface Losses {
  readonly number: (sent: number | bigint, got: unknown) => boolean
  readonly boolean: (sent: boolean, got: unknown) => boolean
  /** As what a text may come back that has only characters up to U+00FF: as what they say if they are taken for bytes. */
  readonly twins: (text: string) => readonly string[]
  /** What was one container is one container again. */
  readonly sharing: boolean
}

/** Numbers beyond 2^53 are doubles, and bigints integers, to Perl too. */
const isWhole = (number: unknown) => typeof number === 'bigint' || Number.isSafeInteger(number)

/** The same number, whether it is shown as a number or as a bigint. Perl makes an integer of a double where it can: `0` of `-0`. */
function isSameNumber(sent: number | bigint, got: unknown): boolean {
  return (typeof got === 'number' || typeof got === 'bigint') && exact(sent) === exact(got)
}

const exact = (value: number | bigint) => (Number.isInteger(value) ? BigInt(value) : value)

/**
 * Perl writes 15 digits of a fraction, of the largest double more than there are. JSON::XS may miss the last, half of them
 * below 1e-290, and makes the tiniest ones 0.
 */
function isRounded(sent: number | bigint, got: number): boolean {
  const exactly = Number(sent)
  if (Object.is(Number(exactly.toPrecision(15)), got)) return true
  const size = Math.abs(exactly)
  return Math.abs(exactly - got) <= Math.max(size * (size < 1e-290 ? 1e-6 : 1e-14), 2 ** -1022)
}

/** Data::Dumper puts fractions and integers of more than 10 characters in quotes. */
function isDumped(sent: number | bigint, got: unknown): boolean {
  if (!isWhole(sent) || Object.is(sent, -0)) return typeof got === 'string' && isRounded(sent, Number(got))
  return String(sent).length > 10 ? got === String(BigInt(sent)) : got === Number(sent)
}

const isText = (sent: number | bigint, got: unknown) => got === (Object.is(sent, -0) ? '0' : String(sent))
/** Data::Dumper of Perl 5.36 knows no booleans: it writes 1 and an empty text. */
const isDumpedTruth = (sent: boolean, got: unknown) => got === sent || got === (sent ? 1 : '')
const isTruthText = (sent: boolean, got: unknown) => got === (sent ? '1' : '')

/** JSON::XS writes 15 digits, and reads the smallest integer as a double. */
const isJsonNumber = (sent: number | bigint, got: unknown) =>
  isSameNumber(sent, got) || ((!isWhole(sent) || sent === -(2n ** 63n)) && isRounded(sent, Number(got)))

/** Integers beyond 63 bits are text in a Storable record. */
const isStored = (sent: number | bigint, got: unknown) =>
  isSameNumber(sent, got) || (isWhole(sent) && sent >= 2n ** 63n && got === String(sent))

const asBytes = (text: string) => decodeBytes(text, 'utf8').text
/** YAML::Tiny escapes \\x80 to \\x9f, and all others may be UTF-8. */
const besideEscapes = (text: string) => text.replace(/[^\x00-\x9f]+/g, asBytes)

/** By serializer; see the tables of docs/formats.md. */
export const losses: Readonly<Record<string, Losses>> = {
  DataDumper: { number: isDumped, boolean: isDumpedTruth, twins: (text) => [asBytes(text)], sharing: true },
  FreezeThaw: { number: isText, boolean: isTruthText, twins: () => [], sharing: true },
  JSON: {
    number: isJsonNumber,
    boolean: Object.is,
    twins: (text) => [asBytes(text)],
    sharing: false,
  },
  Storable: { number: isStored, boolean: Object.is, twins: () => [], sharing: true },
  YAML: { number: isText, boolean: isTruthText, twins: (text) => [asBytes(text), besideEscapes(text)], sharing: false },
}

/** Bytes are shown as the text that they are. */
const asShown = (value: unknown) =>
  value instanceof Uint8Array ? decodeBytes(Buffer.from(value).toString('latin1'), 'utf8').text : value

/** Where what came back differs, as `a.b[1]`; undefined when it is the same. */
export function differenceOf(sent: unknown, got: unknown, lost: Losses): string | undefined {
  const partners = new Map<object, unknown>()
  const taken = new Set<unknown>()

  const textsOf = (text: string) =>
    hasNonAscii(text) && !/[^\x00-\xff]/.test(text) ? [text, ...lost.twins(text)] : [text]

  function isSameLeaf(one: unknown, other: unknown): boolean {
    if (typeof one === 'number' || typeof one === 'bigint') return lost.number(one, other)
    if (typeof one === 'boolean') return lost.boolean(one, other)
    return typeof one === 'string' ? textsOf(one).includes(other as string) : one === other
  }

  function look(one: unknown, other: unknown, path: string): string | undefined {
    if (!Array.isArray(one) && !isPlainObject(one)) return isSameLeaf(asShown(one), other) ? undefined : path
    if (lost.sharing) {
      if (partners.has(one)) return partners.get(one) === other ? undefined : path
      if (taken.has(other)) return path
      partners.set(one, other)
      taken.add(other)
    }
    const isSameKind = Array.isArray(one) ? Array.isArray(other) : isPlainObject(other)
    if (!isSameKind || Object.keys(one).length !== Object.keys(other as object).length) return path
    for (const [key, part] of Object.entries(one)) {
      const present = textsOf(key).find((name) => Object.hasOwn(other as object, name))
      const place = `${path}.${key}`
      if (present === undefined) return place
      const problem = look(part, (other as Record<string, unknown>)[present], place)
      if (problem !== undefined) return problem
    }
    return undefined
  }
  return look(sent, got, '')
}
