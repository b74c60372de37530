/**
 * Data::Session's scripts/cgi.demo.cgi in Node: it counts how often it has been run, and the session's id travels in a hidden field
 * of its form, without a cookie.
 */

import { Session } from 'data-session'
import { CgiQuery } from 'data-session/adapters/cgi'
import { escapeHtml, page, shortId } from '../demo/page.js'

const { DEMO_DIRECTORY, SCRIPT_NAME = '' } = process.env

/** The form field's name. */
const name = 'sid'

async function main(): Promise<void> {
  await using session = await Session.open<{ count: number }>({
    type: 'driver:File;id:MD5;serialize:JSON',
    directory: DEMO_DIRECTORY,
    name,
    idFromParam: true,
    query: await CgiQuery.read(),
  })
  // The first run has nothing to count yet.
  session.param('count', session.isNew() ? 0 : (session.param('count') ?? 0) + 1)
  await session.flush()
  process.stdout.write(`Content-Type: text/html; charset=utf-8\nCache-Control: no-store\n\n${html(session)}`)
}

function html(session: Session<{ count: number }>): string {
  const main = `<p class="lead">The demo that comes with Perl’s Data::Session, cgi.demo.cgi, in Node. There is no cookie here: the form
below carries the session’s id.</p>
<section class="card node" aria-labelledby="form">
<h2 id="form">The form</h2>
<dl>
<div class="visits"><dt>Number of times this script has been run</dt><dd>${session.param('count')}</dd></div>
<div class="id"><dt>Current value of <code>${name}</code></dt><dd><code>${shortId(session.id())}</code></dd></div>
</dl>
<form method="post">
<input type="hidden" name="${name}" value="${escapeHtml(session.id())}">
<button class="primary">Click to submit</button>
</form>
</section>
<section class="aside" aria-labelledby="why">
<h2 id="why">Why nobody does this any more</h2>
<p>Whoever has the id has the session. In a form it is part of the page, which is saved, sent on and read by scripts; in an address
it is in logs and bookmarks as well; and anybody can hand you a link with an id of his own choice. A cookie that is
<code>HttpOnly</code> is spared all this. So an id from a form or an address counts only where a program asks for it, with
<code>idFromParam: true</code>.</p>
</section>`
  return page('The id in a hidden field', main, SCRIPT_NAME)
}

main().catch((error: unknown) => {
  console.error(error)
  process.exitCode = 1
})
