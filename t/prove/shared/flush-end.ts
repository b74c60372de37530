/** How a flush ended, and what the store has then. */

import { type ManagerOptions, SessionError, SessionManager } from '../../../lib/index.js'
import { withDriver } from './open-driver.js'

export const id = '0123456789abcdef'
/** The session's text before, and after. */
export const OLD = 'old '.repeat(300)
export const NEW = 'new '.repeat(30_000)

/** Nothing for success, the code of an error of this package, or `untyped: …`. */
export type Ended = '' | string

/** The old session byte for byte, the new one, or neither. */
export type Kept = 'old' | 'new' | 'lost'

export async function endOf(work: () => Promise<unknown>): Promise<Ended> {
  try {
    await work()
    return ''
  } catch (error) {
    return error instanceof SessionError ? error.code : `untyped: ${error}`
  }
}

/** Open the session with a manager of its own, and flush it with this text. */
export async function flushWith(options: ManagerOptions, text: string): Promise<void> {
  const sessions = await SessionManager.create(options)
  try {
    const session = await sessions.open({ id })
    session.param('text', text)
    await session.flush()
  } finally {
    await sessions.close()
  }
}

/** The record, as a reader of its own finds it, without what pads it. */
export async function recordNow({ type, ...options }: ManagerOptions): Promise<string> {
  const [, driver = ''] = /driver:(\w+)/.exec(type as string)!
  const record = await withDriver([driver, options], (one) => one.retrieve(id))
  return Buffer.from(record ?? '')
    .toString('latin1')
    .replace(/\n+$/, '')
}

/** Which of the two it is. */
export async function kept(options: ManagerOptions, before: string): Promise<Kept> {
  const now = await recordNow(options).catch(() => 'not readable')
  if (now === before) return 'old'
  return now.includes(id) && now.includes(NEW) && !now.includes('old ') ? 'new' : 'lost'
}
