/** Names of tables and columns: as Perl's modules would have them understood, and always quoted. */

import { OptionError } from '../../lib/errors.js'
import type { QuotedNames, SqlDialect } from './contracts.js'
import type { SqlOptions } from './options.js'

/** No database has longer ones. */
const LONGEST = 128

const closingQuotes = { '"': '"', '`': '`', '[': ']' } as const
type Quote = keyof typeof closingQuotes

function isQuote(character: string | undefined): character is Quote {
  return character !== undefined && Object.hasOwn(closingQuotes, character)
}

/**
 * The parts of a name such as `sessions`, `app.sessions` or `"My Table"`, each as the database has it: what is not quoted is
 * folded as the database does it, what is quoted stays as it is.
 * @throws {OptionError} for an empty part, a NUL, or a quote without its end
 */
export function parseName(option: string, name: string, fold: (name: string) => string): string[] {
  const parts: string[] = []
  for (let at = 0; at <= name.length; at++) {
    const part = isQuote(name[at]) ? quotedPart(option, name, at) : plainPart(name, at)
    const text = part.quoted ? part.text : fold(part.text)
    if (text === '' || text.length > LONGEST || text.includes('\0') || !text.isWellFormed()) refuse(option)
    parts.push(text)
    at = part.end
    if (at < name.length && name[at] !== '.') refuse(option)
  }
  return parts
}

/** One part: its text and where it ends. */
interface Part {
  readonly text: string
  readonly end: number
  readonly quoted: boolean
}

function plainPart(name: string, start: number): Part {
  const dot = name.indexOf('.', start)
  const end = dot < 0 ? name.length : dot
  return { text: name.slice(start, end), end, quoted: false }
}

function quotedPart(option: string, name: string, start: number): Part {
  const close = closingQuotes[name[start] as Quote]
  let text = ''
  for (let at = start + 1; at < name.length; at++) {
    if (name[at] !== close) text += name[at]
    else if (name[at + 1] === close) text += name[at++]
    else return { text, end: at + 1, quoted: true }
  }
  return refuse(option)
}

function refuse(option: string): never {
  throw new OptionError(
    option,
    `Option '${option}' must be a name such as sessions, app.sessions or "My Table", of at most ${LONGEST} characters`,
  )
}

/** A name as it stands in a statement. */
export function quoteName(dialect: Pick<SqlDialect, 'quote'>, parts: readonly string[]): string {
  const close = closingQuotes[dialect.quote]
  return parts.map((part) => dialect.quote + part.replaceAll(close, close + close) + close).join('.')
}

/** What the names of columns are compared as. */
export function columnKey({ tellsColumnCase }: Pick<SqlDialect, 'tellsColumnCase'>, name: string): string {
  return tellsColumnCase === true ? name : name.toLowerCase()
}

/** The table and its columns as the database has them, and as they stand in statements. */
export interface TableNames {
  /** Perhaps a schema, and the table. */
  readonly table: readonly string[]
  readonly id: string
  readonly data: string
  readonly expires: string
  readonly quoted: QuotedNames
}

const columnOptions = { id: 'idColName', data: 'dataColName', expires: 'expiresColName' } as const

/**
 * The names that the options give, for a dialect.
 * @throws {OptionError} for one that cannot be a name
 */
export function tableNames(dialect: Pick<SqlDialect, 'quote' | 'fold'>, options: SqlOptions): TableNames {
  const table = parseName('tableName', options.tableName, dialect.fold)
  const column = (name: keyof typeof columnOptions): string => {
    const option = columnOptions[name]
    const parts = parseName(option, options[option], dialect.fold)
    return parts.length === 1 ? parts[0]! : refuse(option)
  }
  const [id, data, expires] = [column('id'), column('data'), column('expires')]
  const quoted = {
    table: quoteName(dialect, table),
    id: quoteName(dialect, [id]),
    data: quoteName(dialect, [data]),
    expires: quoteName(dialect, [expires]),
  }
  return { table, id, data, expires, quoted }
}
