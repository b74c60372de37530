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
 * `const session = await request.session()`. From then on the answer is held back until the session is written, also that of an
 * error-handling middleware after a handler has thrown. When the write fails, what was to be sent is dropped, the status is 500, and
 * `next(error)` is called; where the answer had begun (what a stream changed on its way is written before its end), the connection is
 * closed first.
 */
export function session(sessions: SessionManager, { property = 'session' }: ExpressOptions = {}): Middleware {
  const visits = visitsOf(sessions)
  return (request, response, next) => {
    // Begun when it is asked for: by then the middlewares that read bodies have done so, and who never asks pays nothing.
    const opener: SessionOpener = () => {
      const visit = visits.get(request) ?? new Visit(sessions, request)
      if (!visits.has(request)) {
        visits.set(request, visit)
        holdBack(response, (isLate) => visit.finish(isLate), next)
      }
      return visit.session()
    }
    Reflect.set(request, property, opener)
    next()
  }
}

type Visits = WeakMap<object, Visit>
const visitsOfManagers = new WeakMap<SessionManager, Visits>()

/** A middleware that is mounted more than once, or made anew for each router, finds the visit that has begun. */
function visitsOf(sessions: SessionManager): Visits {
  const visits: Visits = visitsOfManagers.get(sessions) ?? new WeakMap()
  visitsOfManagers.set(sessions, visits)
  return visits
}
