/** A program that reads a session which was used an hour ago, one of whose parameters has expired. */

import { SessionManager } from '../../../lib/index.js'

async function main(): Promise<void> {
  const sessions = await SessionManager.create({ type: 'driver:Memory' })
  const session = await sessions.open()
  session.param({ user: 'ann', code: 1234 }).expire('code', '1m')
  await session.atime(session.ctime() - 3600).flush()
  const again = await sessions.open({ clientId: session.id() })
  console.log(again.param().join(), again.modified())
}

void main()
