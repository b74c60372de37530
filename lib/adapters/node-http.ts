/** Sessions for programs on Node's own `http` and `https`. */

import type { NodeRequest } from '../query/hosts.js'
import type { Params } from '../session.js'
import type { SessionManager } from '../session-manager.js'
import { holdBack, type NodeResponse } from './shared/node-response.js'
import { type SessionOpener, Visit } from './shared/visit.js'

export type { SessionOpener } from './shared/visit.js'

/** As much as is used of an answer: of `ServerResponse`. */
export interface EndableResponse extends NodeResponse {
  statusCode: number
  end(text?: string): unknown
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
   * Answers when the handler, or writing the session, failed before anything was sent. Default: 500 and a line of text; the error is
   * printed on standard error.
   */
  onError?: (error: unknown, request: Request, response: Response) => unknown
}

/**
 * A listener for `http.createServer` that gives its handler a function which opens the session. What the handler sends is held back
 * until the session is written.
 */
export function withSession<
  P extends object = Params,
  Request extends NodeRequest = NodeRequest,
  Response extends EndableResponse = EndableResponse,
>(
  sessions: SessionManager,
  handler: Handler<Request, Response, P>,
  { onError = sayFailed }: NodeHttpOptions<Request, Response> = {},
): (request: Request, response: Response) => void {
  return (request, response) => {
    const visit = new Visit<P>(sessions, request)
    const fail = (error: unknown): unknown => onError(error, request, response)
    holdBack(response, () => visit.finish(), fail)
    new Promise((resolve) => resolve(handler(request, response, visit.session))).catch(fail)
  }
}

function sayFailed(error: unknown, _request: unknown, response: EndableResponse): void {
  console.error(error)
  if (!response.headersSent) {
    response.statusCode = 500
    response.setHeader('Content-Type', 'text/plain; charset=utf-8')
  }
  response.end('Internal Server Error\n')
}
