/** A CGI request as a query: what CGI.pm reads from the same environment and standard input, and what is refused. */

import { spawnSync } from 'node:child_process'
import { Readable } from 'node:stream'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type BodyInput, CgiQuery, type CgiSource, type FormLimits } from '../../lib/adapters/cgi.js'
import { RequestError, Session } from '../../lib/index.js'
import { describeWith } from '../support/requirements.js'

const boundary = 'XboundaryX'
const multipart = `multipart/form-data; boundary=${boundary}`
const urlencoded = 'application/x-www-form-urlencoded'

/** A part of a multipart body: the attributes after `form-data`, further headers, and the content. */
type Part = readonly [attributes: string, headers: string, content: string | Uint8Array]

function multipartBody(parts: readonly Part[]): Buffer {
  const pieces = parts.flatMap(([attributes, headers, content]) => [
    Buffer.from(`--${boundary}\r\nContent-Disposition: form-data; ${attributes}\r\n${headers}\r\n`),
    Buffer.from(content),
    Buffer.from('\r\n'),
  ])
  return Buffer.concat([...pieces, Buffer.from(`--${boundary}--\r\n`)])
}

function post(body: string | Uint8Array, type = urlencoded, env: Record<string, string> = {}): CgiSource {
  const bytes = Buffer.from(body)
  return {
    env: { REQUEST_METHOD: 'POST', CONTENT_TYPE: type, CONTENT_LENGTH: String(bytes.length), ...env },
    input: Readable.from([bytes]),
  }
}

const everything = (query: CgiQuery): [string, string[]][] =>
  query.params().map((name) => [name, [query.param(name)!].flat()])

/** `6e=76`: a name and a value in hexadecimal. */
const decodePair = (pair: string) => pair.split('=').map((hex) => Buffer.from(hex, 'hex').toString())

/** What CGI.pm makes of it: names, and values in order. */
function inPerl({ env }: CgiSource, body: Uint8Array = Buffer.alloc(0)): unknown {
  const program = `
    use strict; use CGI; $CGI::LIST_CONTEXT_WARN = 0; my $q = CGI->new;
    sub hex_of { unpack 'H*', "$_[0]" }
    print join "\\n", map { my $n = $_; join ' ', map { 'x' . hex_of($_) } $n, $q->multi_param($n) } $q->multi_param;`
  const run = spawnSync('perl', ['-we', program], { env: { PATH: process.env.PATH, ...env }, input: body })
  expect(run.stderr.toString()).toBe('')
  const lines = run.stdout
    .toString()
    .split('\n')
    .filter((line) => line !== '')
  const texts = lines.map((line) => line.split(' ').map((hex) => Buffer.from(hex.slice(1), 'hex').toString()))
  return texts.map(([name, ...values]) => [name, values])
}

/** Reads it, and gives the error. */
async function refusal(source: CgiSource): Promise<RequestError> {
  const error = await CgiQuery.read(source).then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(RequestError)
  expect(error).toHaveProperty('code', 'ERR_SESSION_REQUEST')
  return error as RequestError
}

describeWith('perl-cgi', 'the parameters are those of CGI.pm', () => {
  it.each([
    'a=1&b=2',
    'a=1;b=2;a=3',
    'a=1&a=2&a=',
    'a&b=1',
    '=x&a=1',
    '?a=1&b=?',
    'a=b=c&&;&d=e',
    'a=%26%3B%3d&%61=+x+',
    'name=caf%C3%A9+%e2%98%ba',
    'bad=%zz%4&x=%',
    '__proto__=1&constructor=2&hasOwnProperty=3',
    'a+b=c%2Bd',
  ])('for the query string %s', async (text) => {
    const source = { env: { REQUEST_METHOD: 'GET', QUERY_STRING: text } }
    const query = await CgiQuery.read(source)
    expect(everything(query)).toEqual(inPerl(source))
    expect(everything(new CgiQuery(source.env))).toEqual(everything(query))
  })

  it('for a form in the body: those of the body alone; the query string has urlParam()', async () => {
    const body = 'a=body;c=3&a=again'
    const source = post(body, `${urlencoded}; charset=UTF-8`, { QUERY_STRING: 'a=url;a=two&b=2' })
    const query = await CgiQuery.read(source)
    expect(everything(query)).toEqual(inPerl(source, Buffer.from(body)))
    expect(query.params()).toEqual(['a', 'c'])
    expect(query.param('a')).toEqual(['body', 'again'])
    expect(query.urlParam('a')).toEqual(['url', 'two'])
    expect(query.urlParam('b')).toBe('2')
    expect(query.urlParam('c')).toBeUndefined()
  })

  it('for forms with files: a file has its name as value, and a field in which none was chosen is empty', async () => {
    const body = multipartBody([
      ['name="a"', '', 'text'],
      ['name="doc"; filename="one.txt"', 'Content-Type: text/plain\r\n', 'first'],
      ['name="a"', '', 'line 1\r\nline 2\r\n--Xbound'],
      ['name="doc"; filename="two.bin"', 'Content-Type: application/octet-stream\r\n', Buffer.from([0, 13, 10, 255])],
      ['name="none"; filename=""', 'Content-Type: application/octet-stream\r\n', ''],
      ['name="caf\u00e9"', '', '\u263a'],
      ['name="__proto__"', '', 'harmless'],
    ])
    const source = post(body, multipart, { QUERY_STRING: 'a=url' })
    const query = await CgiQuery.read(source)
    expect(everything(query)).toEqual(inPerl(source, body))
    expect(query.param('doc')).toEqual(['one.txt', 'two.bin'])
    expect(query.param('none')).toBe('')
  })

  it('for a body of another type: POSTDATA, and here its bytes as well', async () => {
    const source = post('{"a":1}', 'application/json')
    const query = await CgiQuery.read(source)
    expect(everything(query)).toEqual(inPerl(source, Buffer.from('{"a":1}')))
    expect(Buffer.from(query.body()!).toString()).toBe('{"a":1}')
    const put = await CgiQuery.read(post('x', 'text/plain', { REQUEST_METHOD: 'PUT' }))
    expect(put.param('PUTDATA')).toBe('x')
  })

  it('for any text of escapes, separators and letters', () => {
    const sign = fc.constantFrom(
      '&',
      ';',
      '=',
      '+',
      '%',
      '%41',
      '%26',
      '%C3%A9',
      '?',
      '#',
      'a',
      'b',
      '.',
      '-',
      '%3B',
      '__proto__',
    )
    const texts = fc.sample(
      fc.array(sign, { maxLength: 20 }).map((signs) => `a=1&${signs.join('')}`),
      300,
    )
    const program = `
      use CGI; $CGI::LIST_CONTEXT_WARN = 0; $ENV{REQUEST_METHOD} = 'GET';
      while (<STDIN>) { chomp; $ENV{QUERY_STRING} = $_; CGI::initialize_globals(); my $q = CGI->new;
        print join(' ', map { my $n = $_; map { unpack('H*', $n) . '=' . unpack('H*', $_) } $q->multi_param($n) } $q->multi_param), "\\n" }`
    const { stdout, stderr } = spawnSync('perl', ['-we', program], { input: texts.join('\n') })
    expect(stderr.toString()).toBe('')
    const inPerl = stdout
      .toString()
      .trimEnd()
      .split('\n')
      .map((line) => line.split(' ').map(decodePair))
    const ours = texts.map((text) => everything(new CgiQuery({ QUERY_STRING: text })))
    expect(ours.map((pairs) => pairs.flatMap(([name, values]) => values.map((value) => [name, value])))).toEqual(inPerl)
  })
})

describe('files of a form', () => {
  const parts: Part[] = [
    ['name="doc"; filename="one.txt"', 'Content-Type: text/plain\r\n', 'first'],
    ['name="doc"; filename="C:\\\\Users\\\\me\\\\two.bin"', '', Buffer.from([0, 13, 10, 255, 0])],
    ['name="other"; filename="../../etc/passwd"', 'Content-Type: image/png\r\n', ''],
  ]

  it('come as they were sent, in order, under their names', async () => {
    const query = await CgiQuery.read(post(multipartBody(parts), multipart))
    const [one, two] = query.uploads('doc')
    expect([one!.filename, one!.type, Buffer.from(one!.bytes).toString()]).toEqual(['one.txt', 'text/plain', 'first'])
    expect([...two!.bytes]).toEqual([0, 13, 10, 255, 0])
    expect(query.uploads('doc')).toHaveLength(2)
    expect(query.uploads('none')).toEqual([])
    expect(query.uploads('__proto__')).toEqual([])
  })

  it('have names without folders', async () => {
    const query = await CgiQuery.read(post(multipartBody(parts), multipart))
    expect(query.param('doc')).toEqual(['one.txt', 'two.bin'])
    const [other] = query.uploads('other')
    expect([other!.filename, other!.type, other!.bytes.length]).toEqual(['passwd', 'image/png', 0])
  })

  it('may be large', async () => {
    const content = Buffer.alloc(900_000, 'data\r\n--Xboundar')
    const query = await CgiQuery.read(post(multipartBody([['name="f"; filename="x"', '', content]]), multipart))
    expect(Buffer.compare(query.uploads('f')[0]!.bytes, content)).toBe(0)
  })
})

describe('a body', () => {
  it('of more bytes than limits.bytes is answered with 413 without being read', async () => {
    let isRead = false
    const input = (async function* () {
      isRead = true
      yield Buffer.alloc(11)
    })()
    const env = { REQUEST_METHOD: 'POST', CONTENT_TYPE: urlencoded, CONTENT_LENGTH: '11' }
    const error = await refusal({ env, input, limits: { bytes: 10 } })
    expect(error).toMatchObject({ status: 413, message: 'The body has 11 bytes; limits.bytes allows 10' })
    expect(isRead).toBe(false)
    expect((await refusal({ env: { ...env, CONTENT_LENGTH: '1048577' }, input })).status).toBe(413)
    expect((await refusal({ env: { ...env, CONTENT_LENGTH: '9'.repeat(400) }, input })).status).toBe(413)
    expect((await CgiQuery.read({ env, input, limits: { bytes: 11 } })).params()).toHaveLength(1)
  })

  it.each([urlencoded, multipart, 'text/plain'])('shorter than CONTENT_LENGTH is an error (%s)', async (type) => {
    const source = post(type === multipart ? multipartBody([['name="a"', '', '1']]) : 'a=1', type)
    const env = { ...source.env, CONTENT_LENGTH: String(Number(source.env!.CONTENT_LENGTH) + 1) }
    const error = await refusal({ ...source, env })
    expect(error.status).toBe(400)
    expect(error.message).toMatch(/ended after \d+ of \d+ bytes/)
  })

  it('is read to CONTENT_LENGTH: nothing is waited for that may come after it', async () => {
    const input = new Readable({ read: () => undefined })
    input.push('a=1&')
    setImmediate(() => input.push('b=2&c=3'))
    const env = { REQUEST_METHOD: 'POST', CONTENT_LENGTH: '7' }
    const query = await CgiQuery.read({ env, input })
    expect(everything(query)).toEqual([
      ['a', ['1']],
      ['b', ['2']],
    ])
    expect(input.destroyed).toBe(false)
    input.destroy()
  })

  it.each([undefined, '', '0'])('is none where CONTENT_LENGTH is %s, and nothing is waited for', async (length) => {
    const input = new Readable({ read: () => undefined })
    const env = { REQUEST_METHOD: 'POST', QUERY_STRING: 'a=1', CONTENT_LENGTH: length, CONTENT_TYPE: multipart }
    const query = await CgiQuery.read({ env, input })
    expect(query.params()).toEqual([])
    expect(query.urlParam('a')).toBe('1')
  })

  it('of a GET is not read', async () => {
    const input = new Readable({ read: () => undefined })
    const env = { REQUEST_METHOD: 'GET', QUERY_STRING: 'a=1', CONTENT_LENGTH: '10' }
    expect((await CgiQuery.read({ env, input })).param('a')).toBe('1')
  })

  it.each(['-1', '1.5', '1e3', ' 5', '0x10', 'many'])('of CONTENT_LENGTH %s is answered with 400', async (length) => {
    const error = await refusal(post('a=1', urlencoded, { CONTENT_LENGTH: length }))
    expect(error).toMatchObject({ status: 400, message: 'CONTENT_LENGTH must be a number of bytes' })
  })

  it('that cannot be read is answered with 400, with the cause', async () => {
    const cause = new Error('the pipe broke')
    const input: BodyInput = (async function* () {
      yield Buffer.from('a')
      throw cause
    })()
    const error = await refusal({ env: { REQUEST_METHOD: 'POST', CONTENT_LENGTH: '5' }, input })
    expect(error).toMatchObject({ status: 400, cause })
  })
})

describe('a form with too many', () => {
  it.each([
    ['fields', 'a=1&b=2;c=3', urlencoded, { fields: 2 }],
    ['fields', 'a&'.repeat(500_000), urlencoded, {}],
    ['fields', multipartBody([1, 2, 3].map((n) => [`name="f${n}"`, '', 'x'])), multipart, { fields: 2 }],
    ['files', multipartBody([1, 2, 3].map((n) => [`name="f${n}"; filename="x"`, '', 'x'])), multipart, { files: 2 }],
    ['files', multipartBody([['name="f"; filename="x"', '', 'x']]), multipart, { files: 0 }],
    ['files', multipartBody(Array(21).fill(['name="f"; filename="x"', '', 'x'])), multipart, {}],
    ['fields', multipartBody(Array(1001).fill(['name="f"', '', 'x'])), multipart, {}],
  ] as const)('%s is answered with 413', async (things, body, type, limits) => {
    const error = await refusal({ ...post(body, type), limits })
    expect(error.status).toBe(413)
    expect(error.message).toContain(`more than`)
    expect(error.message).toContain(`limits.${things}`)
  })

  it('is not one with just as many', async () => {
    expect((await CgiQuery.read({ ...post('a=1&b=2'), limits: { fields: 2 } })).params()).toHaveLength(2)
    const body = multipartBody([
      ['name="a"', '', '1'],
      ['name="b"', '', '2'],
      ['name="f"; filename="x"', '', 'x'],
    ])
    const query = await CgiQuery.read({ ...post(body, multipart), limits: { fields: 2, files: 1 } })
    expect(query.params()).toEqual(['a', 'b', 'f'])
  })
})

describe('limits', () => {
  it.each([
    [{ bytes: -1 }, "Option 'bytes' must be a whole number from 0, not -1"],
    [{ filds: 3 }, "did you mean 'fields'?"],
  ])('that make no sense are refused: %j', async (limits, message) => {
    await expect(CgiQuery.read({ ...post('a=1'), limits: limits as FormLimits })).rejects.toThrow(message)
  })
})

describe('hostile input', () => {
  const outcome = (source: CgiSource) =>
    CgiQuery.read(source).then(
      (query) => query.params().every((name) => [query.param(name)].flat().every((value) => typeof value === 'string')),
      (error: unknown) => error instanceof RequestError && [400, 413].includes(error.status),
    )

  it.each([
    ['no boundary', 'multipart/form-data', 'x'],
    ['an empty boundary', 'multipart/form-data; boundary=', 'x'],
    ['a long boundary', `multipart/form-data; boundary=${'b'.repeat(100_000)}`, 'x'],
    ['an end without a beginning', multipart, `--${boundary}--`],
    ['no end', multipart, `--${boundary}\r\nContent-Disposition: form-data; name="a"\r\n\r\nvalue`],
    [
      'a file without an end',
      multipart,
      `--${boundary}\r\nContent-Disposition: form-data; name="a"; filename="f"\r\n\r\nvalue`,
    ],
    ['a header without an end', multipart, `--${boundary}\r\nContent-Disposition: form-data; name="a"`],
    ['a part without a header', multipart, `--${boundary}\r\n\r\nvalue\r\n--${boundary}--`],
    [
      'another charset',
      multipart,
      `--${boundary}\r\nContent-Disposition: form-data; name="a"\r\nContent-Type: text/plain; charset=nonsense\r\n\r\nv\r\n--${boundary}--`,
    ],
    ['a boundary alone, often', multipart, `--${boundary}\r\n`.repeat(40_000)],
    ['many headers', multipart, `--${boundary}\r\n${'a: b\r\n'.repeat(100_000)}\r\n\r\n--${boundary}--`],
    [
      'one long header',
      multipart,
      `--${boundary}\r\nContent-Disposition: form-data; name="${'a'.repeat(900_000)}"\r\n\r\nx\r\n--${boundary}--`,
    ],
    ['nothing but line ends', multipart, '\r\n'.repeat(400_000)],
    ['almost a boundary, often', multipart, `\r\n--${boundary.slice(0, -1)}`.repeat(60_000)],
    ['bytes that are no UTF-8', urlencoded, Buffer.from([0xff, 0x3d, 0xc3, 0x26, 0x80])],
    ['nothing but separators', urlencoded, '&;'.repeat(300)],
    ['nothing but percents', urlencoded, '%'.repeat(1_000_000)],
  ])('neither crashes nor hangs: %s', async (_, type, body) => {
    const began = performance.now()
    expect(await outcome(post(body, type))).toBe(true)
    // As long as a request may be, and a machine slow: what is not linear takes minutes.
    expect(performance.now() - began).toBeLessThan(10_000)
  })

  it('neither crashes nor hangs whatever a multipart body is made of', async () => {
    const token = fc.oneof(
      fc.constantFrom(
        `--${boundary}`,
        `--${boundary}\r\n`,
        `\r\n--${boundary}\r\n`,
        `\r\n--${boundary}--`,
        '\r\n',
        '\r',
        '\n',
        '-',
        '--',
        '\r\n\r\n',
        'Content-Disposition: form-data; name="a"\r\n',
        'Content-Disposition: form-data; name="a"; filename="f"\r\n\r\n',
        'Content-Disposition: form-data; name="__proto__"\r\n\r\n',
        'Content-Disposition: form-data; filename="f"\r\n\r\n',
        "Content-Disposition: form-data; name*=x'y'%ff; filename*=utf-8''%e2%98%ba\r\n\r\n",
        'Content-Disposition: form-data\r\n\r\n',
        'Content-Type: text/plain; charset=utf-16le\r\n',
        'Content-Type: multipart/mixed; boundary=b\r\n',
        'Content-Transfer-Encoding: base64\r\n',
        'name="a',
        '\\"',
      ),
      fc.uint8Array({ maxLength: 8 }),
    )
    const bodies = fc
      .array(token, { maxLength: 14 })
      .map((tokens) => Buffer.concat(tokens.map((one) => Buffer.from(one as string))))
    await fc.assert(
      fc.asyncProperty(bodies, async (body) => {
        expect(await outcome(post(body, multipart))).toBe(true)
      }),
      { numRuns: 2000 },
    )
  }, 60_000)

  it('neither crashes nor hangs whatever type, length and text are', async () => {
    const environment = fc.record({
      REQUEST_METHOD: fc.constantFrom('POST', 'PUT', 'GET', 'post', ''),
      CONTENT_TYPE: fc.oneof(
        fc.constantFrom(urlencoded, multipart, '', 'multipart/form-data;boundary="', 'MULTIPART/FORM-DATA; Boundary=a'),
        fc.string(),
      ),
      CONTENT_LENGTH: fc.oneof(fc.constantFrom('', '3', '20'), fc.string({ maxLength: 4 })),
      QUERY_STRING: fc.string(),
      HTTP_COOKIE: fc.string(),
    })
    await fc.assert(
      fc.asyncProperty(environment, fc.uint8Array({ maxLength: 40 }), async (env, body) => {
        expect(await outcome({ env, input: Readable.from([Buffer.from(body)]) })).toBe(true)
        const query = new CgiQuery(env)
        expect([typeof query.cookie('CGISESSID'), query.cookie('__proto__')]).not.toContain('object')
      }),
      { numRuns: 1000 },
    )
  }, 60_000)

  it('does not make millions of parts: a form of nothing but boundaries is refused at the thousandth', async () => {
    const began = performance.now()
    const body = `\r\n--${boundary}`.repeat(1_000_000)
    const error = await refusal({ ...post(body, multipart), limits: { bytes: 100_000_000 } })
    expect(error.status).toBe(413)
    // All of them take a minute and a gigabyte.
    expect(performance.now() - began).toBeLessThan(5000)
  })

  it('makes __proto__ a parameter like any other, also in a session', async () => {
    const body = '__proto__=polluted&__proto__=twice&constructor=c'
    const query = await CgiQuery.read(post(body))
    expect(query.param('__proto__')).toEqual(['polluted', 'twice'])
    expect(query.param('toString')).toBeUndefined()
    expect(query.urlParam('__proto__')).toBeUndefined()
    expect(({} as Record<string, unknown>)[0]).toBeUndefined()
    await using session = await Session.open({ type: 'driver:Memory', query })
    session.saveParam(query, ['constructor'])
    expect(session.param('constructor')).toBe('c')
  })
})

describe('the environment', () => {
  it.each([
    [{ HTTPS: 'on' }, true],
    [{ HTTPS: 'ON' }, true],
    [{ HTTPS: '1' }, true],
    [{ HTTPS: 'off' }, false],
    [{ HTTPS: '' }, false],
    [{ REQUEST_SCHEME: 'https' }, true],
    [{ REQUEST_SCHEME: 'http' }, false],
    [{ HTTP_X_FORWARDED_PROTO: 'https' }, false],
    [{ HTTP_HTTPS: 'on' }, false],
    [{}, false],
  ])('says whether the request was https: %j', (env, isSecure) => {
    expect(new CgiQuery(env).isSecure(false)).toBe(isSecure)
  })

  it('says it by a proxy with trustProxy alone; of several the first counts', () => {
    const isSecure = (proto: string, trust: boolean) => new CgiQuery({ HTTP_X_FORWARDED_PROTO: proto }).isSecure(trust)
    expect([isSecure('https', true), isSecure('HTTPS, http', true)]).toEqual([true, true])
    expect([isSecure('http, https', true), isSecure('https', false)]).toEqual([false, false])
  })

  it('has the cookies', async () => {
    const query = new CgiQuery({ HTTP_COOKIE: 'a=1; CGISESSID=abc; b=%41' })
    expect([query.cookie('CGISESSID'), query.cookie('b'), query.cookie('c')]).toEqual(['abc', 'A', undefined])
    expect(new CgiQuery({}).cookie('a')).toBeUndefined()
  })

  it('is what queryClass reads, without a body', async () => {
    const first = await Session.open({ type: 'driver:Memory' })
    first.param('user', 'ann')
    await first.flush()
    process.env.HTTP_COOKIE = `CGISESSID=${first.id()}`
    process.env.QUERY_STRING = 'page=2'
    try {
      await using session = await Session.open({ type: 'driver:Memory', queryClass: CgiQuery })
      expect(session.param('user')).toBe('ann')
      expect(session.query()?.param('page')).toBe('2')
    } finally {
      delete process.env.HTTP_COOKIE
      delete process.env.QUERY_STRING
      await first.close()
    }
  })
})
