/** What a driver must know of the table: looked up once, before the first write. */

import { asBuffer } from '../../lib/bytes.js'
import { DriverError } from '../../lib/errors.js'
import type { ColumnKind, SqlDialect } from './contracts.js'
import { columnKey } from './names.js'

/** What the columns of a table hold. */
export interface TableShape {
  readonly idType: string
  /** The most characters of an id. */
  readonly idLimit: number | undefined
  /** The column of ids is filled up with blanks, so that those of an id are lost. */
  readonly cutsBlanks: boolean
  /** The column of ids is filled up with NULs. */
  readonly addsNuls: boolean
  /** The column of ids is one of UUIDs, and gives them back in one form. */
  readonly holdsUuids: boolean
  readonly dataKind: ColumnKind
  /** The most bytes of a record. */
  readonly dataLimit: number | undefined
  /** The ids are known to be no key, so that there could be two rows of one session. */
  readonly lacksKey: boolean
  /** There is a column of expiry times. */
  readonly hasExpires: boolean
}

/** The names of columns, as they are looked for. */
interface ColumnNames {
  readonly id: string
  readonly data: string
  readonly expires: string
}

/** A table that the database does not describe: a statement will say what is wrong with it, if anything is. */
function unknownShape(dialect: SqlDialect): TableShape {
  const dataKind = dialect.kindOf(dialect.binaryType)
  return {
    idType: '',
    idLimit: undefined,
    cutsBlanks: false,
    addsNuls: false,
    holdsUuids: false,
    dataKind,
    dataLimit: undefined,
    lacksKey: false,
    hasExpires: false,
  }
}

const isPadded = /^(?:n?char|bpchar)$/i
/** Types that hold seconds since 1970, now and later on. */
const holdsTimes =
  /^(?:(?:unsigned )?big ?int|int(?:eger|[48])?|(?:big)?serial|num(?:ber|eric)|dec(?:imal)?|double|float8)\b/i

/** Can a column keep expiry times, and none? */
export function keepsTimes([, type, , , , isNullable]: readonly unknown[]): boolean {
  return holdsTimes.test(String(type)) && (isNullable === undefined || isNullable === null || Number(isNullable) !== 0)
}

/**
 * The shape that follows from the rows of a dialect's `columnsQuery`.
 * @throws {DriverError} for a data column of a type that cannot hold sessions
 */
export function readShape(dialect: SqlDialect, names: ColumnNames, rows: readonly (readonly unknown[])[]): TableShape {
  const columns = new Map(rows.map((row) => [columnKey(dialect, String(row[0])), row]))
  const [id, data, expires] = [names.id, names.data, names.expires].map((name) => columns.get(columnKey(dialect, name)))
  if (id === undefined || data === undefined) return unknownShape(dialect)
  const [, idType, idCharacters, , isKey] = id
  const [, dataType, dataCharacters, dataBytes] = data
  refuseIncomparable(dialect, names.data, String(dataType))
  return {
    idType: String(idType),
    idLimit: limitOf(idCharacters),
    cutsBlanks: isPadded.test(String(idType)),
    addsNuls: /^binary$/i.test(String(idType)),
    holdsUuids: /^uuid$/i.test(String(idType)),
    dataKind: dialect.kindOf(String(dataType)),
    dataLimit: limitOf(dataBytes ?? dataCharacters),
    lacksKey: isKey !== undefined && isKey !== null && Number(isKey) === 0,
    hasExpires: expires !== undefined && keepsTimes(expires),
  }
}

function refuseIncomparable({ name, unfitTypes = {} }: SqlDialect, column: string, type: string): void {
  const better = Object.hasOwn(unfitTypes, type) ? unfitTypes[type] : undefined
  if (better === undefined) return
  throw unfit(
    name,
    `the column ${column} is a ${type}, which the database cannot compare as it was written: make it a ${better}`,
  )
}

function limitOf(limit: unknown): number | undefined {
  const number = Number(limit ?? 0)
  return number > 0 ? number : undefined
}

/** As databases write it. */
const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const notAscii = /[^\x01-\x7f]/

/** Why the columns cannot hold a session, if so: a database might cut it off or change it in silence. */
export function reasonUnfit(
  dialect: SqlDialect,
  shape: TableShape,
  id: string,
  record: Uint8Array,
): string | undefined {
  if (shape.lacksKey) {
    return 'the column of ids is no primary key, so two sessions could have one id: make it the primary key'
  }
  if (shape.idLimit !== undefined && [...id].length > shape.idLimit) {
    return `the id has ${id.length} characters, and its column holds ${shape.idLimit}: make it longer`
  }
  if (shape.cutsBlanks && id.endsWith(' ')) {
    return 'the id ends in a blank, which its column cuts off: make it a varchar'
  }
  if (shape.addsNuls && shape.idLimit !== undefined && Buffer.byteLength(id) < shape.idLimit) {
    return `the id has ${Buffer.byteLength(id)} bytes, and its column fills it up with NULs to ${shape.idLimit}: make it a varchar`
  }
  if (shape.holdsUuids && !uuid.test(id)) {
    return 'its column holds UUIDs in lower case only, and gives others back changed: make it a varchar'
  }
  if (dialect.changesId?.(shape.idType, id) === true) {
    return `the id is a number in its column, a ${shape.idType}, which changes how it is written: make it a varchar`
  }
  if (shape.dataLimit !== undefined && record.length > shape.dataLimit) {
    return `the record has ${record.length} bytes, and its column holds ${shape.dataLimit}: make it a ${dialect.binaryType}`
  }
  if (shape.dataKind === 'text' && notAscii.test(asBuffer(record).toString('latin1'))) {
    return `the record is not ASCII text, and its column holds text only: make it a ${dialect.binaryType}, or use a serializer that writes text`
  }
  return undefined
}

function unfit(driver: string, reason: string): DriverError {
  return new DriverError(driver, 'store', `${driver}: cannot store the session: ${reason}. Nothing was written`)
}
