/** The demo's web server, with small programs of every behaviour. */

import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CgiError, readCgiOutput } from '../../scripts/demo/cgi-output.js'
import { CgiServer } from '../../scripts/demo/cgi-server.js'

const programs = {
  echo: `let body = ''
    process.stdin.on('data', (chunk) => { body += chunk }).on('end', () => {
      const shown = { environment: process.env, body, arguments: process.argv.slice(2), folder: process.cwd() }
      process.stdout.write('Content-Type: application/json\\n\\n' + JSON.stringify(shown))
    })`,
  deaf: `process.stdout.write('Content-Type: text/plain\\r\\nX-Two: 2\\r\\n\\r\\nnot listening')`,
  status: `process.stdout.write('Status: 418 Teapot\\nContent-Length: 9999\\nContent-Type: text/plain\\n\\nshort')`,
  location: `process.stdout.write('Location: /elsewhere\\nSet-Cookie: a=1\\nSet-Cookie: b=2\\n\\n')`,
  failing: `process.stdout.write('Content-Type: text/plain\\n\\nhalf of it'); process.exitCode = 3`,
  talking: `process.stdout.write('Hello, world\\n\\n')`,
  endless: `const more = () => process.stdout.write('x'.repeat(65536), more); more()`,
  page: `const path = (name) => '<!--#include virtual="/cgi-bin/' + name + '" -->'
    process.stdout.write('Content-Type: text/html\\nSet-Cookie: a=1\\n\\n<' + ['echo', 'failing', 'none', 'part', 'deaf'].map(path).join('|') + '>')`,
  nested: `process.stdout.write('Content-Type: text/html\\n\\n<!--#include virtual="/cgi-bin/deaf" -->')`,
  waiting: `require('node:fs').writeFileSync('waiting.pid', String(process.pid)); setInterval(() => {}, 1000)`,
}

let folder: string
let server: CgiServer

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'data-session-cgi-'))
  for (const [name, code] of Object.entries(programs)) writeFileSync(join(folder, `${name}.cjs`), code)
  const program = (name: string, interpreter: string) => {
    return {
      path: `/cgi-bin/${name}`,
      interpreter,
      file: join(folder, `${name}.cjs`),
      environment: { OF_PROGRAM: name },
      includes: name === 'page',
    }
  }
  const listed = Object.keys(programs).map((name) => program(name, process.execPath))
  const part = { status: 200, headers: [], body: '<!--#include virtual="/cgi-bin/deaf" -->' }
  const all = [...listed, program('unstartable', join(folder, 'no-such-program'))]
  const site = { programs: all, fixed: { '/cgi-bin/part': part } }
  server = await CgiServer.listen(site, 0)
})

afterAll(async () => {
  await server.stop()
  rmSync(folder, { recursive: true, force: true })
})

interface Echo {
  environment: Record<string, string>
  body: string
  arguments: string[]
  folder: string
}

const echoed = async (response: Response) => (await response.json()) as Echo

const visit = (name: string, init?: RequestInit) =>
  fetch(`${server.origin}/cgi-bin/${name}`, { redirect: 'manual', ...init })

/** A request target as it stands: `fetch` would normalise it. */
function statusOf(target: string): Promise<number | undefined> {
  const { port } = new URL(server.origin)
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, path: target }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode))
    })
    sent.on('error', reject).end()
  })
}

describe('a request as a CGI program sees it', () => {
  it('has the variables of RFC 3875, the body on stdin, and no arguments', async () => {
    const body = 'note=1&note=2'
    const headers = {
      'X-Some-Header': 'yes',
      Cookie: 'CGISESSID=abc',
      Proxy: 'http://evil.example',
      Authorization: 'secret',
    }
    const response = await visit('echo?a=1&b=%20+c', { method: 'POST', body, headers })
    const seen = await echoed(response)
    expect(seen).toMatchObject({ body, arguments: [] })
    expect(seen.folder.endsWith(basename(folder))).toBe(true)
    expect(seen.environment).toMatchObject({
      CONTENT_LENGTH: '13',
      CONTENT_TYPE: 'text/plain;charset=UTF-8',
      GATEWAY_INTERFACE: 'CGI/1.1',
      HTTP_COOKIE: 'CGISESSID=abc',
      HTTP_X_SOME_HEADER: 'yes',
      OF_PROGRAM: 'echo',
      QUERY_STRING: 'a=1&b=%20+c',
      REMOTE_ADDR: '127.0.0.1',
      REQUEST_METHOD: 'POST',
      SCRIPT_NAME: '/cgi-bin/echo',
      SERVER_NAME: '127.0.0.1',
      SERVER_PORT: new URL(server.origin).port,
      SERVER_PROTOCOL: 'HTTP/1.1',
    })
    for (const name of ['HTTP_PROXY', 'HTTP_AUTHORIZATION', 'HOME']) expect(seen.environment).not.toHaveProperty(name)
  })

  it('has an empty query and no length without a body', async () => {
    const { environment } = await echoed(await visit('echo'))
    expect(environment).toMatchObject({ QUERY_STRING: '', REQUEST_METHOD: 'GET' })
    expect(environment).not.toHaveProperty('CONTENT_LENGTH')
  })

  it('is refused when the body is too long, and a program need not read one that is not', async () => {
    expect((await visit('echo', { method: 'POST', body: 'x'.repeat(65_537) })).status).toBe(413)
    const response = await visit('deaf', { method: 'POST', body: 'x'.repeat(65_536) })
    expect([response.status, await response.text()]).toEqual([200, 'not listening'])
  })

  it('runs a program at its exact path only', async () => {
    expect(await statusOf('/cgi-bin/deaf')).toBe(200)
    const others = ['deaf/', 'deaf.cjs', 'de%61f', './deaf', '../cgi-bin/deaf', 'DEAF', '', '__proto__']
    for (const name of others) expect([name, await statusOf(`/cgi-bin/${name}`)]).toEqual([name, 404])
    for (const target of ['//cgi-bin/deaf', '/', '*', `http://x/cgi-bin/deaf`]) expect(await statusOf(target)).toBe(404)
  })

  it('is GET, HEAD or POST', async () => {
    const refused = await visit('deaf', { method: 'DELETE' })
    expect([refused.status, refused.headers.get('allow')]).toEqual([405, 'GET, HEAD, POST'])
    const head = await visit('deaf', { method: 'HEAD' })
    expect([head.status, await head.text()]).toEqual([200, ''])
  })
})

describe('what a CGI program prints', () => {
  it('is the answer: headers, Status, Location', async () => {
    const plain = await visit('deaf')
    expect([plain.status, plain.headers.get('x-two'), await plain.text()]).toEqual([200, '2', 'not listening'])
    const teapot = await visit('status')
    expect([teapot.status, teapot.headers.get('status'), await teapot.text()]).toEqual([418, null, 'short'])
    const moved = await visit('location')
    expect([moved.status, moved.headers.get('location')]).toEqual([302, '/elsewhere'])
    expect(moved.headers.getSetCookie()).toEqual(['a=1', 'b=2'])
    expect(moved.headers.get('content-security-policy')).toContain("default-src 'none'")
  })

  it.each(['failing', 'talking', 'endless', 'unstartable'])('is a 500 page when the program is %s', async (name) => {
    const response = await visit(name)
    expect(response.status).toBe(500)
    const html = await response.text()
    expect(html).toContain('The CGI program failed')
    expect(html).not.toContain('half of it')
  })

  it('may leave places in a page for what other programs print, where its site says so', async () => {
    const headers = { Cookie: 'CGISESSID=abc' }
    const response = await visit('page?a=1', { method: 'POST', body: 'x=1', headers })
    expect([response.status, response.headers.getSetCookie()]).toEqual([200, ['a=1']])
    const [echo, failing, none, fixed, deaf] = (await response.text()).slice(1, -1).split('|')
    const { environment, body } = JSON.parse(echo!) as Echo
    expect(environment).toMatchObject({
      HTTP_COOKIE: 'CGISESSID=abc',
      OF_PROGRAM: 'echo',
      QUERY_STRING: '',
      REQUEST_METHOD: 'GET',
      SCRIPT_NAME: '/cgi-bin/echo',
      SERVER_PROTOCOL: 'INCLUDED',
    })
    expect([body, environment.CONTENT_LENGTH, environment.CONTENT_TYPE]).toEqual(['', undefined, undefined])
    for (const failed of [failing, none]) expect(failed).toContain('This part of the page failed')
    // What is put in is not searched again, and a program that may not include prints what it prints.
    const directive = '<!--#include virtual="/cgi-bin/deaf" -->'
    expect([fixed, deaf]).toEqual([directive, 'not listening'])
    expect(await (await visit('nested')).text()).toBe(directive)
  })

  it('must be a CGI response', () => {
    const read = (output: string) => readCgiOutput(Buffer.from(output, 'latin1'))
    expect(read('Content-Type: text/plain\nStatus: 303 See Other\n\n\n\nbody')).toEqual({
      status: 303,
      headers: [['Content-Type', 'text/plain']],
      body: Buffer.from('\n\nbody'),
    })
    expect(read('STATUS: 404\r\n\r\n')).toMatchObject({ status: 404, headers: [] })
    const bad = [
      '',
      'Content-Type: text/plain\n',
      'X: y\n\n',
      '\n\n',
      'Status: OK\n\n',
      'Status: 100 Go\n\n',
      'Status: 2000\n\n',
    ]
    const split = ['Content-Type: a\rX: b\n\n', 'Content-Type: a\0\n\n', ' folded: x\n\n', 'no colon\n\n']
    for (const output of [...bad, ...split]) expect(() => read(output), JSON.stringify(output)).toThrow(CgiError)
  })
})

it('the server ends its programs when it stops', async () => {
  const file = join(folder, 'waiting.cjs')
  const program = { path: '/waiting', interpreter: process.execPath, file, environment: {} }
  const short = await CgiServer.listen({ programs: [program], fixed: {} }, 0)
  const { origin } = short
  const answer = fetch(`${origin}/waiting`).then(
    () => 'answered',
    () => 'cut off',
  )
  const pidFile = join(folder, 'waiting.pid')
  const pid = () => (existsSync(pidFile) ? Number(readFileSync(pidFile, 'utf8')) : 0)
  await expect.poll(pid, { timeout: 10_000 }).toBeGreaterThan(0)
  expect(process.kill(pid(), 0)).toBe(true)
  await short.stop()
  expect(() => process.kill(pid(), 0)).toThrow('ESRCH')
  expect(await answer).toBe('cut off')
  await expect(fetch(origin)).rejects.toThrow()
})
