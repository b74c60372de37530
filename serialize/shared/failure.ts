/** Errors of serializers: which format, and where. */

import { SerializeError } from '../../lib/errors.js'

/** The path of a value as a programmer writes it: `cart.items[3]`, `prefs["a b"]`. */
export function formatPath(keys: readonly (string | number)[]): string {
  let path = ''
  for (const key of keys) {
    if (typeof key === 'number') path += `[${key}]`
    else if (/^[A-Za-z_$][\w$]*$/.test(key)) path += path === '' ? key : `.${key}`
    else path += `[${JSON.stringify(key)}]`
  }
  return path === '' ? 'the whole session' : path
}

/** A value that the format cannot hold; nothing has been written. */
export function cannotFreeze(serializer: string, keys: readonly (string | number)[], reason: string): SerializeError {
  const path = formatPath(keys)
  return new SerializeError('ERR_SESSION_FREEZE', serializer, `${serializer} cannot hold ${path}: ${reason}`, { path })
}

/** Bytes that are not a record of this format. */
export function cannotThaw(serializer: string, offset: number, reason: string): SerializeError {
  return new SerializeError('ERR_SESSION_THAW', serializer, `Not a ${serializer} record: ${reason} at byte ${offset}`, {
    offset,
  })
}

/** A record over one of the limits. */
export function overLimit(serializer: string, what: string, limit: number, option: string): SerializeError {
  return new SerializeError(
    'ERR_SESSION_LIMIT',
    serializer,
    `${serializer}: more than ${limit} ${what}; the limit is the option '${option}'`,
  )
}

/** What a value is, for a message that must not show the value. */
export function kindOf(value: unknown): string {
  if (typeof value === 'number') return String(value)
  if (typeof value !== 'object' || value === null) return `a ${typeof value}`
  const name = Object.getPrototypeOf(value)?.constructor?.name
  return typeof name === 'string' && name !== '' ? `an object of class ${name}` : 'an object'
}
