/** Sessions for Express 4 and 5, and for what else has its middleware (Connect, Polka, Restify). */

import type { NodeRequest } from '../query/hosts.js'
import type { SessionManager } from '../session-manager.js'
import { holdBack, type NodeResponse } from './shared/node-response.js'
import { type SessionOpener, Visit } from './shared/visit.js'

export type { SessionOpener } from './shared/visit.js'

/** Options of the middleware. */
export interface ExpressOptions {
  /** The property of the request that opens the session. Default: `session`; choose another beside express-session. */
  property?: string
}

/** A middleware, without the types of Express. */
export type Middleware = (request: NodeRequest, response: NodeResponse, next: (error?: unknown) => void) => void

/**
 * A middleware that gives each request a function `session`, which opens the session when it is first called:
 * `const session = await request.session()`. The answer is held back until the session is written; when that fails, `next(error)`
 * is called in its place.
 */
export function session(sessions: SessionManager, { property = 'session' }: ExpressOptions = {}): Middleware {
  return (request, response, next) => {
    const visit = new Visit(sessions, request)
    const opener: SessionOpener = visit.session
    Object.defineProperty(request, property, { value: opener, configurable: true, enumerable: true, writable: true })
    holdBack(response, () => visit.finish(), next)
    next()
  }
}
