/** Sessions for CGI programs: a process for each request. */

import { codeOf } from '../coded-error.js'
import { RequestError } from '../errors.js'
import { CgiQuery, type CgiSource } from '../query/cgi.js'
import type { Params } from '../session.js'
import { SessionManager } from '../session-manager.js'
import { type ManagerOptions, refuseUnknown } from '../session-options.js'
import { type CgiAnswer, headerOf, mayHaveBody, piecesOf, print, wordsOf } from './shared/cgi-answer.js'
import { type SessionHeaders, type SessionOpener, Visit } from './shared/visit.js'

export type { BodyInput } from '../query/body.js'
export { type CgiEnvironment, CgiQuery, type CgiSource } from '../query/cgi.js'
export type { FormLimits, Upload } from '../query/form.js'
export type { CgiAnswer } from './shared/cgi-answer.js'
export type { SessionOpener } from './shared/visit.js'

/** A request, as the program of `runCgi` gets it. */
export interface CgiRequest<P extends object = Params> {
  /** Opens the session at the first call; before that, there is not even a connection to the store. */
  readonly session: SessionOpener<P>
  readonly query: CgiQuery
}

/** Answers a request; a text is a page of HTML. */
export type CgiHandler<P extends object = Params> = (
  request: CgiRequest<P>,
) => CgiAnswer | string | Promise<CgiAnswer | string>

/** Where `runCgi` reads and writes, if not where the web server has it. */
export interface CgiOptions extends CgiSource {
  /** A file descriptor. Default: 1, standard output. */
  output?: number
}

/**
 * Answer the one request of a CGI process: read it, run the handler, write the session, and only then print header and body.
 *
 * ```ts
 * await runCgi({ type: 'driver:File;serialize:DataDumper' }, async ({ session, query }) => {
 *   const visitor = await session()
 *   visitor.param('name', query.param('name'))
 *   return { redirect: '/cart' }
 * })
 * ```
 *
 * It does not reject. An error is printed on standard error, the browser gets a page 500 that does not tell it, with the session's
 * cookie as far as the session could be written, and the exit code is 1. A body that is too large or broken is answered with 413 or
 * 400, without a call of the handler. What a program changes while its body is sent in pieces is written at the end.
 */
export async function runCgi<P extends object = Params>(
  options: ManagerOptions,
  handler: CgiHandler<P>,
  { output = 1, ...source }: CgiOptions = {},
): Promise<void> {
  if (typeof handler !== 'function')
    throw new TypeError('runCgi() takes the options of a manager, and a function that answers')
  const run = new Run<P>(options, output)
  try {
    const query = await CgiQuery.read(source)
    run.isHead = query.method() === 'HEAD'
    const answer = await handler({ session: () => run.session(query), query })
    await run.answer(answerOf(answer))
  } catch (error) {
    await run.fail(error).catch(report)
  }
  await run.close().catch(report)
}

const answerKeys = ['status', 'type', 'headers', 'redirect', 'body']

/** @throws {TypeError} {OptionError} for what is no answer: the page would be empty, and nobody would know why */
function answerOf(answer: CgiAnswer | string): CgiAnswer {
  if (typeof answer === 'string') return { body: answer }
  if (typeof answer !== 'object' || answer === null) {
    throw new TypeError('The handler of runCgi() gives a text, or an object such as { status: 404, body: text }')
  }
  refuseUnknown(answer, answerKeys, 'the parts of an answer')
  return answer
}

/** One request, its session, and how far its answer is. */
class Run<P extends object> {
  readonly #options: ManagerOptions
  readonly #output: number
  #sessions: SessionManager | undefined
  #opening: Promise<Visit<P>> | undefined
  #finishing: Promise<SessionHeaders | undefined> | undefined
  #hasBegun = false
  isHead = false

  constructor(options: ManagerOptions, output: number) {
    this.#options = options
    this.#output = output
  }

  async session(query: CgiQuery): ReturnType<SessionOpener<P>> {
    this.#opening ??= this.#open(query)
    return (await this.#opening).session()
  }

  async #open(query: CgiQuery): Promise<Visit<P>> {
    this.#sessions = await SessionManager.create(this.#options)
    return new Visit<P>(this.#sessions, query)
  }

  /** Done once: what could not be written is not tried again for the page that says so. */
  #finish(): Promise<SessionHeaders | undefined> {
    // Who asked for a session that could not be opened has the error.
    this.#finishing ??= Promise.resolve(this.#opening?.catch(() => undefined)).then((visit) => visit?.finish())
    return this.#finishing
  }

  async answer(answer: CgiAnswer): Promise<void> {
    const pieces = piecesOf(answer.body)
    await this.#print(headerOf(answer, await this.#finish()))
    if (this.isHead || !mayHaveBody(answer.status)) return
    for await (const piece of pieces) await this.#print(piece)
  }

  async #print(piece: unknown): Promise<void> {
    this.#hasBegun = true
    await print(this.#output, piece)
  }

  /** Tell the browser, where it was told nothing yet. */
  async fail(error: unknown): Promise<void> {
    // The browser has gone away.
    if (this.#hasBegun && codeOf(error) === 'EPIPE') return
    if (error instanceof RequestError) console.error(error.message)
    else report(error)
    if (this.#hasBegun) return
    const session = await this.#finish().catch((failure) => {
      if (failure !== error) report(failure)
    })
    const status = error instanceof RequestError ? error.status : 500
    await this.#print(headerOf({ status, type: 'text/plain' }, session ?? undefined))
    if (!this.isHead) await this.#print(`${wordsOf(status)}\n`)
  }

  async close(): Promise<void> {
    const visit = await this.#opening?.catch(() => undefined)
    const isWritten = await this.#finish().then(
      () => true,
      () => false,
    )
    if (isWritten) await visit?.finish(true)
    await this.#sessions?.close()
  }
}

function report(error: unknown): void {
  console.error(error)
  process.exitCode = 1
}
