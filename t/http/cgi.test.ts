/** Programs with `runCgi`, as processes in the environment that a web server gives them. */

import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { bundle } from '../support/child.js'
import { temporaryFolder } from '../support/folders.js'
import { perl } from '../support/perl.js'
import { describeWith } from '../support/requirements.js'

interface Asked {
  method?: string
  cookie?: string
  env?: Record<string, string>
  body?: Uint8Array
}

interface Answered {
  /** All that was printed. */
  readonly output: string
  readonly headers: readonly string[]
  readonly body: string
  readonly errors: string
  readonly code: number | null
}

let folder: string

beforeEach(() => {
  folder = join(temporaryFolder(), 'sessions')
  mkdirSync(folder)
})

const environment = (path: string, { method = 'GET', cookie, env = {}, body }: Asked): NodeJS.ProcessEnv => ({
  PATH: process.env.PATH,
  GATEWAY_INTERFACE: 'CGI/1.1',
  REQUEST_METHOD: method,
  PATH_INFO: path,
  SESSION_FOLDER: folder,
  ...(cookie === undefined ? {} : { HTTP_COOKIE: cookie }),
  ...(body === undefined ? {} : { CONTENT_LENGTH: String(body.length) }),
  ...env,
})

async function ask(path: string, asked: Asked = {}): Promise<Answered> {
  const program = await bundle('t/http/children/cgi-program.ts')
  const child = spawn(process.execPath, [program], { env: environment(path, asked) })
  const [output, errors]: Buffer[][] = [[], []]
  child.stdout.on('data', (chunk) => output!.push(chunk))
  child.stderr.on('data', (chunk) => errors!.push(chunk))
  // A program need not read its input, and this one stays open: it must not wait for its end.
  child.stdin.on('error', () => undefined).write(asked.body ?? '')
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve))
  return { ...answerOf(Buffer.concat(output!).toString()), errors: Buffer.concat(errors!).toString(), code }
}

function answerOf(output: string) {
  const end = output.indexOf('\r\n\r\n')
  const [head, body] = end < 0 ? [output, ''] : [output.slice(0, end), output.slice(end + 4)]
  return { output, headers: head.split('\r\n'), body }
}

const cookieOf = ({ headers }: Answered): string | undefined =>
  headers.map((line) => /^Set-Cookie: (CGISESSID=[^;]*)/.exec(line)?.[1]).find((found) => found !== undefined)

describe('a program', () => {
  it('answers a visitor who stored nothing without a cookie, and without a record', async () => {
    const plain = await ask('/hello')
    expect(plain.output).toBe('Content-Type: text/html; charset=utf-8\r\n\r\nhello ☺')
    const opened = await ask('/open', { cookie: 'CGISESSID=0123456789abcdef0123456789abcdef' })
    expect(opened.headers).toEqual(['Content-Type: text/html; charset=utf-8', 'Vary: Cookie'])
    expect([opened.body, opened.code, opened.errors]).toEqual(['true', 0, ''])
    expect(readdirSync(folder)).toEqual([])
  })

  it('keeps what is stored for the same visitor alone, and sends the cookie once', async () => {
    const first = await ask('/count')
    const cookie = cookieOf(first)!
    expect(first.headers).toContain('Cache-Control: no-store')
    expect(first.headers).toContain(`Set-Cookie: ${cookie}; Path=/; HttpOnly; SameSite=Lax`)
    const second = await ask('/count', { cookie })
    expect([first.body, second.body, cookieOf(second)]).toEqual(['visit 1', 'visit 2', undefined])
    expect((await ask('/count')).body).toBe('visit 1')
  })

  it('sends a new id after the login with a redirect that cannot be broken out of, beside cookies of its own', async () => {
    const before = cookieOf(await ask('/count'))!
    const login = await ask('/login', { cookie: before, method: 'POST', env: { HTTPS: 'on' } })
    const after = cookieOf(login)!
    expect(after).not.toBe(before)
    expect(login.headers[0]).toBe('Status: 303 See Other')
    expect(login.headers).toContain('Location: /a%20page?name=%C3%A9%0D%0AX-Evil:%201')
    expect(login.headers.filter((line) => line.startsWith('Set-Cookie: '))).toEqual([
      'Set-Cookie: a=1',
      'Set-Cookie: b=2',
      expect.stringMatching(/^Set-Cookie: CGISESSID=.*Max-Age=3600.*; Secure/),
    ])
    expect(login.headers.some((line) => /^Content-Type|^X-Evil/.test(line))).toBe(false)
    expect(JSON.parse((await ask('/user', { cookie: after })).body)).toEqual({ user: 'ann', visits: 1 })
    expect(JSON.parse((await ask('/user', { cookie: before })).body)).toEqual({})
  })

  it('deletes the cookie at the logout', async () => {
    const cookie = cookieOf(await ask('/count'))!
    const logout = await ask('/logout', { cookie })
    expect(logout.headers[0]).toBe('Status: 200 Gone for today')
    expect(logout.headers.join('\n')).toMatch(/Set-Cookie: CGISESSID=.*Max-Age=0/)
    expect(readdirSync(folder)).toEqual([])
  })

  it('sends a HEAD request no body, with the same header', async () => {
    const [get, head] = [await ask('/large'), await ask('/large', { method: 'HEAD' })]
    expect([get.body.length, head.body]).toEqual([200_000, ''])
    expect(head.headers).toEqual(get.headers)
    const stream = await ask('/stream', { method: 'HEAD' })
    expect([stream.body, stream.errors]).toEqual(['', ''])
    expect(cookieOf(stream)).toBeDefined()
  })

  it('sends neither body nor type where an answer ends with its header', async () => {
    const { output, code } = await ask('/no-content')
    expect([output, code]).toEqual(['Status: 204 No Content\r\n\r\n', 0])
  })

  it('sends a body in pieces after the session is written; what changes meanwhile is written at the end', async () => {
    const first = await ask('/stream')
    expect([first.body, first.code]).toEqual(['first second', 0])
    // Nobody has its cookie before the header; so only the next request can store late.
    const cookie = cookieOf(first)!
    expect(JSON.parse((await ask('/user', { cookie })).body)).toMatchObject({ streamed: 1, late: 2 })
  })

  it('loads neither the form parser nor the streams of standard input and output, nor http', async () => {
    const modules: string[] = JSON.parse((await ask('/modules')).body)
    expect(modules.some((name) => name.includes('node_modules/cookie/'))).toBe(true)
    expect(modules.filter((name) => /busboy|NativeModule (?:tty|http|_http_\w+)$/.test(name))).toEqual([])
  })

  it('answers from the environment alone, however its output is slow to be read', async () => {
    const program = await bundle('t/http/children/cgi-program.ts')
    const child = spawn(process.execPath, [program], { env: environment('/large', {}) })
    // More than a pipe holds, read only once the program has been waiting.
    await new Promise((resolve) => child.stdout.once('readable', resolve))
    let size = 0
    for await (const chunk of child.stdout) size += chunk.length
    expect(size).toBeGreaterThan(200_000)
  })

  it('ends quietly when the browser has gone away', async () => {
    const program = await bundle('t/http/children/cgi-program.ts')
    const script = '("$0" "$1"; echo "code $?" >&2) | head -c 10 >/dev/null'
    const run = spawnSync('sh', ['-c', script, process.execPath, program], { env: environment('/large', {}) })
    expect(run.stderr.toString()).toBe('code 0\n')
  })
})

describe('a program that fails', () => {
  it('answers 500 without details, tells the error on standard error, and keeps the cookie of what was written', async () => {
    const answer = await ask('/throw')
    expect([answer.headers[0], answer.body, answer.code]).toEqual([
      'Status: 500 Internal Server Error',
      'Internal Server Error\n',
      1,
    ])
    expect(answer.output).not.toContain('secret')
    expect(answer.errors).toContain('secret of the program')
    expect(JSON.parse((await ask('/user', { cookie: cookieOf(answer)! })).body)).toEqual({ tried: true })
    expect((await ask('/throw', { method: 'HEAD' })).body).toBe('')
  })

  it('claims no success, and sends no cookie, when the session cannot be written', async () => {
    const answer = await ask('/broken-store')
    expect([answer.headers[0], answer.body, answer.code]).toEqual([
      'Status: 500 Internal Server Error',
      'Internal Server Error\n',
      1,
    ])
    expect(answer.output).not.toContain('CGISESSID')
    expect(answer.errors).toContain('ERR_SESSION_DRIVER')
  })

  it('stops in the middle of its pieces: the header is gone already', async () => {
    const answer = await ask('/broken-stream')
    expect([answer.body, answer.code]).toEqual(['begun', 1])
    expect(answer.errors).toContain('secret of the stream')
    expect(answer.output).not.toContain('500')
  })

  it.each([
    ['/bad-header', 'X-A'],
    ['/bad-status', "'status' must be a number from 200 to 599"],
    ['/bad-body', "'body' must be a string, a Uint8Array, or an async iterable"],
    ['/nothing', 'TypeError: The handler of runCgi() gives a text, or an object such as'],
    ['/number', 'gives a text, or an object such as'],
    ['/misspelt', "'contents' is not one of the parts of an answer"],
    ['/bad-option', "did you mean 'directory'?"],
  ])('answers 500 for what is no answer: %s', async (path, message) => {
    const answer = await ask(path)
    expect([answer.headers[0], answer.code]).toEqual(['Status: 500 Internal Server Error', 1])
    expect(answer.output).not.toContain('evil')
    expect(answer.errors).toContain(message)
  })
})

describe('a body on standard input', () => {
  const multipart = (content: Uint8Array) =>
    Buffer.concat([
      Buffer.from('--B\r\nContent-Disposition: form-data; name="a"\r\n\r\né\r\n--B\r\n'),
      Buffer.from('Content-Disposition: form-data; name="file"; filename="f.bin"\r\nContent-Type: image/png\r\n\r\n'),
      content,
      Buffer.from('\r\n--B--\r\n'),
    ])

  it('of a form is read, with files of 200 KB too', async () => {
    const body = multipart(Buffer.alloc(200_000, 7))
    const env = { CONTENT_TYPE: 'multipart/form-data; boundary=B', QUERY_STRING: 'u=1;a=2' }
    const answer = await ask('/form', { method: 'POST', body, env })
    expect(answer.headers).toEqual(['Content-Type: application/json'])
    expect(JSON.parse(answer.body)).toEqual({
      fields: [
        ['a', 'é'],
        ['file', 'f.bin'],
      ],
      url: '1',
      files: [['f.bin', 'image/png', 200_000, 7]],
    })
    const text = Buffer.from(`a=${'x'.repeat(200_000)}&b=2;a=3`)
    const form = await ask('/form', {
      method: 'POST',
      body: text,
      env: { CONTENT_TYPE: 'application/x-www-form-urlencoded' },
    })
    expect(JSON.parse(form.body).fields).toEqual([
      ['a', ['x'.repeat(200_000), '3']],
      ['b', '2'],
    ])
  })

  it.each([
    [413, 'Content Too Large', { LIMIT_BYTES: '3' }],
    [400, 'Bad Request', { CONTENT_TYPE: 'multipart/form-data' }],
    [400, 'Bad Request', { CONTENT_LENGTH: 'x' }],
  ])('that cannot be used is answered with %i %s, and the program is not called', async (status, words, env) => {
    const answer = await ask('/count', { method: 'POST', body: Buffer.from('a=12'), env })
    expect(answer.output).toBe(`Status: ${status} ${words}\r\nContent-Type: text/plain\r\n\r\n${words}\n`)
    expect([answer.code, answer.errors.split('\n').length]).toEqual([0, 2])
    expect(readdirSync(folder)).toEqual([])
  })

  it('is read to its last byte, and not a byte further', async () => {
    const program = await bundle('t/http/children/cgi-program.ts')
    const file = join(folder, 'input')
    writeFileSync(file, 'a=1&b=2THE REST')
    const env = { ...environment('/form', { method: 'POST' }), CONTENT_LENGTH: '7' }
    const stdio = [openSync(file, 'r'), 'pipe', 'pipe'] as const
    const run = spawnSync('sh', ['-c', '"$0" "$1"; cat', process.execPath, program], { env, stdio: [...stdio] })
    expect(run.stdout.toString()).toContain('[["a","1"],["b","2"]]')
    expect(run.stdout.toString().endsWith('THE REST')).toBe(true)
  })

  it('comes also through a socket that does not block, as some servers have it', () => {
    const body = `a=${'x'.repeat(150_000)}&b=2`
    const script = `
      use Socket; use Fcntl; socketpair(my $mine, my $its, AF_UNIX, SOCK_STREAM, PF_UNSPEC) or die $!;
      my ($body, @command) = ('a=' . 'x' x 150_000 . '&b=2', @ARGV);
      my $pid = fork // die $!;
      if (!$pid) {
        close $mine; fcntl($its, F_SETFL, O_NONBLOCK | fcntl($its, F_GETFL, 0));
        open(STDIN, '<&', $its) or die $!; exec @command or die $!;
      }
      close $its; select(undef, undef, undef, 0.1); syswrite($mine, substr($body, 0, 1000)); select(undef, undef, undef, 0.1);
      my $from = 1000; while ($from < length $body) { $from += syswrite($mine, substr($body, $from)) // die $! }
      waitpid($pid, 0);`
    return bundle('t/http/children/cgi-program.ts').then((program) => {
      const env = { ...environment('/form', { method: 'POST' }), CONTENT_LENGTH: String(body.length) }
      const run = spawnSync('perl', ['-we', `use strict; ${script}`, process.execPath, program], { env })
      expect(run.stderr.toString()).toBe('')
      expect(JSON.parse(answerOf(run.stdout.toString()).body).fields).toEqual([
        ['a', 'x'.repeat(150_000)],
        ['b', '2'],
      ])
    })
  })
})

describeWith('perl', 'a Perl program with CGI::Session on the same files', () => {
  const script = `
    use CGI; use CGI::Session; my $q = CGI->new;
    my $s = CGI::Session->new('driver:file;serializer:default;id:md5', $q, { Directory => $ENV{SESSION_FOLDER} }) or die CGI::Session->errstr;
    $s->param('perl', 1 + ($s->param('perl') || 0)); $s->param('visits', 1 + ($s->param('visits') || 0)); $s->flush;
    print $s->header(-charset => 'utf-8'), 'visit ', $s->param('visits');`
  const askPerl = (cookie = '') => {
    const env = { SESSION_FOLDER: folder, REQUEST_METHOD: 'GET', HTTP_COOKIE: cookie }
    const answer = answerOf(perl(script, [], env))
    return { body: answer.body, cookie: /Set-Cookie: (CGISESSID=\w+)/.exec(answer.output)?.[1] }
  }

  it('and this program take turns in a session that Perl began, with the same cookie', async () => {
    const first = askPerl()
    expect(first.cookie).toMatch(/^CGISESSID=[0-9a-f]{32}$/)
    const second = await ask('/count', { cookie: first.cookie! })
    expect([second.body, cookieOf(second)]).toEqual(['visit 2', undefined])
    expect(askPerl(first.cookie)).toEqual({ body: 'visit 3', cookie: first.cookie })
    const seen = JSON.parse((await ask('/user', { cookie: first.cookie! })).body)
    expect([Number(seen.visits), Number(seen.perl)]).toEqual([3, 2])
    expect(readdirSync(folder)).toHaveLength(1)
  })

  it('takes over a session that this program began', async () => {
    const cookie = cookieOf(await ask('/count'))!
    expect(askPerl(cookie)).toEqual({ body: 'visit 2', cookie })
    expect((await ask('/count', { cookie })).body).toBe('visit 3')
    expect(readFileSync(join(folder, `cgisess_${cookie.split('=')[1]}`), 'latin1')).toContain(';$D')
  })
})
