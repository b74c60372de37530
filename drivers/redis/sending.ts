/** Commands on their way: where each was written, so that nothing is sent twice that must not be. */

import type { Reply } from './client.js'
import type { Command, Ioredis, Stream } from './package.js'

/** A command on its way: the connection that it was written to last, if it was. */
export interface Sending {
  stream?: Stream
  /** When that was, as performance.now() has it. */
  since?: number
  /** Nobody waits for it any longer. */
  isGivenUp?: true
  /** It has taken place, whatever comes after it. */
  isDone?: true
}

/** What is sent in place of a command that was given up before its turn came: a late write could undo a later one. */
const NOTHING = '*1\r\n$4\r\nPING\r\n'

/** The answer, and on the way the connection that the command was written to. */
export function send(client: Ioredis, command: Command, sending: Sending): Promise<Reply> {
  const { toWritable } = command
  command.toWritable = (stream) => {
    if (sending.isGivenUp) return NOTHING
    sending.stream = stream
    sending.since = performance.now()
    return toWritable.call(command, stream)
  }
  return client.sendCommand(command)
}
