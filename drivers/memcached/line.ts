/** A server, as one asks it. */

import type { Reply, Request } from './protocol.js'

export interface Line {
  /** The present connection; another object after it ended and was made anew. */
  readonly connection: object | undefined
  /**
   * The answer to a request, which is sent once: the second of two equal writes would find the first in its way.
   * @throws {Error} when the connection fails, or no answer comes in time
   */
  ask(request: Request): Promise<Reply>
}

/** Which server a key belongs to. @throws {Error} when there is none */
export type Lines = (key: string) => Line
