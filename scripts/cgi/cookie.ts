/**
 * Prints the header of a session with its cookie, and what Perl's CGI prints for the same cookie: the two are the same, to the byte.
 * Data::Session has it as scripts/cookie.pl; its answer depends on whether both headers are made within one second.
 */

import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Session } from 'data-session'

/** Perl's side, at a given time. */
const program = `
  my $now; BEGIN { $now = shift; *CORE::GLOBAL::time = sub () { $now } }
  use CGI;
  my $q      = CGI->new('');
  my $cookie = $q->cookie(-name => 'CGISESSID', -value => shift, -expires => '+10s');
  binmode STDOUT;
  print $q->header(-cookie => $cookie, -type => 'text/html');
`

/** What Perl's CGI prints; undefined where it is not installed. */
function perlHeader(id: string, now: number): string | undefined {
  const run = spawnSync('perl', ['-we', program, String(now), id], { encoding: 'latin1' })
  return run.status === 0 ? run.stdout : undefined
}

async function compare(directory: string): Promise<void> {
  const now = Math.floor(Date.now() / 1000)
  await using session = await Session.open({
    type: 'driver:File;id:MD5;serialize:DataDumper',
    directory,
    compat: 'perl',
    clock: () => now * 1000,
  })
  session.expire('10s')

  const ours = session.httpHeader({ type: 'text/html' })
  console.log(`<${ours}>`)
  const perls = perlHeader(session.id(), now)
  if (perls === undefined) {
    console.log('Perl with its module CGI is not installed: there is nothing to compare with')
    return
  }
  console.log(`<${perls}>`)
  console.log(ours === perls ? 'Same' : 'Different')
  if (ours !== perls) process.exitCode = 1
}

async function main(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'data-session-cookie-'))
  try {
    await compare(directory)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

main().catch((error: unknown) => {
  console.error(error)
  process.exitCode = 1
})
