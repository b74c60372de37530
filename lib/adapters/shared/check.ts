/** Mistakes that are found when an adapter is made, rather than at each request. */

import type { SessionManager } from '../../session-manager.js'
import { refuseUnknown } from '../../session-options.js'

/**
 * @param adapter its name, for messages
 * @throws {TypeError} for what is no manager
 * @throws {OptionError} for options that it does not know
 */
export function checkAdapter(
  adapter: string,
  sessions: SessionManager,
  options: object,
  known: readonly string[],
): void {
  const { open, then } = (sessions ?? {}) as unknown as Record<string, unknown>
  if (typeof open !== 'function') {
    const hint = typeof then === 'function' ? '; it is a promise: an await is missing' : ''
    throw new TypeError(`${adapter} takes a manager of sessions: await SessionManager.create(options)${hint}`)
  }
  if (typeof options !== 'object' || options === null) throw new TypeError(`${adapter} takes an object of options`)
  refuseUnknown(options, known, `the options of ${adapter}`)
}

/** @throws {TypeError} for a property that somebody else has given the request, such as express-session */
export function assertFree(request: object, property: string): void {
  const present: unknown = Reflect.get(request, property)
  if (present === undefined || present === null || isOpener(present)) return
  throw new TypeError(
    `The request has a property '${property}' already, of express-session perhaps: say session(sessions, { property: 'visit' }) here`,
  )
}

const isOurs = Symbol('data-session opener')
const isOpener = (value: unknown): boolean => typeof value === 'function' && isOurs in value

/** Mark a function as an adapter's. */
export function asOpener<Opener extends object>(opener: Opener): Opener {
  const marked = opener as { [isOurs]?: true }
  marked[isOurs] = true
  return opener
}
