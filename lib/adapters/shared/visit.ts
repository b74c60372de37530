/** What all adapters share: one session a request, opened when it is first asked for, and written before the headers leave. */

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

/** The browser has the right cookie, or is to get none. */
const nothing: SessionHeaders = { setCookie: undefined }

/** What the end of a visit has come to. */
interface Outcome {
  readonly isLogout: boolean
  /** Something was written just now. */
  readonly isWritten?: boolean
}

/** A request, from its session's point of view. */
export class Visit<P extends object = Params> {
  readonly #sessions: SessionManager
  readonly #query: Query
  #opening: Promise<Session<P>> | undefined
  #opened: Session<P> | undefined
  /** The id in the cookie that the browser has. */
  #known: string | undefined
  #etime = 0
  /** Opening counted as an access. */
  #isUse = false
  /** A write found that somebody else had removed the session. */
  #isLost = false
  /** Opens the session at the first call; the later ones give the same. */
  readonly session: SessionOpener<P> = () => {
    this.#opening ??= this.#open()
    return this.#opening
  }

  constructor(sessions: SessionManager, query: Query) {
    this.#sessions = sessions
    this.#query = query
  }

  /**
   * Write what has changed, also when the handler failed, and tell what the answer's header needs: at once, where there is nothing to
   * write. Undefined when nobody asked for the session: the answer has nothing to do with it.
   * @param isLate the header has left, so that a session whose cookie is not in it is not written: nobody could open it
   */
  finish(isLate = false): SessionHeaders | Promise<SessionHeaders> | undefined {
    if (this.#opening === undefined) return undefined
    const isDone = this.#opened !== undefined && this.#needsNothing(this.#opened, isLate)
    return isDone ? nothing : this.#finish(this.#opening, isLate)
  }

  /** Neither the store nor the browser: then there is nothing to wait for. */
  #needsNothing(session: Session<P>, isLate: boolean): boolean {
    return session.isFlushed && (isLate || !this.#needsCookie(session, { isLogout: this.#isLogout(session) }))
  }

  async #open(): Promise<Session<P>> {
    const session = await this.#sessions.open<P>({ query: this.#query })
    this.#known = this.#query.cookie(session.name())
    this.#etime = session.etime()
    this.#isUse = session.modified()
    this.#opened = session
    return session
  }

  async #finish(opening: Promise<Session<P>>, isLate: boolean): Promise<SessionHeaders> {
    const session = await opening.catch(() => undefined)
    // Whoever asked for it has the error.
    if (session === undefined) return nothing
    if (isLate) {
      if (this.#known === session.id()) await session.flush()
      return nothing
    }
    const isLogout = this.#isLogout(session)
    const isWritten = await session.flush()
    this.#isLost = session.deleted() && !isLogout
    if (!this.#needsCookie(session, { isLogout, isWritten })) return nothing
    this.#known = session.id()
    this.#isUse = false
    return { setCookie: session.cookie() }
  }

  /** The program has deleted the session, here. */
  #isLogout(session: Session<P>): boolean {
    return session.deleted() && !this.#isLost
  }

  #needsCookie(session: Session<P>, { isLogout, isWritten = false }: Outcome): boolean {
    // When the write finds that it was removed, another request may have given the browser the cookie of the next one.
    if (session.deleted()) return isLogout && this.#known !== undefined
    // A visitor who stored nothing has no session.
    if (!session.isStored) return false
    if (this.#known !== session.id() || session.etime() !== this.#etime) return true
    // Its time begins anew with each access; the program may have written it by itself.
    return (isWritten || this.#isUse) && session.etime() > 0
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
