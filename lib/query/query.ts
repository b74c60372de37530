/**
 * What a session needs to know of a request: its cookies and its parameters. Perl's Data::Session asks a CGI object for them; any
 * object with these methods will do.
 */

/** A request, as sessions see it. */
export interface Query {
  /** The value of a cookie; undefined when the client sent none of this name. Of several, the first. */
  cookie(name: string): string | undefined
  /** The value of a parameter, or its values, in order; undefined when there is none. */
  param(name: string): string | readonly string[] | undefined
  /** The names of all parameters, each once. */
  params(): readonly string[]
  /** Give a parameter other values (`loadParam`). Absent where a request cannot be changed. */
  set?(name: string, values: readonly string[]): void
  /** Was the request https? `trustProxy`: what a proxy says of it counts. Absent: no. */
  isSecure?(trustProxy: boolean): boolean
}

/** What a host tells of a request. */
export interface RequestParts {
  /** The header `Cookie`; asked for once, when a cookie is wanted. */
  cookies(): string | undefined
  /** Names and values, in order; asked for once. */
  parameters(): Iterable<readonly [name: string, value: string]>
  isSecure(trustProxy: boolean): boolean
}

/** All values of a parameter. */
export function valuesOf(query: Query, name: string): readonly string[] {
  const value = query.param(name)
  if (value === undefined || value === null) return []
  return typeof value === 'string' ? [value] : value
}

/** Has this object the methods of a query? */
export function isQuery(value: unknown): value is Query {
  const { cookie, param, params } = (value ?? {}) as Partial<Record<keyof Query, unknown>>
  return [cookie, param, params].every((method) => typeof method === 'function')
}

/** The id that a client claims to have: its cookie, and where the options allow it a parameter. */
export function claimedId(
  query: Query,
  options: { readonly name: string; readonly idFromParam: boolean },
): string | undefined {
  return query.cookie(options.name) ?? (options.idFromParam ? valuesOf(query, options.name)[0] : undefined)
}

/** Do a proxy's words, or a server's, mean https? Of several proxies, the one that the client spoke to comes first. */
export const isHttps = (protocols: string | undefined): boolean =>
  protocols?.split(',')[0]?.trim().toLowerCase() === 'https'
