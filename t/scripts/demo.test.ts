/** The demo as a user starts it: the built program, its server, and its CGI programs. */

import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Session } from '../../lib/index.js'
import { type Demo, killDemos, runDemo, serveDemo } from '../support/demo.js'
import { describeWith } from '../support/requirements.js'

const NODE = '/cgi-bin/counter.js'
const PERL = '/cgi-bin/counter.pl'
const HIDDEN = '/cgi-bin/cgi.demo.js'

/** Temporary folders of the demo go in here, so that one left behind is seen. */
let folder: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'data-session-demo-test-'))
})

afterAll(async () => {
  await killDemos()
  rmSync(folder, { recursive: true, force: true })
})

const run = (options: readonly string[], variables?: Record<string, string>) => runDemo(folder, options, variables)

/** The session files of the page with both columns. */
const sessionFiles = (demo: Demo): string[] => readdirSync(demo.sessions).filter((name) => name !== 'cgi.demo')

const plainText = (html: string) =>
  html
    .replace(/<[^>]*>/g, '')
    .replace(/&#(\d+);/g, (_, code) => String.fromCodePoint(Number(code)))
    .replace(/&(lt|gt|quot|amp);/g, (_, name) => ({ lt: '<', gt: '>', quot: '"', amp: '&' })[name as 'lt'])

/** What a column shows: its facts by their class, and its parameters with what stands beside them. */
interface Column {
  readonly facts: Record<string, string>
  readonly parameters: Record<string, string[]>
}

function column(html: string, language: 'node' | 'perl'): Column | undefined {
  const [, part = ''] = new RegExp(`<h2 id="${language}">(.*?)</section>`, 's').exec(html) ?? []
  if (!part.includes('<dl>')) return undefined
  const facts = [...part.matchAll(/<div class="(\w+)"><dt>.*?<\/dt><dd>(.*?)<\/dd>/g)]
  const rows = [...part.matchAll(/<tr><th scope="row">(.*?)<\/th>(.*?)<\/tr>/gs)]
  const cells = (row: string) => [...row.matchAll(/<td>(.*?)<\/td>/gs)].map(([, cell]) => plainText(cell!))
  return {
    facts: Object.fromEntries(facts.map(([, name, value]) => [name!, plainText(value!)])),
    parameters: Object.fromEntries(rows.map(([, name, row]) => [plainText(name!), cells(row!)])),
  }
}

/** A browser, as far as the demo needs one. */
class Visitor {
  #cookie: string | undefined
  readonly #origin: string

  constructor(origin: string, cookie?: string) {
    this.#origin = origin
    this.#cookie = cookie
  }

  get id(): string | undefined {
    return this.#cookie
  }

  async visit(path: string, form?: Record<string, string>) {
    const response = await fetch(this.#origin + path, {
      redirect: 'manual',
      headers: this.#cookie === undefined ? {} : { cookie: `other=1; CGISESSID=${this.#cookie}` },
      ...(form && { method: 'POST', body: new URLSearchParams(form) }),
    })
    const setCookie = response.headers.getSetCookie()
    const id = /^CGISESSID=([^;]*)/.exec(setCookie[0] ?? '')?.[1]
    if (id !== undefined) this.#cookie = /max-age=0/i.test(setCookie[0]!) ? undefined : id
    return { status: response.status, headers: response.headers, setCookie, html: await response.text() }
  }

  /** The page. */
  async look() {
    const { html, ...rest } = await this.visit(NODE)
    const message = /<p class="message"[^>]*>(.*?)<\/p>/.exec(html)?.[1]
    return { ...rest, html, message, node: column(html, 'node'), perl: column(html, 'perl') }
  }

  /** Press a button, and look at the page that comes then. */
  async act(form: Record<string, string>, path = NODE) {
    const { status, headers, setCookie } = await this.visit(path, form)
    expect([status, headers.get('location')]).toEqual([303, NODE])
    expect(headers.get('cache-control')).toBe('no-store')
    return { ...(await this.look()), setCookie }
  }

  count(path = NODE) {
    return this.act({ action: 'count' }, path)
  }
}

describe('npm start -- --once', () => {
  it('goes on with Node alone where there is no Perl, and says so', async () => {
    const { code, output } = await run(['--once'], { PATH: folder })
    expect(output).toContain('Perl is not installed. The demo goes on with Node alone.')
    expect(output.match(/counter\.js {2}200 {2}visits: \d/g)).toEqual([
      'counter.js  200  visits: 1',
      'counter.js  200  visits: 2',
    ])
    expect(code).toBe(0)
  })
})

describe('npm start', () => {
  it('explains itself, and refuses arguments that it does not know', async () => {
    expect(await run(['--help'])).toMatchObject({ code: 0, output: expect.stringContaining('--port N') })
    expect(await run(['--prot', '1'])).toMatchObject({ code: 1, output: expect.stringContaining('--prot') })
    expect(await run(['--port', '70000'])).toMatchObject({ code: 1, output: expect.stringContaining('0 to 65535') })
  })

  it('says when the port that was asked for is taken', async () => {
    const { origin, stop } = await serveDemo(folder)
    const { port } = new URL(origin)
    expect(await run(['--port', port])).toEqual({
      code: 1,
      output: expect.stringContaining(`Cannot listen on port ${port} (EADDRINUSE)`),
    })
    await stop()
  })

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('stops at %s and removes its folder', async (signal) => {
    const demo = await serveDemo(folder)
    await new Visitor(demo.origin).count()
    expect(sessionFiles(demo)).toEqual([expect.stringMatching(/^cgisess_[0-9a-f]{32}$/)])
    expect(await demo.stop(signal)).toBe(0)
    expect(readdirSync(folder)).toEqual([])
    await expect(fetch(demo.origin)).rejects.toThrow()
  })

  it('says in the column of Perl what is missing, and has no button for it', async () => {
    const demo = await serveDemo(folder, { PATH: folder })
    const { html, node, perl } = await new Visitor(demo.origin).count()
    expect(node?.facts).toMatchObject({ visits: '1', writer: 'Node' })
    expect(perl).toBeUndefined()
    expect(html).toMatch(/What Perl sees<\/h2>\n<p class="none">Perl is not installed\.[\s\S]*<code>apt install perl /)
    expect(html).not.toContain('Count with Perl')
    await demo.stop()
  })
})

describe('the Node program', () => {
  let demo: Demo
  beforeAll(async () => {
    demo = await serveDemo(folder)
  })
  afterAll(() => demo.stop())

  it('begins no session, and sets no cookie, for who only looks', async () => {
    const before = sessionFiles(demo)
    const { status, setCookie, headers, node, html } = await new Visitor(demo.origin).look()
    expect([status, setCookie, node]).toEqual([200, [], undefined])
    expect([headers.get('cache-control'), headers.get('vary')]).toEqual(['no-store', 'Cookie'])
    expect(html).toContain('No session yet.')
    expect(sessionFiles(demo)).toEqual(before)
  })

  it('counts the visits of each visitor apart', async () => {
    const [first, second] = [new Visitor(demo.origin), new Visitor(demo.origin)]
    expect((await first.count()).node?.facts).toMatchObject({ visits: '1', writer: 'Node' })
    expect((await first.count()).node?.facts).toMatchObject({ visits: '2', id: `${first.id!.slice(0, 4)}…` })
    expect((await second.count()).node?.facts).toMatchObject({ visits: '1', id: `${second.id!.slice(0, 4)}…` })
    expect(second.id).not.toBe(first.id)
  })

  it('does no action that it does not know', async () => {
    for (const action of ['', 'toString', '__proto__']) {
      const { status, setCookie } = await new Visitor(demo.origin).visit(NODE, { action })
      expect([action, status, setCookie]).toEqual([action, 400, []])
    }
  })

  it('serves / and the style, and nothing else', async () => {
    const visitor = new Visitor(demo.origin)
    expect((await visitor.visit('/')).headers.get('location')).toBe(NODE)
    expect((await visitor.visit('/style.css')).headers.get('content-type')).toContain('text/css')
    for (const path of ['/cgi-bin/', '/cgi-bin/other.js', '/package.json', `${NODE}/`]) {
      expect((await visitor.visit(path)).status).toBe(404)
    }
  })
})

describe('the port of cgi.demo.cgi', () => {
  let demo: Demo
  beforeAll(async () => {
    demo = await serveDemo(folder)
  })
  afterAll(() => demo.stop())

  async function submit(sid?: string) {
    const form = sid === undefined ? undefined : { sid }
    const { html, setCookie } = await new Visitor(demo.origin).visit(HIDDEN, form)
    expect(setCookie).toEqual([])
    const [, visits] = /has been run<\/dt><dd>(\d+)</.exec(html)!
    return { visits, sid: /<input type="hidden" name="sid" value="([^"]*)">/.exec(html)![1]!, html }
  }

  it('counts in the session whose id the form carries, without a cookie', async () => {
    const { visits, sid } = await submit()
    expect([visits, sid]).toEqual(['0', expect.stringMatching(/^[0-9a-f]{32}$/)])
    expect(await submit(sid)).toMatchObject({ visits: '1', sid })
    const again = await submit(sid)
    expect(again).toMatchObject({ visits: '2', sid })
    expect(plainText(again.html)).not.toContain(sid)
    expect(again.html).toContain('Why nobody does this any more')
    expect(readdirSync(join(demo.sessions, 'cgi.demo'))).toContain(`cgisess_${sid}`)
  })

  it.each(['0123456789abcdef0123456789abcdef', '../../etc/passwd', '"><b>'])(
    'takes over no id: %s',
    async (stranger) => {
      const { visits, sid, html } = await submit(stranger)
      expect([visits, sid]).toEqual(['0', expect.stringMatching(/^[0-9a-f]{32}$/)])
      expect(sid).not.toBe(stranger)
      expect(html).not.toContain(stranger)
    },
  )
})

describeWith('perl', 'both programs', () => {
  let demo: Demo
  beforeAll(async () => {
    demo = await serveDemo(folder)
  })
  afterAll(() => demo.stop())

  it('count in one session with --once', async () => {
    const { code, output } = await run(['--once'])
    expect(output).toMatch(/counter\.js {2}200 {2}visits: 1 .*Node.*\n.*counter\.pl {2}200 {2}visits: 2 .*Perl/)
    expect(output).toContain('All counted in one session')
    expect(code).toBe(0)
  })

  it('are needed: --once ends with an error when one of them fails', async () => {
    const library = mkdtempSync(join(folder, 'broken-'))
    mkdirSync(join(library, 'CGI'))
    const broken = "package CGI::Session; sub new { die 'broken on purpose' } sub load { new() } 1;\n"
    writeFileSync(join(library, 'CGI/Session.pm'), broken)
    const { code, output } = await run(['--once'], { PERL5LIB: library })
    const failing = await serveDemo(folder, { PERL5LIB: library })
    const { html, node } = await new Visitor(failing.origin).count()
    await failing.stop()
    rmSync(library, { recursive: true })
    expect(output).toMatch(/counter\.js {2}200 {2}visits: 1 [\s\S]*counter\.pl {2}500 {2}visits: - /)
    expect(output).toContain('broken on purpose')
    expect(output).not.toContain('All counted')
    expect(code).toBe(1)
    // The page itself goes on, and says in its place what failed.
    expect(node?.facts).toMatchObject({ visits: '1' })
    expect(html).toContain('This part of the page failed')
    expect(html).not.toContain('broken on purpose')
  })

  it.each([
    ['Node', [NODE, PERL, NODE, PERL], ['Node', 'Perl', 'Node', 'Perl']],
    ['Perl', [PERL, NODE, PERL, NODE], ['Perl', 'Node', 'Perl', 'Node']],
  ])('raise one counter in turn when %s begins, and see the same', async (_who, paths, writers) => {
    const visitor = new Visitor(demo.origin)
    for (const [index, path] of paths.entries()) {
      const { node, perl, message } = await visitor.count(path)
      expect(node).toEqual(perl)
      expect(node).toMatchObject({
        facts: { visits: String(index + 1), writer: writers[index], id: `${visitor.id!.slice(0, 4)}…` },
        parameters: {
          visits: [String(index + 1), 'number', 'session'],
          written_by: [writers[index], 'text', 'session'],
        },
      })
      expect(message).toBe(`${writers[index]} has counted this visit.`)
    }
    const id = visitor.id
    const { message, node, perl } = await visitor.look()
    expect([message, visitor.id, node?.facts.visits]).toEqual([undefined, id, '4'])
    expect(node).toEqual(perl)
  })

  it('show the times of the session, which lasts an hour', async () => {
    const begin = Math.floor(Date.now() / 1000)
    const { html } = await new Visitor(demo.origin).count(PERL)
    const times = [...html.matchAll(/<time datetime="([^"]*)">([^<]*)<\/time>/g)]
    expect(times).toHaveLength(6)
    for (const [, machine, human] of times) expect(Date.parse(human!)).toBe(Date.parse(machine!))
    const [created, used, expires] = times.map(([, machine]) => Date.parse(machine!) / 1000)
    expect(created).toBeGreaterThanOrEqual(begin)
    expect(used).toBeGreaterThanOrEqual(created!)
    expect(expires).toBe(used! + 3600)
  })

  it('know Perl’s program as a part of the page alone', async () => {
    const { status, headers } = await new Visitor(demo.origin).visit(PERL)
    expect([status, headers.get('location')]).toEqual([303, NODE])
  })

  const strangers = ['0123456789abcdef0123456789abcdef', '../../etc/passwd', '%2e%2e', '']
  it.each(strangers.flatMap((id) => [NODE, PERL].map((path) => [id, path] as const)))(
    'do not take over an unknown id: %j by %s',
    async (id, path) => {
      const visitor = new Visitor(demo.origin, id)
      expect(await visitor.look()).toMatchObject({ node: undefined, perl: undefined })
      const { setCookie } = await visitor.count(path)
      expect(setCookie).toHaveLength(1)
      const attributes = setCookie[0]!
        .toLowerCase()
        .split('; ')
        .map((one) => one.replace(/^(expires=).*/, '$1'))
        .sort()
      expect(attributes.filter((one) => !one.startsWith('max-age'))).toEqual([
        `cgisessid=${visitor.id}`,
        'expires=',
        'httponly',
        'path=/',
        'samesite=lax',
      ])
      expect(visitor.id).toMatch(/^[0-9a-f]{32}$/)
      expect(visitor.id).not.toBe(id)
      expect((await visitor.count(path)).perl?.facts.visits).toBe('2')
    },
  )

  it.each([NODE, PERL])('take no id from the address: %s', async (path) => {
    const victim = new Visitor(demo.origin)
    await victim.count(path)
    const thief = new Visitor(demo.origin)
    await thief.visit(`${path}?CGISESSID=${victim.id}`, { action: 'count', CGISESSID: victim.id! })
    expect(thief.id).not.toBe(victim.id)
    expect((await thief.look()).node?.facts.visits).toBe('1')
  })

  it.each([`<script>"it's"</script> & Zoë ☃ 𝄞`, 'Zoë', '<!--#include virtual="/cgi-bin/counter.pl" -->'])(
    'keep a note for both and show it escaped: %s',
    async (text) => {
      const visitor = new Visitor(demo.origin)
      await visitor.act({ action: 'note', note: text })
      for (const path of [NODE, PERL]) {
        const { html, node, perl } = await visitor.count(path)
        expect(html).not.toContain('<script')
        expect(html.match(/id="perl"/g)).toHaveLength(1)
        expect(plainText(/name="note"[^>]* value="([^"]*)"/.exec(html)![1]!)).toBe(text)
        expect(node?.parameters.note).toEqual([text, 'text', 'session'])
        expect(perl).toEqual(node)
      }
    },
  )

  it('forget a note 30 seconds after the last visit, when they are told to', async () => {
    const visitor = new Visitor(demo.origin)
    expect((await visitor.act({ action: 'expire' })).message).toBe('There is no note that could be forgotten.')
    await visitor.act({ action: 'note', note: 'soon gone' })
    const { node, perl } = await visitor.act({ action: 'expire' })
    expect(node?.parameters.note).toEqual(['soon gone', 'text', '30 s'])
    expect(perl).toEqual(node)
    {
      const options = { type: 'driver:File;serialize:DataDumper', directory: demo.sessions, id: visitor.id! }
      await using session = await Session.open(options)
      session.atime(Math.floor(Date.now() / 1000) - 31)
    }
    const later = await visitor.look()
    expect(later.node?.parameters).not.toHaveProperty('note')
    expect(later.perl).toEqual(later.node)
  })

  it('go on under a new id after a login; the old one is worth nothing', async () => {
    const visitor = new Visitor(demo.origin)
    await visitor.count(PERL)
    const old = visitor.id!
    const { node, perl, html } = await visitor.act({ action: 'login', user: 'Ada <b>' })
    expect(visitor.id).not.toBe(old)
    expect(node?.facts).toMatchObject({ visits: '1', id: `${visitor.id!.slice(0, 4)}…` })
    expect(perl).toEqual(node)
    expect(html).toContain('Log out')
    expect(sessionFiles(demo)).not.toContain(`cgisess_${old}`)
    expect(await new Visitor(demo.origin, old).look()).toMatchObject({ node: undefined, perl: undefined })
  })

  it('have no session after the logout, and the browser no cookie', async () => {
    const visitor = new Visitor(demo.origin)
    await visitor.act({ action: 'login', user: 'Ada' })
    const id = visitor.id!
    expect(await visitor.act({ action: 'logout' })).toMatchObject({ node: undefined, perl: undefined })
    expect(visitor.id).toBeUndefined()
    expect(sessionFiles(demo)).not.toContain(`cgisess_${id}`)
    expect(await new Visitor(demo.origin, id).look()).toMatchObject({ node: undefined, perl: undefined })
  })
})
