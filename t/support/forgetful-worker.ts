/** A script that stores a session and forgets to close the driver: `node forgetful-worker.cjs <driver> <options as JSON>`. */

import { readOptions } from '../../lib/options.js'
import { loadPlugin } from '../../lib/registry.js'

const [name = '', options = '{}'] = process.argv.slice(2)

async function main(): Promise<void> {
  const { Plugin } = await loadPlugin('driver', name)
  const driver = new Plugin(readOptions(Plugin.options, JSON.parse(options)), { now: () => 0, padding: false })
  process.stdout.write(await driver.store('forgetful', Buffer.from('record')))
}

void main()
