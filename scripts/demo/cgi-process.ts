/** One run of a CGI program, as a process of its own. */

import { type ChildProcess, spawn } from 'node:child_process'
import { dirname } from 'node:path'
import { CgiError } from './cgi-output.js'

/** A program that the server may run. */
export interface CgiProgram {
  /** The path in the address, which must match exactly: `/cgi-bin/counter.pl`. */
  readonly path: string
  /** What runs it: `perl`, or the path of an interpreter. */
  readonly interpreter: string
  readonly file: string
  /** Variables for this program, beside those of the request. */
  readonly environment: Readonly<Record<string, string>>
  /** Whether its pages may hold parts of other programs (includes.ts). Default: no. */
  readonly includes?: boolean
}

const TIMEOUT_MS = 10_000
const MAX_OUTPUT_BYTES = 1024 * 1024
/** What a program gets of the server's own environment: where programs and Perl's modules are, and nothing else. */
const INHERITED = ['PATH', 'PERL5LIB', 'SystemRoot']

function environment(program: CgiProgram, request: Readonly<Record<string, string>>): Record<string, string> {
  const inherited = INHERITED.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]]))
  return { ...Object.fromEntries(inherited), ...request, ...program.environment, SCRIPT_FILENAME: program.file }
}

/** The programs that are running, so that they can be ended with the server. */
export class CgiProcesses {
  readonly #running = new Map<ChildProcess, Promise<unknown>>()

  /**
   * Run a program and return all that it printed. What it says on its stderr goes to the stderr of the server.
   * @throws {CgiError} when it cannot be started, fails, takes longer than 10 seconds or prints more than a megabyte
   */
  run(program: CgiProgram, request: Readonly<Record<string, string>>, body: Uint8Array): Promise<Buffer> {
    // No shell, and nothing of the request among the arguments.
    const child = spawn(program.interpreter, [program.file], {
      cwd: dirname(program.file),
      env: environment(program, request),
      stdio: ['pipe', 'pipe', 'inherit'],
      timeout: TIMEOUT_MS,
      killSignal: 'SIGKILL',
    })
    // A program need not read what was sent to it.
    child.stdin.on('error', () => {})
    child.stdin.end(body)
    const chunks: Buffer[] = []
    let size = 0
    child.stdout.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size > MAX_OUTPUT_BYTES) child.kill('SIGKILL')
      else chunks.push(chunk)
    })
    const ended = new Promise<Buffer>((resolve, reject) => {
      child.on('error', (cause) => reject(new CgiError(`it cannot be started: ${cause.message}`, { cause })))
      child.on('close', (code, signal) => {
        if (code === 0) resolve(Buffer.concat(chunks))
        else reject(new CgiError(code === null ? `it was ended by ${signal}` : `it ended with exit code ${code}`))
      })
    })
    this.#keep(child, ended)
    return ended
  }

  #keep(child: ChildProcess, ended: Promise<unknown>): void {
    const forget = () => void this.#running.delete(child)
    this.#running.set(child, ended.then(forget, forget))
  }

  /** End all programs, and wait until they are gone. */
  async stop(): Promise<void> {
    for (const child of this.#running.keys()) child.kill('SIGKILL')
    await Promise.all(this.#running.values())
  }
}
