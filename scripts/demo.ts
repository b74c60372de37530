/** The demo: one session, as a Node and a Perl CGI program keep and see it. `npm start -- --help` says more. */

import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { CgiServer, type CgiSite } from './demo/cgi-server.js'
import { demoSite, NODE_PATH, PERL_PATH, perlMissing } from './demo/site.js'
import { visitAll } from './demo/visits.js'

const HELP = `Usage: npm start -- [options]

Serves a page on 127.0.0.1 that shows one session as Node and as Perl see it: a CGI program in each language keeps it.

  --port N  the port; default 8080 or the next free one; 0 is any free one
  --once    let each program count a visit, print what happened and end
  --help    print this`

const DEFAULT_PORT = 8080
const PORTS_TO_TRY = 20

class UsageError extends Error {}

interface Settings {
  readonly port: number | undefined
  readonly once: boolean
  readonly help: boolean
}

function readArguments(): Settings {
  const { port, once = false, help = false } = parseOptions()
  if (port !== undefined && !(/^\d{1,5}$/.test(port) && Number(port) <= 65535)) {
    throw new UsageError('--port takes a number from 0 to 65535')
  }
  return { port: port === undefined ? undefined : Number(port), once, help }
}

function parseOptions() {
  const options = { port: { type: 'string' }, once: { type: 'boolean' }, help: { type: 'boolean' } } as const
  try {
    return parseArgs({ options }).values
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

/** Listen on the port that was asked for, or on the first free one from 8080. */
async function listen(site: CgiSite, asked: number | undefined): Promise<CgiServer> {
  const ports = asked === undefined ? Array.from({ length: PORTS_TO_TRY }, (_, index) => DEFAULT_PORT + index) : [asked]
  let code: string | undefined
  for (const port of ports) {
    try {
      return await CgiServer.listen(site, port)
    } catch (error) {
      code = (error as NodeJS.ErrnoException).code
    }
  }
  throw new UsageError(`Cannot listen on port ${ports.at(-1)} (${code}): choose another with --port`)
}

function fail(): void {
  process.exitCode = 1
}

async function serve(server: CgiServer, directory: string, ended: Promise<unknown>) {
  console.log(`Open ${server.origin}/`)
  console.log(`Session files: ${directory}\nCtrl-C ends the demo and removes them.`)
  await ended
}

async function visitOnce(server: CgiServer, withPerl: boolean): Promise<void> {
  const counted = await visitAll(server.origin, [NODE_PATH, withPerl ? PERL_PATH : NODE_PATH])
  if (!counted) fail()
}

async function run(directory: string, settings: Settings, ended: Promise<unknown>): Promise<void> {
  const missing = perlMissing()
  if (missing !== undefined)
    console.log(`${missing.reason} The demo goes on with Node alone. (${missing.help.join(', or ')})`)
  const server = await listen(demoSite(directory, missing), settings.once ? (settings.port ?? 0) : settings.port)
  try {
    if (settings.once) await Promise.race([visitOnce(server, missing === undefined), ended.then(fail)])
    else await serve(server, directory, ended)
  } finally {
    await server.stop()
  }
}

/** When somebody ends the program. Ctrl-C may come twice, from the terminal and from npm. */
function whenEnded(): Promise<unknown> {
  const end = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => end.abort())
  return once(end.signal, 'abort')
}

async function main(): Promise<void> {
  const settings = readArguments()
  if (settings.help) return console.log(HELP)
  // From here on there is something to remove.
  const ended = whenEnded()
  const directory = mkdtempSync(join(tmpdir(), 'data-session-demo-'))
  try {
    await run(directory, settings, ended)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

main().catch((error: unknown) => {
  console.error(error instanceof UsageError ? error.message : error)
  process.exitCode = 1
})
