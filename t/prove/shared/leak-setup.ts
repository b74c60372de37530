/**
 * Watches a worker of the test suite for `leak`: what is secret (ids that a driver is given, texts that parameters are set to,
 * passwords), and what comes out (all that is printed, every message of an error and of its causes). Each goes to a file of its own.
 */

import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { threadId } from 'node:worker_threads'
import { afterAll } from 'vitest'
import { DriverGuard } from '../../../lib/driver-guard.js'
import { SessionError } from '../../../lib/errors.js'
import { Session, SessionManager } from '../../../lib/index.js'

const folder = process.env.DATA_SESSION_LEAK_FOLDER!

/** Lines that are kept until there are many, as JSON texts. */
class Lines {
  readonly #file: string
  #lines: string[] = []

  constructor(kind: 'secrets' | 'outputs') {
    this.#file = join(folder, `${kind}-${process.pid}-${threadId}`)
  }

  add(text: string): void {
    if (this.#lines.push(`${JSON.stringify(text)}\n`) >= 1000) this.write()
  }

  write(): void {
    const lines = this.#lines
    this.#lines = []
    if (lines.length > 0) appendFileSync(this.#file, lines.join(''))
  }
}

const secrets = new Lines('secrets')
const outputs = new Lines('outputs')

// biome-ignore lint/suspicious/noExplicitAny: methods of any kind
type Method = (...args: any[]) => unknown

/** Have a look at the arguments of every call. */
function watch<Target extends object>(target: Target, names: readonly (keyof Target)[], look: Method): void {
  for (const name of names) {
    const original = target[name] as Method
    const watched = function (this: unknown, ...args: unknown[]): unknown {
      look(...args)
      return original.apply(this, args)
    }
    Object.defineProperty(target, name, { value: watched, writable: true, configurable: true })
  }
}

function noteTexts(value: unknown): void {
  if (typeof value === 'string') secrets.add(value)
  else if (Array.isArray(value)) value.forEach(noteTexts)
}

watch(DriverGuard.prototype, ['retrieve', 'store', 'remove'], (id: unknown) => noteTexts(id))
watch(Session.prototype as { param: Method }, ['param'], (_name: unknown, value: unknown) => noteTexts(value))
watch(SessionManager as { create: Method }, ['create'], ({ password, dataSource }: Record<string, unknown> = {}) => {
  noteTexts(password)
  noteTexts(/:\/\/[^/@:]*:([^/@]+)@/.exec(String(dataSource))?.[1])
})
watch(process.stdout, ['write'], (text: unknown) => outputs.add(String(text)))
watch(process.stderr, ['write'], (text: unknown) => outputs.add(String(text)))
watch(console, ['log', 'info', 'warn', 'error', 'debug'], (...all: unknown[]) => outputs.add(all.map(String).join(' ')))
process.on('warning', ({ message }) => outputs.add(message))

/** Every SessionError sets its name when its message and its cause are there. */
Object.defineProperty(SessionError.prototype, 'name', {
  configurable: true,
  set(this: Error, name: string) {
    for (let error: unknown = this, depth = 0; error instanceof Error && depth < 5; error = error.cause, depth++) {
      // A cause is the client's own error, which programs print with the rest.
      outputs.add(`${depth === 0 ? 'message' : `cause of ${this.message}:`} ${error.message}`)
    }
    Object.defineProperty(this, 'name', { value: name, writable: true, configurable: true })
  },
})

afterAll(() => {
  secrets.write()
  outputs.write()
})
