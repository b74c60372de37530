/** What a driver must know of the table: looked up once, before the first write. */

import { DriverError } from '../../lib/errors.js'
import type { ColumnKind, SqlDialect } from './contracts.js'

/** What the columns of a table hold. */
export interface TableShape {
  /** The most characters of an id. */
  readonly idLimit: number | undefined
  /** The column of ids is filled up with blanks, so that those of an id are lost. */
  readonly cutsBlanks: boolean
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
    idLimit: undefined,
    cutsBlanks: false,
    holdsUuids: false,
    dataKind,
    dataLimit: undefined,
    lacksKey: false,
    hasExpires: false,
  }
}

const isPadded = /^(?:n?char|bpchar)$/i
const isNumber = /int|num|dec|real|double|float|serial/i

/**
 * The shape that follows from the rows of a dialect's `columnsQuery`.
 * @throws {DriverError} for a data column of a type that cannot hold sessions
 */
export function readShape(dialect: SqlDialect, names: ColumnNames, rows: readonly (readonly unknown[])[]): TableShape {
  const columns = new Map(
    rows.map(([name, type, characters, bytes, isKey]) => [
      String(name).toLowerCase(),
      { type: String(type), characters, bytes: bytes ?? characters, isKey },
    ]),
  )
  const [id, data, expires] = [names.id, names.data, names.expires].map((name) => columns.get(name.toLowerCase()))
  if (id === undefined || data === undefined) return unknownShape(dialect)
  refuseIncomparable(dialect, names.data, data.type)
  return {
    idLimit: limitOf(id.characters),
    cutsBlanks: isPadded.test(id.type),
    holdsUuids: /^uuid$/i.test(id.type),
    dataKind: dialect.kindOf(data.type),
    dataLimit: limitOf(data.bytes),
    lacksKey: id.isKey !== undefined && Number(id.isKey) === 0,
    hasExpires: expires !== undefined && isNumber.test(expires.type),
  }
}

function refuseIncomparable({ name, unfitTypes = {} }: SqlDialect, column: string, type: string): void {
  const better = Object.hasOwn(unfitTypes, type) ? unfitTypes[type] : undefined
  if (better === undefined) return
  throw unfit(
    name,
    `the column ${column} is a ${type}, which the database cannot compare: alter the table, modify (${column} ${better})`,
  )
}

function limitOf(limit: unknown): number | undefined {
  const number = Number(limit ?? 0)
  return number > 0 ? number : undefined
}

/** As databases write it. */
const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const notAscii = /[^\x01-\x7f]/

/**
 * Refuse what the columns cannot hold, before a database cuts it off or changes it in silence.
 * @throws {DriverError}
 */
export function refuseUnfit(
  driver: string,
  dialect: SqlDialect,
  shape: TableShape,
  id: string,
  record: Uint8Array,
): void {
  if (shape.lacksKey) {
    throw unfit(
      driver,
      'the column of ids is no primary key, so two sessions could have one id: make it the primary key',
    )
  }
  if (shape.idLimit !== undefined && [...id].length > shape.idLimit) {
    throw unfit(driver, `the id has ${id.length} characters, and its column holds ${shape.idLimit}: make it longer`)
  }
  if (shape.cutsBlanks && id.endsWith(' ')) {
    throw unfit(driver, 'the id ends in a blank, which its column cuts off: make it a varchar')
  }
  if (shape.holdsUuids && !uuid.test(id)) {
    throw unfit(driver, 'its column holds UUIDs in lower case only, and gives others back changed: make it a varchar')
  }
  if (shape.dataLimit !== undefined && record.length > shape.dataLimit) {
    throw unfit(
      driver,
      `the record has ${record.length} bytes, and its column holds ${shape.dataLimit}: make it a ${dialect.binaryType}`,
    )
  }
  if (
    shape.dataKind === 'text' &&
    notAscii.test(Buffer.from(record.buffer, record.byteOffset, record.length).toString('latin1'))
  ) {
    throw unfit(
      driver,
      `the record is not ASCII text, and its column holds text only: make it a ${dialect.binaryType}, or use a serializer that writes text`,
    )
  }
}

function unfit(driver: string, reason: string): DriverError {
  return new DriverError(driver, 'store', `${driver}: cannot store the session: ${reason}. Nothing was written`)
}
