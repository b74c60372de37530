/** What the cases of t/prove/traps.ts are made of. */

import type { Driver } from '../../../lib/contracts.js'
import { type ManagerOptions, SessionError, SessionManager } from '../../../lib/index.js'
import { mysql2, settingsFor as mysqlSettings, newDatabase } from '../../support/mariadb.js'
import { newSchema } from '../../support/postgres.js'
import { openDriver } from './open-driver.js'

export const id = '0123456789abcdef0123456789abcdef'
export const record = Buffer.from("$D = {'n' => 1};;$D")
export const other = Buffer.from("$D = {'n' => 2};;$D")
export const DAY = 86_400

/** Things to be closed at the end of a case. */
export type Cleanup = (close: () => Promise<unknown>) => void

export interface Trap {
  readonly title: string
  readonly part?: string
  /** Throws when it is not as it must be. */
  run(later: Cleanup): Promise<void>
}

export function must(isSo: boolean, what: string): void {
  if (!isSo) throw new Error(what)
}

/** The call is refused, with a code and words that name the trap; the present record stays. */
export async function refused(
  driver: Driver,
  call: () => Promise<unknown>,
  named: RegExp,
  kept?: Uint8Array,
): Promise<void> {
  const error = await call().then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  must(error instanceof SessionError, `it was not refused: ${error ?? 'no error'}`)
  must(named.test((error as Error).message), `the error does not name it: ${(error as Error).message}`)
  if (kept !== undefined) must(isSame(await driver.retrieve(id), kept), 'the record is not what it was')
}

export const isSame = (one: Uint8Array | undefined, two: Uint8Array): boolean =>
  one !== undefined && Buffer.compare(one, two) === 0

export async function driverOf(name: string, options: object, later: Cleanup): Promise<Driver> {
  const driver = await openDriver(name, options)
  later(() => driver.close())
  return driver
}

export async function managerOf(options: ManagerOptions, later: Cleanup): Promise<SessionManager> {
  const sessions = await SessionManager.create(options)
  later(() => sessions.close())
  return sessions
}

/** A driver for MySQL on a table, in a mode in which the server cuts off and replaces what does not fit; or in the strict one. */
export async function mysql(table: string, mode: '' | 'strict_all_tables', later: Cleanup): Promise<Driver> {
  const database = await newDatabase()
  later(database.drop)
  await database.run(`create table sessions (${table})`)
  const dbh = mysql2.createConnection(mysqlSettings(database)).promise()
  later(() => dbh.end())
  await dbh.query(`set sql_mode = '${mode}'`)
  return driverOf('mysql', { dbh }, later)
}

export async function pg(later: Cleanup, ...statements: string[]): Promise<Driver> {
  const schema = await newSchema()
  later(schema.drop)
  await schema.run(...statements)
  return driverOf('Pg', schema.options, later)
}

/** An id that the column takes for another one neither finds, nor changes, nor replaces that one. */
export async function areTwo(driver: Driver, theirs: string, mine: string, named: RegExp): Promise<void> {
  await driver.store(theirs, record)
  must((await driver.retrieve(mine)) === undefined, 'the other one was read')
  must(!(await driver.remove(mine)), 'the other one was removed')
  const replaced = await driver.store(mine, other, { expect: record }).catch((error: Error) => error.message)
  must(replaced === 'gone' || named.test(replaced), 'the other one was replaced')
  await refused(driver, () => driver.store(mine, other), named)
  await refused(driver, () => driver.store(mine, other, { expect: null }), named)
  must(isSame(await driver.retrieve(theirs), record), 'the other one was changed')
}

export async function idsOf(driver: Driver): Promise<string[]> {
  const ids: string[] = []
  for await (const one of driver.ids()) ids.push(one)
  return ids
}

/** A session with this lifetime is there after it was flushed. */
export async function livesWith(options: ManagerOptions, lifetime: string, later: Cleanup): Promise<void> {
  const sessions = await managerOf(options, later)
  const session = await sessions.open({ id })
  session.param('user', 'bob')
  session.expire(lifetime)
  await session.flush()
  must((await sessions.open({ clientId: id })).param('user') === 'bob', `gone at once, with a lifetime of ${lifetime}`)
}

/** A text with signs beyond the column's is the same when it comes back. */
export async function comesBack(sessions: SessionManager, text: string): Promise<void> {
  const session = await sessions.open({ id })
  session.param('text', text)
  await session.flush()
  must((await sessions.open({ clientId: id })).param('text') === text, 'the text is another one')
}
