/** The half that all SQL drivers share: sessions in a table, whatever the client and the dialect are. */

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
import { shortId } from '../../lib/id-check.js'
import type { Connection, SqlDialect, SqlProblem, SqlResult, SqlValue } from './contracts.js'
import { failure, problemOf } from './failure.js'
import { type TableNames, tableNames } from './names.js'
import type { SqlOptions } from './options.js'
import {
  PAGE_OF_IDS,
  PAGE_OF_RECORDS,
  placeholders,
  type Statements,
  statementsFor,
  type TableStatements,
  tableStatementsFor,
} from './statements.js'
import { readShape, refuseUnfit, type TableShape } from './table-shape.js'

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

/** What is known once the table was looked at. */
interface Table {
  readonly shape: TableShape
  readonly statements: TableStatements
}

/** A write that others come before is tried so often. */
const ATTEMPTS = 5
/** How long to wait for a lock of others before the next attempt, at first and at most, in milliseconds. */
const FIRST_PAUSE = 1
const LONGEST_PAUSE = 50

const worthTryingAgain: ReadonlySet<SqlProblem | undefined> = new Set(['busy', 'deadlock'])

const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds))

/** A driver for sessions in a table. Each SQL driver extends it with its client. */
export abstract class SqlDriver implements Driver {
  readonly supports: DriverSupport
  readonly #setup: SqlSetup
  #access: Access | undefined
  #connecting: Promise<Access> | undefined
  #table: Table | undefined
  #looking: Promise<Table> | undefined
  #closed = false

  /** @throws {OptionError} for a name that cannot be one */
  protected constructor(setup: SqlSetup) {
    this.#setup = setup
    this.supports = { ids: 'text', payload: setup.payload, ttl: false, list: true, expect: true }
    tableNames({ quote: '"', fold: (name) => name }, setup.options)
  }

  async retrieve(id: string): Promise<Uint8Array | undefined> {
    const access = this.#access ?? (await this.#connect('retrieve'))
    return recordOf(access.dialect, await this.#fetch('retrieve', access, id))
  }

  async store(id: string, record: Uint8Array, { ttl = 0, expect }: StoreOptions = {}): Promise<StoreOutcome> {
    const access = this.#access ?? (await this.#connect('store'))
    const table = this.#table ?? (await this.#look('store', access))
    refuseUnfit(this.#setup.name, access.dialect, table.shape, id, record)
    const write = new Write(access.dialect, table, id, record, ttl > 0 ? this.#setup.context.now() + ttl : null)
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const outcome = await this.#tryToStore(access, write, expect)
      if (outcome !== undefined) return outcome
    }
    throw this.#inTheWay(access, id)
  }

  async remove(id: string, { expect }: RemoveOptions = {}): Promise<boolean> {
    const access = this.#access ?? (await this.#connect('remove'))
    if (expect === undefined)
      return (await this.#run('remove', access, access.statements.remove, [id, id], id)).count > 0
    const { shape, statements } = this.#table ?? (await this.#look('remove', access))
    const values = [id, id, ...access.dialect.recordValues(shape.dataKind, expect)]
    return (await this.#run('remove', access, statements.removeIf, values, id)).count > 0
  }

  async *ids(): AsyncIterable<string> {
    const access = this.#access ?? (await this.#connect('list'))
    const { firstIds, nextIds } = access.statements
    for await (const row of this.#pages(access, firstIds, nextIds, [], PAGE_OF_IDS)) yield String(row[0])
  }

  async *possiblyExpired(now: number): AsyncIterable<PossiblyExpired> {
    const access = this.#access ?? (await this.#connect('list'))
    const { shape, statements } = this.#table ?? (await this.#look('list', access))
    const { firstRecords, nextRecords } = statements
    const values = shape.hasExpires ? [now] : []
    for await (const [id, data] of this.#pages(access, firstRecords, nextRecords, values, PAGE_OF_RECORDS)) {
      const record = bytesOf(access.dialect, data)
      if (record !== undefined) yield { id: String(id), record, isDated: shape.hasExpires }
    }
  }

  async createTable(options: TableOptions): Promise<void> {
    const access = this.#access ?? (await this.#connect('create table'))
    try {
      const changes = await this.#tableChanges(access, options)
      if (changes.length > 0) await this.#alter(access, changes, options)
    } finally {
      this.#table = undefined
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
      await this.#run('create table', access, first!, [])
    } catch (error) {
      const left = await this.#tableChanges(access, options)
      if (left.includes(first!)) throw error
      // The other program made the table without the column.
      return left.length > 0 ? this.#alter(access, left, options) : undefined
    }
    for (const sql of others) await this.#run('create table', access, sql, [])
  }

  /** One attempt at a write; undefined when others came between its statements. */
  async #tryToStore(access: Access, write: Write, expect: StoreOptions['expect']): Promise<StoreOutcome | undefined> {
    if (expect === undefined) {
      if (write.upsert !== undefined) {
        return (await this.#update(access, write, write.upsert)) ? 'stored' : undefined
      }
      return (await this.#update(access, write, write.update)) ? 'stored' : this.#create(access, write, false)
    }
    if (expect === null) return this.#create(access, write, true)
    return (await this.#update(access, write, write.updateIf(expect))) ? 'stored' : this.#whyNot(access, write, expect)
  }

  /** Insert. When there is a row already: `exists`, or undefined where that is no answer yet. */
  async #create(access: Access, write: Write, mayExist: boolean): Promise<StoreOutcome | undefined> {
    const [sql, values] = write.insert
    const inserted = await this.#run('store', access, sql, values, write.id, 'duplicate')
    if (inserted !== undefined && inserted.count > 0) return 'stored'
    const present = recordOf(access.dialect, await this.#fetch('store', access, write.id))
    if (present === undefined) return undefined
    // The update before may have found the row: a server may count only rows that changed.
    if (!mayExist) return Buffer.compare(present, write.record) === 0 ? 'stored' : undefined
    if (present.length > 0) return 'exists'
    // Perl takes an empty record for none.
    return (await this.#update(access, write, write.updateIf(present))) ? 'stored' : undefined
  }

  async #update(access: Access, write: Write, [sql, values]: Statement): Promise<boolean> {
    // Two programs at once may both find no row, and both insert one (MERGE in Oracle).
    const found = await this.#run('store', access, sql, values, write.id, 'duplicate')
    return found !== undefined && found.count > 0
  }

  /** Why an update found no row. A server may count only rows that changed, and a record may be written as it was. */
  async #whyNot(access: Access, write: Write, expect: Uint8Array): Promise<StoreOutcome | undefined> {
    const present = recordOf(access.dialect, await this.#fetch('store', access, write.id))
    if (present === undefined || present.length === 0) return 'gone'
    if (Buffer.compare(present, expect) !== 0) return 'conflict'
    return Buffer.compare(write.record, expect) === 0 ? 'stored' : undefined
  }

  /** The row of a session, if there is one. */
  #fetch(operation: string, access: Access, id: string): Promise<SqlResult> {
    return this.#run(operation, access, access.statements.retrieve, [id, id], id, undefined, true)
  }

  /** All rows of a query in the order of their ids, a page at a time: nothing is held open between two pages. */
  async *#pages(access: Access, first: string, next: string, values: readonly SqlValue[], size: number) {
    let { rows } = await this.#run('list', access, first, values)
    while (rows.length > 0) {
      yield* rows
      if (rows.length < size) return
      rows = (await this.#run('list', access, next, [String(rows.at(-1)![0]), ...values])).rows
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
  async #look(operation: string, access: Access): Promise<Table> {
    this.#looking ??= this.#readTable(operation, access).finally(() => {
      this.#looking = undefined
    })
    return this.#looking
  }

  async #readTable(operation: string, access: Access): Promise<Table> {
    const { dialect, names } = access
    const shape = readShape(dialect, names, await this.#columns(operation, access))
    this.#table = { shape, statements: tableStatementsFor(dialect, names.quoted, shape) }
    return this.#table
  }

  async #columns(operation: string, access: Access): Promise<SqlResult['rows']> {
    const { sql, values } = access.dialect.columnsQuery(access.names.table, placeholders(access.dialect))
    return (await this.#run(operation, access, sql, values)).rows
  }

  async #run(
    operation: string,
    access: Access,
    sql: string,
    values: readonly SqlValue[],
    id?: string,
    expected?: undefined,
    isOne?: boolean,
  ): Promise<SqlResult>
  async #run(
    operation: string,
    access: Access,
    sql: string,
    values: readonly SqlValue[],
    id: string,
    expected: SqlProblem,
  ): Promise<SqlResult | undefined>
  /** Run a statement, again while others hold a lock; undefined when it fails as `expected`. */
  async #run(
    operation: string,
    { client, dialect, names }: Access,
    sql: string,
    values: readonly SqlValue[],
    id?: string,
    expected?: SqlProblem,
    isOne?: boolean,
  ): Promise<SqlResult | undefined> {
    this.#assertOpen(operation)
    const deadline = Date.now() + this.#setup.options.timeout
    for (let wait = FIRST_PAUSE; ; wait = Math.min(wait * 2, LONGEST_PAUSE)) {
      try {
        return await client.query(sql, values, isOne)
      } catch (error) {
        const problem = problemOf(error, dialect)
        if (problem !== undefined && problem === expected) return undefined
        if (!worthTryingAgain.has(problem) || Date.now() + wait > deadline) {
          // The table may have been changed since it was looked at.
          this.#table = undefined
          const quotesNothing = dialect.quotesNothing === true || values.length === 0
          const where = { driver: this.#setup.name, operation, id, table: names.quoted.table, quotesNothing }
          throw failure(error, problem, where)
        }
      }
      await pause(wait * (0.5 + Math.random() / 2))
    }
  }

  #assertOpen(operation: string): void {
    if (!this.#closed) return
    const { name } = this.#setup
    throw new DriverError(name, operation, `${name}: the driver is closed`, { code: 'ERR_SESSION_CLOSED' })
  }

  #notConnected(operation: string, error: unknown): unknown {
    const { name, options, dialect } = this.#setup
    return failure(error, problemOf(error, dialect), { driver: name, operation, table: options.tableName })
  }

  /** There is a row and there is none, again and again. */
  #inTheWay({ names }: Access, id: string): DriverError {
    const { name } = this.#setup
    const message =
      `${name}: cannot store session ${shortId(id)}: the table has an id that its column ${names.quoted.id} takes for the same, ` +
      'because it ignores case or blanks: give that column a binary collation. (Or others wrote and removed the session ' +
      `${ATTEMPTS} times meanwhile.) Nothing was written`
    return new DriverError(name, 'store', message)
  }
}

/** A statement and its values. */
type Statement = readonly [sql: string, values: readonly SqlValue[]]

/** One record on its way into the table, as the statements that can bring it there. */
class Write {
  readonly id: string
  readonly record: Uint8Array
  readonly #dialect: SqlDialect
  readonly #table: Table
  readonly #values: readonly SqlValue[]

  constructor(dialect: SqlDialect, table: Table, id: string, record: Uint8Array, expires: number | null) {
    this.id = id
    this.record = record
    this.#dialect = dialect
    this.#table = table
    const data = table.shape.dataKind === 'text' ? Buffer.from(record).toString('latin1') : record
    this.#values = table.shape.hasExpires ? [data, expires] : [data]
  }

  get insert(): Statement {
    return [this.#table.statements.insert, [this.id, ...this.#values]]
  }

  get update(): Statement {
    return [this.#table.statements.update, [...this.#values, this.id, this.id]]
  }

  updateIf(expect: Uint8Array): Statement {
    const expected = this.#dialect.recordValues(this.#table.shape.dataKind, expect)
    return [this.#table.statements.updateIf, [...this.#values, this.id, this.id, ...expected]]
  }

  get upsert(): Statement | undefined {
    const { upsert } = this.#table.statements
    if (upsert === undefined) return undefined
    return [upsert.sql, [this.id, ...this.#values, ...(upsert.valuesTwice ? this.#values : [])]]
  }
}

/** The record in a row, which may be empty; undefined when there is no row. */
function recordOf(dialect: SqlDialect, { rows }: SqlResult): Uint8Array | undefined {
  return rows.length === 0 ? undefined : bytesOf(dialect, rows[0]![0])
}

/** The bytes of a record, of what the client gives for the data column. */
function bytesOf(dialect: SqlDialect, data: unknown): Uint8Array | undefined {
  if (data instanceof Uint8Array) return data
  if (data instanceof ArrayBuffer) return new Uint8Array(data)
  return typeof data === 'string' ? dialect.bytesOf(data) : undefined
}
