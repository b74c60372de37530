/**
 * A CGI program in Node. It counts visits in a session, and counter.pl counts in the same one: Perl's CGI::Session
 * keeps it, this program reads and writes the very same file. A web server starts the program for each request.
 */

import { text } from 'node:stream/consumers'
import { Session } from 'data-session'

interface Counter {
  /** Perl does not tell 3 from '3', so what it has counted may come back as text. */
  visits: number | string
  counted_by: string
  note: string
}

const { DEMO_DIRECTORY, DEMO_OTHER, HTTP_COOKIE = '', REQUEST_METHOD, SCRIPT_NAME } = process.env

const cookieId = (cookies: string) => /(?:^|;\s*)CGISESSID=([^;\s]*)/.exec(cookies)?.[1]

const escapeHtml = (value: unknown) => String(value).replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`)

async function main(): Promise<void> {
  // What CGI::Session calls driver:file;serializer:default;id:md5. An id from a cookie is `clientId`: one that
  // nobody has stored is not taken over, so that an attacker cannot choose the id of somebody else's session.
  await using session = await Session.open<Counter>({
    type: 'driver:File;id:MD5;serialize:DataDumper',
    directory: DEMO_DIRECTORY,
    dialect: 'cgi-session',
    clientId: cookieId(HTTP_COOKIE),
  })
  const answer = REQUEST_METHOD === 'POST' ? await saveNote(session) : countVisit(session)

  // First to the store, then to the visitor: a page must not promise what could not be written.
  await session.flush()
  const cookie = session.isNew() ? `Set-Cookie: CGISESSID=${session.id()}; Path=/; HttpOnly; SameSite=Lax\n` : ''
  process.stdout.write(`${cookie}Cache-Control: no-store\n${answer}`)
}

async function saveNote(session: Session<Counter>): Promise<string> {
  const form = new URLSearchParams(await text(process.stdin))
  session.param('note', (form.get('note') ?? '').slice(0, 80))
  // The browser goes on with GET, so that reloading the page does not send the form again.
  return `Status: 303 See Other\nLocation: ${SCRIPT_NAME}\n\n`
}

function countVisit(session: Session<Counter>): string {
  const before = session.param('counted_by') ?? 'nobody'
  session.param({ visits: Number(session.param('visits') ?? 0) + 1, counted_by: 'Node' })
  return `Content-Type: text/html; charset=utf-8\n\n${page(session, before)}`
}

function page(session: Session<Counter>, before: string): string {
  const visits = escapeHtml(session.param('visits'))
  const parameters = session.param().map((name) => `${name} = ${session.param(name)}`)
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Visit ${visits}, counted by Node</title>
<link rel="stylesheet" href="/style.css">
<main>
<h1>Visit <data id="visits" value="${visits}">${visits}</data></h1>
<p>This one was counted by <strong>Node</strong>.</p>
<dl>
<dt>Language<dd id="language">Node ${process.versions.node}
<dt>Counted last by<dd id="before">${escapeHtml(before)}
<dt>Session<dd id="session">${escapeHtml(session.id().slice(0, 4))}…
<dt>Parameters<dd id="parameters">${parameters.map(escapeHtml).join('<br>')}
</dl>
<form method="post">
<label>A note <input name="note" maxlength="80" value="${escapeHtml(session.param('note') ?? '')}"></label>
<button>Keep it in the session</button>
</form>
<p><a href="${escapeHtml(SCRIPT_NAME)}">Count again</a>${
    DEMO_OTHER ? ` or <a href="${escapeHtml(DEMO_OTHER)}">let Perl count</a>` : ''
  }</p>
</main>
`
}

main().catch((error: unknown) => {
  console.error(error)
  process.exitCode = 1
})
