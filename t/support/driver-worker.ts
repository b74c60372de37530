/** What another process does to a store: `node driver-worker.cjs <driver> <options as JSON> <task> <id> <times>`. */

import type { Driver } from '../../lib/contracts.js'
import { readOptions } from '../../lib/options.js'
import { loadPlugin } from '../../lib/registry.js'

const [name = '', options = '{}', task = '', id = '', times = '1'] = process.argv.slice(2)

async function count(driver: Driver, done: number): Promise<number> {
  const current = (await driver.retrieve(id))!
  const next = Buffer.from(String(Number(Buffer.from(current).toString()) + 1))
  return (await driver.store(id, next, { expect: current })) === 'stored' ? done + 1 : done
}

const tasks: Record<string, (driver: Driver) => Promise<unknown>> = {
  /** Create records that others create too; prints how each went. */
  async create(driver) {
    const outcomes: string[] = []
    for (let round = 0; round < Number(times); round++) {
      outcomes.push(await driver.store(`${id}${round}`, Buffer.from(`record of ${process.pid}`), { expect: null }))
    }
    return outcomes
  },

  /** Add one, so many times, each time to what was read. */
  async count(driver) {
    for (let done = 0; done < Number(times); ) done = await count(driver, done)
    return 'counted'
  },

  /** The same, each time with a store that is opened for it and closed again. */
  async 'open and count'() {
    for (let done = 0; done < Number(times); ) {
      const driver = await newDriver()
      done = await count(driver, done)
      await driver.close()
    }
    return 'counted'
  },
}

async function newDriver(): Promise<Driver> {
  const { Plugin } = await loadPlugin('driver', name)
  return new Plugin(readOptions(Plugin.options, JSON.parse(options)), {
    now: () => Math.floor(Date.now() / 1000),
    padding: false,
  })
}

async function main(): Promise<void> {
  const driver = await newDriver()
  process.stdout.write('ready\n')
  await new Promise((resolve) => process.stdin.once('data', resolve))
  process.stdin.destroy()
  process.stdout.write(`${JSON.stringify(await tasks[task]!(driver))}\n`)
  await driver.close()
}

void main()
