/** A small web server for CGI programs (RFC 3875): a listed path runs its program, anything else is not found. */

import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Answer, CgiError, readCgiOutput } from './cgi-output.js'
import { CgiProcesses, type CgiProgram } from './cgi-process.js'
import { expandIncludes } from './includes.js'
import { page as htmlPage } from './page.js'

/** What the server serves. */
export interface CgiSite {
  readonly programs: readonly CgiProgram[]
  /** Answers that are always the same, by path. */
  readonly fixed: Readonly<Record<string, Answer>>
}

const HOST = '127.0.0.1'
const MAX_BODY_BYTES = 64 * 1024
const REQUEST_TIMEOUT_MS = 10_000
const METHODS = ['GET', 'HEAD', 'POST']
/** For all pages: no scripts, and nothing from elsewhere. */
const SAFETY = [
  ['Content-Security-Policy', "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'"],
  ['X-Content-Type-Options', 'nosniff'],
] as const
/** CGI has variables of its own for the first two; programs have no use for a password; `Proxy` would be HTTP_PROXY. */
const NOT_PASSED_ON = new Set(['content-length', 'content-type', 'authorization', 'proxy-authorization', 'proxy'])

function page(status: number, title: string, sentence: string): Answer {
  const headers = [['Content-Type', 'text/html; charset=utf-8']] as const
  return { status, headers, body: htmlPage(title, `<p class="lead">${sentence}</p>`) }
}

const NOT_FOUND = page(404, 'Not found', 'There is no program at this address.')
const TOO_LARGE = page(413, 'Too large', `A request may carry at most ${MAX_BODY_BYTES} bytes.`)
const FAILED = page(500, 'The program failed', 'The CGI program failed; the server’s terminal says why.')
/** In place of what a program should have told a page. */
const FAILED_PART =
  '<section class="card"><p>This part of the page failed; the server’s terminal says why.</p></section>\n'
const NOT_ALLOWED = page(405, 'Not allowed', `Programs answer ${METHODS.join(', ')} only.`)

/** The body; undefined when it is too long. It is read to its end even then, as the client listens only afterwards. */
async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size <= MAX_BODY_BYTES) chunks.push(chunk)
  }
  return size <= MAX_BODY_BYTES ? Buffer.concat(chunks) : undefined
}

/** `Accept-Language` as HTTP_ACCEPT_LANGUAGE. Names with an underscore could pass for another header and are left out. */
function headerVariables(request: IncomingMessage): [string, string][] {
  return Object.entries(request.headers)
    .filter(([name]) => /^[a-z0-9-]+$/.test(name) && !NOT_PASSED_ON.has(name))
    .map(([name, value]) => [`HTTP_${name.toUpperCase().replaceAll('-', '_')}`, String(value)])
}

/** The variables of a request (RFC 3875, section 4.1). */
function requestVariables(
  request: IncomingMessage,
  path: string,
  query: string,
  body: Uint8Array,
): Record<string, string> {
  const type = request.headers['content-type']
  return {
    ...Object.fromEntries(headerVariables(request)),
    ...(body.length > 0 && { CONTENT_LENGTH: String(body.length) }),
    ...(type !== undefined && { CONTENT_TYPE: type }),
    GATEWAY_INTERFACE: 'CGI/1.1',
    QUERY_STRING: query,
    REMOTE_ADDR: request.socket.remoteAddress ?? HOST,
    REQUEST_METHOD: request.method ?? 'GET',
    SCRIPT_NAME: path,
    SERVER_NAME: HOST,
    SERVER_PORT: String(request.socket.localPort),
    SERVER_PROTOCOL: `HTTP/${request.httpVersion}`,
    SERVER_SOFTWARE: 'data-session-demo',
  }
}

/** A running server. It listens on 127.0.0.1 alone. */
export class CgiServer {
  readonly #server: Server
  readonly #processes = new CgiProcesses()
  readonly #programs: ReadonlyMap<string, CgiProgram>
  readonly #fixed: ReadonlyMap<string, Answer>

  private constructor({ programs, fixed }: CgiSite) {
    this.#programs = new Map(programs.map((program) => [program.path, program]))
    this.#fixed = new Map(Object.entries(fixed))
    this.#server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS }, (request, response) => {
      void this.#serve(request, response)
    })
  }

  /** Start a server on a port; 0 is any free one. Fails with EADDRINUSE when the port is taken. */
  static async listen(site: CgiSite, port: number): Promise<CgiServer> {
    const server = new CgiServer(site)
    server.#server.listen(port, HOST)
    await once(server.#server, 'listening')
    return server
  }

  /** Where it listens: `http://127.0.0.1:8080`. */
  get origin(): string {
    return `http://${HOST}:${(this.#server.address() as AddressInfo).port}`
  }

  /** Stop listening and end the programs that are running. */
  async stop(): Promise<void> {
    this.#server.close()
    this.#server.closeAllConnections()
    await this.#processes.stop()
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const { status, headers, body } = await this.#answer(request)
      const length = ['Content-Length', String(Buffer.byteLength(body))] as const
      response.writeHead(status, [...headers, ...SAFETY, length].flat()).end(body)
    } catch {
      // The client went away while it was sending.
      response.destroy()
    }
  }

  async #answer(request: IncomingMessage): Promise<Answer> {
    // Not decoded, not normalised: an address that is spelt in another way is another address.
    const [, path = '', query = ''] = /^([^?]*)\??(.*)$/.exec(request.url ?? '') ?? []
    const body = await readBody(request)
    const fixed = this.#fixed.get(path)
    if (fixed !== undefined) return fixed
    const program = this.#programs.get(path)
    if (program === undefined) return NOT_FOUND
    if (!METHODS.includes(request.method ?? '')) {
      return { ...NOT_ALLOWED, headers: [...NOT_ALLOWED.headers, ['Allow', METHODS.join(', ')]] }
    }
    if (body === undefined) return TOO_LARGE
    const variables = requestVariables(request, path, query, body)
    const answer = await this.#run(program, variables, body)
    return program.includes === true ? this.#withIncludes(answer, variables) : answer
  }

  async #withIncludes(answer: Answer, variables: Record<string, string>): Promise<Answer> {
    const html = Buffer.from(answer.body).toString()
    return { ...answer, body: await expandIncludes(html, (path) => this.#include(path, variables)) }
  }

  /** What another program, or a fixed answer, adds to a page. It gets the cookies of the page's request. */
  async #include(path: string, variables: Record<string, string>): Promise<string> {
    const program = this.#programs.get(path)
    const { CONTENT_LENGTH: _length, CONTENT_TYPE: _type, ...request } = variables
    // The protocol's name is how a program knows (RFC 3875, section 4.1.16).
    const own = { REQUEST_METHOD: 'GET', QUERY_STRING: '', SCRIPT_NAME: path, SERVER_PROTOCOL: 'INCLUDED' }
    const included =
      program === undefined ? this.#fixed.get(path) : await this.#run(program, { ...request, ...own }, Buffer.of())
    return included?.status === 200 ? Buffer.from(included.body).toString() : FAILED_PART
  }

  async #run(program: CgiProgram, variables: Record<string, string>, body: Buffer): Promise<Answer> {
    try {
      return readCgiOutput(await this.#processes.run(program, variables, body))
    } catch (error) {
      if (!(error instanceof CgiError)) throw error
      console.error(`${program.path}: ${error.message}`)
      return FAILED
    }
  }
}
