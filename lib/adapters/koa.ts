/** Sessions for Koa 3. */

import { koaQuery, type NodeRequest } from '../query/hosts.js'
import type { SessionManager } from '../session-manager.js'
import { asOpener, assertFree, checkAdapter } from './shared/check.js'
import { type Finish, holdBack, type NodeResponse } from './shared/node-response.js'
import { isPending, type SessionHeaders, Visit } from './shared/visit.js'
import { visitsOf } from './shared/visits.js'

export type { SessionOpener } from './shared/visit.js'

/** Options of the middleware. */
export interface KoaOptions {
  /** The property of the context that opens the session. Default: `session`; choose another beside koa-session. */
  property?: string
}

/** As much as is used of a context. */
export interface KoaContext {
  readonly req: NodeRequest
  readonly res: NodeResponse
  readonly request: { readonly body?: unknown }
  onerror(error: Error): void
}

/** A middleware, without the types of Koa. */
export type Middleware = (context: KoaContext, next: () => Promise<unknown>) => Promise<void>

/**
 * A middleware that gives each context a function which opens the session when it is first called:
 * `const session = await ctx.session()`. With the types of Koa: `new Koa<DefaultState, { session: SessionOpener }>()`.
 *
 * The session is written when the middleware behind this one have done their work; an error of that write is thrown as theirs are. What
 * the ones before it change is written before the headers leave. They leave with the cookie also from Koa's own answer to an error, which
 * takes all headers away, and where a program answers by itself (`ctx.respond = false`).
 */
export function session(sessions: SessionManager, options: KoaOptions = {}): Middleware {
  checkAdapter('session() of adapters/koa', sessions, options, ['property'])
  const { property = 'session' } = options
  const visits = visitsOf(sessions)
  return async (context, next) => {
    assertFree(context, property)
    const visit = visits.of(context.req, () => {
      const visit = new Visit(sessions, koaQuery(context))
      const finish = finisherOf(visit)
      finishers.set(visit, finish)
      holdBack(context.res, finish, (error) => context.onerror(error as Error))
      return visit
    })
    Reflect.set(context, property, asOpener(visit.session))
    await next()
    await finishers.get(visit)?.(context.res.headersSent)
  }
}

/** Of the visits that began here, for each place where the middleware is mounted; others hold the answer back by themselves. */
const finishers = new WeakMap<Visit, Finish>()

/** Asked more than once, before the answer begins: the headers are those of both, and an error is told but once. */
function finisherOf(visit: Visit): Finish {
  let hasFailed = false
  let setCookie: string | undefined
  const keep = (latest: SessionHeaders): SessionHeaders => {
    setCookie = latest.setCookie ?? setCookie
    return { setCookie }
  }
  const fail = (error: unknown): never => {
    hasFailed = true
    throw error
  }
  return (isLate) => {
    const finished = hasFailed ? undefined : visit.finish(isLate)
    return isPending(finished) ? finished.then(keep, fail) : finished && keep(finished)
  }
}
