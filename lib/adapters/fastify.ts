/** Sessions for Fastify 5. */

import { fastifyQuery, type NodeRequest } from '../query/hosts.js'
import type { SessionManager } from '../session-manager.js'
import { checkAdapter } from './shared/check.js'
import { contentHeaders } from './shared/content-headers.js'
import { copyOf } from './shared/fetch-response.js'
import { applyHeaders, type HeaderTarget, type SessionHeaders, type SessionOpener, Visit } from './shared/visit.js'
import { Visits } from './shared/visits.js'

export type { SessionOpener } from './shared/visit.js'

/** Options of the plugin. */
export interface FastifyOptions {
  sessions: SessionManager
  /** The property of the request that opens the session. Default: `session`; choose another beside @fastify/session. */
  property?: string
}

/** As much as is used of a request. */
export interface FastifyRequest {
  readonly raw: NodeRequest
  readonly body?: unknown
}

/** As much as is used of a reply. */
export interface FastifyReply {
  getHeader(name: string): number | string | string[] | undefined
  header(name: string, value: string | readonly string[]): unknown
  removeHeader(name: string): unknown
}

/** Works on an answer before it is sent. */
export type OnSend = (request: FastifyRequest, reply: FastifyReply, payload: unknown) => Promise<unknown>

/** As much as is used of an application. */
export interface FastifyApp {
  decorateRequest(name: string, decorator: { getter(this: FastifyRequest): unknown }): unknown
  addHook(name: 'onSend', hook: OnSend): unknown
}

/**
 * A plugin that gives each request a function which opens the session when it is first called:
 *
 * ```ts
 * declare module 'fastify' {
 *   interface FastifyRequest { session: SessionOpener }
 * }
 * await app.register(session, { sessions })
 * app.get('/', async (request) => (await request.session()).param('name'))
 * ```
 *
 * The session is written when the reply is complete, before its headers leave; when that fails, Fastify's error handler answers. A reply
 * that the program sends itself (`reply.hijack()`, `reply.raw`) passes by: flush there, and send `session.cookie()`.
 */
export const session = Object.assign(register, {
  // As fastify-plugin does: the whole application has the session, and not the plugin alone.
  [Symbol.for('skip-override')]: true,
  [Symbol.for('fastify.display-name')]: 'data-session',
  [Symbol.for('plugin-meta')]: { name: 'data-session', fastify: '5.x' },
})

/** What Fastify itself takes of a plugin's options. */
const fastifyOptions = ['prefix', 'logLevel', 'logSerializers']

async function register(app: FastifyApp, options: FastifyOptions): Promise<void> {
  const { sessions, property = 'session' } = options
  checkAdapter('the plugin of adapters/fastify', sessions, options, ['sessions', 'property', ...fastifyOptions])
  const visits = new Visits()
  app.decorateRequest(property, {
    getter(): SessionOpener {
      return visits.of(this, () => new Visit(sessions, fastifyQuery(this))).session
    },
  })
  app.addHook('onSend', async (request, reply, payload) => {
    let headers: SessionHeaders | undefined
    try {
      headers = await visits.get(request)?.finish()
    } catch (error) {
      // The answer to this error is sent without a session.
      visits.forget(request)
      drop(reply, payload)
      throw error
    }
    return headers === undefined ? payload : sent(headers, reply, payload)
  })
}

/** Fastify lays a Response's own headers over those of the reply. */
function sent(headers: SessionHeaders, reply: FastifyReply, payload: unknown): unknown {
  try {
    const copy = isResponse(payload) ? copyOf(payload) : undefined
    applyHeaders(headers, targetOf(reply, copy?.headers))
    return copy ?? payload
  } catch (error) {
    drop(reply, payload)
    // The session is written: a visitor who has a new id by now has to get it.
    applyHeaders(headers, targetOf(reply, undefined))
    throw error
  }
}

/** What tells of the page, or hands out its cookies, has no place in the answer to an error. */
function drop(reply: FastifyReply, payload: unknown): void {
  for (const name of [...contentHeaders, 'Set-Cookie']) reply.removeHeader(name)
  reply.header('Cache-Control', 'no-store')
  discard(payload)
}

const isResponse = (payload: unknown): payload is Response =>
  Object.prototype.toString.call(payload) === '[object Response]'

function targetOf(reply: FastifyReply, over: Headers | undefined): HeaderTarget {
  return {
    get: (name) => over?.get(name) ?? reply.getHeader(name)?.toString(),
    set(name, value) {
      reply.header(name, value)
      over?.set(name, value)
    },
    addCookie(value) {
      // What was set on the raw answer would be lost otherwise.
      const others = [reply.getHeader('Set-Cookie') ?? []].flat().map(String)
      reply.removeHeader('Set-Cookie')
      reply.header('Set-Cookie', [...others, value])
    },
  }
}

/** Nobody will read what was to be sent. */
function discard(payload: unknown): void {
  const { destroy } = (payload ?? {}) as { destroy?: unknown }
  if (typeof destroy === 'function') destroy.call(payload)
}
