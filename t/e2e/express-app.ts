/** The shop's page in an Express application that runs all the time, behind a proxy. */

import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { type Middleware, type SessionOpener, session } from '../../lib/adapters/express.js'
import type { SessionManager } from '../../lib/index.js'
import { meet } from './meet.js'
import { type ShopParameters, shopPage } from './page.js'

/** Express has no types of its own: what is used of it. */
interface ExpressRequest {
  readonly session: SessionOpener<ShopParameters>
  readonly body: Readonly<Record<string, string>>
  readonly query: Readonly<Record<string, string>>
}
interface ExpressResponse {
  set(name: string, value: string): this
  send(page: string): void
  redirect(status: number, to: string): void
}
type Handler = (request: ExpressRequest, response: ExpressResponse) => Promise<void>
interface App extends RequestListener {
  use(path: string, ...middleware: (Middleware | Handler)[]): void
  get(path: string, handler: Handler): void
  post(path: string, handler: Handler): void
}
const express = createRequire(import.meta.url)('express') as {
  (): App
  urlencoded(options: { extended: boolean }): Middleware
}

/** A running application. */
export interface ExpressApp {
  /** Where its pages begin. */
  readonly url: string
  stop(): Promise<void>
}

/**
 * Start it on a port of its own.
 * @param meetingPlace see meet.ts
 * @param serve makes the server; default: one of http
 */
export async function startExpressApp(
  sessions: SessionManager,
  meetingPlace: string,
  serve: (app: RequestListener) => Server = createServer,
): Promise<ExpressApp> {
  const app = express()
  app.use('/app/', session(sessions), express.urlencoded({ extended: false }))

  app.get('/app/', async (request, response) => {
    const visit = await request.session()
    const shown = { user: visit.param('user'), cart: visit.param('cart') }
    // The page is of this visitor; the browser's back button is not to show it to the next.
    response
      .set('Cache-Control', 'no-store')
      .send(shopPage('Express', shown, { meet: request.query.meet, canLogIn: false }))
  })

  app.post('/app/', async (request, response) => {
    const { action, item = '', meet: place } = request.body
    const visit = await request.session()
    if (action === 'logout') await visit.delete()
    else if (action === 'add') {
      if (place !== undefined) await meet(meetingPlace, place)
      visit.push('cart', item)
    }
    response.redirect(303, `/app/?after=${action}`)
  })

  const server = serve(app).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/app/`,
    stop: async () => {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}
