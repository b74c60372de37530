/** Sessions for programs on Node's own `http`, `https` and `http2` (its compatible interface). */

import type { IncomingMessage, ServerResponse } from 'node:http'
import { type NodeRequest, nodeQuery } from '../query/hosts.js'
import type { Params } from '../session.js'
import type { SessionManager } from '../session-manager.js'
import { checkAdapter } from './shared/check.js'
import { becomeError, holdBack, type NodeResponse } from './shared/node-response.js'
import { type SessionOpener, Visit } from './shared/visit.js'

export type { SessionOpener } from './shared/visit.js'

/** As much as is used of an answer: of `ServerResponse`. */
export interface EndableResponse extends NodeResponse {
  end(text: string): unknown
}

/** Answers a request. */
export type Handler<Request, Response, P extends object> = (
  request: Request,
  response: Response,
  session: SessionOpener<P>,
) => unknown

/** Options of `withSession`. */
export interface NodeHttpOptions<Request, Response> {
  /**
   * Answers when the handler, or writing the session, failed before anything was sent; after that, the connection is closed, and this
   * is told all the same. Default: 500 and a line of text; the error is printed on standard error.
   */
  onError?: (error: unknown, request: Request, response: Response) => unknown
}

/**
 * A listener for `http.createServer` that gives its handler a function which opens the session. What the handler sends is held back
 * until the session is written. What it changed before it failed is written as well, and the error's answer carries the cookie. When
 * the handler fails in the middle of an answer, or the client leaves it, what was changed until then is written; an error of that write
 * is printed on standard error.
 */
export function withSession<
  P extends object = Params,
  Request extends NodeRequest = IncomingMessage,
  Response extends EndableResponse = ServerResponse,
>(
  sessions: SessionManager,
  handler: Handler<Request, Response, P>,
  options: NodeHttpOptions<Request, Response> = {},
): (request: Request, response: Response) => void {
  checkAdapter('withSession() of adapters/node-http', sessions, options, ['onError'])
  const { onError = sayFailed } = options
  return (request, response) => {
    const visit = new Visit<P>(sessions, nodeQuery(request))
    const fail = (error: unknown): void => {
      attempt(() => onError(error, request, response)).catch((second: unknown) => sayFailed(second, request, response))
    }
    holdBack(response, (isLate) => visit.finish(isLate), fail)
    attempt(() => handler(request, response, visit.session)).catch((error: unknown) => {
      // A part would pass for the whole.
      if (response.headersSent && !response.writableEnded) response.destroy()
      fail(error)
    })
  }
}

const attempt = (action: () => unknown): Promise<unknown> => new Promise((resolve) => resolve(action()))

function sayFailed(error: unknown, _request: unknown, response: EndableResponse): void {
  console.error(error)
  if (response.headersSent) return
  becomeError(response)
  response.setHeader('Content-Type', 'text/plain; charset=utf-8')
  response.end('Internal Server Error\n')
}
