/** A process that takes ids from a counter file: waits for a line on its input, then prints them. */

import AutoIncrement from '../../../id/AutoIncrement.js'
import { readOptions } from '../../../lib/options.js'

async function main([idFile, idBase, idStep, count]: string[]): Promise<void> {
  const given = { idFile, idBase: Number(idBase), idStep: Number(idStep), lockTimeout: 30_000 }
  const generator = new AutoIncrement(readOptions(AutoIncrement.options, given))
  process.stdout.write('ready\n')
  await new Promise((resolve) => process.stdin.once('data', resolve))
  process.stdin.destroy()
  const ids: string[] = []
  for (let i = 0; i < Number(count); i++) ids.push(await generator.generate())
  process.stdout.write(`${ids.join('\n')}\n`)
}

main(process.argv.slice(2))
