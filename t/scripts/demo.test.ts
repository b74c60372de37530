/** The demo as a user starts it: the built program, its server, and both CGI programs. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeWith } from '../support/requirements.js'

const program = resolve('dist/scripts/demo.js')
const NODE = '/cgi-bin/counter.js'
const PERL = '/cgi-bin/counter.pl'

/** Temporary folders of the demo go in here, so that one left behind is seen. */
let folder: string

beforeAll(() => {
  if (!existsSync(program)) throw new Error(`${program} is missing: npm run build`)
  folder = mkdtempSync(join(tmpdir(), 'data-session-demo-test-'))
})

afterAll(() => {
  for (const child of running) child.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

/** What still runs when a test has failed. */
const running = new Set<ChildProcess>()

function start(options: readonly string[], variables: Record<string, string> = {}) {
  const env = { ...process.env, TMPDIR: folder, ...variables }
  const child = spawn(process.execPath, [program, ...options], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  running.add(child)
  child.on('close', () => running.delete(child))
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += chunk
    })
  }
  return Object.assign(child, { printed: () => output })
}

async function run(options: readonly string[], variables?: Record<string, string>) {
  const child = start(options, variables)
  const [code] = await once(child, 'close')
  return { code, output: child.printed() }
}

/** A demo that serves, and what it printed about itself. */
async function serving() {
  const child = start(['--port', '0'])
  while (!child.printed().includes('Ctrl-C')) {
    await Promise.race([once(child.stdout, 'data'), once(child, 'close')])
    if (child.exitCode !== null) throw new Error(`The demo ended: ${child.printed()}`)
  }
  const origin = /http:\/\/127\.0\.0\.1:\d+/.exec(child.printed())![0]
  const sessions = /Session files: (.*)/.exec(child.printed())![1]!
  const stop = async (signal: NodeJS.Signals = 'SIGINT') => {
    const closed = once(child, 'close')
    child.kill(signal)
    return (await closed)[0]
  }
  return { child, origin, sessions, stop }
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
    this.#cookie = /^CGISESSID=([^;]*)/.exec(setCookie[0] ?? '')?.[1] ?? this.#cookie
    return { status: response.status, headers: response.headers, setCookie, html: await response.text() }
  }

  async count(path: string) {
    const { html, setCookie } = await this.visit(path)
    const shown = (id: string) => new RegExp(`id="${id}"[^>]*>([^<\n]*)`).exec(html)?.[1]
    return { visits: shown('visits'), before: shown('before'), session: shown('session'), cookies: setCookie.length }
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
    const { origin, stop } = await serving()
    const { port } = new URL(origin)
    expect(await run(['--port', port])).toEqual({
      code: 1,
      output: expect.stringContaining(`Cannot listen on port ${port} (EADDRINUSE)`),
    })
    await stop()
  })

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('stops at %s and removes its folder', async (signal) => {
    const { origin, sessions, stop } = await serving()
    await new Visitor(origin).count(NODE)
    expect(readdirSync(sessions)).toEqual([expect.stringMatching(/^cgisess_[0-9a-f]{32}$/)])
    expect(await stop(signal)).toBe(0)
    expect(readdirSync(folder)).toEqual([])
    await expect(fetch(origin)).rejects.toThrow()
  })
})

describe('the Node program', () => {
  let demo: Awaited<ReturnType<typeof serving>>
  beforeAll(async () => {
    demo = await serving()
  })
  afterAll(() => demo.stop())

  it('counts the visits of each visitor apart', async () => {
    const [first, second] = [new Visitor(demo.origin), new Visitor(demo.origin)]
    expect(await first.count(NODE)).toMatchObject({ visits: '1', before: 'nobody', cookies: 1 })
    expect(await first.count(NODE)).toMatchObject({ visits: '2', before: 'Node', cookies: 0 })
    expect(await second.count(NODE)).toMatchObject({ visits: '1', session: `${second.id!.slice(0, 4)}…` })
    expect(second.id).not.toBe(first.id)
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

describeWith('perl', 'both programs', () => {
  let demo: Awaited<ReturnType<typeof serving>>
  beforeAll(async () => {
    demo = await serving()
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
    writeFileSync(join(library, 'CGI/Session.pm'), "package CGI::Session; sub new { die 'broken on purpose' } 1;\n")
    const { code, output } = await run(['--once'], { PERL5LIB: library })
    rmSync(library, { recursive: true })
    expect(output).toMatch(/counter\.js {2}200 {2}visits: 1 [\s\S]*counter\.pl {2}500 {2}visits: - /)
    expect(output).toContain('broken on purpose')
    expect(output).not.toContain('All counted')
    expect(code).toBe(1)
  })

  it.each([
    ['Node', [NODE, PERL, NODE, PERL], ['nobody', 'Node', 'Perl', 'Node']],
    ['Perl', [PERL, NODE, PERL, NODE], ['nobody', 'Perl', 'Node', 'Perl']],
  ])('raise one counter in turn when %s begins', async (_who, paths, before) => {
    const visitor = new Visitor(demo.origin)
    for (const [index, path] of paths.entries()) {
      expect(await visitor.count(path)).toEqual({
        visits: String(index + 1),
        before: before[index],
        session: `${visitor.id!.slice(0, 4)}…`,
        cookies: index === 0 ? 1 : 0,
      })
    }
  })

  it.each([NODE, PERL])('link to each other: %s', async (path) => {
    const { html, headers } = await new Visitor(demo.origin).visit(path)
    expect(html).toContain(`href="${path === NODE ? PERL : NODE}"`)
    expect(headers.get('cache-control')).toBe('no-store')
  })

  const strangers = ['0123456789abcdef0123456789abcdef', '../../etc/passwd', '%2e%2e', '']
  it.each(strangers.flatMap((id) => [NODE, PERL].map((path) => [id, path] as const)))(
    'do not take over an unknown id: %j by %s',
    async (id, path) => {
      const visitor = new Visitor(demo.origin, id)
      const { setCookie } = await visitor.visit(path)
      expect(setCookie).toEqual([expect.stringMatching(/^CGISESSID=[0-9a-f]{32}; Path=\/; HttpOnly; SameSite=Lax$/)])
      expect(visitor.id).not.toBe(id)
      expect(await visitor.count(path)).toMatchObject({ visits: '2', cookies: 0 })
    },
  )

  it.each([NODE, PERL])('take no id from the address: %s', async (path) => {
    const victim = new Visitor(demo.origin)
    await victim.count(path)
    expect(await new Visitor(demo.origin).count(`${path}?CGISESSID=${victim.id}`)).toMatchObject({
      visits: '1',
      cookies: 1,
    })
  })

  const note = `<script>"it's"</script> & Zoë ☃ 𝄞`
  it.each([
    [NODE, note],
    [PERL, note],
    [NODE, 'Zoë'],
    [PERL, 'Zoë'],
  ])('keep a note from %s for both and show it escaped: %s', async (path, text) => {
    const visitor = new Visitor(demo.origin)
    const saved = await visitor.visit(path, { note: text })
    expect([saved.status, saved.headers.get('location')]).toEqual([303, path])
    for (const reader of [PERL, NODE, PERL, NODE]) {
      const { html } = await visitor.visit(reader)
      expect(html).not.toContain('<script')
      const attribute = /name="note"[^>]* value="([^"]*)"/.exec(html)![1]!
      const plain = attribute
        .replace(/&#(\d+);/g, (_, code) => String.fromCodePoint(Number(code)))
        .replace(/&(lt|gt|quot|amp);/g, (_, name) => ({ lt: '<', gt: '>', quot: '"', amp: '&' })[name as 'lt'])
      expect([reader, plain]).toEqual([reader, text])
      expect(html).toContain(`note = ${attribute}`)
    }
  })
})
