/**
 * The test suite with all logging on: no session id, payload or password in anything that comes out. Looked for are the whole texts;
 * a part of one, or one that was changed (escaped, encoded), is not found. What tests print of themselves is looked at too.
 */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createReadStream, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { temporaryFolder } from '../support/folders.js'
import type { Finding, Proof, Run } from './shared/proof.js'

/** For a change: the engine, and drivers of each kind; the matrix repeats them for every format. */
const SOME = ['lib', 'drivers/File', 'drivers/SQLite', 'drivers/Redis.test', 'drivers/Memcached']
/** What is shorter stands in texts by chance. */
const SHORTEST = 12

/** Run tests as leak-setup.ts watches them. @returns what the run itself prints */
async function runTests(folder: string, files: readonly string[], log: Run['log']): Promise<string> {
  const args = [
    'run',
    '--config',
    't/prove/shared/leak.config.ts',
    '--outputFile',
    join(folder, 'report.json'),
    ...files,
  ]
  const env = { ...process.env, NODE_DEBUG: 'data-session', DATA_SESSION_LEAK_FOLDER: folder }
  const child = spawn(process.execPath, ['node_modules/vitest/vitest.mjs', ...args], { env })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  }
  const [code] = await once(child, 'close')
  log(`the tests ended with ${code}; some look at the errors of a quiet program`)
  return output
}

async function* textsOf(folder: string, kind: string): AsyncIterable<string> {
  for (const file of readdirSync(folder).filter((name) => name.startsWith(kind))) {
    for await (const line of createInterface({ input: createReadStream(join(folder, file)) })) yield JSON.parse(line)
  }
}

/** Words and phrases stand in messages by themselves: secret is what has letters and digits. */
const isSecret = (text: string) => text.length >= SHORTEST && /\d/.test(text) && /[a-z]/i.test(text)

/** Finds any of many texts in another one: by their beginnings, which are of one length. */
class Finder {
  readonly #byStart = new Map<string, string[]>()

  add(secret: string): void {
    const start = secret.slice(0, SHORTEST)
    const others = this.#byStart.get(start) ?? []
    if (!others.includes(secret)) this.#byStart.set(start, [...others, secret])
  }

  find(text: string): string | undefined {
    for (let at = 0; at + SHORTEST <= text.length; at++) {
      const secret = this.#byStart.get(text.slice(at, at + SHORTEST))?.find((one) => text.startsWith(one, at))
      if (secret !== undefined) return secret
    }
    return undefined
  }
}

async function run({ seconds, log, atLeast, exactly }: Run): Promise<readonly Finding[]> {
  const folder = temporaryFolder()
  const files = seconds < FULL ? SOME.map((name) => `t/${name}`) : []
  const printed = await runTests(folder, files, log)
  const finder = new Finder()
  let secrets = 0
  for await (const text of textsOf(folder, 'secrets')) {
    if (!isSecret(text)) continue
    finder.add(text)
    secrets++
  }
  let [outputs, leaked] = [0, 0]
  const look = (text: string): void => {
    outputs++
    const secret = finder.find(text)
    if (secret === undefined) return
    if (++leaked <= 20) log(`${JSON.stringify(text.slice(0, 400))} has ${JSON.stringify(secret.slice(0, 40))}`)
  }
  for await (const text of textsOf(folder, 'outputs')) look(text)
  for (const line of printed.split('\n')) look(line)
  log(`${secrets} secrets, ${outputs} outputs`)
  return [atLeast('outputs', outputs, 1000), atLeast('secrets', secrets, 1000), exactly('leaked', leaked)]
}

const FULL = 300

export default {
  summary: 'the test suite with all logging on: no session id, payload or password in any output',
  seconds: FULL,
  short: 60,
  run,
} satisfies Proof
