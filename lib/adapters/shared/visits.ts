/** The visits that have begun, for middleware that a request may meet more than once. */

import type { SessionManager } from '../../session-manager.js'
import type { Visit } from './visit.js'

/** By what stands for the request in its host: the same object wherever the middleware is mounted. */
export type Visits = WeakMap<object, Visit>
const visitsOfManagers = new WeakMap<SessionManager, Visits>()

/** A middleware that is mounted more than once, or made anew for each router, finds the visit that has begun. */
export function visitsOf(sessions: SessionManager): Visits {
  const visits: Visits = visitsOfManagers.get(sessions) ?? new WeakMap()
  visitsOfManagers.set(sessions, visits)
  return visits
}

/** The visit of a request, begun when there is none yet. */
export function visitOf(visits: Visits, request: object, begin: () => Visit): Visit {
  const known = visits.get(request)
  if (known !== undefined) return known
  const visit = begin()
  visits.set(request, visit)
  return visit
}
