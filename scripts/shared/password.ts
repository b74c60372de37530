/** The password that programs of the command line take from the environment, where nobody else sees it. */

import { loadPlugin } from '../../lib/registry.js'
import type { ManagerOptions } from '../../lib/session-options.js'
import { parseType } from '../../lib/type-string.js'

/** The options with the password of DATA_SESSION_PASSWORD, if it is set and the driver knows one. */
export async function withPassword(options: ManagerOptions): Promise<ManagerOptions> {
  const password = process.env.DATA_SESSION_PASSWORD ?? ''
  if (password === '' || typeof options.type !== 'string') return options
  const { Plugin } = await loadPlugin('driver', parseType(options.type).driver)
  return Object.hasOwn(Plugin.options, 'password') ? { ...options, password } : options
}
