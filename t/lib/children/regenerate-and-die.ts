/**
 * Gives a session a new id, and kills itself at one of the steps: `node regenerate-and-die.cjs <directory> <id> <grace> <step>
 * before|after`. Prints nothing more when there is no such step.
 */

import { type Driver, Session, type StoreOptions } from '../../../lib/index.js'
import { fileStore } from '../../support/file-store.js'

const [directory = '', id = '', grace = '0', step = '0', when = 'before'] = process.argv.slice(2)

const driver: Driver = fileStore({ directory })
let steps = 0

/** Die before a step is taken, or after it. */
async function take<T>(operation: () => Promise<T>): Promise<T> {
  const isLast = ++steps === Number(step)
  if (isLast && when === 'before') process.kill(process.pid, 'SIGKILL')
  const result = await operation()
  if (isLast) process.kill(process.pid, 'SIGKILL')
  return result
}

const dying: Driver = {
  supports: driver.supports,
  retrieve: (one) => driver.retrieve(one),
  store: (one, record, options?: StoreOptions) => take(() => driver.store(one, record, options)),
  remove: (one, options) => take(() => driver.remove(one, options)),
  ids: () => driver.ids(),
  close: () => driver.close(),
}

async function main(): Promise<void> {
  const session = await Session.open({ type: { driver: dying }, id })
  await session.param('user', 'ann').regenerate({ grace: Number(grace) })
  await session.close()
  process.stdout.write('survived\n')
}

void main()
