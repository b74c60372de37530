/** What `verbose` tells on standard error: what was done to which session, and never what is in it. */

import { logId } from './id-check.js'

/** Tells one thing: what was done, to the session of which id, and how it ended. */
export type Log = (what: string, id: string | undefined, result: string) => void

/** How much is told when the program does not say: everything when Node's own NODE_DEBUG names the package. */
export function usualVerbosity(): number {
  return /(?:^|[\s,])data-session(?:$|[\s,])/i.test(process.env.NODE_DEBUG ?? '') ? 2 : 0
}

/** A log of a manager, which is named by its driver. */
export function createLog(driver: string): Log {
  return (what, id, result) => {
    const session = id === undefined ? '' : ` ${logId(id)}`
    process.stderr.write(`data-session ${driver}: ${what}${session}: ${result}\n`)
  }
}
