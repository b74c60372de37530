/** The header of a CGI answer in our own style; t/interop/cgi-header.test.ts compares the other one with Perl's. */

import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { type HeaderOptions, type ManagerOptions, OptionError, SessionManager } from '../../lib/index.js'

const now = 1_600_000_000
const DATE = 'Date: Sun, 13 Sep 2020 12:26:40 GMT'

const environment = { ...process.env }
afterEach(() => {
  process.env = { ...environment }
})

async function open(options: ManagerOptions = {}) {
  const sessions = await SessionManager.create({
    type: 'driver:Memory;serialize:JSON',
    clock: () => now * 1000,
    ...options,
  })
  return sessions.open({ id: 'an-id' })
}

const COOKIE = 'Set-Cookie: CGISESSID=an-id; Path=/; HttpOnly; SameSite=Lax'

async function lines(options?: HeaderOptions): Promise<string[]> {
  const header = (await open()).httpHeader(options)
  expect(header.endsWith('\r\n\r\n')).toBe(true)
  return header.slice(0, -4).split('\r\n')
}

describe('httpHeader()', () => {
  it('is UTF-8, carries the cookie, and is not to be kept', async () => {
    expect(await lines()).toEqual([COOKIE, DATE, 'Cache-Control: no-store', 'Content-Type: text/html; charset=utf-8'])
  })

  it('prints the lines in the order of CGI.pm', async () => {
    const options: HeaderOptions = {
      headers: { 'X-Frame-Options': 'DENY', 'x-a_b': 1 },
      cookies: ['a=b; Path=/', 'c=d'],
      p3p: ['CAO', 'DSP'],
      attachment: 'a.txt',
      target: 'main',
      expires: '+1h',
      nph: true,
      charset: 'koi8-r',
      status: '404 Not Found',
      type: 'text/plain',
    }
    process.env.SERVER_PROTOCOL = 'HTTP/1.1'
    process.env.SERVER_SOFTWARE = 'Apache'
    expect(await lines(options)).toEqual([
      'HTTP/1.1 404 Not Found',
      'Server: Apache',
      'Status: 404 Not Found',
      'Window-Target: main',
      'P3P: policyref="/w3c/p3p.xml", CP="CAO DSP"',
      COOKIE,
      'Set-Cookie: a=b; Path=/',
      'Set-Cookie: c=d',
      'Expires: Sun, 13 Sep 2020 13:26:40 GMT',
      DATE,
      'Content-Disposition: attachment; filename="a.txt"',
      'X-Frame-Options: DENY',
      'x-a_b: 1',
      'Cache-Control: no-store',
      'Content-Type: text/plain; charset=koi8-r',
    ])
  })

  it('tells of itself without a server', async () => {
    delete process.env.SERVER_PROTOCOL
    delete process.env.SERVER_SOFTWARE
    expect((await lines({ nph: true })).slice(0, 2)).toEqual(['HTTP/1.0 200 OK', 'Server: cmdline'])
  })

  it.each([['private, max-age=60'], ['No-Store, must-revalidate']])(
    'leaves a Cache-Control of the program that no shared cache keeps: %s',
    async (control) => {
      const all = await lines({ headers: { 'cache-control': control } })
      expect(all.filter((line) => /^cache-control/i.test(line))).toEqual([`cache-control: ${control}`])
    },
  )

  it.each(['public', 'max-age=60', 'no-cache'])('refuses one that hands the cookie to others: %s', async (control) => {
    await expect(lines({ headers: { 'Cache-Control': control } })).rejects.toThrow(OptionError)
    await expect(lines({ headers: { 'Cache-Control': control } })).rejects.toThrow("needs 'Cache-Control: no-store'")
  })

  it.each([
    ['a "b" \\c.txt', 'attachment; filename="a \\"b\\" \\\\c.txt"'],
    ['čaj (1)*.txt', 'attachment; filename="_aj (1)*.txt"; filename*=UTF-8\'\'%C4%8Daj%20%281%29%2A.txt'],
    ['😀', 'attachment; filename="_"; filename*=UTF-8\'\'%F0%9F%98%80'],
    ['\ud800', 'attachment; filename="_"; filename*=UTF-8\'\'%EF%BF%BD'],
  ])('writes a file name so that browsers read it: %s', async (attachment, expected) => {
    expect(await lines({ attachment })).toContain(`Content-Disposition: ${expected}`)
  })

  it('leaves out what is empty', async () => {
    const empty = { type: '', charset: '', status: '', expires: '', target: '', attachment: '', p3p: '', cookies: [''] }
    expect(await lines(empty)).toEqual([COOKIE, DATE, 'Cache-Control: no-store'])
  })

  it('deletes the cookie of a session that was deleted', async () => {
    const session = await open()
    await session.delete()
    expect(session.httpHeader().split('\r\n')[0]).toBe(
      'Set-Cookie: CGISESSID=an-id; Max-Age=0; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; SameSite=Lax',
    )
  })
})

describe('httpHeader() refuses', () => {
  const wrong: [string, object][] = [
    ["Option 'Type' is not one of the options of httpHeader; did you mean 'type'?", { Type: 'text/plain' }],
    ["Option 'cookie' is not one of the options of httpHeader; did you mean 'cookies'?", { cookie: 'a=b' }],
    ["Option 'type' must be a string, not 5", { type: 5 }],
    ["Option 'nph' must be true or false, not 1", { nph: 1 }],
    ["Option 'status' must be a text, such as '404 Not Found', or a number", { status: {} }],
    ["Option 'cookies' must be an array of texts", { cookies: 'a=b' }],
    ["Option 'cookies' must be an array of texts", { cookies: [5] }],
    ["Option 'p3p' must be a text, or an array of texts", { p3p: [5] }],
    ["Option 'headers' must be an object of texts and numbers", { headers: { 'X-A': ['b'] } }],
    ["Option 'headers' must be an object of texts and numbers", { headers: [['X-A', 'b']] }],
    ["Option 'expires' must be a time such as '+30m'", { expires: {} }],
    ...['30m', '+1w', 'tomorrow', '+1h ', '+.s', '-', 'Thu, 99 Foo 1994 16:00:00 GMT'].map(
      (expires): [string, object] => ["Option 'expires' must be such as 'now', '+30m' or '-1d'", { expires }],
    ),
    ["Option 'expires' must be", { expires: new Date(Number.NaN) }],
    ["Option 'expires' must be", { expires: 1e15 }],
    ["The header has content-type already: use the option 'type'", { headers: { 'content-type': 'text/plain' } }],
    ["The header has Set-Cookie already: use the option 'cookies'", { headers: { 'Set-Cookie': 'a=b' } }],
    ['The header has Date already: leave it out', { headers: { Date: 'now' } }],
    ['The header has x-a already', { headers: { 'X-A': '1', 'x-a': '2' } }],
    ['The header has Status already', { status: 404, headers: { Status: '200' } }],
  ]
  it.each(wrong)('%s: %j', async (message, options) => {
    await expect(lines(options)).rejects.toThrow(OptionError)
    await expect(lines(options)).rejects.toThrow(message)
  })

  it.each([null, [], 'text/html', 5])('what is no object of options: %j', async (options) => {
    await expect(lines(options as never)).rejects.toThrow('httpHeader() takes an object of options')
  })

  it.each(['', ' ', 'a b', 'a:b', 'a\r\nb', 'é', 'a(b)'])('a name that is none: %j', async (name) => {
    for (const compat of ['none', 'perl'] as const) {
      const session = await open({ compat })
      expect(() => session.httpHeader({ headers: { [name]: 'x' } })).toThrow(TypeError)
    }
  })

  const places: [string, (text: string) => HeaderOptions][] = [
    ['type', (type) => ({ type })],
    ['charset', (charset) => ({ charset })],
    ['status', (status) => ({ status })],
    ['target', (target) => ({ target })],
    ['attachment', (attachment) => ({ attachment })],
    ['p3p', (p3p) => ({ p3p })],
    ['p3p list', (tag) => ({ p3p: ['CAO', tag] })],
    ['headers', (value) => ({ headers: { 'X-A': value } })],
    ['cookies', (cookie) => ({ cookies: [cookie] })],
    ['expires', (expires) => ({ expires })],
  ]
  // CGI.pm takes a line break before a space for one of the old, folded kind.
  it.each(places)('line breaks and other control characters in %s', async (_title, options) => {
    for (const compat of ['none', 'perl'] as const) {
      const session = await open({ compat })
      for (const sign of ['\r', '\n', '\r\n', '\0', '\r\n ', '\x1b', '\x7f', '\x0b']) {
        expect(() => session.httpHeader(options(`a${sign}b`)), JSON.stringify(sign)).toThrow(
          /control character|'expires'/,
        )
      }
    }
  })

  it.each(['SERVER_PROTOCOL', 'SERVER_SOFTWARE'])('a line break in the variable %s', async (variable) => {
    process.env[variable] = 'a\r\nX-Planted: b'
    await expect(lines({ nph: true })).rejects.toThrow('control character')
  })

  it('characters that would become others, or a line break, in one byte', async () => {
    // U+010D and U+010A, cut to a byte, are CR and LF.
    for (const text of ['č', 'Ċ', 'é']) {
      await expect(lines({ headers: { 'X-A': text } })).rejects.toThrow('a character beyond ASCII')
    }
  })

  it('or prints, whatever the texts: never a line more than it was given', async () => {
    const [own, perl] = [await open(), await open({ compat: 'perl' })]
    const sign = fc.constantFrom('\r', '\n', '\r\n\t', ':', ';', '"', '=', '\0', '\x85', '\u2028', 'č', ' ')
    const text = fc.array(fc.oneof(sign, fc.string()), { maxLength: 3 }).map((parts) => parts.join(''))
    const name = fc.oneof({ weight: 4, arbitrary: fc.constant('X-A') }, { weight: 1, arbitrary: text })
    let printed = 0
    fc.assert(
      fc.property(fc.constantFrom(own, perl), name, text, text, text, (session, key, value, status, cookie) => {
        let header: string
        try {
          header = session.httpHeader({
            headers: { [key]: value },
            status,
            cookies: [cookie],
            target: value,
            attachment: value,
          })
        } catch (error) {
          expect(error instanceof TypeError || error instanceof OptionError).toBe(true)
          return
        }
        printed++
        const expected =
          4 + [status, cookie, value, value].filter((one) => one !== '').length + (session === own ? 1 : 0)
        expect(header.split(/\r\n|\r|\n/).filter((line) => line !== '')).toHaveLength(expected)
        expect(header.indexOf('\r\n\r\n')).toBe(header.length - 4)
      }),
      { numRuns: 1000 },
    )
    expect(printed).toBeGreaterThan(50)
  })
})
