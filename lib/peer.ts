/** Optional packages (database clients and the like): loaded at first use, by require, with a clear error when missing. */

import { createRequire } from 'node:module'
import { PluginError } from './errors.js'

const requirePackage = createRequire(import.meta.url)

/**
 * An optional package. `require` and not `import`: on Node 20 importing a CommonJS client costs up to 20 ms more.
 * @throws {PluginError} ERR_SESSION_PEER_MISSING, with the line that installs it
 */
export function loadPeer<Module>(name: string, neededBy: string): Module {
  try {
    return requirePackage(name)
  } catch (cause) {
    throw missingPeer(name, neededBy, cause)
  }
}

/** A package that this one depends on; loaded at first use, as few programs need it. */
export function loadDependency<Module>(name: string): Module {
  return requirePackage(name)
}

/** Refuse early what `loadPeer` would refuse later, without the cost of loading the package. */
export function assertPeer(name: string, neededBy: string): void {
  try {
    requirePackage.resolve(name)
  } catch (cause) {
    throw missingPeer(name, neededBy, cause)
  }
}

/** An optional package, or undefined where it is missing or does not load. */
export function tryPeer<Module>(name: string): Module | undefined {
  try {
    return requirePackage(name)
  } catch {
    return undefined
  }
}

/** The error for packages of which one is needed. */
export function missingPeer(names: string, neededBy: string, cause?: unknown): PluginError {
  return new PluginError(
    'ERR_SESSION_PEER_MISSING',
    neededBy,
    `${neededBy} needs the package ${names}, which is not installed or does not load: npm install ${names.split(' or ')[0]}`,
    { cause },
  )
}
