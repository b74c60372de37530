/** Answers that wait, one by one: real servers and clients, and a write that ends when the test says so. */

import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createReadStream, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { connect as connectHttp2, createServer as createHttp2Server } from 'node:http2'
import { createRequire } from 'node:module'
import { connect } from 'node:net'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { holdBack, type NodeResponse } from '../../lib/adapters/shared/node-response.js'
import type { SessionHeaders } from '../../lib/adapters/shared/visit.js'
import { temporaryFolder } from '../support/folders.js'
import { listen } from './node-server.js'
import { ask, type Host, isWaiting } from './suite.js'

type OnHeaders = (response: unknown, listener: () => void) => void
const onHeaders = createRequire(import.meta.url)('on-headers') as OnHeaders

const COOKIE = 'CGISESSID=1; Path=/'
const tooLate = expect.objectContaining({ code: 'ERR_HTTP_HEADERS_SENT' })

/** Something that will have happened. */
function milestone() {
  let reach: () => void = () => undefined
  const reached = new Promise<void>((resolve) => {
    reach = resolve
  })
  return { reached, reach: () => reach() }
}

/** A write, from the test's point of view. */
class Writing {
  /** What was asked: was the header gone already? */
  readonly asked: boolean[] = []
  readonly errors: unknown[] = []
  /** Does the write at the end wait as well? */
  holdsTheEnd = false
  readonly #settle: { resolve: (headers: SessionHeaders) => void; reject: (error: Error) => void }[] = []
  #arrive: () => void = () => undefined
  #arrived = new Promise<void>((resolve) => {
    this.#arrive = resolve
  })

  readonly finish = (isLate: boolean): Promise<SessionHeaders> => {
    this.asked.push(isLate)
    if (isLate && !this.holdsTheEnd) return Promise.resolve({ setCookie: undefined })
    return new Promise((resolve, reject) => {
      this.#settle.push({ resolve, reject })
      this.#arrive()
    })
  }

  /** Is done when a write has been asked for. */
  async begun(): Promise<void> {
    await this.#arrived
    this.#arrived = new Promise((resolve) => {
      this.#arrive = resolve
    })
  }

  done(): void {
    for (const { resolve } of this.#settle.splice(0)) resolve({ setCookie: COOKIE })
  }

  fails(): void {
    for (const { reject } of this.#settle.splice(0)) reject(new Error('the store fails'))
  }
}

const hosts: Host[] = []
afterEach(async () => {
  vi.restoreAllMocks()
  for (const host of hosts.splice(0)) await host.close()
})

/** A server whose answers to all but `/plain` wait for the write. */
async function serve(
  answer: (response: ServerResponse, request: IncomingMessage) => unknown,
  { before = (_: ServerResponse) => {}, onError = (response: ServerResponse): unknown => response.end('failed') } = {},
) {
  const writing = new Writing()
  const server = createServer((request, response) => {
    if (request.url === '/plain') return response.end('plain')
    before(response)
    holdBack(
      response,
      (isLate) => writing.finish(isLate),
      (error) => {
        writing.errors.push(error)
        onError(response)
      },
    )
    return answer(response, request)
  })
  const host = await listen(server)
  hosts.push(host)
  return { origin: host.origin, writing, server }
}

/** The whole answer, when the write ends after a while. */
async function askHeld(answer: (response: ServerResponse) => unknown) {
  const { origin, writing } = await serve(answer)
  const asked = ask(origin)
  await writing.begun()
  expect(await isWaiting(asked, origin)).toBe(true)
  writing.done()
  const reply = await asked
  expect(writing.errors).toEqual([])
  return reply
}

describe('writeHead, held back', () => {
  it.each([
    ['an object', { 'X-One': '1', 'Set-Cookie': ['a=1', 'b=2'], 'Content-Length': 4 }],
    ['a flat array', ['X-One', '1', 'Set-Cookie', 'a=1', 'set-cookie', 'b=2', 'Content-Length', '4']],
    [
      'an array of pairs',
      [
        ['X-One', '1'],
        ['Set-Cookie', 'a=1'],
        ['Set-Cookie', 'b=2'],
        ['Content-Length', '4'],
      ],
    ],
  ])('with headers as %s: they, those that were set before, and the cookie are sent', async (_title, headers) => {
    const reply = await askHeld((response) => {
      response.setHeader('X-Zero', '0')
      response.setHeader('X-One', 'to be replaced')
      expect(response.writeHead(201, 'Made', headers as never).end('body')).toBe(response)
    })
    expect([reply.status, reply.text]).toEqual([201, 'body'])
    expect(reply.headers).toMatchObject({ 'x-zero': '0', 'x-one': '1', 'content-length': '4', vary: 'Cookie' })
    expect(reply.setCookie).toEqual(['a=1', 'b=2', COOKIE])
  })

  it('sends the reason', async () => {
    const { origin, writing } = await serve((response) => response.writeHead(404, 'Not Here').end())
    const asking = request(origin, { agent: false }).end()
    await writing.begun()
    writing.done()
    const [answer] = (await once(asking, 'response')) as [IncomingMessage]
    expect([answer.statusCode, answer.statusMessage]).toEqual([404, 'Not Here'])
    answer.resume()
  })

  it('throws what is wrong with a header, at once, as without a session', async () => {
    const reply = await askHeld((response) => {
      expect(() => response.writeHead(200, { 'X-Bad': 'a\r\nb' })).toThrow(
        expect.objectContaining({ code: 'ERR_INVALID_CHAR' }),
      )
      response.end('still there')
    })
    expect(reply.text).toBe('still there')
  })

  it('tells of a status that does not exist, when the time has come', async () => {
    const { origin, writing } = await serve((response) => response.writeHead(99).end('body'))
    const asked = ask(origin)
    await writing.begun()
    writing.done()
    expect(await asked).toMatchObject({ status: 500, text: 'failed' })
    expect(writing.errors).toEqual([expect.objectContaining({ code: 'ERR_HTTP_INVALID_STATUS_CODE' })])
  })
})

describe('pieces, held back', () => {
  it('come in their order, in every encoding, and each calls back', async () => {
    const calls: unknown[] = []
    const note =
      (name: string) =>
      (...args: unknown[]) =>
        calls.push(name, ...args.filter((one) => one !== null && one !== undefined))
    const reply = await askHeld((response) => {
      expect(response.write('one ')).toBe(false)
      response.write('74776f20', 'hex', note('hex'))
      response.write(Buffer.from('three '), note('buffer'))
      expect(response.end('Zm91cg==', 'base64', note('end'))).toBe(response)
      expect(calls).toEqual([])
    })
    expect(reply.text).toBe('one two three four')
    expect(calls).toEqual(['hex', 'buffer', 'end'])
  })

  it('end() with nothing but a callback', async () => {
    const done = milestone()
    expect((await askHeld((response) => response.end(done.reach))).text).toBe('')
    await done.reached
  })

  it('trailers come after them', async () => {
    const reply = await new Promise<IncomingMessage>((resolve, reject) => {
      serve((response) => {
        response.setHeader('Trailer', 'X-Sum')
        response.write('body')
        response.addTrailers({ 'X-Sum': '42' })
        response.end()
      }).then(async ({ origin, writing }) => {
        request(origin, { agent: false }, resolve).on('error', reject).end()
        await writing.begun()
        writing.done()
      }, reject)
    })
    expect(await text(reply)).toBe('body')
    expect(reply.trailers).toEqual({ 'x-sum': '42' })
  })

  it('flushHeaders alone waits too, and is enough to begin a stream of events', async () => {
    const reply = await new Promise<IncomingMessage>((resolve, reject) => {
      serve((response) => {
        response.setHeader('Content-Type', 'text/event-stream')
        expect(response.flushHeaders()).toBe(undefined)
        expect(response.headersSent).toBe(true)
      }).then(async ({ origin, writing }) => {
        const asking = request(origin, { agent: false }).on('error', () => undefined)
        const answered = once(asking, 'response') as Promise<[IncomingMessage]>
        asking.end()
        await writing.begun()
        expect(await isWaiting(answered, origin)).toBe(true)
        writing.done()
        resolve((await answered)[0])
      }, reject)
    })
    expect(reply.headers).toMatchObject({ 'content-type': 'text/event-stream', 'set-cookie': [COOKIE] })
    reply.on('error', () => undefined).destroy()
  })

  it('a file of 24 MB that is piped waits on the disk, not in memory, and comes whole', async () => {
    const path = join(temporaryFolder(), 'big')
    const bytes = randomBytes(24 * 1024 * 1024)
    writeFileSync(path, bytes)
    const file = createReadStream(path)
    const { origin, writing } = await serve((response) => file.pipe(response))
    const asked = ask(origin)
    await writing.begun()
    expect(await isWaiting(asked, origin)).toBe(true)
    expect(file.bytesRead).toBeLessThan(1024 * 1024)
    writing.done()
    const hash = (data: Buffer) => createHash('sha256').update(data).digest('hex')
    expect(hash((await asked).body)).toBe(hash(bytes))
  })

  it('the length is checked as Node does it', async () => {
    const strict = (length: number) => (response: ServerResponse) => {
      response.strictContentLength = true
      response.writeHead(200, { 'Content-Length': length }).end('four')
    }
    expect((await askHeld(strict(4))).text).toBe('four')
    const { origin, writing } = await serve(strict(5))
    const asked = ask(origin)
    await writing.begun()
    writing.done()
    await expect(asked).rejects.toThrow()
    expect(writing.errors).toEqual([expect.objectContaining({ code: 'ERR_HTTP_CONTENT_LENGTH_MISMATCH' })])
    expect((await ask(`${origin}/plain`)).text).toBe('plain')
  })
})

describe('whoever answers is told', () => {
  it('that the header has gone, while it waits: what comes later is refused and changes nothing', async () => {
    const reply = await askHeld((response) => {
      expect([response.headersSent, response.writableEnded]).toEqual([false, false])
      response.setHeader('X-Early', 'yes').write('body')
      expect([response.headersSent, response.writableEnded]).toEqual([true, false])
      expect(() => response.setHeader('X-Late', 'yes')).toThrow(tooLate)
      expect(() => response.appendHeader('X-Late', 'yes')).toThrow(tooLate)
      expect(() => response.removeHeader('X-Early')).toThrow(tooLate)
      expect(() => response.writeHead(404)).toThrow(tooLate)
      response.statusCode = 404
      response.end()
      expect(response.writableEnded).toBe(true)
    })
    expect([reply.status, reply.text]).toEqual([200, 'body'])
    expect(reply.headers).toMatchObject({ 'x-early': 'yes' })
    expect(reply.headers).not.toHaveProperty('x-late')
  })

  it('of the end once, when it has come', async () => {
    const events: string[] = []
    const { origin, writing } = await serve((response) => {
      for (const event of ['finish', 'close', 'drain']) response.on(event, () => events.push(event))
      response.end('body')
    })
    const asked = ask(origin)
    await writing.begun()
    await isWaiting(asked, origin)
    expect(events).toEqual([])
    writing.done()
    await asked
    await ask(`${origin}/plain`)
    expect(events).toEqual(['finish', 'close'])
  })

  it('and a hint (103) is not held back', async () => {
    const { origin, writing } = await serve((response) => {
      response.writeEarlyHints({ link: '</style.css>; rel=preload; as=style' })
      response.end('body')
    })
    const asking = request(origin, { agent: false })
    const [hinted, answered] = [once(asking, 'information'), once(asking, 'response')]
    asking.end()
    expect(await hinted).toEqual([expect.objectContaining({ statusCode: 103 })])
    expect(await isWaiting(answered, origin)).toBe(true)
    await writing.begun()
    writing.done()
    expect(await text((await answered)[0])).toBe('body')
  })
})

describe('beside others that wrap the answer', () => {
  /** Puts a mark before each piece, as a compressor would do more. */
  const wrap = (response: ServerResponse, mark: string) => {
    const { write } = response
    response.write = ((piece: unknown, ...rest: []) =>
      Reflect.apply(write, response, [`${mark}${piece}`, ...rest])) as typeof write
  }

  it.each(['before', 'after'])('they came %s: each piece passes through them, and the header once', async (when) => {
    let headers = 0
    const wrapper = (response: ServerResponse): void => {
      wrap(response, '>')
      onHeaders(response, () => {
        headers++
        response.setHeader('X-Time', '1')
      })
    }
    const { origin, writing } = await serve(
      async (response) => {
        if (when === 'after') wrapper(response)
        response.write('one')
        await once(response, 'drain')
        response.write('two')
        response.end()
      },
      { before: when === 'before' ? wrapper : () => undefined },
    )
    const asked = ask(origin)
    await writing.begun()
    writing.done()
    const reply = await asked
    expect([reply.text, headers]).toEqual(['>one>two', 1])
    expect(reply.headers).toMatchObject({ 'x-time': '1', 'set-cookie': [COOKIE] })
  })

  it('and beside another session’s, with one that wraps between them: each is asked once, and the pieces pass once', async () => {
    const first = new Writing()
    const second = new Writing()
    const host = await listen(
      createServer((request, response) => {
        if (request.url === '/plain') return response.end('plain')
        holdBack(response, first.finish, () => expect.unreachable())
        wrap(response, '>')
        holdBack(response, second.finish, () => expect.unreachable())
        response.write('one')
        return response.end('two')
      }),
    )
    hosts.push(host)
    const asked = ask(host.origin)
    await second.begun()
    expect(await isWaiting(asked, host.origin)).toBe(true)
    second.done()
    await first.begun()
    expect(await isWaiting(asked, host.origin)).toBe(true)
    first.done()
    const reply = await asked
    expect([reply.text, reply.setCookie]).toEqual(['>onetwo', [COOKIE, COOKIE]])
    expect([first.asked[0], second.asked[0]]).toEqual([false, false])
  })

  it('a session for which there is nothing to write: nobody is told to wait, and the header has what it needs', async () => {
    const host = await listen(
      createServer((_request, response) => {
        const finish = () => ({ setCookie: undefined })
        holdBack(response, finish, () => expect.unreachable())
        response.setHeader('Vary', 'Accept')
        response.end('page')
        // Node gives it to the socket at once, and takes nothing any more.
        expect(Object.getOwnPropertyNames(response)).not.toContain('writableEnded')
        expect([response.headersSent, response.writableEnded]).toEqual([true, true])
      }),
    )
    hosts.push(host)
    const reply = await ask(host.origin)
    expect([reply.text, reply.headers.vary]).toEqual(['page', 'Accept, Cookie'])
  })

  it.each(['writeHead', 'flushHeaders', 'write'] as const)(
    'that begins by %s: what is changed behind it, in one go, belongs to it',
    async (begin) => {
      let isChanged = false
      const host = await listen(
        createServer((_request, response) => {
          holdBack(
            response,
            () => ({ setCookie: isChanged ? COOKIE : undefined }),
            () => expect.unreachable(),
          )
          if (begin === 'writeHead') response.writeHead(201)
          else if (begin === 'write') response.write('')
          else response.flushHeaders()
          isChanged = true
          response.end('page')
        }),
      )
      hosts.push(host)
      expect(await ask(host.origin)).toMatchObject({ text: 'page', setCookie: [COOKIE] })
    },
  )

  it('in a program that has put another class in the place of the global Promise', async () => {
    const { origin, writing } = await serve((response) => response.end('body'))
    const native = globalThis.Promise
    globalThis.Promise = class<T> extends native<T> {}
    try {
      // As an async function does it: with the language's own promise.
      const { finish } = writing
      Object.assign(writing, { finish: async (isLate: boolean) => finish(isLate) })
      const asked = ask(origin)
      await writing.begun()
      writing.done()
      expect(await asked).toMatchObject({ text: 'body', setCookie: [COOKIE] })
    } finally {
      globalThis.Promise = native
    }
  })

  it('an answer that has nothing to do with a session passes as if nobody held it', async () => {
    const host = await listen(
      createServer((_request, response) => {
        holdBack(
          response,
          () => undefined,
          () => expect.unreachable(),
        )
        wrap(response, '>')
        expect(response.write('one')).toBe(true)
        expect(response.headersSent).toBe(true)
        response.write('two')
        response.end()
      }),
    )
    hosts.push(host)
    const reply = await ask(host.origin)
    expect(reply.text).toBe('>one>two')
    expect(reply.headers).not.toHaveProperty('vary')
  })
})

describe('what is changed after the first byte', () => {
  it('is written before the last', async () => {
    const { origin, writing } = await serve((response) => {
      response.write('one')
      response.end('two')
    })
    writing.holdsTheEnd = true
    const asking = request(origin, { agent: false }).end()
    await writing.begun()
    writing.done()
    const [answer] = (await once(asking, 'response')) as [IncomingMessage]
    const received = text(answer)
    await writing.begun()
    expect(await isWaiting(received, origin)).toBe(true)
    expect(writing.asked).toEqual([false, true])
    writing.done()
    expect(await received).toBe('onetwo')
  })

  it('and when that fails, the client does not take the part for the whole', async () => {
    const { origin, writing } = await serve((response) => {
      response.write('one')
      response.end('two')
    })
    writing.holdsTheEnd = true
    const asked = ask(origin)
    await writing.begun()
    writing.done()
    await writing.begun()
    writing.fails()
    await expect(asked).rejects.toMatchObject({ code: 'ECONNRESET' })
    expect(writing.errors).toEqual([new Error('the store fails')])
    expect((await ask(`${origin}/plain`)).text).toBe('plain')
  })
})

describe('when the write fails', () => {
  it('the answer is an error: nothing that told of the content stays', async () => {
    const { origin, writing } = await serve((response) => {
      response.setHeader('X-Frame-Options', 'DENY')
      response.writeHead(200, { 'Content-Length': 3, ETag: '"1"', 'Cache-Control': 'public', 'Set-Cookie': 'a=1' })
      response.end('all')
    })
    const asked = ask(origin)
    await writing.begun()
    writing.fails()
    const { status, text, headers } = await asked
    expect([status, text]).toEqual([500, 'failed'])
    expect(headers).toMatchObject({ 'x-frame-options': 'DENY', 'cache-control': 'no-store' })
    for (const name of ['etag', 'content-length']) expect(headers).not.toHaveProperty(name)
  })

  it('whoever goes on answering does no harm, and is told by his callbacks', async () => {
    const told: unknown[] = []
    const tell = (error?: unknown): unknown => told.push((error as Error).message)
    const handled = milestone()
    const { origin, writing } = await serve(async (response) => {
      response.write('one', tell)
      await once(response, 'close')
      response.write('two', tell)
      response.write('three')
      expect(response.end('four', tell)).toBe(response)
      process.nextTick(handled.reach)
    })
    const asked = ask(origin)
    await writing.begun()
    writing.fails()
    expect(await asked).toMatchObject({ status: 500, text: 'failed' })
    await handled.reached
    expect(told).toEqual(Array(3).fill('the store fails'))
    expect((await ask(`${origin}/plain`)).text).toBe('plain')
  })

  it('an error that is answered later is not overtaken by a success', async () => {
    const [reported, answered] = [milestone(), milestone()]
    const { origin, writing } = await serve(
      async (response) => {
        response.write('one')
        await reported.reached
        response.end('two')
        answered.reach()
      },
      { onError: () => reported.reach() },
    )
    const asked = ask(origin)
    await writing.begun()
    writing.fails()
    await answered.reached
    expect((await asked).status).toBe(500)
  })
})

describe('a header that Node refuses', () => {
  it('is the error of who gives it to writeHead: nothing is asked, and the answer that comes instead waits', async () => {
    const refused: unknown[] = []
    const { origin, writing } = await serve((response) => {
      try {
        response.writeHead(302, { Location: '/\r\n' })
      } catch (error) {
        refused.push(error, writing.asked.length, response.headersSent)
      }
      response.writeHead(400).end('sorry')
    })
    const asked = ask(origin)
    await writing.begun()
    expect(refused).toEqual([expect.objectContaining({ code: 'ERR_INVALID_CHAR' }), 0, false])
    expect(await isWaiting(asked, origin)).toBe(true)
    writing.done()
    expect(await asked).toMatchObject({ status: 400, text: 'sorry', setCookie: [COOKIE] })
    expect(writing.asked.slice(0, 2)).toEqual([false, true])
  })
})

describe('an error that is told later', () => {
  /** A handler that goes on in the time that the reporter takes. */
  async function askBetween(
    goOn: (response: ServerResponse) => unknown,
    report: (response: ServerResponse) => unknown,
  ) {
    const [failed, wentOn] = [milestone(), milestone()]
    const { origin, writing } = await serve(
      async (response) => {
        response.write('secret 1;')
        await failed.reached
        await goOn(response)
        wentOn.reach()
      },
      {
        onError: async (response) => {
          failed.reach()
          await wentOn.reached
          report(response)
        },
      },
    )
    const asked = ask(origin)
    await writing.begun()
    writing.fails()
    return asked
  }

  it('has nothing in it of what the handler still writes', async () => {
    const reply = await askBetween(
      (response) => {
        expect(response.writeHead(200)).toBe(response)
        expect(response.write('secret 2;')).toBe(true)
        response.flushHeaders()
      },
      (response) => {
        response.statusCode = 503
        Readable.from(['failed, ', 'sorry']).pipe(response)
      },
    )
    expect([reply.status, reply.text]).toEqual([503, 'failed, sorry'])
  })

  it('is an empty 500 when the handler ends before', async () => {
    const reply = await askBetween(
      (response) => {
        response.statusCode = 200
        response.setHeader('Content-Length', 8).setHeader('Cache-Control', 'public').end('secret 2')
      },
      (response) => response.end('failed'),
    )
    expect([reply.status, reply.text]).toEqual([500, ''])
    expect(reply.headers).toMatchObject({ 'cache-control': 'no-store' })
    expect(reply.headers).not.toHaveProperty('content-length')
  })

  it('is not cut short by the end of the handler', async () => {
    const [begun, ended] = [milestone(), milestone()]
    const { origin, writing } = await serve(
      async (response) => {
        response.write('secret')
        await begun.reached
        response.end('secret')
        ended.reach()
      },
      {
        onError: async (response) => {
          response.write('failed, ')
          begun.reach()
          await ended.reached
          response.end('sorry')
        },
      },
    )
    const asked = ask(origin)
    await writing.begun()
    writing.fails()
    expect((await asked).text).toBe('failed, sorry')
  })

  it('by a reporter that throws is printed: the process lives', async () => {
    const printed = vi.spyOn(console, 'error').mockReturnValue()
    const { origin, writing } = await serve((response) => response.end('body'), {
      onError: (response) => {
        response.end('failed')
        throw new Error('the reporter fails')
      },
    })
    const asked = ask(origin)
    await writing.begun()
    writing.fails()
    expect((await asked).text).toBe('failed')
    expect(printed.mock.calls).toEqual([[new Error('the reporter fails')]])
  })

  it.each([
    ['pipe', (file: Readable, response: ServerResponse) => file.pipe(response)],
    ['pipeline', (file: Readable, response: ServerResponse) => pipeline(file, response).catch(() => undefined)],
  ])('closes what was sent with %s', async (_name, send) => {
    const file = createReadStream('package.json')
    const closed = milestone()
    file.on('close', closed.reach)
    const { origin, writing } = await serve((response) => send(file, response), {
      onError: (response) => setImmediate(() => response.end('failed')),
    })
    const asked = ask(origin)
    await writing.begun()
    writing.fails()
    expect(await asked).toMatchObject({ status: 500, text: 'failed' })
    await closed.reached
    expect(file.destroyed).toBe(true)
  })
})

describe('an answer that breaks off', () => {
  /** An answer that has begun and been received in part. */
  async function beginAnswer() {
    const [ready, closed] = [milestone(), milestone()]
    let held: ServerResponse | undefined
    const { origin, writing } = await serve((response) => {
      held = response
      response.on('close', closed.reach)
      response.on('drain', ready.reach)
      response.write('part')
    })
    const asking = request(origin, { agent: false }).on('error', () => undefined)
    const answered = once(asking.end(), 'response') as Promise<[IncomingMessage]>
    await writing.begun()
    writing.done()
    const [answer] = await answered
    answer.on('error', () => undefined)
    await ready.reached
    return { writing, response: held!, leave: () => answer.destroy(), closed: closed.reached }
  }

  it.each(['the program', 'the client'])(
    'by %s: what was changed since its beginning is written, once',
    async (who) => {
      const { writing, response, leave, closed } = await beginAnswer()
      expect(writing.asked).toEqual([false])
      if (who === 'the program') response.destroy()
      else leave()
      await closed
      expect(writing.asked).toEqual([false, true])
      response.emit('close')
      expect(writing.asked).toEqual([false, true])
    },
  )

  it('and when that write fails, the error is printed', async () => {
    const printed = milestone()
    const print = vi.spyOn(console, 'error').mockImplementation(printed.reach)
    const { writing, response, closed } = await beginAnswer()
    writing.holdsTheEnd = true
    response.destroy()
    await closed
    writing.fails()
    await printed.reached
    expect(print.mock.calls).toEqual([[new Error('the store fails')]])
    expect(writing.errors).toEqual([])
  })

  it('and one that ended as it should: who goes on behind its end is asked as well, once', async () => {
    const closed = milestone()
    const { origin, writing } = await serve((response) => response.on('close', closed.reach).end('body'))
    const asked = ask(origin)
    await writing.begun()
    writing.done()
    await asked
    await closed.reached
    expect(writing.asked).toEqual([false, true])
  })
})

describe('a connection that ends', () => {
  it('by the server’s timeout, while the answer waits: nothing breaks', async () => {
    const closed = milestone()
    const { origin, writing, server } = await serve(async (response) => {
      response.on('close', closed.reach)
      response.write('body')
      await pipeline(createReadStream('package.json'), response).catch(() => undefined)
      response.end('more')
    })
    server.setTimeout(50)
    const asked = ask(origin)
    await Promise.all([expect(asked).rejects.toMatchObject({ code: 'ECONNRESET' }), closed.reached])
    writing.done()
    expect((await ask(`${origin}/plain`)).text).toBe('plain')
    expect(writing.errors).toEqual([])
  })

  it('by the program, while the answer waits', async () => {
    const { origin, writing } = await serve((response) => {
      response.end('body')
      response.destroy()
    })
    await expect(ask(origin)).rejects.toMatchObject({ code: 'ECONNRESET' })
    writing.done()
    expect((await ask(`${origin}/plain`)).text).toBe('plain')
    expect(writing.errors).toEqual([])
  })

  it('not by a server that is told to close: the answer that waits still comes', async () => {
    const { origin, writing, server } = await serve((response) => response.end('body'))
    const asked = ask(origin)
    await writing.begun()
    const closed = new Promise((resolve) => server.close(resolve))
    writing.done()
    expect((await asked).text).toBe('body')
    await closed
  })
})

describe('other ways to ask', () => {
  it('several requests on one connection: the answers come in their order', async () => {
    const { origin, writing } = await serve((response) => response.end('held'))
    const { port } = new URL(origin)
    const socket = connect(Number(port), '127.0.0.1')
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /plain HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
    const received = text(socket)
    await writing.begun()
    expect(await isWaiting(received, origin)).toBe(true)
    writing.done()
    expect((await received).match(/held|plain/g)).toEqual(['held', 'plain'])
  })

  it('HTTP/2', async () => {
    const writing = new Writing()
    const server = createHttp2Server((_request, response) => {
      holdBack(response as unknown as NodeResponse, writing.finish, (error) => writing.errors.push(error))
      response.writeHead(201, { 'x-one': '1' })
      expect(response.headersSent).toBe(true)
      response.end('body')
      expect(response.writableEnded).toBe(true)
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const client = connectHttp2(`http://127.0.0.1:${(server.address() as { port: number }).port}`)
    const stream = client.request({ ':path': '/' })
    const answered = once(stream, 'response')
    await writing.begun()
    writing.done()
    const [headers] = await answered
    expect(await text(stream)).toBe('body')
    expect(headers).toMatchObject({ ':status': 201, 'x-one': '1', vary: 'Cookie', 'set-cookie': [COOKIE] })
    expect(writing.errors).toEqual([])
    client.close()
    await new Promise((resolve) => server.close(resolve))
  })
})
