/** Says when the package `cookie` is loaded: it is not needed to make a manager, or to open a session. */

import { SessionManager } from '../../../lib/index.js'

const isLoaded = (): boolean => Object.keys(require.cache).some((path) => /[\\/]cookie[\\/]/.test(path))

async function main(): Promise<void> {
  await using sessions = await SessionManager.create({ type: 'driver:Memory;serialize:JSON' })
  await using other = await SessionManager.create({
    type: 'driver:Memory;serialize:JSON',
    name: '__Host-id',
    cookie: { sameSite: 'strict', path: '/' },
  })
  const session = await sessions.open({ query: { headers: {}, url: '/?a=b' } })
  await session.param('a', 1).flush()
  await other.open()
  const before = isLoaded()
  session.cookie()
  console.log(JSON.stringify([before, isLoaded()]))
}

main()
