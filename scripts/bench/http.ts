/**
 * Requests a second of a small page that reads its session, or reads and writes it: each web framework with this package, with the
 * middleware that its users have, and without any session.
 *
 * Each contender is a server in a process of its own; all of them take a short turn in each round, in random order. What counts is the
 * ratio to the same framework without a session in the same round: `npm run bench:http -- --rounds 9 --seconds 2`. Each session has a cart
 * of so many `--items`: eight of them are 1 KB.
 */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { contenders } from './http/contenders.js'
import { median, shuffle } from './measure.js'

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '9' },
    seconds: { type: 'string', default: '2' },
    connections: { type: 'string', default: '10' },
    items: { type: 'string', default: '8' },
  },
})

/** So many visitors take turns. */
const VISITORS = 200

type Autocannon = (settings: object) => Promise<{ requests: { average: number }; non2xx: number; errors: number }>

interface Server {
  readonly name: string
  readonly framework: string
  readonly process: ChildProcess
  readonly origin: string
  readonly cookies: readonly string[]
  readonly rates: { read: number[]; write: number[] }
}

const pages = ['read', 'write'] as const

/** A server with the sessions of all visitors; undefined where its packages are not installed. */
async function startServer(name: string, framework: string, folder: string): Promise<Server | undefined> {
  const { NODE_EXTRA_CA_CERTS: _, ...env } = process.env
  const child = spawn(process.execPath, [join(import.meta.dirname, 'http/server.js'), name, folder, options.items], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: { ...env, NODE_ENV: 'production' },
  })
  const [origin] = (await Promise.race([once(child, 'message'), once(child, 'exit').then(() => [undefined])])) as [
    string | undefined,
  ]
  if (origin === undefined) return undefined
  const cookies: string[] = []
  for (let visitor = 0; visitor < VISITORS; visitor++) {
    const answer = await fetch(`${origin}/begin`)
    await answer.text()
    cookies.push(
      answer.headers
        .getSetCookie()
        .map((cookie) => cookie.split(';')[0])
        .join('; '),
    )
  }
  return { name, framework, process: child, origin, cookies, rates: { read: [], write: [] } }
}

async function take(autocannon: Autocannon, { origin, cookies, rates, name }: Server): Promise<void> {
  for (const page of pages) {
    const requests = shuffle(cookies).map((cookie) => ({ path: `/${page}`, headers: cookie === '' ? {} : { cookie } }))
    const {
      requests: done,
      non2xx,
      errors,
    } = await autocannon({
      url: origin,
      connections: Number(options.connections),
      duration: Number(options.seconds),
      requests,
    })
    if (non2xx > 0 || errors > 0)
      throw new Error(`${name}: ${non2xx} answers were no success, ${errors} requests failed`)
    rates[page].push(done.average)
  }
}

function line(server: Server, servers: readonly Server[]): string {
  const base = servers.find(({ framework, name }) => framework === server.framework && name.endsWith('no session'))!
  const cells = pages.flatMap((page) => {
    const ratios = server.rates[page].map((rate, round) => rate / base.rates[page][round]!)
    return [Math.round(median(server.rates[page])), median(ratios).toFixed(2)]
  })
  return `| ${server.name} | ${cells.join(' | ')} |`
}

async function main(): Promise<void> {
  const autocannon = createRequire(import.meta.url)('autocannon') as Autocannon
  const folder = mkdtempSync(join(tmpdir(), 'data-session-bench-'))
  const servers: Server[] = []
  try {
    for (const { name, framework } of contenders) {
      const server = await startServer(name, framework, folder)
      if (server === undefined) console.error(`${name} is left out`)
      else servers.push(server)
    }
    for (let round = 0; round <= Number(options.rounds); round++) {
      for (const server of shuffle(servers)) await take(autocannon, server)
      // The first one warms up.
      if (round === 0) for (const { rates } of servers) for (const page of pages) rates[page].length = 0
      console.error(`round ${round} of ${options.rounds}`)
    }
    console.log('| server | read: requests/s | x | read and write: requests/s | x |\n|---|---:|---:|---:|---:|')
    for (const server of servers) console.log(line(server, servers))
  } finally {
    for (const server of servers) server.process.kill()
    rmSync(folder, { recursive: true })
  }
}

void main()
