/**
 * Answers of Node's http server: what is sent waits until the session is written.
 *
 * Who sends is told what he would be told if it were on its way: `headersSent` is true, a header that comes too late is refused,
 * `write` asks for patience. Informational answers (103) say nothing of the session, and pass.
 */

import { AsyncLocalStorage } from 'node:async_hooks'
import { contentHeaders } from './content-headers.js'
import { applyHeaders, type Finished, type HeaderTarget, isPending, type SessionHeaders } from './visit.js'

/** As much as is used of Node's `ServerResponse`, and of that of HTTP/2. */
export interface NodeResponse {
  statusCode: number
  readonly headersSent: boolean
  readonly writableEnded: boolean
  readonly destroyed?: boolean
  getHeader(name: string): unknown
  setHeader(name: string, value: string | readonly string[]): unknown
  appendHeader(name: string, value: string | readonly string[]): unknown
  removeHeader(name: string): unknown
  emit(event: string): boolean
  on(event: string, listener: (source: PipedSource) => void): unknown
  destroy(): unknown
}

/** A stream that is piped into an answer. */
interface PipedSource {
  unpipe?(target: unknown): unknown
  destroy?(): unknown
}

/** What begins an answer, and what it gives to who calls it while it is held. */
const senders = {
  writeHead: (response: NodeResponse): unknown => response,
  write: () => false,
  end: (response: NodeResponse): unknown => response,
  flushHeaders: () => undefined,
}
type Sender = keyof typeof senders
type Senders = Record<Sender, (...args: unknown[]) => unknown>
type Call = readonly [name: Sender, args: unknown[]]

/** Make an answer that has not begun a 500 that nobody keeps, without what told of the content. */
export function becomeError(response: NodeResponse): void {
  // Node takes the removal of a header for a wish that it not be sent: also of one that is not there.
  for (const name of contentHeaders) if (response.getHeader(name) !== undefined) response.removeHeader(name)
  response.setHeader('Cache-Control', 'no-store')
  response.statusCode = 500
}

/** Writes what has changed, and gives what the headers need. */
export type Finish = (isLate: boolean) => Finished

/** Whose error is reported: tells what a reporter sends, also later, from what the one sends who was answering. */
const reported = new AsyncLocalStorage<Holder>()

/**
 * Hold what an answer sends until `finish` is done, then let it go with the headers that it gave; and hold its end until what was
 * changed meanwhile is written.
 * @param finish asked when the answer begins, and then (`isLate`) when one that was sent in pieces ends, and when the answer is closed,
 * also before its end. When it fails after that, nobody can be told: the error is printed on standard error. What is changed later is not
 * written.
 * @param fail told of an error of `finish`. What was to be sent is dropped; the answer is a 500 without content yet, and when it had
 * begun the connection is closed. Only what `fail` sends, or begins that sends later, is the answer from then on; the end of anybody else
 * makes it an empty 500, so that no client waits for ever. What `fail` itself throws is printed on standard error.
 */
export function holdBack(response: NodeResponse, finish: Finish, fail: (error: unknown) => void): void {
  new Holder(response, finish, fail).takeOver()
}

class Holder {
  readonly #response: NodeResponse
  readonly #originals: Senders
  readonly #finish: Finish
  readonly #fail: (error: unknown) => void
  #phase: 'before' | 'waiting' | 'open' | 'failed' = 'before'
  #held: Call[] = []
  #pretence: Overlay | undefined
  #error: unknown
  #isClosed = false
  /** The last write has been asked for. */
  #isOver = false
  readonly #sources = new Set<PipedSource>()

  constructor(response: NodeResponse, finish: Finish, fail: (error: unknown) => void) {
    this.#response = response
    const { writeHead, write, end, flushHeaders } = response as unknown as Senders
    this.#originals = { writeHead, write, end, flushHeaders }
    this.#finish = finish
    this.#fail = fail
  }

  /** Others may wrap these methods after us: so they are never put back. */
  takeOver(): void {
    const { key, writeHead, write, end, flushHeaders } = freeLevelOf(this.#response)
    const own = this.#response as unknown as Senders & Record<symbol, Holder>
    own[key] = this
    own.writeHead = writeHead
    own.write = write
    own.end = end
    own.flushHeaders = flushHeaders
    this.#response.on('pipe', (source) => this.#sources.add(source))
    this.#response.on('unpipe', (source) => this.#sources.delete(source))
    this.#response.on('close', () => {
      this.#isClosed = true
      this.#finishClosed()
    })
  }

  send(name: Sender, args: unknown[]): unknown {
    if (this.#phase === 'waiting') return this.#keep(name, args)
    if (this.#phase === 'failed') return this.#sendError(name, args)
    const { headersSent, writableEnded } = this.#response
    const isTurn = this.#phase === 'before' || (name === 'end' && !writableEnded)
    if (!isTurn) return this.#original(name, args)
    // A header that Node refuses is the caller's error, and the answer has not begun: so it comes before everything else.
    const first = name === 'writeHead' ? setHeadersOf(this.#response, args) : args
    this.#phase = 'open'
    const finished = this.#finish(headersSent)
    if (finished === undefined) return this.#original(name, first)
    if (isPending(finished)) return this.#wait(finished, name, first)
    if (name !== 'end') return this.#wait(this.#finishInTurn(), name, first)
    if (!headersSent) applyHeaders(finished, targetOf(this.#response))
    return this.#original(name, first)
  }

  /** What a program changes behind `writeHead`, in one go, belongs to this answer. */
  async #finishInTurn(): Promise<SessionHeaders> {
    await undefined
    return (await this.#finish(false)) ?? { setCookie: undefined }
  }

  #original(name: Sender, args: unknown[]): unknown {
    return this.#originals[name].apply(this.#response, args)
  }

  #wait(finishing: Promise<SessionHeaders>, name: Sender, args: unknown[]): unknown {
    const { statusCode, headersSent } = this.#response
    const isLate = headersSent
    const release = (headers: SessionHeaders): void => {
      this.#pretence?.end()
      if (!isLate) {
        if (name !== 'writeHead') this.#response.statusCode = statusCode
        applyHeaders(headers, targetOf(this.#response))
      }
      this.#release()
    }
    this.#phase = 'waiting'
    this.#pretence = new Overlay(this.#response)
    this.#pretence.show({ headersSent: true, setHeader: refuse, appendHeader: refuse, removeHeader: refuse })
    finishing.then(release).catch((error: unknown) => this.#abandon(error))
    return this.#keep(name, args)
  }

  #keep(name: Sender, args: unknown[]): unknown {
    if (name === 'writeHead' && this.#held.length > 0) refuse()
    if (name === 'end') this.#pretence?.show({ writableEnded: true })
    this.#held.push([name, args])
    return senders[name](this.#response)
  }

  #release(): void {
    const [first, ...others] = this.#held.splice(0)
    this.#phase = 'open'
    let hasRoom = this.#original(...first!) !== false
    // The end may have to wait once more, for what was changed since the beginning.
    for (const call of others) hasRoom = this.send(...call) !== false
    const hasWritten = [first!, ...others].some(([name]) => name === 'write')
    const isGoingOn = !this.#response.writableEnded && this.#response.destroyed !== true
    // Who was told to wait when nothing was sent yet.
    if (hasWritten && hasRoom && isGoingOn) this.#response.emit('drain')
    if (this.#isClosed) this.#finishClosed()
  }

  /**
   * What was changed since the last write is written all the same: where the handler failed in the middle, or the client has left, and
   * what a handler changed when it had ended its answer.
   */
  #finishClosed(): void {
    if (this.#phase !== 'open' || this.#isOver) return
    this.#isOver = true
    const finished = this.#finish(true)
    if (isPending(finished)) finished.catch((error: unknown) => console.error(error))
  }

  #abandon(error: unknown): void {
    const response = this.#response
    this.#pretence?.end()
    this.#phase = 'failed'
    this.#error = error
    const calls = this.#held.splice(0)
    this.#giveUpSources()
    if (response.headersSent) response.destroy()
    else becomeError(response)
    try {
      reported.run(this, () => this.#fail(error))
    } catch (second) {
      console.error(second)
    }
    for (const [, args] of calls) this.#callBack(args)
  }

  /** Closed when the answer is: a `pipeline` would take the answer with them, before the error is told. */
  #giveUpSources(): void {
    const sources = [...this.#sources]
    for (const source of sources) source.unpipe?.(this.#response)
    const destroy = (): void => {
      for (const source of sources) source.destroy?.()
    }
    if (this.#isClosed) destroy()
    else this.#response.on('close', destroy)
  }

  /** Whoever reports the error may send; but the one who was answering may not know yet that it is over. */
  #sendError(name: Sender, args: unknown[]): unknown {
    const { headersSent, writableEnded, destroyed } = this.#response
    const canSend = !writableEnded && destroyed !== true
    if (canSend && reported.getStore() === this) return this.#original(name, args)
    if (canSend && !headersSent && name === 'end') {
      becomeError(this.#response)
      // Node's own end() calls writeHead.
      reported.run(this, () => this.#original('end', []))
    }
    this.#callBack(args)
    return name === 'write' || senders[name](this.#response)
  }

  #callBack(args: readonly unknown[]): void {
    const callback = args.find((one) => typeof one === 'function')
    if (callback !== undefined) process.nextTick(callback as () => void, this.#error)
  }
}

/** What takes the place of an answer's methods, and finds under the key who holds the answer back. */
interface Level extends Senders {
  readonly key: symbol
}

/** One for each time that an answer may be held: by the sessions of one manager, and in those of another. */
const levels: Level[] = []

/**
 * These functions are those of all answers. If each answer had closures of its own, V8 would keep it, with all that it leads to, until the
 * next full collection: with Express this costs a fifth of the requests a second.
 */
function newLevel(): Level {
  const key = Symbol('data-session holder')
  const sender = (name: Sender) =>
    function (this: Record<symbol, Holder>, ...args: unknown[]): unknown {
      return this[key]!.send(name, args)
    }
  return {
    key,
    writeHead: sender('writeHead'),
    write: sender('write'),
    end: sender('end'),
    flushHeaders: sender('flushHeaders'),
  }
}

function freeLevelOf(response: NodeResponse): Level {
  let depth = 0
  while (levels[depth] !== undefined && levels[depth]!.key in response) depth++
  levels[depth] ??= newLevel()
  return levels[depth]!
}

/** Properties that hide an object's own for a while. */
class Overlay {
  readonly #target: object
  readonly #before = new Map<string, PropertyDescriptor | undefined>()

  constructor(target: object) {
    this.#target = target
  }

  show(values: Readonly<Record<string, unknown>>): void {
    for (const [name, value] of Object.entries(values)) {
      if (!this.#before.has(name)) this.#before.set(name, Object.getOwnPropertyDescriptor(this.#target, name))
      Object.defineProperty(this.#target, name, { value, configurable: true, enumerable: false, writable: true })
    }
  }

  end(): void {
    for (const [name, descriptor] of this.#before) {
      if (descriptor === undefined) Reflect.deleteProperty(this.#target, name)
      else Object.defineProperty(this.#target, name, descriptor)
    }
    this.#before.clear()
  }
}

/** The error of Node for who is too late. */
function refuse(): never {
  throw Object.assign(new Error('Cannot set headers after they are sent to the client'), {
    code: 'ERR_HTTP_HEADERS_SENT',
  })
}

/** Headers that come with writeHead would replace those of the session: they are set, and the rest of the arguments given back. */
function setHeadersOf(response: NodeResponse, args: readonly unknown[]): unknown[] {
  const headers = args.find((one) => typeof one === 'object' && one !== null)
  const seen = new Set<string>()
  for (const [name, value] of pairsOf(headers ?? {})) {
    const key = name.toLowerCase()
    if (seen.has(key)) response.appendHeader(name, value)
    else response.setHeader(name, value)
    seen.add(key)
  }
  if (typeof args[0] === 'number') response.statusCode = args[0]
  return args.filter((one) => one !== headers)
}

type Pair = readonly [name: string, value: string | readonly string[]]

/** Headers are an object, a list of names and values, or a list of pairs. */
function pairsOf(headers: object): readonly Pair[] {
  if (!Array.isArray(headers)) return Object.entries(headers)
  if (Array.isArray(headers[0])) return headers
  return Array.from({ length: headers.length / 2 }, (_, index) => [headers[2 * index], headers[2 * index + 1]])
}

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
