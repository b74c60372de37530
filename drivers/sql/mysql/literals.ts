/** Values within a statement: as parameters, texts would come to the server in the character set of the connection. */

import { asBuffer } from '../../../lib/bytes.js'
import type { SqlValue } from '../contracts.js'

const notAscii = /[^\x01-\x7f]/

/** Does a value arrive as it is, whatever the character set of the connection? */
export function isExact(value: SqlValue): boolean {
  return typeof value !== 'string' || !notAscii.test(value)
}

/** A quoted name, which may hold anything; a quoted text; or a parameter. */
const part = /`(?:[^`]|``)*`|'[^']*'|\?/g

/** A statement of ours with its values in place of the parameters. */
export function withLiterals(sql: string, values: readonly SqlValue[]): string {
  let at = 0
  return sql.replace(part, (text) => (text === '?' ? literal(values[at++]!) : text))
}

function literal(value: SqlValue): string {
  if (value === null) return 'null'
  if (typeof value === 'number') return String(value)
  return typeof value === 'string'
    ? `_utf8mb4 X'${Buffer.from(value).toString('hex')}'`
    : `X'${asBuffer(value).toString('hex')}'`
}
