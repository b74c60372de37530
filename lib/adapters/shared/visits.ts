/** The visits that have begun, for middleware that a request may meet more than once. */

import type { SessionManager } from '../../session-manager.js'
import type { Visit } from './visit.js'

/** Visits, each kept by what stands for its request in the host: the same object wherever the middleware is mounted. */
export class Visits {
  // A property is kept and found in a tenth of the time that a WeakMap takes, and the garbage collector has nothing to look up.
  readonly #key = Symbol('data-session')

  get(request: object): Visit | undefined {
    return (request as Record<symbol, Visit | undefined>)[this.#key]
  }

  /** The visit of a request, begun when there is none yet. */
  of(request: object, begin: () => Visit): Visit {
    const known = this.get(request)
    if (known !== undefined) return known
    const visit = begin()
    this.#keep(request, visit)
    return visit
  }

  forget(request: object): void {
    this.#keep(request, undefined)
  }

  #keep(request: object, visit: Visit | undefined): void {
    const holder = request as Record<symbol, Visit | undefined>
    holder[this.#key] = visit
  }
}

const visitsOfManagers = new WeakMap<SessionManager, Visits>()

/** A middleware that is mounted more than once, or made anew for each router, finds the visit that has begun. */
export function visitsOf(sessions: SessionManager): Visits {
  const visits = visitsOfManagers.get(sessions) ?? new Visits()
  visitsOfManagers.set(sessions, visits)
  return visits
}
