/**
 * Writes to a store: `node one-write.cjs once|always <driver> <options as JSON> <padding> <id> <length…>`. `once` stores one record of
 * the length, or removes the session where it is 0; `always` goes on with records of these lengths until it is killed, and says
 * before each which one it is.
 */

import { writeSync } from 'node:fs'
import { recordOf } from '../../support/records.js'
import { mark } from '../shared/mark.js'
import { openDriver } from '../shared/open-driver.js'

const [task = '', name = '', options = '{}', padding = '', id = '', ...lengths] = process.argv.slice(2)

async function main(): Promise<void> {
  const driver = await openDriver(name, JSON.parse(options), padding === 'true')
  // The store is open from here on.
  await driver.retrieve('somebody-else')
  if (task === 'once') {
    const length = Number(lengths[0])
    mark('begin')
    await (length === 0 ? driver.remove(id) : driver.store(id, recordOf(id, length, 1)))
    mark('end')
    process.exit()
  }
  for (let turn = 1; ; turn++) {
    const length = Number(lengths[turn % lengths.length])
    writeSync(1, `${turn} ${length}\n`)
    await driver.store(id, recordOf(id, length, turn % 26))
    if (turn % 20 === 0) await new Promise(setImmediate)
  }
}

void main()
