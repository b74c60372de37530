/** The cases of suite.ts on the hosts that need nothing but Node, and on Express. */

import { createServer, type Server } from 'node:http'
import { Readable } from 'node:stream'
import { createAdaptorServer } from '@hono/node-server'
import { Hono } from 'hono'
import { withSession as withFetchSession } from '../../lib/adapters/fetch.js'
import { withSession } from '../../lib/adapters/node-http.js'
import { startExpress, versions } from './express-apps.js'
import { listen, send } from './node-server.js'
import { type Answer, adapterSuite } from './suite.js'

adapterSuite('node-http', (sessions, routes) =>
  listen(
    createServer(
      withSession(
        sessions,
        async (request, response, session) => send(response, await routes[request.url ?? '']!({ session })),
        {
          onError: (_error, _request, response) => {
            if (!response.headersSent) response.writeHead(500)
            response.end('failed\n')
          },
        },
      ),
    ),
  ),
)

for (const [name, express] of versions) adapterSuite(name, startExpress(express))

/** Two hosts for the same handlers: a plain server of Node's, and an app of Hono. */
const fetchHosts: Record<string, (handler: (request: Request) => Promise<Response>) => typeof handler> = {
  'fetch, on a plain server': (handler) => handler,
  'fetch, in an app of Hono': (handler) => async (request) => {
    const app = new Hono().all('*', (c) => handler(c.req.raw))
    return app.fetch(request)
  },
}

for (const [name, hosted] of Object.entries(fetchHosts)) {
  adapterSuite(name, (sessions, routes) => {
    const handler = withFetchSession(
      sessions,
      async ({ url }: Request, session) => responseOf(await routes[new URL(url).pathname]!({ session })),
      { onError: () => new Response('failed', { status: 500 }) },
    )
    return listen(createAdaptorServer({ fetch: hosted(handler), createServer }) as Server)
  })
}

function responseOf({ status = 200, headers = {}, body, stream }: Answer): Response {
  const list = Object.entries(headers).flatMap(([name, value]) =>
    [value].flat().map((one): [string, string] => [name, one]),
  )
  const content = stream === undefined ? (body ?? null) : Readable.toWeb(Readable.from(stream, { objectMode: false }))
  return new Response(content as ConstructorParameters<typeof Response>[0], { status, headers: list })
}
