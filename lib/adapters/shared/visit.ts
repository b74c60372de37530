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

/** At once where neither the store nor the browser needs anything; undefined: nobody asked for the session. */
export type Finished = SessionHeaders | Promise<SessionHeaders> | undefined

/** Is it to be waited for? A program may have put another class in the place of the global Promise. */
export const isPending = (finished: Finished): finished is Promise<SessionHeaders> =>
  finished !== undefined && 'then' in finished

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
   * Write what has changed, also when the handler failed, and tell what the answer's header needs.
   * @param isLate the header has left, so that a session whose cookie is not in it is not written: nobody could open it
   */
  finish(isLate = false): Finished {
    if (this.#opening === undefined) return undefined
    return this.#needsNothing(isLate) ? nothing : this.#finish(this.#opening, isLate)
  }

  #needsNothing(isLate: boolean): boolean {
    const session = this.#opened
    try {
      return session?.isFlushed === true && (isLate || !this.#needsCookie(session, false))
    } catch {
      // A value that cannot even be compared: the write will say so.
      return false
    }
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
    const isWritten = await session.flush()
    if (!this.#needsCookie(session, isWritten)) return nothing
    this.#known = session.id()
    this.#isUse = false
    return { setCookie: session.cookie() }
  }

  #needsCookie(session: Session<P>, isWritten: boolean): boolean {
    // Where somebody else has removed it, another request may have given the browser the cookie of the next one.
    if (session.deleted()) return session.isDeletedHere && this.#known !== undefined
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
