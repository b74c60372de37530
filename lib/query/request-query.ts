/** The query of a request whose host tells its parts. */

import { type CookiesByName, cookieNamed, cookiesIn } from '../cookie.js'
import type { Query, RequestParts } from './query.js'

/** Cookies and parameters are read when they are first asked for. */
export class RequestQuery implements Query {
  readonly #parts: RequestParts
  #cookies: CookiesByName | undefined
  #parameters: Map<string, readonly string[]> | undefined

  constructor(parts: RequestParts) {
    this.#parts = parts
  }

  cookie(name: string): string | undefined {
    this.#cookies ??= cookiesIn(this.#parts.cookies())
    return cookieNamed(name, this.#cookies)
  }

  param(name: string): string | readonly string[] | undefined {
    const values = this.#all().get(name)
    return values?.length === 1 ? values[0] : values
  }

  params(): readonly string[] {
    return [...this.#all().keys()]
  }

  set(name: string, values: readonly string[]): void {
    this.#all().set(name, [...values])
  }

  isSecure(trustProxy: boolean): boolean {
    return this.#parts.isSecure(trustProxy)
  }

  #all(): Map<string, readonly string[]> {
    this.#parameters ??= grouped(this.#parts.parameters())
    return this.#parameters
  }
}

function grouped(pairs: Iterable<readonly [string, string]>): Map<string, readonly string[]> {
  const all = new Map<string, string[]>()
  for (const [name, value] of pairs) {
    const values = all.get(name)
    if (values === undefined) all.set(name, [value])
    else values.push(value)
  }
  return all
}
