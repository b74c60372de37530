import { join } from 'node:path'
import { it } from 'vitest'
import SQLite from '../../drivers/SQLite.js'
import { readOptions } from '../../lib/options.js'
import { driverSuite } from '../suite/driver.js'
import { temporaryFolder } from '../support/folders.js'
import { describeWith } from '../support/requirements.js'

/** A driver on a database file. */
function sqlite(database: string, options: object = {}): SQLite {
  const given = readOptions(SQLite.options, { dataSource: `dbi:SQLite:dbname=${database}`, ...options })
  return new SQLite(given, { now: () => Math.floor(Date.now() / 1000), padding: false })
}

for (const expires of [false, true]) {
  describeWith('better-sqlite3', `SQLite, ${expires ? 'with' : 'without'} a column of expiry times`, () => {
    driverSuite({
      describe: (_title, body) => body(),
      it,
      name: 'SQLite',
      open: async () => {
        const database = join(temporaryFolder(), 'sessions.sqlite')
        const driver = sqlite(database)
        await driver.createTable({ idLength: 200, expires })
        return { driver, close: () => driver.close(), peer: async () => sqlite(database) }
      },
    })
  })
}
