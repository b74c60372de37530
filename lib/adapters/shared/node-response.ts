/** Answers of Node's http server: what is sent waits until the session is written. */

import { applyHeaders, type HeaderTarget, type SessionHeaders } from './visit.js'

/** As much as is used of Node's `ServerResponse`. */
export interface NodeResponse {
  readonly headersSent: boolean
  getHeader(name: string): unknown
  setHeader(name: string, value: string | readonly string[]): unknown
  appendHeader(name: string, value: string | readonly string[]): unknown
  emit(event: string): boolean
}

/** What begins an answer. */
const senders = ['writeHead', 'write', 'end', 'flushHeaders'] as const
type Sender = (typeof senders)[number]
type Send = (...args: unknown[]) => unknown
type Senders = Record<Sender, Send>

/**
 * Hold what an answer sends until `finish` is done, then let it go with the headers that it gave.
 * @param finish asked when the answer begins; undefined: nothing is to wait for
 * @param fail told of an error of `finish`; what was to be sent is dropped, and the answer is as it was before
 */
export function holdBack(
  response: NodeResponse,
  finish: () => Promise<SessionHeaders> | undefined,
  fail: (error: unknown) => void,
): void {
  const own = response as unknown as Senders
  const originals = Object.fromEntries(senders.map((name) => [name, own[name]])) as Senders
  const held: [Sender, unknown[]][] = []
  let isWaiting = false

  const release = (): void => void Object.assign(own, originals)
  const replay = (headers: SessionHeaders): void => {
    release()
    const begin = held[0]
    if (begin?.[0] === 'writeHead') begin[1] = withoutHeaders(response, begin[1])
    applyHeaders(headers, targetOf(response))
    let hasRoom = true
    for (const [name, args] of held) hasRoom = own[name](...args) !== false
    // Who was told to wait when nothing was sent yet.
    if (hasRoom) response.emit('drain')
  }
  const send = (name: Sender, args: unknown[]): unknown => {
    if (!isWaiting) {
      const finishing = response.headersSent ? undefined : finish()
      if (finishing === undefined) {
        release()
        return own[name](...args)
      }
      isWaiting = true
      finishing.then(replay, (error: unknown) => {
        release()
        fail(error)
      })
    }
    held.push([name, args])
    return name === 'write' ? false : response
  }
  for (const name of senders) own[name] = (...args) => send(name, args)
}

/** Headers that come with writeHead would replace those that are set: set them first. */
function withoutHeaders(response: NodeResponse, args: readonly unknown[]): unknown[] {
  const headers = args.find((one) => typeof one === 'object' && one !== null)
  if (Array.isArray(headers)) {
    const pairs = Array.isArray(headers[0]) ? headers : pairsOf(headers)
    const seen = new Set<string>()
    for (const [name, value] of pairs) {
      if (seen.has(name.toLowerCase())) response.appendHeader(name, value)
      else response.setHeader(name, value)
      seen.add(name.toLowerCase())
    }
  } else {
    for (const [name, value] of Object.entries(headers ?? {})) if (value !== undefined) response.setHeader(name, value)
  }
  return args.filter((one) => one !== headers)
}

const pairsOf = (list: readonly string[]): [string, string][] =>
  Array.from({ length: list.length / 2 }, (_, index) => [list[2 * index]!, list[2 * index + 1]!])

function targetOf(response: NodeResponse): HeaderTarget {
  return {
    get(name) {
      const value = response.getHeader(name)
      return value === undefined ? undefined : String(value)
    },
    set: (name, value) => response.setHeader(name, value),
    addCookie: (value) => response.appendHeader('Set-Cookie', value),
  }
}
