/** A program that ends with two sessions, of which it flushes as many as it is told. */

import { SessionManager } from '../../../lib/index.js'

async function main(): Promise<void> {
  const sessions = await SessionManager.create({ type: 'driver:Memory' })
  const opened = [await sessions.open(), await sessions.open()]
  for (const session of opened) session.param('user', 'ann')
  for (const session of opened.slice(0, Number(process.argv[2]))) await session.flush()
}

void main()
