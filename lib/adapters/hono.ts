/** Sessions for Hono 4. */

import { type FetchRequest, fetchQuery } from '../query/hosts.js'
import type { SessionManager } from '../session-manager.js'
import { checkAdapter } from './shared/check.js'
import { contentHeaders } from './shared/content-headers.js'
import { withSessionHeaders } from './shared/fetch-response.js'
import { type SessionHeaders, type SessionOpener, Visit } from './shared/visit.js'
import { visitsOf } from './shared/visits.js'

export type { SessionOpener } from './shared/visit.js'

/** Options of the middleware. */
export interface HonoOptions {
  /** The variable of the context that opens the session. Default: `session`; choose another beside @hono/session. */
  key?: string
}

/** As much as is used of a context. */
export interface HonoContext {
  readonly req: { readonly raw: FetchRequest }
  get res(): Response
  set res(response: Response | undefined)
  set(key: string, value: unknown): void
}

/** A middleware, without the types of Hono. */
export type Middleware = (context: HonoContext, next: () => Promise<void>) => Promise<void>

/**
 * A middleware that gives each context a variable which opens the session when it is first called:
 *
 * ```ts
 * const app = new Hono<{ Variables: { session: SessionOpener } }>()
 * app.use(session(sessions))
 * app.get('/', async (c) => c.text((await c.var.session()).param('name')))
 * ```
 *
 * The session is written when the handler has answered, before anything is sent; when that fails, `app.onError` answers. What the function
 * of a streamed answer changes later must be flushed by itself. Hono has no answer to what is thrown and is no Error: then nothing
 * is written.
 */
export function session(sessions: SessionManager, options: HonoOptions = {}): Middleware {
  checkAdapter('session() of adapters/hono', sessions, options, ['key'])
  const { key = 'session' } = options
  const visits = visitsOf(sessions)
  return async (context, next) => {
    const opener: SessionOpener = () =>
      visits.of(context, () => new Visit(sessions, fetchQuery(context.req.raw))).session()
    context.set(key, opener)
    await next()
    let headers: SessionHeaders | undefined
    try {
      headers = await visits.get(context)?.finish()
    } catch (error) {
      // The answer to this error is sent without a session, also where the middleware is mounted for the whole site as well.
      visits.forget(context)
      replace(context, blankOf(context.res))
      throw error
    }
    if (headers !== undefined) answerWith(context, headers)
  }
}

function answerWith(context: HonoContext, headers: SessionHeaders): void {
  try {
    replace(context, withSessionHeaders(context.res, headers))
  } catch (error) {
    // The session is written: a visitor who has a new id by now has to get it.
    replace(context, withSessionHeaders(blankOf(context.res), headers))
    throw error
  }
}

/** Hono lays the headers of the former answer over the new one, unless there is none. */
function replace(context: HonoContext, response: Response): void {
  context.res = undefined
  context.res = response
}

/**
 * What Hono lays over the answer to an error: the headers of an answer but those that tell of its content or hand out its cookies. It
 * takes the place of what was set with `context.header()`, too. Nobody will read the body.
 */
function blankOf({ body, headers }: Response): Response {
  body?.cancel().catch(() => undefined)
  const kept = new Headers(headers)
  for (const name of [...contentHeaders, 'Set-Cookie']) kept.delete(name)
  kept.set('Cache-Control', 'no-store')
  return new Response(null, { headers: kept })
}
