/** Visits without a browser: each is counted by a program, and carries the cookie of the one before. */

/** What came of a visit. */
interface Visit {
  readonly path: string
  readonly status: number
  /** The session id that the program set. */
  readonly id: string | undefined
  readonly language: string
  /** What the language that counted says; undefined when there was no counter. */
  readonly visits: number | undefined
}

/** Which column of the page is a program's own. */
const columnOf = (path: string): string => (path.endsWith('.pl') ? 'perl' : 'node')

/** Press a program's button, and read in its own column what came of it. */
async function visit(origin: string, path: string, id: string | undefined): Promise<Visit> {
  const headers = (known: string | undefined): Record<string, string> =>
    known === undefined ? {} : { cookie: `CGISESSID=${known}` }
  const body = new URLSearchParams({ action: 'count' })
  const counted = await fetch(origin + path, { method: 'POST', body, headers: headers(id), redirect: 'manual' })
  const given = /^CGISESSID=([^;]*)/.exec(counted.headers.getSetCookie()[0] ?? '')?.[1]
  const location = counted.headers.get('location')
  const page = location === null ? counted : await fetch(new URL(location, origin), { headers: headers(given ?? id) })
  const [, column = ''] = new RegExp(`<h2 id="${columnOf(path)}">(.*?)</section>`, 's').exec(await page.text()) ?? []
  const visits = /<dt>Visits<\/dt><dd>(\d+)/.exec(column)?.[1]
  return {
    path,
    status: page.status,
    id: given,
    language: /class="language">([^<\n]*)/.exec(column)?.[1] ?? 'no page',
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
    console.log(`POST ${seen.path}  ${seen.status}  visits: ${seen.visits ?? '-'}  (${seen.language})`)
    id ??= seen.id
    right &&= seen.status === 200 && seen.visits === index + 1 && seen.id === id
  }
  console.log(
    right ? `All counted in one session, ${id?.slice(0, 4)}…` : 'The count is wrong: this was not one session.',
  )
  return right
}
