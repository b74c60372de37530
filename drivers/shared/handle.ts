/** Live clients that a program hands over. */

import type { OptionReader } from '../../lib/contracts.js'
import { custom } from '../../lib/options.js'

/** A live client, or a function that gives one, called when it is first needed. */
export type Handle = object | (() => object | Promise<object>)

const isHandle = (value: unknown): value is Handle | undefined =>
  typeof value === 'function' || (typeof value === 'object' && value !== null)

/** The live client itself, where a function gives it. */
export async function givenBy(handle: Handle | undefined): Promise<unknown> {
  return typeof handle === 'function' ? handle() : handle
}

/** A handle, or nothing. @param wanted what it is, for the message */
export function optionalHandle(wanted: string): OptionReader<Handle | undefined> {
  return custom<Handle | undefined>(undefined, `${wanted} or a function that gives one`, isHandle)
}
