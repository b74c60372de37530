/** Sessions for Express 4 and 5, and for what else has its middleware (Connect, Polka, Restify). */

import { type NodeRequest, nodeQuery } from '../query/hosts.js'
import type { SessionManager } from '../session-manager.js'
import { asOpener, assertFree, checkAdapter } from './shared/check.js'
import { holdBack, type NodeResponse } from './shared/node-response.js'
import { Visit } from './shared/visit.js'
import { visitsOf } from './shared/visits.js'

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
 * @throws {TypeError} for what is no manager; at a request whose property is another's, such as express-session's
 * @throws {OptionError} for options that it does not know
 */
export function session(sessions: SessionManager, options: ExpressOptions = {}): Middleware {
  checkAdapter('session() of adapters/express', sessions, options, ['property'])
  const { property = 'session' } = options
  const visits = visitsOf(sessions)
  return (request, response, next) => {
    assertFree(request, property)
    // What Express itself gives each of them.
    makeHashTable(request, 'next')
    makeHashTable(response, 'locals')
    const visit = visits.of(request, () => {
      const visit = new Visit(sessions, nodeQuery(request))
      // From here on: in `response.end((await request.session()).param('name'))` the method is looked up before the session is asked for.
      holdBack(response, (isLate) => visit.finish(isLate), next)
      return visit
    })
    Reflect.set(request, property, asOpener(visit.session))
    next()
  }
}

/**
 * Express gives each request and each answer another prototype. After that, V8 copies the whole hidden class of such an object for every
 * property that anybody adds, and throws it away with it. An object that had a property deleted is a hash table: with these objects
 * Express answers more requests than without this middleware (scripts/bench/README.md). Others have no such property, or one of their own
 * making that is to stay as it is.
 */
function makeHashTable(object: object, name: string): void {
  const { value, writable, enumerable, configurable } = Object.getOwnPropertyDescriptor(object, name) ?? {}
  if (!(writable && enumerable && configurable)) return
  Reflect.deleteProperty(object, name)
  Reflect.set(object, name, value)
}
