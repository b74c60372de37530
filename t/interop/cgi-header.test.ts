/** With `compat: 'perl'` the header and the cookie are those of CGI.pm, byte for byte. */

import { spawnSync } from 'node:child_process'
import { resolve } from 'node:path'
import { expect, it } from 'vitest'
import { type CookieOptions, type HeaderOptions, type ManagerOptions, SessionManager } from '../../lib/index.js'
import { temporaryFolder } from '../support/folders.js'
import { perl } from '../support/perl.js'
import { describeWith } from '../support/requirements.js'

const now = 1_600_000_000

/** A call in both languages. */
interface Call {
  readonly title: string
  readonly ours?: HeaderOptions
  /** Arguments of CGI.pm's `header`, besides the cookie. */
  readonly perl?: readonly unknown[]
  /** More cookies, in Perl a list. */
  readonly cookies?: readonly string[]
  readonly name?: string
  readonly id?: string
  readonly attributes?: CookieOptions
  /** Arguments of CGI.pm's `cookie`, besides name, value and expiry. */
  readonly perlAttributes?: readonly unknown[]
  readonly etime?: number
  readonly deleted?: true
  readonly env?: Readonly<Record<string, string>>
}

const calls: readonly Call[] = [
  { title: 'nothing' },
  { title: 'a type', ours: { type: 'text/plain' }, perl: ['-type', 'text/plain'] },
  { title: 'no type', ours: { type: '' }, perl: ['-type', ''] },
  {
    title: 'a type with a charset of its own',
    ours: { type: 'text/css; charset=koi8-r' },
    perl: ['-type', 'text/css; charset=koi8-r'],
  },
  { title: 'a charset', ours: { charset: 'utf-8' }, perl: ['-charset', 'utf-8'] },
  { title: 'no charset', ours: { charset: '' }, perl: ['-charset', ''] },
  { title: 'a status', ours: { status: '404 Not Found' }, perl: ['-status', '404 Not Found'] },
  { title: 'a status as a number', ours: { status: 500 }, perl: ['-status', 500] },
  { title: 'nph', ours: { nph: true }, perl: ['-nph', 1] },
  { title: 'nph with a status', ours: { nph: true, status: '402 Pay' }, perl: ['-nph', 1, '-status', '402 Pay'] },
  {
    title: "nph with a server's names",
    ours: { nph: true },
    perl: ['-nph', 1],
    env: { SERVER_PROTOCOL: 'HTTP/1.1', SERVER_SOFTWARE: 'Apache/2.4' },
  },
  ...['now', 'Now', '+30s', '-1d', '+10M', '+1y', '+2h', '-5m', '+1.5h', '+.5d', '1700000000', '0', ''].map((time) => ({
    title: `expires ${time}`,
    ours: { expires: time },
    perl: ['-expires', time],
  })),
  { title: 'expires at a second', ours: { expires: 1_700_000_000 }, perl: ['-expires', 1_700_000_000] },
  { title: 'expires at a Date', ours: { expires: new Date(1_700_000_000_999) }, perl: ['-expires', 1_700_000_000] },
  {
    title: 'expires at a date of HTTP',
    ours: { expires: 'Thu, 01 Dec 1994 16:00:00 GMT' },
    perl: ['-expires', 'Thu, 01 Dec 1994 16:00:00 GMT'],
  },
  { title: 'a target', ours: { target: 'main' }, perl: ['-target', 'main'] },
  { title: 'an attachment', ours: { attachment: 'a b.pdf' }, perl: ['-attachment', 'a b.pdf'] },
  { title: 'an attachment beyond ASCII', ours: { attachment: 'ž.pdf' }, perl: ['-attachment', 'ž.pdf'] },
  { title: 'a policy', ours: { p3p: 'CAO DSP LAW' }, perl: ['-p3p', 'CAO DSP LAW'] },
  { title: 'a policy in parts', ours: { p3p: ['CAO', 'DSP'] }, perl: ['-p3p', ['CAO', 'DSP']] },
  {
    title: 'other headers, in alphabetical order',
    ours: { headers: { 'X-Frame-Options': 'DENY', '-foo_bar': 'a="b" & <c>; d', 'X-FRAME': 5, Foo: '&amp;' } },
    perl: ['-X-Frame-Options', 'DENY', '-foo_bar', 'a="b" & <c>; d', '-X_FRAME', 5, '-Foo', '&amp;'],
  },
  { title: 'more cookies', cookies: ['a=b; path=/', 'c=d'] },
  {
    title: 'all at once',
    ours: {
      type: 'text/xml',
      charset: 'utf-8',
      status: '200 Fine',
      nph: true,
      expires: '+3m',
      target: 'top',
      attachment: 'x.xml',
      p3p: 'CAO',
      headers: { 'Content-Language': 'de', Pragma: 'no-cache' },
    },
    perl: [
      ...['-type', 'text/xml', '-charset', 'utf-8', '-status', '200 Fine', '-nph', 1, '-expires', '+3m'],
      ...['-target', 'top', '-attachment', 'x.xml', '-p3p', 'CAO', '-Content_Language', 'de', '-pragma', 'no-cache'],
    ],
    cookies: ['e=f'],
    etime: 60,
  },
  { title: 'a name that is escaped', name: "my session;=a,b'!*()é😀%" },
  { title: 'an id that is escaped', id: "a b;c=d,e'f!g*h(i)j+k/l~m.n-o_p%" },
  { title: 'a session that expires', etime: 3600 },
  { title: 'a session that expires in many years', etime: 86_400 * 365 * 50 },
  { title: 'a session that was deleted', etime: 3600, deleted: true },
  { title: 'a deleted one without expiry', deleted: true, attributes: { path: '/x' }, perlAttributes: ['-path', '/x'] },
  {
    title: 'all attributes',
    attributes: { path: '/cgi-bin', domain: 'WWW.Example.org', secure: true, httpOnly: true, sameSite: 'strict' },
    perlAttributes: [
      ...['-path', '/cgi-bin', '-domain', 'WWW.Example.org', '-secure', 1, '-httponly', 1, '-samesite', 'strict'],
    ],
    etime: 600,
  },
  { title: 'no attributes', attributes: { secure: false, httpOnly: false }, perlAttributes: ['-secure', 0] },
  {
    title: 'a cookie for other sites',
    attributes: { sameSite: 'none', secure: 'auto' },
    perlAttributes: ['-samesite', 'None', '-secure', 1],
  },
]

/** The expiry that Data::Session gives to CGI.pm; none without a lifetime, where it gives `+0s` (D2). */
function perlExpiry({ etime = 0, deleted }: Call): readonly string[] {
  if (deleted) return ['-expires', '-1d']
  return etime === 0 ? [] : ['-expires', `+${etime}s`]
}

function perlHeaders(): string[] {
  const input = calls.map((call) => {
    const { name = 'CGISESSID', id = 'an-id', perl = [], perlAttributes = [], cookies = [], env = {} } = call
    const cookie = ['-name', name, '-value', id, ...perlAttributes, ...perlExpiry(call)]
    return { now, env, cookie, header: [cookies, ...perl] }
  })
  const run = spawnSync('perl', [resolve('t/support/cgi-header.pl')], {
    input: JSON.stringify(input),
    encoding: 'utf8',
  })
  if (run.status !== 0 || run.stderr !== '') throw new Error(`perl failed: ${run.stderr}`)
  return JSON.parse(run.stdout)
}

async function ourHeader({ ours = {}, cookies, name, id = 'an-id', attributes, etime = 0, deleted, env }: Call) {
  const options: ManagerOptions = {
    type: 'driver:Memory;serialize:JSON',
    compat: 'perl',
    clock: () => now * 1000 + 999,
  }
  if (name !== undefined) options.name = name
  if (attributes !== undefined) options.cookie = attributes
  await using sessions = await SessionManager.create(options)
  const session = await sessions.open({ id })
  session.expire(etime)
  if (deleted) await session.delete()
  const before = { ...process.env }
  try {
    Object.assign(process.env, env)
    const header = session.httpHeader(cookies === undefined ? ours : { ...ours, cookies })
    return Buffer.from(header, 'utf8').toString('latin1')
  } finally {
    process.env = before
  }
}

describeWith('perl-cgi', "httpHeader() with compat 'perl'", () => {
  const perls = perlHeaders()
  // A title for each call, or a call would hide another's failure.
  const table = calls.map((call, index) => [call.title, call, perls[index]!] as const)

  it.each(table)('prints what CGI.pm prints: %s', async (_title, call, expected) => {
    expect(await ourHeader(call)).toBe(expected)
  })
})

describeWith('perl', "cookie() with compat 'perl'", () => {
  it.each([
    ['a session without expiry', 0],
    ['a session that expires', 3600],
  ])("is what Perl's CGI::Session gives for the same stored session: %s", async (_title, etime) => {
    const directory = temporaryFolder()
    const program = `
      BEGIN { *CORE::GLOBAL::time = sub () { ${now} } }
      use CGI; use CGI::Session;
      my $q = CGI->new('');
      my $s = CGI::Session->new('driver:file;serializer:default;id:md5', $q, { Directory => shift }) or die CGI::Session->errstr;
      $s->param(a => 1); ${etime === 0 ? '' : `$s->expire(${etime});`} $s->flush;
      binmode STDOUT; print $s->id, "\\n", $s->cookie, "\\n", $s->header(-status => '200 Fine');`
    const [, id, cookie, header] = /^([^\n]*)\n([^\n]*)\n(.*)$/s.exec(perl(program, [directory])) ?? []
    await using sessions = await SessionManager.create({ directory, compat: 'perl', clock: () => now * 1000 })
    const query = { headers: { cookie: `CGISESSID=${id}` } }
    const session = await sessions.open({ query })
    expect(session.param('a')).toBe(1)
    expect(session.cookie()).toBe(cookie)
    expect(session.httpHeader({ status: '200 Fine' })).toBe(header)
  })
})

describeWith('perl-cgi', 'A cookie of Perl with a name that is escaped', () => {
  it('is found again, and Perl finds the one made here', async () => {
    const name = "my session;a=b,c'!*()%+"
    await using sessions = await SessionManager.create({ type: 'driver:Memory;serialize:JSON', compat: 'perl', name })
    const first = await sessions.open()
    await first.param('a', 1).flush()
    const header = first.cookie().split(';')[0]!
    const again = await sessions.open({ query: { headers: { cookie: `x=y; ${header}` } } })
    expect(again.id()).toBe(first.id())
    const program = 'use CGI; print scalar CGI->new("")->cookie(shift)'
    expect(perl(program, [name], { HTTP_COOKIE: header })).toBe(first.id())
  })
})
