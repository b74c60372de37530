/** Results of the package odbc, as all clients give them. */

import { DriverError } from '../../../lib/errors.js'
import type { SqlResult } from '../contracts.js'
import type { OdbcColumn, OdbcResult } from './package.js'

/** The bytes that a character may take in the package's buffers. */
const BYTES_OF_CHARACTER = 4

/**
 * Rows and count.
 * @throws {DriverError} when the ODBC driver gave more than it had announced: the package cuts such a value off, or fills it up
 * with whatever stood in memory
 */
export function toResult(result: OdbcResult): SqlResult {
  const { columns } = result
  const rows = result.map((row) => {
    const cells = Array.isArray(row) ? row : columns.map(({ name }) => (row as Record<string, unknown>)[name])
    return cells.map((cell, index) => {
      if (isCut(columns[index]!, cell)) throw cutOff(columns[index]!)
      return plain(cell)
    })
  })
  return { rows, count: Math.max(result.count, 0) }
}

const isWrite = /^\s*(?:insert|update|delete|merge)\b/i

/**
 * An ODBC driver that does not say how many rows a write found (SQLRowCount is -1) is of no use: a good update would be taken for
 * a conflict.
 * @throws {DriverError}
 */
export function refuseUncounted(sql: string, { count }: Pick<OdbcResult, 'count'>): void {
  if (count >= 0 || !isWrite.test(sql)) return
  throw new DriverError(
    'ODBC',
    'query',
    'ODBC: the ODBC driver does not say how many rows a write found, so that it is unknown whether it took place: let it count ' +
      '(`set nocount off` in SQL Server), or use another ODBC driver',
  )
}

function plain(cell: unknown): unknown {
  if (cell instanceof ArrayBuffer) return Buffer.from(cell)
  return typeof cell === 'bigint' ? Number(cell) : cell
}

function isCut({ dataTypeName, columnSize }: OdbcColumn, cell: unknown): boolean {
  if (columnSize === 0 || dataTypeName.includes('LONG')) return false
  if (cell instanceof ArrayBuffer) return cell.byteLength > columnSize
  if (typeof cell !== 'string') return false
  return dataTypeName.startsWith('SQL_W')
    ? cell.length >= columnSize && cell.length > 255
    : Buffer.byteLength(cell) >= columnSize * BYTES_OF_CHARACTER
}

function cutOff({ name, columnSize }: OdbcColumn): DriverError {
  return new DriverError(
    'ODBC',
    'query',
    `ODBC: the ODBC driver announces at most ${columnSize} for the column ${name.slice(0, 60)} and gives more, which would be cut ` +
      'off: give the column a type for long values, or raise the limit of its ODBC driver. Nothing was changed',
  )
}

/** Does the last row end in a value that just fills the buffer? Then there may be more rows. */
export function endsEarly(result: OdbcResult, size: number): boolean {
  const row = result.at(-1)
  const cells: unknown[] = typeof row === 'object' && row !== null ? Object.values(row) : []
  return cells.some((cell) => cell instanceof ArrayBuffer && cell.byteLength === size)
}
