/** A script that asks an Oracle for one session, closes and ends by itself. */

import Oracle from '../../../drivers/Oracle.js'
import { readOptions } from '../../../lib/options.js'

const [dataSource] = process.argv.slice(2)

async function main(): Promise<void> {
  const options = readOptions(Oracle.options, { dataSource, username: 'scott', password: 'tiger', timeout: 1000 })
  const driver = new Oracle(options, { now: () => Math.floor(Date.now() / 1000), padding: false })
  await driver.retrieve('some-id').catch((error: Error) => console.log(error.name))
  await driver.close()
}

main().catch((error: unknown) => {
  console.error(error)
  process.exitCode = 1
})
