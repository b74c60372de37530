/** Sessions for handlers of the kind of fetch, from `Request` to `Response`: those of Deno, Bun, Hono and edge runtimes. */

import { type FetchRequest, fetchQuery } from '../query/hosts.js'
import type { Params } from '../session.js'
import type { SessionManager } from '../session-manager.js'
import { checkAdapter } from './shared/check.js'
import { withSessionHeaders } from './shared/fetch-response.js'
import { type SessionHeaders, type SessionOpener, Visit } from './shared/visit.js'

export type { SessionOpener } from './shared/visit.js'

/** Answers a request; `rest` is what the host gives beside it (the environment, say). */
export type FetchHandler<R, P extends object, Rest extends unknown[]> = (
  request: R,
  session: SessionOpener<P>,
  ...rest: Rest
) => Response | Promise<Response>

/** Options of `withSession`. */
export interface FetchOptions<R> {
  /**
   * Answers when the handler, or writing the session, failed; what it throws is for the host. Default: 500 and a line of text; the
   * error is printed on standard error.
   */
  onError?: (error: unknown, request: R) => Response | Promise<Response>
}

/**
 * A handler for hosts that speak fetch, with a second argument that opens the session. The answer is given when the session is
 * written, with its cookie in a copy of the header; a body that is a stream goes on as it is, and what it changes in the session
 * while it flows comes too late. What the handler changed before it failed is written, and the error's answer carries the cookie.
 * When the write fails, the handler's answer is dropped. A Response with a body can be sent once: make one for each request, or
 * `onError` is told.
 */
export function withSession<
  P extends object = Params,
  R extends FetchRequest = Request,
  Rest extends unknown[] = unknown[],
>(
  sessions: SessionManager,
  handler: FetchHandler<R, P, Rest>,
  options: FetchOptions<R> = {},
): (request: R, ...rest: Rest) => Promise<Response> {
  checkAdapter('withSession() of adapters/fetch', sessions, options, ['onError'])
  const { onError = sayFailed } = options
  return async (request, ...rest) => {
    const visit = new Visit<P>(sessions, fetchQuery(request))
    const answering = attempt(() => handler(request, visit.session, ...rest)).catch((error) => onError(error, request))
    // What was changed is written also when nobody answers: when onError leaves it to the host.
    const answer = await answering.catch(() => undefined)
    let headers: SessionHeaders | undefined
    try {
      headers = await visit.finish()
    } catch (error) {
      // Nobody will read it: its source is told to stop. Why that fails, if it does, is of no use to anybody.
      answer?.body?.cancel(error).catch(() => undefined)
      return onError(error, request)
    }
    if (headers === undefined || answer === undefined) return answering
    try {
      return withSessionHeaders(answer, headers)
    } catch (error) {
      // The session is written: a visitor who has a new id by now has to get it.
      return withSessionHeaders(await onError(error, request), headers)
    }
  }
}

const attempt = async <T>(action: () => T | Promise<T>): Promise<T> => action()

function sayFailed(error: unknown): Response {
  console.error(error)
  return new Response('Internal Server Error\n', { status: 500, headers: { 'Cache-Control': 'no-store' } })
}
