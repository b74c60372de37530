/** Errors of stores that keep a value under a key: what went wrong, and what somebody who reads the message should do. */

import { codeOf } from '../../lib/coded-error.js'
import { DriverError, SessionError } from '../../lib/errors.js'
import { logId } from '../../lib/id-check.js'
import { textTest } from '../shared/quoting.js'
import { type WayProblem, wayProblems } from '../shared/way.js'

/** What happened and what to do about it; `uncertain`: where it was a write, that may have taken place all the same. */
type Reason = string | { readonly uncertain: string }

/** The reasons of errors, by their codes, or by words (a key with a blank in it) of their messages. */
export type Advice = Readonly<Record<string, Reason>>

const PERHAPS_WRITTEN = '; a write may have taken place, or may yet: flush again, which finds out'

/** What failed: where, at what, for whom. */
export interface Circumstances {
  readonly driver: string
  readonly operation: string
  readonly id?: string
  readonly records?: readonly (Uint8Array | null | undefined)[]
}

const adviceOnTheWay: Readonly<Record<WayProblem, Reason>> = {
  unreachable:
    'the connection failed or ended: is the server running, and is it the one that dataSource names? The next call connects anew',
  denied: 'this user may not use the socket or the folder: check its rights',
  timeout: 'it took longer than the option timeout allows',
  tls: 'the server does not offer the encryption that was asked for, or its certificate does not fit',
  unanswered: { uncertain: 'no answer came for longer than the option timeout allows' },
}

/** The properties of a client's error that quote nothing. Some clients hang the whole command on it. */
const harmlessProperties = ['code', 'errno', 'syscall', 'address', 'port'] as const

function reasonOf(error: Error, advice: Advice): Reason | undefined {
  const code = codeOf(error)
  if (code !== undefined && Object.hasOwn(advice, code)) return advice[code]
  const words = Object.keys(advice).find((key) => key.includes(' ') && error.message.includes(key))
  if (words !== undefined) return advice[words]
  if (code !== undefined && Object.hasOwn(wayProblems, code)) return adviceOnTheWay[wayProblems[code]!]
  // Several addresses were tried (`localhost`).
  return error instanceof AggregateError && error.errors[0] instanceof Error
    ? reasonOf(error.errors[0], advice)
    : undefined
}

/** A copy of the client's error without what may be a part of a session. The error itself may be everybody's whose call failed. */
function redacted(error: Error, { id, records = [] }: Circumstances): Error {
  const sent = records.filter((record) => record instanceof Uint8Array)
  const isHarmless = textTest(id === undefined ? sent : [id, ...sent])
  const message = isHarmless(error.message)
    ? error.message
    : (codeOf(error) ?? 'the reason is left out, for it quotes the session')
  const frames = (error.stack ?? '').split('\n').filter((line) => /^ +at /.test(line))
  const copy = Object.assign(new Error(message), { name: error.name })
  copy.stack = [`${error.name}: ${message}`, ...frames].join('\n')
  for (const property of harmlessProperties) {
    const value = (error as unknown as Record<string, unknown>)[property]
    if (value !== undefined) Object.assign(copy, { [property]: value })
  }
  return copy
}

function textOf(reason: Reason | undefined, operation: string): string | undefined {
  if (typeof reason !== 'object') return reason
  const isWrite = operation === 'store' || operation === 'remove'
  return isWrite ? reason.uncertain + PERHAPS_WRITTEN : reason.uncertain
}

/** The error that a program sees. Errors of this package pass unchanged. */
export function failure(error: unknown, advice: Advice, where: Circumstances): unknown {
  if (error instanceof SessionError) return error
  const { driver, operation, id } = where
  const of = id === undefined ? '' : ` session ${logId(id)}`
  // Some clients throw texts.
  const native = error instanceof Error ? error : new Error(String(error))
  const reason = textOf(reasonOf(native, advice), operation)
  const cause = redacted(native, where)
  const said = cause.message || codeOf(cause) || cause.name
  const message = reason === undefined ? said : `${reason} (${codeOf(cause) ?? said})`
  return new DriverError(driver, operation, `${driver}: cannot ${operation}${of}: ${message}`, { cause })
}
