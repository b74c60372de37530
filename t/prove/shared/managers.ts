/** Managers of a process, one for each set of options. */

import { type ManagerOptions, SessionManager } from '../../../lib/index.js'

export class Managers {
  readonly #managers = new Map<string, Promise<SessionManager>>()

  /** The manager with these options, made when it is first asked for. Sessions are in the form of CGI::Session. */
  for(options: ManagerOptions): Promise<SessionManager> {
    const key = JSON.stringify(options)
    const known = this.#managers.get(key)
    if (known !== undefined) return known
    const made = SessionManager.create({ dialect: 'cgi-session', ...options })
    this.#managers.set(key, made)
    return made
  }

  /** Close all of them. */
  async close(): Promise<void> {
    const managers = [...this.#managers.values()]
    this.#managers.clear()
    for (const manager of managers) await (await manager).close()
  }
}
