/** The session's cookie: what browsers would refuse is refused here, and what is sent is read again as it was. */

import { parseCookie, parseSetCookie } from 'cookie'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type CookieStyle, cookieAttributes, cookieNamed, cookiesIn, writeCookie } from '../../lib/cookie.js'
import { type CookieOptions, type ManagerOptions, OptionError, SessionManager } from '../../lib/index.js'
import { startNode } from '../support/child.js'

const now = 1_600_000_000

async function open(options: ManagerOptions = {}, request?: object) {
  const sessions = await SessionManager.create({
    type: 'driver:Memory;serialize:JSON',
    clock: () => now * 1000,
    ...options,
  })
  return sessions.open({ query: { headers: {}, ...request } })
}

const https = { socket: { encrypted: true } }

describe('A cookie', () => {
  it('is HttpOnly, SameSite=Lax and for every path, if nobody says otherwise', async () => {
    const session = await open()
    expect(session.cookie()).toBe(`CGISESSID=${session.id()}; Path=/; HttpOnly; SameSite=Lax`)
  })

  it('D2: of a session that never expires lasts until the browser is closed', async () => {
    const session = await open()
    expect(session.etime()).toBe(0)
    expect(session.cookie()).not.toMatch(/expires|max-age/i)
    session.expire('1h').expire(0)
    expect(session.cookie()).not.toMatch(/expires|max-age/i)
  })

  it('lasts as long as the session does, by two clocks', async () => {
    const session = await open()
    session.expire('1h')
    expect(session.cookie()).toBe(
      `CGISESSID=${session.id()}; Max-Age=3600; Path=/; Expires=Sun, 13 Sep 2020 13:26:40 GMT; HttpOnly; SameSite=Lax`,
    )
  })

  it('of a session that lasts for thousands of years has a date that browsers read', async () => {
    for (const compat of ['none', 'perl'] as const) {
      const session = await open({ compat })
      session.expire('9000y')
      expect(parseSetCookie(session.cookie()).expires).toEqual(new Date('9999-12-31T23:59:59Z'))
    }
  })

  const attributes: readonly CookieOptions[] = [
    {},
    { path: '/shop', domain: 'example.org' },
    { secure: true, sameSite: 'none', partitioned: true },
    { httpOnly: false, sameSite: 'strict' },
  ]
  it.each(attributes)('of a deleted session goes with the attributes that it came with: %j', async (cookie) => {
    for (const request of [{}, https]) {
      const session = await open({ cookie }, request)
      session.expire('1d')
      const set = parseSetCookie(session.cookie())
      await session.delete()
      const { maxAge, expires, ...rest } = parseSetCookie(session.cookie())
      expect({ maxAge, expires }).toEqual({ maxAge: 0, expires: new Date(0) })
      expect({ ...rest, maxAge: 86_400, expires: new Date((now + 86_400) * 1000) }).toEqual(set)
    }
  })

  it('of a session that has expired by its own lifetime is deleted', async () => {
    const session = await open()
    session.expire('-10s')
    expect(parseSetCookie(session.cookie())).toMatchObject({
      maxAge: 0,
      expires: new Date(0),
      path: '/',
      httpOnly: true,
    })
  })

  it('takes attributes in place of the option, those that are left out or undefined stay', async () => {
    const session = await open({ cookie: { path: '/a', secure: true } })
    expect(session.cookie({ path: '/b', secure: undefined, sameSite: 'strict' })).toBe(
      `CGISESSID=${session.id()}; Path=/b; HttpOnly; Secure; SameSite=Strict`,
    )
  })
})

describe('Secure', () => {
  const proxied = { headers: { 'x-forwarded-proto': 'https' } }
  it.each([
    ['an http request', {}, {}, false],
    ['an https request', {}, https, true],
    ['an https request, but secure: false', { cookie: { secure: false } }, https, false],
    ['an http request, but secure: true', { cookie: { secure: true } }, {}, true],
    ['a header that anybody could send', {}, proxied, false],
    ['a header of a trusted proxy', { trustProxy: true }, proxied, true],
    ['the name __Secure-', { name: '__Secure-id' }, {}, true],
    ['the name __host-', { name: '__host-id' }, {}, true],
    ['SameSite=None', { cookie: { sameSite: 'none' } }, {}, true],
    ['Partitioned', { cookie: { partitioned: true } }, {}, true],
  ] as [string, ManagerOptions, object, boolean][])('with %s: %j', async (_title, options, request, expected) => {
    const session = await open(options, request)
    expect(parseSetCookie(session.cookie()).secure === true).toBe(expected)
  })
})

describe('What browsers refuse', () => {
  const prefixes = ['__Host-', '__HOST-', '__Host-Http-', '__hOST-hTTP-']
  const secure = [...prefixes, '__Secure-', '__SECURE-', '__Http-', '__http-']
  const refused: [string, ManagerOptions][] = [
    ...secure.map((prefix): [string, ManagerOptions] => ['must be secure', named(prefix, { secure: false })]),
    ...prefixes.map((prefix): [string, ManagerOptions] => ["only with path: '/'", named(prefix, { path: '/a' })]),
    ...prefixes.map((prefix): [string, ManagerOptions] => ['without a domain', named(prefix, { domain: 'a.b' })]),
    ...['__Http-', '__HTTP-', '__Host-Http-', '__host-http-'].map((prefix): [string, ManagerOptions] => [
      'only with httpOnly',
      named(prefix, { httpOnly: false }),
    ]),
    ["sameSite: 'none' must be secure", { cookie: { sameSite: 'none', secure: false } }],
    ['partitioned: true must be secure', { cookie: { partitioned: true, secure: false } }],
    ["sameSite: 'none' must be secure", { compat: 'perl', cookie: { sameSite: 'none' } }],
    ['must be secure', { compat: 'perl', name: '__Host-id' }],
    ["'partitioned' is unknown to CGI.pm", { compat: 'perl', cookie: { partitioned: true, secure: true } }],
  ]

  it.each(refused)('is refused when the manager is made: %s, %j', async (message, options) => {
    const making = SessionManager.create({ type: 'driver:Memory;serialize:JSON', ...options })
    await expect(making).rejects.toThrow(OptionError)
    await expect(making).rejects.toThrow(message)
  })

  it.each(refused)('is refused by cookie(): %s, %j', async (message, { cookie, ...options }) => {
    const fitting = options.compat === 'perl' ? { secure: true } : {}
    const session = await open({ ...options, cookie: fitting })
    const attributes = options.compat === 'perl' ? { secure: false, ...cookie } : cookie
    expect(() => session.cookie(attributes)).toThrow(message)
  })

  it.each([...prefixes, '__Http-', '__Secure-'])('is not refused where it is right: %s', async (prefix) => {
    const session = await open({ name: `${prefix}id`, cookie: { secure: true, path: '/' } })
    expect(parseSetCookie(session.cookie())).toMatchObject({
      name: `${prefix}id`,
      secure: true,
      httpOnly: true,
      path: '/',
    })
  })

  function named(prefix: string, cookie: CookieOptions): ManagerOptions {
    return { name: `${prefix}id`, cookie }
  }
})

describe('Attributes', () => {
  const wrong: [string, object][] = [
    ["Option 'httponly' is not one of the attributes of a cookie; did you mean 'httpOnly'?", { httponly: true }],
    ["Option 'same_site' is not one of the attributes of a cookie; did you mean 'sameSite'?", { same_site: 'lax' }],
    ["Option 'maxAge' is not one of the attributes of a cookie", { maxAge: 5 }],
    ["Option 'cookie.httpOnly' must be true or false, not 1", { httpOnly: 1 }],
    ["Option 'cookie.secure' must be true, false or 'auto'", { secure: 'yes' }],
    ["Option 'cookie.sameSite' must be one of lax, strict, none, not 'Lax'", { sameSite: 'Lax' }],
    ["Option 'cookie.partitioned' must be true or false, not a string", { partitioned: 'no' }],
    ["Option 'cookie.path' must be a path that begins with /", { path: 'shop' }],
    ["Option 'cookie.path' must be", { path: '/a;Domain=evil' }],
    ["Option 'cookie.path' must be", { path: '/a\r\nX: y' }],
    ["Option 'cookie.path' must be", { path: '/a b' }],
    ["Option 'cookie.path' must be", { path: `/${'a'.repeat(1024)}` }],
    ["Option 'cookie.path' must be", { path: 5 }],
    ["Option 'cookie.domain' must be the name of a domain, without a port", { domain: 'example.org:80' }],
    ["Option 'cookie.domain' must be", { domain: 'a b' }],
    ["Option 'cookie.domain' must be", { domain: 'a;b' }],
    ["Option 'cookie.domain' must be", { domain: ['a.b'] }],
    ['an object', []],
    ['an object', ['path']],
  ]
  it.each(wrong)('are refused: %s, %j', async (message, cookie) => {
    for (const compat of ['none', 'perl'] as const) {
      const making = SessionManager.create({ type: 'driver:Memory;serialize:JSON', compat, cookie })
      await expect(making).rejects.toThrow(OptionError)
      await expect(making).rejects.toThrow(message)
      const session = await open({ compat })
      expect(() => session.cookie(cookie)).toThrow(message)
    }
  })

  it('of cookie() are an object', async () => {
    const session = await open()
    for (const strange of [null, 'path', 5]) expect(() => session.cookie(strange as never)).toThrow('are an object')
  })
})

describe('A name', () => {
  it.each(['a b', 'a;b', 'a,b', 'a=b', '"a"', 'a\\b', 'a\r\nb', 'a\0', 'é', ' a', 'a/b'])(
    'that is not safe everywhere is refused: %j',
    async (name) => {
      await expect(open({ name })).rejects.toThrow("Option 'name' makes no cookie")
    },
  )

  it('is refused where it is too long for a cookie by itself', async () => {
    await expect(open({ name: 'n'.repeat(4097) })).rejects.toThrow('longer than 4096 bytes')
    await expect(open({ name: ';'.repeat(1366), compat: 'perl' })).rejects.toThrow('longer than 4096 bytes')
  })

  it('and the id may have 4096 bytes together, and no more', async () => {
    const session = await open({ name: 'n'.repeat(4064) })
    expect(session.cookie()).toMatch(/^n{4064}=[0-9a-f]{32};/)
    const long = await open({ name: 'n'.repeat(4065) })
    expect(() => long.cookie()).toThrow('browsers would drop the cookie')
  })
})

/** Any text, with those that are dangerous in a header more often than others. */
const dangerous = fc.constantFrom(
  '\r\n',
  '\r',
  '\n',
  '\0',
  ';',
  ',',
  ' ',
  '"',
  '\\',
  '=',
  '%',
  '%0d%0a',
  '\x7f',
  'é',
  '😀',
  '\ud800',
)
const anyText = fc
  .array(fc.oneof(dangerous, fc.string({ unit: 'binary' }), fc.string()), { maxLength: 6 })
  .map((parts) => parts.join(''))

function written(style: CookieStyle, name: string, value: string, options: CookieOptions): string | undefined {
  try {
    const attributes = cookieAttributes(name, style, options)
    return writeCookie({ name, value, lifetime: 60, now, isSecure: true }, attributes, style)
  } catch (error) {
    if (error instanceof OptionError || error instanceof TypeError) return undefined
    throw error
  }
}

describe('Whatever the texts', () => {
  it('a cookie is refused, or is one cookie with that name and value, and no line break', () => {
    let count = 0
    const property = (style: CookieStyle, name: string, value: string): void => {
      const text = written(style, name, value, {})
      if (text === undefined) return
      count++
      expect(text).toMatch(/^[\x20-\x7e]*$/)
      const set = parseSetCookie(text)
      expect([set.value, set.path, set.secure ?? false]).toEqual([value, '/', style === 'none'])
      const sent = text.split('; ')[0]!
      const cookies = cookiesIn(sent)
      expect([cookieNamed(name, cookies), Object.keys(cookies).length]).toEqual([value, 1])
      if (style === 'none') expect({ ...parseCookie(sent) }).toEqual({ [name]: value })
    }
    const style = fc.constantFrom<CookieStyle>('none', 'perl')
    const name = fc.oneof(
      fc.constant('CGISESSID'),
      anyText.filter((text) => text !== ''),
    )
    fc.assert(fc.property(style, name, anyText, property), { numRuns: 1000 })
    expect(count).toBeGreaterThan(250)
  })

  it('an attribute is refused, or does not become another one', () => {
    let count = 0
    const property = (style: CookieStyle, path: string, domain: string): void => {
      const text = written(style, 'a', 'b', { path: `/${path}`, domain, secure: false })
      if (text === undefined) return
      count++
      expect(text).toMatch(/^[\x20-\x7e]*$/)
      const { path: readPath, domain: readDomain, secure, name, value } = parseSetCookie(text)
      expect([name, value, readPath, secure]).toEqual(['a', 'b', `/${path}`, undefined])
      expect((readDomain ?? '').toLowerCase()).toBe(domain.toLowerCase())
    }
    const style = fc.constantFrom<CookieStyle>('none', 'perl')
    const domain = fc.oneof(fc.constantFrom('', 'example.org', '.a.b'), anyText, fc.domain())
    fc.assert(fc.property(style, fc.oneof(fc.constant('x'), anyText), domain, property), { numRuns: 1000 })
    expect(count).toBeGreaterThan(50)
  })

  it('half a character in an id is refused', () => {
    for (const style of ['none', 'perl'] as const) {
      const cookie = { name: 'a', value: '\ud800', lifetime: 0, now, isSecure: false }
      expect(() => writeCookie(cookie, cookieAttributes('a', style), style)).toThrow(TypeError)
    }
  })
})

describe("A request's cookies", () => {
  it('the first of a name counts, also when it is empty', async () => {
    expect(cookiesIn('a=1; a=2').a).toBe('1')
    expect(cookiesIn('a=; a=2').a).toBe('')
    const sessions = await SessionManager.create({ type: 'driver:Memory;serialize:JSON' })
    const [one, two] = [await sessions.open(), await sessions.open()]
    await one.param('who', 'one').flush()
    await two.param('who', 'two').flush()
    const cookie = `CGISESSID=${one.id()}; x=y; CGISESSID=${two.id()}`
    expect((await sessions.open({ query: { headers: { cookie } } })).param('who')).toBe('one')
  })

  it('keep their names as they are sent: an escaped prefix is none', async () => {
    const cookies = cookiesIn('__%48ost-id=planted; %5F_Host-id=planted')
    expect(cookieNamed('__Host-id', cookies)).toBeUndefined()
  })

  it('are read from any header without an error', () => {
    const junk = fc.oneof(anyText, fc.constantFrom('=', ';', '=;=', '__proto__=1', 'constructor=1', 'a=%', 'a=%ff'))
    const header = fc.array(junk).map((parts) => parts.join(';'))
    fc.assert(
      fc.property(header, fc.string(), (text, name) => {
        const cookies = cookiesIn(text)
        for (const [key, value] of Object.entries(cookies))
          expect([typeof key, typeof value]).toEqual(['string', 'string'])
        expect(['string', 'undefined']).toContain(typeof cookieNamed(name, cookies))
      }),
      { numRuns: 1000 },
    )
    expect(Object.entries(cookiesIn('__proto__=1; toString=2'))).toEqual([
      ['__proto__', '1'],
      ['toString', '2'],
    ])
    expect(cookiesIn('a=b').toString).toBeUndefined()
    expect(cookiesIn(undefined).toString).toBeUndefined()
  })

  it('open a session, whatever they are', async () => {
    const sessions = await SessionManager.create({ type: 'driver:Memory;serialize:JSON' })
    await fc.assert(
      fc.asyncProperty(anyText, anyText, async (value, rest) => {
        const cookie = `CGISESSID=${value};${rest}`
        const session = await sessions.open({ query: { headers: { cookie } } })
        expect([session.isNew(), /^[0-9a-f]{32}$/.test(session.id())]).toEqual([true, true])
      }),
      { numRuns: 200 },
    )
  })
})

it('The package cookie is loaded when a cookie is made, and not for a manager or an opening', async () => {
  const child = await startNode('t/lib/children/cookie-package.ts', [])
  expect(JSON.parse(await child.done)).toEqual([false, true])
})
