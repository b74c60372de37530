/** The requests of the hosts that people use, and what makes each a query. A new host is one line in the table. */

import { isHttps, isQuery, type Query, type RequestParts } from './query.js'
import { RequestQuery } from './request-query.js'

/** As much as is used of Node's `IncomingMessage`; Express adds `body` where a parser filled it. */
export interface NodeRequest {
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  readonly url?: string | undefined
  readonly originalUrl?: string
  readonly body?: unknown
  /** A `TLSSocket` is `encrypted`. */
  readonly socket?: object | null
}

/** As much as is used of the `Request` of fetch. */
export interface FetchRequest {
  readonly headers: { get(name: string): string | null }
  readonly url: string
}

/** A request of one of the hosts, or a query: what `open({ query })` takes. */
export type QuerySource = Query | NodeRequest | FetchRequest | { readonly raw: NodeRequest } | { readonly req: unknown }

/** A kind of request: how it is told from others, and what makes it a query. */
interface Host {
  readonly name: string
  is(request: object): boolean
  query(request: never): Query
}

const has = (request: object, name: string, type: string): boolean => typeof Reflect.get(request, name) === type

const hosts: readonly Host[] = [
  { name: 'Hono', is: (c) => isFetch(field(field(c, 'req'), 'raw')), query: (c: Hono) => fetchQuery(c.req.raw) },
  { name: 'Koa', is: (ctx) => isNode(field(ctx, 'req')) && has(ctx, 'request', 'object'), query: koaQuery },
  { name: 'Fastify', is: (request) => isNode(field(request, 'raw')), query: fastifyQuery },
  { name: 'fetch', is: isFetch, query: fetchQuery },
  { name: 'Node', is: isNode, query: nodeQuery },
]

/** The query of a request of Node's http, or of Express. */
export function nodeQuery(request: NodeRequest): Query {
  return new RequestQuery(nodeParts(request, () => request.body))
}

/** The query of a context of Koa. */
export function koaQuery(context: Koa): Query {
  return new RequestQuery(nodeParts(context.req, () => context.request.body))
}

/** The query of a request of Fastify. */
export function fastifyQuery(request: Fastify): Query {
  return new RequestQuery(nodeParts(request.raw, () => request.body))
}

/** The query of a Request of the fetch standard. */
export function fetchQuery(request: FetchRequest): Query {
  return new RequestQuery(fetchParts(request))
}

interface Hono {
  readonly req: { readonly raw: FetchRequest }
}
interface Koa {
  readonly req: NodeRequest
  readonly request: { readonly body?: unknown }
}
interface Fastify {
  readonly raw: NodeRequest
  readonly body?: unknown
}

/**
 * The query of a request.
 * @throws {TypeError} for what is no request of a known host, and has not the methods of a query
 */
export function queryFrom(source: unknown): Query {
  if (isQuery(source)) return source
  if (typeof source === 'object' && source !== null) {
    const host = hosts.find(({ is }) => is(source))
    if (host !== undefined) return host.query(source as never)
  }
  throw new TypeError(
    `'query' takes a request of Node, fetch, Express, Fastify, Koa or Hono, or an object with the methods cookie(name), param(name) and params()`,
  )
}

const field = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined

function isFetch(request: unknown): boolean {
  return hasGetter(field(request, 'headers')) && typeof field(request, 'url') === 'string' && !isAnswer(request)
}

function isNode(request: unknown): boolean {
  const headers = field(request, 'headers')
  return typeof headers === 'object' && headers !== null && !hasGetter(headers) && !isAnswer(request)
}

/** The headers of fetch; those of Node are properties. */
const hasGetter = (headers: unknown): boolean => typeof field(headers, 'get') === 'function'

/** An answer has headers as well: taken for a request, it would be one without cookies. */
const isAnswer = (value: unknown): boolean =>
  [field(value, 'status'), field(value, 'statusCode')].some((status) => typeof status === 'number')

/** @param body asked when it is needed: a session may be opened before a parser has read it */
function nodeParts(request: NodeRequest, body: () => unknown): RequestParts {
  const header = (name: string): string | undefined => {
    const value = request.headers[name]
    return typeof value === 'object' ? value.join(name === 'cookie' ? '; ' : ',') : value
  }
  return {
    cookies: () => header('cookie'),
    *parameters() {
      yield* fieldsOf(body())
      yield* searchOf(request.originalUrl ?? request.url ?? '')
    },
    isSecure: (trustProxy) =>
      field(request.socket, 'encrypted') === true || (trustProxy && isHttps(header('x-forwarded-proto'))),
  }
}

function fetchParts({ headers, url }: FetchRequest): RequestParts {
  return {
    cookies: () => headers.get('cookie') ?? undefined,
    parameters: () => searchOf(url),
    isSecure: (trustProxy) =>
      url.startsWith('https:') || (trustProxy && isHttps(headers.get('x-forwarded-proto') ?? undefined)),
  }
}

function searchOf(url: string): URLSearchParams {
  const from = url.indexOf('?')
  return new URLSearchParams(from < 0 ? '' : url.slice(from).replace(/#.*$/s, ''))
}

/** The texts of a form that a parser of the host has read; a list or bytes are none. */
function* fieldsOf(body: unknown): Iterable<readonly [string, string]> {
  if (typeof body !== 'object' || body === null || Array.isArray(body) || ArrayBuffer.isView(body)) return
  for (const [name, value] of Object.entries(body)) {
    for (const one of Array.isArray(value) ? value : [value]) if (typeof one === 'string') yield [name, one]
  }
}
