/** What the demo's server serves: the Node counter, and the Perl counter where Perl can run it. */

import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { CgiProgram } from './cgi-process.js'
import type { CgiSite } from './cgi-server.js'

// This file ends up in dist/scripts/.
const packageRoot = resolve(import.meta.dirname, '../..')

const NODE_PATH = '/cgi-bin/counter.js'
const PERL_PATH = '/cgi-bin/counter.pl'

/** Why the Perl counter cannot run here, in a sentence; undefined when it can. */
export function perlMissing(): string | undefined {
  const { error, status } = spawnSync('perl', ['-MCGI', '-MCGI::Session', '-e', '1'], { stdio: 'ignore' })
  if (error !== undefined) return 'Perl is not installed.'
  if (status === 0) return undefined
  return 'Perl is installed, but CGI::Session is not (cpan CGI::Session, or apt install libcgi-session-perl).'
}

/**
 * The site of the demo.
 * @param directory where the session files are
 * @param withPerl whether the Perl counter is part of it
 */
export function demoSite(directory: string, withPerl: boolean): CgiSite {
  const node: CgiProgram = {
    path: NODE_PATH,
    interpreter: process.execPath,
    file: join(packageRoot, 'dist/scripts/cgi/counter.js'),
    environment: { DEMO_DIRECTORY: directory, DEMO_OTHER: withPerl ? PERL_PATH : '' },
  }
  const perl: CgiProgram = {
    path: PERL_PATH,
    interpreter: 'perl',
    file: join(packageRoot, 'scripts/cgi/counter.pl'),
    environment: { DEMO_DIRECTORY: directory, DEMO_OTHER: NODE_PATH },
  }
  const css = readFileSync(join(packageRoot, 'scripts/demo/style.css'))
  return {
    programs: withPerl ? [node, perl] : [node],
    fixed: {
      '/': { status: 302, headers: [['Location', NODE_PATH]], body: '' },
      '/style.css': { status: 200, headers: [['Content-Type', 'text/css; charset=utf-8']], body: css },
    },
  }
}
