/** Packages that the benchmark uses where they are there. */

import { createRequire } from 'node:module'

const requirePackage = createRequire(import.meta.url)

/** The packages that were asked for and are not installed. */
export const missingPackages = new Set<string>()

/** The package, or undefined where it is not installed. */
export function tryPackage<Module>(name: string): Module | undefined {
  try {
    return requirePackage(name)
  } catch {
    missingPackages.add(name)
    return undefined
  }
}

/** The class of a store for express-session; undefined where it or express-session is not installed. */
export function tryStore<StoreClass>(name: string): StoreClass | undefined {
  const session = tryPackage<object>('express-session')
  const makeClass = tryPackage<(session: object) => StoreClass>(name)
  return session && makeClass?.(session)
}
