import { createRequire } from 'node:module'
import { join } from 'node:path'
import knex, { type Knex } from 'knex'
import { afterEach, describe, expect, it } from 'vitest'
import SQLite from '../../drivers/SQLite.js'
import { DriverError, OptionError, SessionManager } from '../../lib/index.js'
import { readOptions } from '../../lib/options.js'
import { driverSuite } from '../suite/driver.js'
import { temporaryFolder } from '../support/folders.js'
import { describeWith } from '../support/requirements.js'

const instances: Knex[] = []

afterEach(async () => {
  for (const instance of instances.splice(0)) await instance.destroy()
})

/** An instance on a database file, destroyed when the test ends. */
function onFile(filename: string, settings: object = {}): Knex {
  const instance = knex({ client: 'better-sqlite3', connection: { filename }, useNullAsDefault: true, ...settings })
  instances.push(instance)
  return instance
}

function driverOn(dbh: object, options: object = {}): SQLite {
  const given = readOptions(SQLite.options, { dbh, ...options })
  return new SQLite(given, { now: () => Math.floor(Date.now() / 1000), padding: false })
}

const newFile = (): string => join(temporaryFolder(), 'sessions.sqlite')
const id = '0123456789abcdef0123456789abcdef'
const record = Buffer.from("$D = {'n' => 1};;$D")

describeWith('better-sqlite3', 'a knex instance as the handle', () => {
  driverSuite({
    describe: (_title, body) => body(),
    it,
    name: 'SQLite over knex',
    open: async () => {
      const file = newFile()
      const driver = driverOn(onFile(file))
      await driver.createTable({ idLength: 200, expires: true })
      return { driver, close: () => driver.close(), peer: async () => driverOn(onFile(file)) }
    },
  })

  it('is used whatever it is set up to do with names, values and results', async () => {
    const instance = onFile(newFile(), {
      wrapIdentifier: (name: string) => name.toUpperCase(),
      postProcessResponse: () => ({ nothing: 'left' }),
      connection: { filename: newFile(), options: { safeIntegers: true } },
    })
    const driver = driverOn(instance, { tableName: '"what? :1 $1"' })
    await driver.createTable({ idLength: 40, expires: true })
    expect(await driver.store(id, record, { expect: null, ttl: 60 })).toBe('stored')
    expect(await driver.store(id, record, { expect: record })).toBe('stored')
    expect(Buffer.from((await driver.retrieve(id))!)).toEqual(record)
  })

  it('stays open, with all its connections free', async () => {
    const instance = onFile(newFile(), { pool: { min: 1, max: 1 } })
    const sessions = await SessionManager.create({ type: 'driver:SQLite;id:SHA1', dbh: instance })
    await sessions.createTable()
    const session = await sessions.open()
    await session.param('n', 1).flush()
    await sessions.close()
    expect(await instance('sessions').count({ n: '*' })).toEqual([{ n: 1 }])
    expect(instance.client.pool.numUsed()).toBe(0)
  })

  it('may be a transaction, which then holds the sessions too', async () => {
    const instance = onFile(newFile())
    await driverOn(instance).createTable({ idLength: 40, expires: false })
    const changed = instance.transaction(async (transaction) => {
      await driverOn(transaction).store(id, record)
      throw new Error('rolled back')
    })
    await expect(changed).rejects.toThrow('rolled back')
    expect(await driverOn(instance).retrieve(id)).toBeUndefined()
  })

  it('whose connections are all in use is an error in time, and no connection is lost', async () => {
    const instance = onFile(newFile(), { pool: { min: 1, max: 1 } })
    const driver = driverOn(instance, { timeout: 50 })
    await driver.createTable({ idLength: 40, expires: false })
    const held = await instance.client.acquireConnection()
    const failed = driver.retrieve(id)
    await expect(failed).rejects.toThrow(DriverError)
    await expect(failed).rejects.toThrow('longer than the option timeout')
    await instance.client.releaseConnection(held)
    expect(await driver.retrieve(id)).toBeUndefined()
    expect(instance.client.pool.numUsed()).toBe(0)
  })

  it('whose own limit for a connection comes first is told', async () => {
    const log = { warn() {} }
    const instance = onFile(newFile(), { pool: { min: 1, max: 1 }, acquireConnectionTimeout: 50, log })
    const driver = driverOn(instance)
    const held = await instance.client.acquireConnection()
    await expect(driver.retrieve(id)).rejects.toThrow('it took longer than the option timeout allows')
    await instance.client.releaseConnection(held)
  })

  it('that was destroyed is a clear error', async () => {
    const instance = onFile(newFile())
    const driver = driverOn(instance)
    await driver.createTable({ idLength: 40, expires: false })
    await instance.destroy()
    const failed = driver.retrieve(id)
    await expect(failed).rejects.toThrow(DriverError)
    await expect(failed).rejects.toThrow('the connection failed or ended')
  })
})

describe('a knex instance that does not fit', () => {
  it('is set up for another database', async () => {
    const instance = knex({ client: 'pg' })
    await expect(driverOn(instance).retrieve(id)).rejects.toThrow(
      "Option 'dbh' is a knex instance for postgresql, and the driver is SQLite",
    )
    await expect(driverOn(instance).retrieve(id)).rejects.toThrow(OptionError)
  })

  it('has a client that no driver here can use', async () => {
    const Client = createRequire(import.meta.url)('knex/lib/dialects/sqlite3')
    /** The package sqlite3 gives connections of another kind. */
    class Sqlite3 extends Client {
      _driver(): object {
        return {}
      }
      async acquireRawConnection(): Promise<object> {
        return { all() {}, run() {} }
      }
      async destroyRawConnection(): Promise<void> {}
    }
    const instance = knex({ client: Sqlite3 as never, connection: { filename: 'x' }, useNullAsDefault: true })
    instances.push(instance)
    await expect(driverOn(instance).retrieve(id)).rejects.toThrow(
      "Option 'dbh' is a knex instance whose client is sqlite3, and driver:SQLite needs one that is made with " +
        "{ client: 'better-sqlite3' }",
    )
  })
})
