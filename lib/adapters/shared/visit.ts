/** What all adapters share: one session a request, opened when it is first asked for, and written before the headers leave. */

import { type QuerySource, queryFrom } from '../../query/hosts.js'
import type { Query } from '../../query/query.js'
import type { Params, Session } from '../../session.js'
import type { SessionManager } from '../../session-manager.js'

/** Gives the session of a request; the first call opens it. */
export type SessionOpener<P extends object = Params> = () => Promise<Session<P>>

/** What an answer needs in its header for the session. */
export interface SessionHeaders {
  /** The value of `Set-Cookie`; undefined where the browser has the right one already, or is to get none. */
  readonly setCookie: string | undefined
}

/** A request, from its session's point of view. */
export class Visit<P extends object = Params> {
  readonly #sessions: SessionManager
  readonly #query: Query
  #opening: Promise<Session<P>> | undefined
  #etime = 0
  /** Opens the session at the first call; the later ones give the same. */
  readonly session: SessionOpener<P> = () => {
    this.#opening ??= this.#open()
    return this.#opening
  }

  constructor(sessions: SessionManager, request: QuerySource) {
    this.#sessions = sessions
    this.#query = queryFrom(request)
  }

  /**
   * Write what has changed, and tell what the answer's header needs. Undefined, and at once, when nobody asked for the session: the
   * answer has nothing to do with it.
   */
  finish(): Promise<SessionHeaders> | undefined {
    return this.#opening === undefined ? undefined : this.#finish(this.#opening)
  }

  async #open(): Promise<Session<P>> {
    const session = await this.#sessions.open<P>({ query: this.#query })
    this.#etime = session.etime()
    return session
  }

  async #finish(opening: Promise<Session<P>>): Promise<SessionHeaders> {
    const session = await opening.catch(() => undefined)
    // Whoever asked for it has the error.
    if (session === undefined) return { setCookie: undefined }
    const isWritten = await session.flush()
    return { setCookie: this.#needsCookie(session, isWritten) ? session.cookie() : undefined }
  }

  #needsCookie(session: Session<P>, isWritten: boolean): boolean {
    const sent = this.#query.cookie(session.name())
    if (session.deleted()) return sent !== undefined
    // A visitor who stored nothing has no session.
    if (session.isNew() && session.param().length === 0) return false
    if (sent !== session.id() || session.etime() !== this.#etime) return true
    // Its time begins anew with each access.
    return isWritten && session.etime() > 0
  }
}

/** Headers to be set, by name; `Set-Cookie` is to be added to those that there are. */
export interface HeaderTarget {
  get(name: string): string | undefined
  set(name: string, value: string): void
  addCookie(value: string): void
}

/** Put into an answer's header what the session needs there. */
export function applyHeaders({ setCookie }: SessionHeaders, target: HeaderTarget): void {
  const vary = target.get('Vary')
  if (vary === undefined || vary === '') target.set('Vary', 'Cookie')
  else if (!/(?:^|,)\s*(?:\*|cookie)\s*(?:,|$)/i.test(vary)) target.set('Vary', `${vary}, Cookie`)
  if (setCookie === undefined) return
  target.addCookie(setCookie)
  // A cache that kept the page would hand the cookie to somebody else.
  if (!/\bno-store\b/i.test(target.get('Cache-Control') ?? '')) target.set('Cache-Control', 'no-store')
}
