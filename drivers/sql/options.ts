/** The options that all SQL drivers have, named as in Data::Session. */

import type { OptionReader, OptionTable } from '../../lib/contracts.js'
import { OptionError } from '../../lib/errors.js'
import { isPlainObject } from '../../lib/hash.js'
import { custom, integer, text } from '../../lib/options.js'
import { type Handle, optionalHandle } from '../shared/handle.js'

/** Options of every SQL driver. */
export interface SqlOptions {
  /** Where the database is: as DBI writes it (`dbi:Pg:dbname=x;host=h`), or a URL. */
  dataSource: string
  /** The user; in Perl `username`. */
  username: string
  /** The password. No message shows it. */
  password: string
  /** The server's host, where dataSource does not say it. */
  host: string
  /** The server's port, where dataSource does not say it. Default: the database's own. */
  port: number
  /** The server's Unix socket, where dataSource does not say it. */
  socket: string
  /**
   * Further settings for the client, under its own names, such as `{ max: 20 }` for pg; they have the last word. DBI's AutoCommit, PrintError and
   * RaiseError are accepted with the values that Data::Session gives them: 1, 0 and 1.
   */
  dataSourceAttr: Readonly<Record<string, unknown>>
  /**
   * A live client, pool or knex instance in place of a dataSource, or a function that gives one and is called when it is first
   * needed (Perl: `dbh`). It is never changed, and stays open when the manager is closed.
   */
  dbh: Handle | undefined
  /** The table, as `sessions`, `app.sessions` or `"My Table"`. Default: `sessions`. */
  tableName: string
  /** The column of ids. Default: `id`. */
  idColName: string
  /** The column of records. Default: `a_session`. */
  dataColName: string
  /**
   * The column of expiry times in epoch seconds. A table without it works, and only purges more slowly. Default: `expires`.
   */
  expiresColName: string
  /**
   * How long to try again while others hold a lock, and how long a statement and a connection to a server may take, in
   * milliseconds. Default: 5000.
   */
  timeout: number
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> => isPlainObject(value)

/** A port as a number or, as Perl's callers have it, as text. */
const portReader: OptionReader<number> = (value, name) =>
  integer(0, { max: 65_535 })(
    typeof value === 'string' && /^\d{1,5}$/.test(value) ? Number(value) : value || undefined,
    name,
  )

/** What DBI's attributes must be: what Data::Session sets, and what these drivers do anyway. */
const dbiAttributes: Readonly<Record<string, number>> = { AutoCommit: 1, PrintError: 0, RaiseError: 1 }

const attributesReader: OptionReader<Readonly<Record<string, unknown>>> = (value, name) => {
  const given = custom({}, 'an object of settings for the client', isObject)(value, name)
  for (const [attribute, wanted] of Object.entries(dbiAttributes)) {
    if (attribute in given && Number(given[attribute]) !== wanted) {
      throw new OptionError(
        name,
        `Option '${name}' may have ${attribute} only as ${wanted}: these drivers know no other way`,
      )
    }
  }
  return Object.fromEntries(Object.entries(given).filter(([attribute]) => !Object.hasOwn(dbiAttributes, attribute)))
}

/** How the options of every SQL driver are read. */
export const sqlOptions: OptionTable<SqlOptions> = {
  dataSource: text(''),
  username: text(''),
  password: text(''),
  host: text(''),
  port: portReader,
  socket: text(''),
  dataSourceAttr: attributesReader,
  dbh: optionalHandle('a database handle'),
  tableName: text('sessions'),
  idColName: text('id'),
  dataColName: text('a_session'),
  expiresColName: text('expires'),
  timeout: integer(5000, { min: 1, max: 2_000_000_000 }),
}

/** The passwords in the options, wherever they stand: no message may have them. */
export function passwordsOf({ password, dataSource, dataSourceAttr }: SqlOptions): string[] {
  const inText = /(?:password|pwd)\s*=\s*\{?'?([^;}']+)|\/\/[^/:@]*:([^@]+)@/gi
  const found = [...dataSource.matchAll(inText)].map(([, attribute, url]) => attribute ?? url)
  return [password, dataSourceAttr.password, ...found].filter(
    (one) => typeof one === 'string' && one !== '',
  ) as string[]
}
