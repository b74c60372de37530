/** Writes that count as done when replicas have them too: WAIT. */

import type { Reply } from './client.js'
import { type Command, type Ioredis, type IoredisCluster, type IoredisPackage, plain } from './package.js'
import { type Sending, send } from './sending.js'

/**
 * Milliseconds that are kept for the answer that there are too few: the server looks at its clock ten times a second. Half of the time
 * that is left, where that is less.
 */
const FOR_THE_ANSWER = 250

/** A write, and who must have it. */
interface SafeWrite {
  readonly client: Ioredis
  readonly write: Command
  readonly sending: Sending
  /** How many replicas must have it. */
  readonly replicas: number
  /** Until when: performance.now(). */
  readonly deadline: number
}

/**
 * A write, and then the question how many replicas have it. They are not asked in the same round trip: what changes nothing needs
 * no replicas, and writes that come together are all written before the first question holds the connection up.
 * @throws {Error} where too few have it, or nobody can tell
 */
export async function sendSafely(Class: IoredisPackage['Command'], safe: SafeWrite): Promise<Reply> {
  const { client, write, sending, replicas } = safe
  const reply = await send(client, write, sending)
  sending.isDone = true
  const hasWritten = Buffer.isBuffer(reply) || Number(reply) === 1
  if (!hasWritten) return reply
  const count = await copiesOf(Class, safe)
  if (count < replicas) throw new Error(`${count} of ${replicas} replicas have it`)
  return reply
}

/**
 * WAIT is about what its own connection has written, so it goes to the server that has the write, if it is still connected: a cluster may
 * have sent the write on, to a server whose replicas are others.
 */
async function copiesOf(Class: IoredisPackage['Command'], safe: SafeWrite): Promise<number> {
  const { client, sending, replicas, deadline } = safe
  const servers = 'nodes' in client ? (client as IoredisCluster).nodes() : [client]
  const server = servers.find(({ stream }) => stream === sending.stream)
  if (server === undefined) return 0
  const left = deadline - performance.now()
  const milliseconds = Math.max(1, Math.floor(left - Math.min(FOR_THE_ANSWER, left / 2)))
  const asking: Sending = {}
  const count = Number(await send(server, new Class('wait', [String(replicas), String(milliseconds)], plain), asking))
  return asking.stream === sending.stream ? count : 0
}
