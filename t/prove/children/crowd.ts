/** Requests that open and flush one session at once: `node crowd.mjs <options as JSON> <requests>`; prints how it went. */

import { SessionManager } from '../../../lib/index.js'

async function main(): Promise<void> {
  const [options = '{}', requests = '1'] = process.argv.slice(2)
  const numbers = Array.from({ length: Number(requests) }, (_, index) => index)
  const sessions = await SessionManager.create(JSON.parse(options))
  const first = await sessions.open()
  await first.param('begun', true).flush()
  const id = first.id()
  const start = performance.now()
  await Promise.all(
    numbers.map(async (number) => {
      const session = await sessions.open({ id })
      session.increment('count')
      session.addToSet('numbers', number)
      await session.param(`own ${number}`, number).flush()
    }),
  )
  const seconds = (performance.now() - start) / 1000
  const last = await sessions.open({ id })
  const own = numbers.filter((number) => last.param(`own ${number}`) === number)
  const set = new Set(last.param('numbers'))
  const kept = own.length + set.size + last.param('count')
  await sessions.close()
  process.stdout.write(JSON.stringify({ seconds, lost: 3 * numbers.length - kept }))
}

void main()
