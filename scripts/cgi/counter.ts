/**
 * A CGI program in Node. It counts visits in a session, and counter.pl counts in the same one: Perl's CGI::Session
 * keeps it, this program reads and writes the very same file. A web server starts the program for each request.
 */

import type { ManagerOptions, Session } from 'data-session'
import { type CgiAnswer, type CgiQuery, runCgi } from 'data-session/adapters/cgi'
import { escapeHtml, page, shortId } from '../demo/page.js'

interface Visitor {
  /** Perl does not always tell 3 from '3', so what it has counted may come back as text. */
  visits: number | string
  written_by: string
  note: string
  user: string
}

const { DEMO_DIRECTORY, DEMO_PERL = '', SCRIPT_NAME = '' } = process.env

/** What the buttons do. Each ends with a message for the next page, and is written before that page is asked for. */
const actions: Record<string, (session: Session<Visitor>, query: CgiQuery) => unknown> = {
  count(session) {
    session.param('visits', Number(session.param('visits') ?? 0) + 1).flash('notice', 'Node has counted this visit.')
  },
  note(session, query) {
    session.param('note', field(query, 'note').slice(0, 80)).expire('note', 0).flash('notice', 'The note is kept.')
  },
  expire(session) {
    if (session.param('note') === undefined) session.flash('notice', 'There is no note that could be forgotten.')
    else session.expire('note', '30s').flash('notice', 'The note is forgotten after 30 seconds without a visit.')
  },
  async login(session, query) {
    session.param('user', field(query, 'user').slice(0, 40) || 'somebody')
    // An id that somebody planted or saw before the login must be worth nothing after it.
    await session.regenerate()
    session.flash('notice', 'You are logged in, and the session has a new id.')
  },
  async logout(session) {
    await session.delete()
  },
}

/** What CGI::Session calls driver:file;serializer:default;id:md5. */
const store: ManagerOptions = {
  type: 'driver:File;id:MD5;serialize:DataDumper',
  directory: DEMO_DIRECTORY,
  dialect: 'cgi-session',
}

// The answer is printed when the session is written: a page must not promise what could not be kept.
void runCgi<Visitor>(store, async ({ session, query }) => {
  return query.method() === 'POST' ? act(await session(), query) : show(await session())
})

async function act(session: Session<Visitor>, query: CgiQuery): Promise<CgiAnswer> {
  const name = field(query, 'action')
  const action = Object.hasOwn(actions, name) ? actions[name] : undefined
  if (action === undefined) return { status: 400, type: 'text/plain', body: 'There is no such action.\n' }
  await action(session, query)
  if (!session.deleted()) session.param('written_by', 'Node').expire('1h')
  // The browser goes on with GET, so that reloading the page does not send the form again.
  return { redirect: SCRIPT_NAME }
}

function field(query: CgiQuery, name: string): string {
  const value = query.param(name)
  return typeof value === 'string' ? value : ''
}

function show(session: Session<Visitor>): CgiAnswer {
  const messages = session.flash('notice')
  const body = page('One session, two languages', content(session, messages), SCRIPT_NAME)
  return { headers: { 'Cache-Control': 'no-store' }, body }
}

/** Who has stored nothing gets no session, and no cookie. */
const isEmpty = (session: Session<Visitor>): boolean => session.isNew() || session.deleted()

function content(session: Session<Visitor>, messages: readonly string[]): string {
  return `<p class="lead">A program in Node and a program in Perl keep one session for you, in the very same file.
Each column shows what that language reads there.</p>
${messages.map((message) => `<p class="message" role="status">${escapeHtml(message)}</p>`).join('\n')}
<div class="columns">
<section class="card node" aria-labelledby="node">
<h2 id="node">What Node sees</h2>
<p class="language">Node ${process.versions.node} with data-session</p>
${isEmpty(session) ? '<p class="none">No session yet. Count a visit, and there is one.</p>' : facts(session)}
<form method="post"><button class="primary" name="action" value="count">Count with Node</button></form>
</section>
<!--#include virtual="${DEMO_PERL}" -->
</div>
${forms(session)}`
}

function facts(session: Session<Visitor>): string {
  const lifetime = session.etime()
  const rows = [
    ['visits', 'Visits', escapeHtml(session.param('visits') ?? 0)],
    ['writer', 'Written last by', escapeHtml(session.param('written_by'))],
    ['id', 'Session', `<code>${shortId(session.id())}</code>`],
    ['created', 'Created', time(session.ctime())],
    ['used', 'Last used', time(session.atime())],
    ['expires', 'Expires', lifetime === 0 ? 'never' : time(session.atime() + lifetime)],
  ]
  return `<dl>
${rows.map(([name, title, value]) => `<div class="${name}"><dt>${title}</dt><dd>${value}</dd></div>`).join('\n')}
</dl>
<table>
<caption>Parameters, as Node reads them</caption>
<thead><tr><th scope="col">Name</th><th scope="col">Value</th><th scope="col">Type</th><th scope="col">Lifetime</th></tr></thead>
<tbody>
${session
  .param()
  .map((name) => row(name, session.param(name), session.ptime(name)))
  .join('\n')}
</tbody>
</table>`
}

const typeNames: Record<string, string> = { '"': 'text', '[': 'list', '{': 'map', n: 'null', t: 'true', f: 'false' }

function row(name: string, value: unknown, lifetime: number): string {
  const json = JSON.stringify(value)
  const shown = escapeHtml(typeof value === 'string' ? value : json)
  const kept = lifetime === 0 ? 'session' : `${lifetime} s`
  return `<tr><th scope="row">${escapeHtml(name)}</th><td>${shown}</td><td>${typeNames[json[0]!] ?? 'number'}</td><td>${kept}</td></tr>`
}

/** As Perl writes it: `22 Nov 2026, 09:30:00 UTC`. */
function time(seconds: number): string {
  const date = new Date(seconds * 1000)
  const [, day, clock] = /^\w+, (.*) (\S+) GMT$/.exec(date.toUTCString())!
  return `<time datetime="${date.toISOString().slice(0, 19)}Z">${day}, ${clock} UTC</time>`
}

function forms(session: Session<Visitor>): string {
  const user = session.param('user')
  const forget = '<form method="post"><button name="action" value="expire">Forget the note in 30 s</button></form>'
  const login = `<p>A login gives the session a new id: the old one is worth nothing from then on, to whoever has it.</p>
<form method="post">
<label for="user">Your name</label>
<div class="line"><input id="user" name="user" maxlength="40" autocomplete="nickname" required>
<button name="action" value="login">Log in</button></div>
</form>`
  const logout = `<p>You are <strong class="user">${escapeHtml(user)}</strong>. Logging out deletes the session: both columns are empty then.</p>
<form method="post"><button name="action" value="logout">Log out</button></form>`
  return `<h2 class="actions">Change the session</h2>
<div class="columns">
<section class="card" aria-labelledby="keep">
<h3 id="keep">Keep a note</h3>
<p>Node writes it, Perl reads it.</p>
<form method="post">
<label for="note">Note</label>
<div class="line"><input id="note" name="note" maxlength="80" autocomplete="off" value="${escapeHtml(session.param('note') ?? '')}">
<button name="action" value="note">Keep the note</button></div>
</form>
${session.param('note') === undefined ? '' : forget}
</section>
<section class="card" aria-labelledby="account">
<h3 id="account">${user === undefined ? 'Log in' : 'Logged in'}</h3>
${user === undefined ? login : logout}
</section>
</div>`
}
