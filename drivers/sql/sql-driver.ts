/** The half that all SQL drivers share: sessions in a table, whatever the client and the dialect are. */

import { isUtf8 } from 'node:buffer'
import type {
  Driver,
  DriverSupport,
  PluginContext,
  PossiblyExpired,
  RemoveOptions,
  StoreOptions,
  StoreOutcome,
  TableOptions,
} from '../../lib/contracts.js'
import { DriverError } from '../../lib/errors.js'
import { logId } from '../../lib/id-check.js'
import type { Connection, SqlDialect, SqlProblem, SqlResult, SqlValue } from './contracts.js'
import { failure, problemOf } from './failure.js'
import { type TableNames, tableNames } from './names.js'
import { passwordsOf, type SqlOptions } from './options.js'
import {
  PAGE_OF_IDS,
  PAGE_OF_RECORDS,
  placeholders,
  type Statements,
  statementsFor,
  tableStatementsFor,
} from './statements.js'
import { readShape, reasonUnfit } from './table-shape.js'
import { isSame, type Present, presentIn, recordOf, type Statement, type Table, Write } from './write.js'

/** What a driver says of itself. */
export interface SqlSetup {
  /** As in the type string. */
  readonly name: string
  /** What its data column is expected to hold. */
  readonly payload: DriverSupport['payload']
  readonly options: SqlOptions
  readonly context: PluginContext
  /** The dialect; undefined where only the connection knows it. */
  readonly dialect: SqlDialect | undefined
  /** Connect, or take what was handed over: called when the database is first needed, and again after it failed. */
  connect(): Connection | Promise<Connection>
}

/** What is known once there is a connection. */
interface Access extends Connection {
  readonly names: TableNames
  readonly statements: Statements
}

/** A statement to run, and for whom. */
interface Request {
  readonly operation: string
  readonly sql: string
  readonly values?: readonly SqlValue[]
  readonly id?: string
  /** A failure of such a kind is an answer. */
  readonly expected?: ReadonlySet<SqlProblem>
  /** There is at most one row. */
  readonly isOne?: true
}

/** A write that others come before is tried so often. */
const ATTEMPTS = 5
/** How long to wait for a lock of others before the next attempt, at first and at most, in milliseconds. */
const FIRST_PAUSE = 1
const LONGEST_PAUSE = 50

const worthTryingAgain: ReadonlySet<SqlProblem | undefined> = new Set(['busy', 'crowded', 'deadlock'])

/** One statement of several programs that create a session. */
const alreadyThere: ReadonlySet<SqlProblem> = new Set(['duplicate'])

/** What a database says of an id that its column cannot hold: there is no such session. */
const noSuchId: ReadonlySet<SqlProblem> = new Set(['notAnId', 'badText'])

const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds))

/** A driver for sessions in a table. Each SQL driver extends it with its client. */
export abstract class SqlDriver implements Driver {
  readonly supports: DriverSupport
  readonly #setup: SqlSetup
  #access: Access | undefined
  #connecting: Promise<Access> | undefined
  #table: Table | undefined
  #looking: Promise<Table> | undefined
  /** Statements under way, and what waits for their end. */
  #running = 0
  #whenIdle: (() => void) | undefined
  #closed = false

  /** @throws {OptionError} for a name that cannot be one */
  protected constructor(setup: SqlSetup) {
    this.#setup = setup
    this.supports = { ids: 'text', payload: setup.payload, ttl: false, list: true, expect: true }
    tableNames({ quote: '"', fold: (name) => name }, setup.options)
  }

  async retrieve(id: string): Promise<Uint8Array | undefined> {
    const access = this.#access ?? (await this.#connect('retrieve'))
    const present = await this.#present('retrieve', access, id)
    return present instanceof Uint8Array ? present : undefined
  }

  async store(id: string, record: Uint8Array, options: StoreOptions = {}): Promise<StoreOutcome> {
    const access = this.#access ?? (await this.#connect('store'))
    const known = this.#table
    const result = await this.#storeIn(access, known ?? (await this.#look('store', access)), id, record, options)
    if (typeof result === 'string') return result
    // A DBA may have altered the table since it was looked at, perhaps as an earlier message told.
    this.#forgetTable()
    if (known === undefined) throw result
    return this.store(id, record, options)
  }

  async remove(id: string, { expect }: RemoveOptions = {}): Promise<boolean> {
    const access = this.#access ?? (await this.#connect('remove'))
    const request = { operation: 'remove', id, expected: noSuchId }
    if (expect === undefined) {
      const removed = await this.#attempt(access, { ...request, sql: access.statements.remove, values: [id, id] })
      return removed !== undefined && removed.count > 0
    }
    const { shape, statements } = this.#table ?? (await this.#look('remove', access))
    const values = [id, id, ...access.dialect.recordValues(shape.dataKind, expect)]
    const removed = await this.#attempt(access, { ...request, sql: statements.removeIf, values })
    return removed !== undefined && removed.count > 0
  }

  async *ids(): AsyncIterable<string> {
    const access = this.#access ?? (await this.#connect('list'))
    const { firstIds, nextIds } = access.statements
    for await (const [id] of this.#pages(access, firstIds, nextIds, [], PAGE_OF_IDS)) yield idOf(id)
  }

  async *possiblyExpired(now: number): AsyncIterable<PossiblyExpired> {
    const access = this.#access ?? (await this.#connect('list'))
    const { shape, statements } = this.#table ?? (await this.#look('list', access))
    const { firstRecords, nextRecords } = statements
    const values = shape.hasExpires ? [now] : []
    for await (const [id, data] of this.#pages(access, firstRecords, nextRecords, values, PAGE_OF_RECORDS)) {
      const record = recordOf(access.dialect, data)
      if (record !== undefined) yield { id: idOf(id), record, isDated: shape.hasExpires }
    }
  }

  async createTable(options: TableOptions): Promise<void> {
    const access = this.#access ?? (await this.#connect('create table'))
    try {
      const changes = await this.#tableChanges(access, options)
      if (changes.length > 0) await this.#alter(access, changes, options)
    } finally {
      this.#forgetTable()
    }
  }

  async createTableSql(options: TableOptions): Promise<string> {
    // A DBA's statements need no connection, where the dialect is known without one.
    const dialect = this.#setup.dialect ?? (this.#access ?? (await this.#connect('create table'))).dialect
    const { tableChanges } = await import('./create-table.js')
    return tableChanges(dialect, tableNames(dialect, this.#setup.options), [], options)
      .map((sql) => `${sql};\n`)
      .join('')
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    if (this.#running > 0) await new Promise<void>((resolve) => (this.#whenIdle = resolve))
    const access = this.#access ?? (await this.#connecting?.catch(() => undefined))
    await access?.close?.()
  }

  /** What the table lacks, as statements. */
  async #tableChanges(access: Access, options: TableOptions): Promise<string[]> {
    const { tableChanges } = await import('./create-table.js')
    return tableChanges(access.dialect, access.names, await this.#columns('create table', access), options)
  }

  /** The first statement may fail because another program just ran it: that program runs the others too. */
  async #alter(access: Access, [first, ...others]: readonly string[], options: TableOptions): Promise<void> {
    try {
      await this.#run(access, { operation: 'create table', sql: first! })
    } catch (error) {
      const left = await this.#tableChanges(access, options)
      if (left.includes(first!)) throw error
      // The other program made the table without the column.
      return left.length > 0 ? this.#alter(access, left, options) : undefined
    }
    for (const sql of others) await this.#run(access, { operation: 'create table', sql })
  }

  /** Write, as the table is known; the error of a write that this table cannot take. */
  async #storeIn(
    access: Access,
    table: Table,
    id: string,
    record: Uint8Array,
    { ttl = 0, expect }: StoreOptions,
  ): Promise<StoreOutcome | DriverError> {
    const write = new Write(access.dialect, table, id, record, ttl > 0 ? this.#setup.context.now() + ttl : null)
    const unfit = write.touches(expect) ? undefined : reasonUnfit(access.dialect, table.shape, id, record)
    if (unfit !== undefined) return this.#refusal(id, unfit)
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const outcome = await this.#tryToStore(access, write, expect)
      if (outcome !== 'again') return outcome
    }
    return this.#refusal(
      id,
      `its row is there and is not, again and again. Either the column ${access.names.quoted.id} ignores case or blanks, and takes ` +
        `the id of another session for this one (give it a binary collation); or the column ${access.names.quoted.data} does not give back ` +
        `what is written (make it a ${access.dialect.binaryType}); or others wrote and removed the session ${ATTEMPTS} times meanwhile`,
    )
  }

  /** One attempt at a write; `again` when others came between its statements. */
  async #tryToStore(access: Access, write: Write, expect: StoreOptions['expect']): Promise<StoreOutcome | 'again'> {
    if (expect === undefined) {
      if (write.upsert !== undefined) return (await this.#update(access, write, write.upsert)) ? 'stored' : 'again'
      return (await this.#update(access, write, write.update)) ? 'stored' : this.#create(access, write, false)
    }
    if (expect === null) return this.#create(access, write, true)
    return (await this.#update(access, write, write.updateIf(expect))) ? 'stored' : this.#whyNot(access, write, expect)
  }

  /** Insert. When there is a row already: `exists`, or `again` where that is no answer yet. */
  async #create(access: Access, write: Write, mayExist: boolean): Promise<StoreOutcome | 'again'> {
    const [sql, values] = write.insert
    const inserted = await this.#attempt(access, {
      operation: 'store',
      sql,
      values,
      id: write.id,
      expected: alreadyThere,
    })
    if (inserted !== undefined && inserted.count > 0) return 'stored'
    const present = await this.#present('store', access, write.id)
    if (present === 'no row') return 'again'
    // Perl takes an empty record for none.
    if (present === 'null') return (await this.#update(access, write, write.updateNull)) ? 'stored' : 'again'
    if (present.length === 0) return (await this.#update(access, write, write.updateIf(present))) ? 'stored' : 'again'
    if (mayExist) return 'exists'
    // The update before may have found the row: a server may count only rows that changed.
    return isSame(present, write.record) ? 'stored' : 'again'
  }

  async #update(access: Access, { id }: Write, [sql, values]: Statement): Promise<boolean> {
    // Two programs at once may both find no row, and both insert one (MERGE in Oracle).
    const found = await this.#attempt(access, { operation: 'store', sql, values, id, expected: alreadyThere })
    return found !== undefined && found.count > 0
  }

  /** Why an update found no row. A server may count only rows that changed, and a record may be written as it was. */
  async #whyNot(access: Access, write: Write, expect: Uint8Array): Promise<StoreOutcome | 'again'> {
    const present = await this.#present('store', access, write.id)
    if (!(present instanceof Uint8Array) || present.length === 0) return 'gone'
    if (!isSame(present, expect)) return 'conflict'
    return isSame(write.record, expect) ? 'stored' : 'again'
  }

  /** What is there under an id. An id that the column cannot hold has no row. */
  async #present(operation: string, access: Access, id: string): Promise<Present> {
    const sql = access.statements.retrieve
    const request: Request = { operation, sql, values: [id, id], id, expected: noSuchId, isOne: true }
    const result = await this.#attempt(access, request)
    return result === undefined ? 'no row' : presentIn(access.dialect, result)
  }

  /** All rows of a query in the order of their ids, a page at a time: nothing is held open between two pages. */
  async *#pages(access: Access, first: string, next: string, values: readonly SqlValue[], size: number) {
    const operation = 'list'
    const starts = new Set<string>()
    let { rows } = await this.#run(access, { operation, sql: first, values })
    while (rows.length > 0) {
      // Ids that do not survive the way to this process and back lead to pages that were there before.
      const start = idOf(keyOf(access.dialect, rows[0]![0]))
      if (starts.has(start)) throw this.#unlistable(operation)
      starts.add(start)
      for (const [id, data] of rows) yield [keyOf(access.dialect, id), data] as const
      if (rows.length < size) return
      const last = keyOf(access.dialect, rows.at(-1)![0])
      rows = (await this.#run(access, { operation, sql: next, values: [last, ...values] })).rows
    }
  }

  /** Connect once; an attempt that failed is not remembered. */
  async #connect(operation: string): Promise<Access> {
    this.#assertOpen(operation)
    this.#connecting ??= this.#makeAccess(operation).finally(() => {
      this.#connecting = undefined
    })
    return this.#connecting
  }

  async #makeAccess(operation: string): Promise<Access> {
    try {
      const connection = await this.#setup.connect()
      const names = tableNames(connection.dialect, this.#setup.options)
      this.#access = { ...connection, names, statements: statementsFor(connection.dialect, names.quoted) }
      return this.#access
    } catch (error) {
      throw this.#notConnected(operation, error)
    }
  }

  /** Look at the table, once, however many writes come at once: which columns it has decides how it is written. */
  #look(operation: string, access: Access): Promise<Table> {
    if (this.#looking !== undefined) return this.#looking
    const looking = this.#readTable(operation, access).then((table) => {
      // Otherwise the table was altered meanwhile.
      if (this.#looking === looking) this.#table = table
      return table
    })
    this.#looking = looking
    looking
      .catch(() => undefined)
      .then(() => {
        if (this.#looking === looking) this.#looking = undefined
      })
    return looking
  }

  async #readTable(operation: string, access: Access): Promise<Table> {
    const { dialect, names } = access
    const shape = readShape(dialect, names, await this.#columns(operation, access))
    return { shape, statements: tableStatementsFor(dialect, names.quoted, shape) }
  }

  /** The table was altered, or may have been: the next write looks at it again. */
  #forgetTable(): void {
    this.#table = undefined
    this.#looking = undefined
  }

  async #columns(operation: string, access: Access): Promise<SqlResult['rows']> {
    const query = access.dialect.columnsQuery(access.names.table, placeholders(access.dialect))
    return (await this.#run(access, { operation, ...query })).rows
  }

  /** Run a statement, again while others hold a lock. */
  #run(access: Access, request: Request): Promise<SqlResult> {
    return this.#attempt(access, request) as Promise<SqlResult>
  }

  /** The same; undefined when it fails as is expected. */
  async #attempt(access: Access, request: Request): Promise<SqlResult | undefined> {
    const { client, dialect } = access
    const { sql, values = [], expected, isOne } = request
    const deadline = Date.now() + this.#setup.options.timeout
    for (let wait = FIRST_PAUSE; ; wait = Math.min(wait * 2, LONGEST_PAUSE)) {
      this.#assertOpen(request.operation)
      this.#running++
      try {
        return await client.query(sql, values, isOne)
      } catch (error) {
        const problem = problemOf(error, dialect)
        if (problem !== undefined && expected?.has(problem)) return undefined
        if (!worthTryingAgain.has(problem) || Date.now() + wait > deadline) {
          throw this.#failed(access, request, error, problem)
        }
      } finally {
        if (--this.#running === 0) this.#whenIdle?.()
      }
      await pause(wait * (0.5 + Math.random() / 2))
    }
  }

  #failed(
    { dialect, names }: Access,
    { operation, id, values = [] }: Request,
    error: unknown,
    problem: SqlProblem | undefined,
  ): unknown {
    // The table may have been altered since it was looked at.
    this.#forgetTable()
    const quotesNothing = dialect.quotesNothing === true || values.length === 0
    const where = { driver: this.#setup.name, operation, id, table: names.quoted.table, values, quotesNothing }
    return failure(error, problem, where)
  }

  #assertOpen(operation: string): void {
    if (!this.#closed) return
    const { name } = this.#setup
    throw new DriverError(name, operation, `${name}: the driver is closed`, { code: 'ERR_SESSION_CLOSED' })
  }

  #notConnected(operation: string, error: unknown): unknown {
    const { name: driver, options, dialect } = this.#setup
    // There are no sessions yet, only a password.
    const where = { driver, operation, table: options.tableName, values: passwordsOf(options), quotesNothing: true }
    return failure(error, problemOf(error, dialect), where)
  }

  #refusal(id: string, reason: string): DriverError {
    const { name } = this.#setup
    return new DriverError(name, 'store', `${name}: cannot store session ${logId(id)}: ${reason}. Nothing was written`)
  }

  #unlistable(operation: string): DriverError {
    const { name } = this.#setup
    const message = `${name}: cannot list all sessions: ids of raw bytes (UUID16) in a text column do not come in one order`
    return new DriverError(name, operation, message)
  }
}

/** An id as the table has it: text, or raw bytes. */
function keyOf({ idsAreUtf8 }: SqlDialect, id: unknown): string | Uint8Array {
  if (!(id instanceof Uint8Array)) return String(id)
  return idsAreUtf8 && isUtf8(id) ? Buffer.from(id).toString() : id
}

/** An id as text; raw bytes as one character a byte. */
function idOf(key: string | Uint8Array): string {
  return typeof key === 'string' ? key : Buffer.from(key).toString('latin1')
}
