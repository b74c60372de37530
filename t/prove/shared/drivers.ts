/** The drivers that can be proved here: those whose store can be had. */

import { missing, required } from '../../support/requirements.js'
import { storeParts, stores } from '../../support/stores.js'

/** Why a part is not there; undefined when it is. @throws when DATA_SESSION_REQUIRE names it */
export function absent(parts: string | undefined): string | undefined {
  const part = parts?.split(',').find((one) => missing(one) !== undefined)
  if (part === undefined) return undefined
  if (required.has(part)) throw new Error(`DATA_SESSION_REQUIRE names ${part}, but ${missing(part)}`)
  return missing(part)
}

/** The names of the drivers whose store can be had, in the order of t/support/stores.ts. What is left out is told. */
export function driversHere(log: (text: string) => void, names: readonly string[] = Object.keys(stores)): string[] {
  return names.filter((name) => {
    const reason = absent(storeParts[name])
    if (reason !== undefined) log(`${name} is left out: ${reason}`)
    return reason === undefined
  })
}
