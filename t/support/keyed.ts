/** Places of tests' own in the memcached and the Redis of the run. */

import { serverOf } from './server-desk.js'

let places = 0

const newName = (): string => `t${process.pid}.${Date.now().toString(36)}.${++places}.`

/** Options of driver:Memcached with a namespace that nobody has. */
export async function newNamespace(): Promise<{ dataSource: string; namespace: string }> {
  const { host, port } = await serverOf('memcached')
  return { dataSource: `${host}:${port}`, namespace: newName() }
}

/** Options of driver:Redis with a prefix that nobody has. */
export async function newPrefix(): Promise<{ dataSource: string; password: string; prefix: string }> {
  const { host, port, username, password } = await serverOf('redis')
  const user = username === '' ? '' : `${encodeURIComponent(username)}@`
  return { dataSource: `redis://${user}${host}:${port}`, password, prefix: newName() }
}
