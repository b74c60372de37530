/** What the demo's server serves: the page of both languages, the programs behind it, and the port of cgi.demo.cgi. */

import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Answer } from './cgi-output.js'
import type { CgiProgram } from './cgi-process.js'
import type { CgiSite } from './cgi-server.js'

// This file ends up in dist/scripts/.
const packageRoot = resolve(import.meta.dirname, '../..')

/** The page with both columns; the demo begins here. */
export const NODE_PATH = '/cgi-bin/counter.js'
/** The program that counts with Perl, and tells that page what Perl sees. */
export const PERL_PATH = '/cgi-bin/counter.pl'
const HIDDEN_FIELD_PATH = '/cgi-bin/cgi.demo.js'

/** Why Perl cannot take part here, in a sentence, and the commands that help. */
export interface PerlMissing {
  readonly reason: string
  readonly help: readonly string[]
}

const debian = 'apt install perl libcgi-session-perl'

/** What is missing for the Perl counter; undefined when it can run. */
export function perlMissing(): PerlMissing | undefined {
  const { error, status } = spawnSync('perl', ['-MCGI', '-MCGI::Session', '-e', '1'], { stdio: 'ignore' })
  if (error !== undefined) return { reason: 'Perl is not installed.', help: [debian] }
  if (status === 0) return undefined
  return { reason: 'Perl is installed, but CGI::Session is not.', help: [debian, 'cpan CGI CGI::Session'] }
}

/** What stands in Perl's column where Perl cannot speak for itself. */
function columnWithoutPerl({ reason, help }: PerlMissing): Answer {
  const body = `<section class="card perl" aria-labelledby="perl">
<h2 id="perl">What Perl sees</h2>
<p class="none">${reason} Install it and start the demo again, and Perl fills this column:
${help.map((command) => `<code>${command}</code>`).join(' or ')}</p>
</section>
`
  return { status: 200, headers: [['Content-Type', 'text/html; charset=utf-8']], body }
}

/**
 * The site of the demo.
 * @param directory where the session files are
 * @param missing why the Perl counter is no part of it
 */
export function demoSite(directory: string, missing: PerlMissing | undefined): CgiSite {
  const node: CgiProgram = {
    path: NODE_PATH,
    interpreter: process.execPath,
    file: join(packageRoot, 'dist/scripts/cgi/counter.js'),
    environment: { DEMO_DIRECTORY: directory, DEMO_PERL: PERL_PATH },
    includes: true,
  }
  const perl: CgiProgram = {
    path: PERL_PATH,
    interpreter: 'perl',
    file: join(packageRoot, 'scripts/cgi/counter.pl'),
    environment: { DEMO_DIRECTORY: directory, DEMO_PAGE: NODE_PATH },
  }
  const hiddenField: CgiProgram = {
    path: HIDDEN_FIELD_PATH,
    interpreter: process.execPath,
    file: join(packageRoot, 'dist/scripts/cgi/cgi.demo.js'),
    environment: { DEMO_DIRECTORY: join(directory, 'cgi.demo') },
  }
  // Its sessions are JSON: beside the others, an id of one program could be shown to the other, which cannot read it.
  mkdirSync(join(directory, 'cgi.demo'), { mode: 0o700 })
  const css = readFileSync(join(packageRoot, 'scripts/demo/style.css'))
  return {
    programs: missing === undefined ? [node, perl, hiddenField] : [node, hiddenField],
    fixed: {
      '/': { status: 302, headers: [['Location', NODE_PATH]], body: '' },
      '/style.css': { status: 200, headers: [['Content-Type', 'text/css; charset=utf-8']], body: css },
      ...(missing !== undefined && { [PERL_PATH]: columnWithoutPerl(missing) }),
    },
  }
}
