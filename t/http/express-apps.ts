/** Express 4 and 5, as much of their types as the tests use, and servers of them for the suite. */

import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { createRequire } from 'node:module'
import { type SessionOpener, session } from '../../lib/adapters/express.js'
import { listen, send } from './node-server.js'
import type { Start } from './suite.js'

export interface ExpressRequest extends IncomingMessage {
  session: SessionOpener
  readonly body: unknown
}
export interface ExpressResponse extends ServerResponse {
  status(code: number): this
  send(body: unknown): this
  json(body: unknown): this
  redirect(status: number, url: string): void
  sendFile(path: string, whenDone?: (error?: Error) => void): void
  type(name: string): this
  cookie(name: string, value: string): this
}
export type Next = (error?: unknown) => void
type Handler = (request: ExpressRequest, response: ExpressResponse, next: Next) => unknown
type ErrorHandler = (error: Error, request: ExpressRequest, response: ExpressResponse, next: Next) => unknown
type Middleware = ReturnType<typeof session>

export interface Router {
  use(handler: Handler): this
  use(handler: ErrorHandler): this
  use(handler: Middleware): this
  use(path: string, router: Router): this
  all(path: string, ...handlers: Handler[]): this
  get(path: string, ...handlers: Handler[]): this
  post(path: string, ...handlers: Handler[]): this
}
export type App = Router & RequestListener & { set(name: string, value: unknown): App }

export interface Express {
  (): App
  Router(options?: { mergeParams?: boolean }): Router
  json(): Handler
  urlencoded(options: { extended: boolean }): Handler
  static(folder: string): Handler
}

const require = createRequire(import.meta.url)

export const versions: readonly [name: string, express: Express][] = [
  ['express 4', require('express4')],
  ['express 5', require('express')],
]

/** Express 4 knows nothing of promises. */
export const caught =
  (handler: Handler): Handler =>
  async (request, response, next) => {
    try {
      await handler(request, response, next)
    } catch (error) {
      next(error)
    }
  }

/** Answers errors, without a word on standard error. */
export const quietly: ErrorHandler = (error, _request, response, next) => {
  if (response.headersSent) next(error)
  else response.status(500).send('failed')
}

export const startExpress =
  (express: Express): Start =>
  (sessions, routes) => {
    const app = express().set('env', 'test')
    app.use(session(sessions))
    for (const [path, route] of Object.entries(routes))
      app.all(
        path,
        caught(async (request, response) => send(response, await route(request))),
      )
    app.use(quietly)
    return listen(createServer(app))
  }
