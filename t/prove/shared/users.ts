/** Users with a session each, who know what must be in it. */

import { type Session, SessionError, type SessionManager } from '../../../lib/index.js'
import type { Random } from './random.js'

/** Where sessions are. */
export interface Place {
  readonly name: string
  readonly sessions: SessionManager
  /** It forgets everything when its server starts anew. */
  readonly isForgetful: boolean
  /** How often its server began to start anew, or was ready again: odd while it does so. */
  epoch: number
}

/** A user, and what is known of the session: one visit at a time, so nobody else has written it. */
export interface User {
  readonly number: number
  readonly place: Place
  id: string | undefined
  secret: number
  /** The last count whose write was acknowledged; -1: not even the session's creation was. */
  acknowledged: number
  /** The last count that was written, perhaps. */
  attempted: number
  /** Removing it was not acknowledged. */
  mayBeGone: boolean
  epoch: number
  isBusy: boolean
}

/** A user who has no session yet. */
export function newUser(number: number, place: Place): User {
  const nothing = { id: undefined, secret: 0, acknowledged: -1, attempted: -1, mayBeGone: false, epoch: 0 }
  return { number, place, isBusy: false, ...nothing }
}

/** What was seen. */
export class Sightings {
  operations = 0
  /** Operations that failed, by place: during a restart. */
  readonly failed = new Map<string, number>()
  /** Sessions that a store without durability forgot. */
  forgotten = 0
  readonly bad: Record<'wrongUser' | 'acknowledgedLost' | 'backAfterLogout', number> = {
    wrongUser: 0,
    acknowledgedLost: 0,
    backAfterLogout: 0,
  }
  readonly #log: (text: string) => void

  constructor(log: (text: string) => void) {
    this.#log = log
  }

  note(name: keyof Sightings['bad'], { place, number, acknowledged, attempted }: User, what: unknown): void {
    this.bad[name]++
    this.#log(`${name}: ${place.name}, user ${number}: ${what}; known are ${acknowledged} to ${attempted}`)
  }

  /** @throws what is no error of ours */
  fail({ name }: Place, error: unknown): void {
    if (!(error instanceof SessionError)) throw error
    if (!this.failed.has(name)) this.#log(`${name}: ${error.message}`)
    this.failed.set(name, (this.failed.get(name) ?? 0) + 1)
  }
}

/** A user comes, looks whether everything is as it was left, and does something. */
export async function visit(user: User, random: Random, seen: Sightings): Promise<void> {
  user.isBusy = true
  try {
    if (user.id === undefined) await logIn(user, random)
    else await comeBack(user, random, seen)
    seen.operations++
  } catch (error) {
    seen.fail(user.place, error)
  } finally {
    user.isBusy = false
  }
}

async function logIn(user: User, random: Random): Promise<void> {
  const { place } = user
  const session = await place.sessions.open()
  Object.assign(user, { id: session.id(), secret: random.seed(), acknowledged: -1, attempted: -1, mayBeGone: false })
  session.param({ owner: user.number, secret: user.secret, note: 'x'.repeat(200) })
  await count(user, session)
}

/** Write the next number. */
async function count(user: User, session: Session): Promise<boolean> {
  user.attempted++
  const { epoch } = user.place
  const isWritten = await session.param('count', user.attempted).flush()
  if (isWritten) Object.assign(user, { acknowledged: user.attempted, epoch })
  return isWritten
}

async function comeBack(user: User, random: Random, seen: Sightings): Promise<void> {
  const session = await user.place.sessions.open({ clientId: user.id })
  if (session.isNew()) return missed(user, random, seen)
  const { owner, secret } = { owner: session.param('owner'), secret: session.param('secret') }
  if (owner !== user.number || secret !== user.secret) return seen.note('wrongUser', user, `it is that of ${owner}`)
  const number = session.param('count')
  if (number < user.acknowledged) seen.note('acknowledgedLost', user, `it has ${number}`)
  if (number > user.attempted) seen.note('wrongUser', user, `it has ${number}`)
  const what = random.fraction()
  if (what < 0.03) await logOut(user, session, random, seen)
  else if (what < 0.6 && !(await count(user, session))) await missed(user, random, seen)
}

/** The session is not there. */
async function missed(user: User, random: Random, seen: Sightings): Promise<void> {
  const { isForgetful, epoch } = user.place
  // While it starts anew, what it acknowledged just before it ended may be missing already.
  const isForgotten = isForgetful && (user.epoch !== epoch || epoch % 2 === 1)
  if (isForgotten) seen.forgotten++
  else if (user.acknowledged >= 0 && !user.mayBeGone) seen.note('acknowledgedLost', user, 'it is not there')
  await logIn(user, random)
}

async function logOut(user: User, session: Session, random: Random, seen: Sightings): Promise<void> {
  user.mayBeGone = true
  const isRemoved = await session.delete()
  if (!isRemoved) return missed({ ...user, mayBeGone: false }, random, seen)
  const again = await user.place.sessions.open({ clientId: session.id() })
  if (!again.isNew()) seen.note('backAfterLogout', user, 'it is there')
  await logIn(user, random)
}
