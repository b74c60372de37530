/** Sessions for Hono 4. */

import type { FetchRequest } from '../query/hosts.js'
import type { SessionManager } from '../session-manager.js'
import { withSessionHeaders } from './shared/fetch-response.js'
import { type SessionOpener, Visit } from './shared/visit.js'

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
export function session(sessions: SessionManager, { key = 'session' }: HonoOptions = {}): Middleware {
  return async (context, next) => {
    let visit: Visit | undefined
    const opener: SessionOpener = () => {
      visit ??= new Visit(sessions, context)
      return visit.session()
    }
    context.set(key, opener)
    await next()
    const headers = await visit?.finish()?.catch((error) => drop(context, error))
    if (headers !== undefined) replace(context, withSessionHeaders(context.res, headers))
  }
}

/** Hono lays the headers of the former answer over the new one, unless there is none. */
function replace(context: HonoContext, response: Response): void {
  context.res = undefined
  context.res = response
}

/** Nothing of the answer may get into the answer to the error. */
function drop(context: HonoContext, error: unknown): never {
  context.res.body?.cancel().catch(() => undefined)
  context.res = undefined
  throw error
}
