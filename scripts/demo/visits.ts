/** Visits without a browser: each goes through the server and carries the cookie of the one before. */

/** What came back from a visit. */
interface Visit {
  readonly path: string
  readonly status: number
  /** The session id that the program set, when it began a session. */
  readonly newId: string | undefined
  readonly language: string
  /** What the page says; undefined when there was no counter on it. */
  readonly visits: number | undefined
}

async function visit(origin: string, path: string, id: string | undefined): Promise<Visit> {
  const response = await fetch(origin + path, { headers: id === undefined ? {} : { cookie: `CGISESSID=${id}` } })
  const html = await response.text()
  const visits = /id="visits" value="(\d+)"/.exec(html)?.[1]
  return {
    path,
    status: response.status,
    newId: /^CGISESSID=([^;]*)/.exec(response.headers.getSetCookie()[0] ?? '')?.[1],
    language: /id="language">([^<\n]*)/.exec(html)?.[1] ?? 'no page',
    visits: visits === undefined ? undefined : Number(visits),
  }
}

/**
 * Visit each path in turn and print what happened.
 * @returns whether every visit was counted, all in the one session that the first had begun
 */
export async function visitAll(origin: string, paths: readonly string[]): Promise<boolean> {
  let id: string | undefined
  let right = true
  for (const [index, path] of paths.entries()) {
    const seen = await visit(origin, path, id)
    console.log(`GET ${seen.path}  ${seen.status}  visits: ${seen.visits ?? '-'}  (${seen.language})`)
    const begun = seen.newId !== undefined
    right &&= seen.status === 200 && seen.visits === index + 1 && begun === (index === 0)
    id ??= seen.newId
  }
  console.log(
    right ? `All counted in one session, ${id?.slice(0, 4)}…` : 'The count is wrong: this was not one session.',
  )
  return right
}
