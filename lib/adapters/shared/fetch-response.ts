/** Answers of the fetch standard, with what the session needs in their headers. */

import { applyHeaders, type SessionHeaders } from './visit.js'

/** A copy: the answer may be one that several requests share, or have a header that cannot be changed (`Response.redirect`). */
export function withSessionHeaders(answer: Response, headers: SessionHeaders): Response {
  // An upgrade, or the network's error: a program cannot make one.
  if (answer.status < 200) return answer
  const copy = copyOf(answer)
  applyHeaders(headers, {
    get: (name) => copy.headers.get(name) ?? undefined,
    set: (name, value) => copy.headers.set(name, value),
    addCookie: (value) => copy.headers.append('Set-Cookie', value),
  })
  return copy
}

/**
 * With headers of its own: `new Response(body, answer)` shares those of the answer where @hono/node-server has its Response.
 * A body goes on as it is: a clone of it would keep in memory whatever nobody reads.
 * @throws {TypeError} for a body that was read already
 */
export function copyOf(answer: Response): Response {
  const { body, status, statusText, headers } = answer
  if (answer.bodyUsed || body?.locked === true) {
    throw new TypeError('The body of this Response was read already: make one for each request')
  }
  return new Response(body, { status, statusText, headers: new Headers(headers) })
}
