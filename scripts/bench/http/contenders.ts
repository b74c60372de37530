/** Who takes part: web frameworks, each with what gives its requests a session. */

import { createRequire } from 'node:module'
import { byHand, type Keeper, middlewareStores, noSession, ourStores } from './keepers.js'

const requirePackage = createRequire(import.meta.url)

/** A server: the framework, and who keeps the sessions. */
export interface Contender {
  readonly name: string
  readonly framework: string
  /** Listens on a free port, and gives it. @param folder for files @param items as many are in each cart, eight of them are 1 KB */
  listen(folder: string, items: number): Promise<number>
}

/** The pages, of what a request's session holds. */
const pagesFor = (items: number): Readonly<Record<string, (session: Bag) => unknown>> => ({
  '/begin': (session) => {
    session.set('user', 'ann')
    session.set('visits', 0)
    session.set('cart', cartOf(items))
    return 'welcome'
  },
  '/read': (session) => session.get('user'),
  '/write': (session) => {
    const visits = Number(session.get('visits')) + 1
    session.set('visits', visits)
    return String(visits)
  },
})

const cartOf = (items: number) =>
  Array.from({ length: items }, (_, index) => ({
    sku: `A-${1000 + index}`,
    title: `The quick brown fox no. ${index} isn't lazy`,
    quantity: index + 1,
    price: '19.95',
    tags: ['new', 'red'],
  }))

/** What a page does with a session. */
export interface Bag {
  get(name: string): unknown
  set(name: string, value: unknown): void
}

/** As much as is used of Express. */
interface ExpressApp {
  use(middleware: unknown): void
  get(path: string, handler: (request: object, response: { send(body: unknown): void }) => Promise<void>): void
  listen(port: number, host: string, then: () => void): { address(): { port: number } }
}

async function listenExpress(keeper: Keeper, folder: string, items: number): Promise<number> {
  const app = requirePackage('express')() as ExpressApp
  const { middleware, bagOf } = await keeper.express(folder)
  for (const one of middleware) app.use(one)
  for (const [path, page] of Object.entries(pagesFor(items))) {
    app.get(path, async (request, response) => {
      response.send(page(await bagOf(request)))
    })
  }
  return new Promise((resolve) => {
    const server = app.listen(0, '127.0.0.1', () => resolve(server.address().port))
  })
}

/** As much as is used of Fastify. */
interface FastifyApp {
  register(plugin: unknown, options: object): Promise<void>
  get(path: string, handler: (request: object) => Promise<unknown>): void
  listen(options: object): Promise<string>
}

async function listenFastify(keeper: Keeper, folder: string, items: number): Promise<number> {
  const app = requirePackage('fastify')() as FastifyApp
  const { plugins, bagOf } = await keeper.fastify!(folder)
  for (const [plugin, options] of plugins) await app.register(plugin, options)
  for (const [path, page] of Object.entries(pagesFor(items)))
    app.get(path, async (request) => page(await bagOf(request)))
  return Number(new URL(await app.listen({ port: 0, host: '127.0.0.1' })).port)
}

const frameworks = { Express: listenExpress, Fastify: listenFastify }

export const contenders: readonly Contender[] = [noSession, byHand, ...middlewareStores, ...ourStores].flatMap(
  (keeper) =>
    Object.entries(frameworks)
      .filter(([framework]) => framework === 'Express' || keeper.fastify !== undefined)
      .map(([framework, listen]) => ({
        name: `${framework}, ${keeper.name}`,
        framework,
        listen: (folder: string, items: number) => listen(keeper, folder, items),
      })),
)
