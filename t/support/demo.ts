/** The demo as a user starts it: the built program, which its caller ends. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'

const program = resolve('dist/scripts/demo.js')

/** What still runs when a test has failed. */
const running = new Set<ChildProcess>()

/** End all demos that still run, and wait until they are gone. */
export async function killDemos(): Promise<void> {
  const ends = [...running].map((child) => once(child, 'close'))
  for (const child of running) child.kill('SIGKILL')
  await Promise.all(ends)
}

function start(folder: string, options: readonly string[], variables: Record<string, string> = {}) {
  if (!existsSync(program)) throw new Error(`${program} is missing: npm run build`)
  const env = { ...process.env, TMPDIR: folder, ...variables }
  const child = spawn(process.execPath, [program, ...options], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  running.add(child)
  child.on('close', () => running.delete(child))
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += chunk
    })
  }
  return Object.assign(child, { printed: () => output })
}

/** Run the demo to its end. It keeps its files in a folder, as its temporary one. */
export async function runDemo(folder: string, options: readonly string[], variables?: Record<string, string>) {
  const child = start(folder, options, variables)
  const [code] = await once(child, 'close')
  return { code, output: child.printed() }
}

/** A demo that serves, and what it printed about itself. */
export interface Demo {
  readonly origin: string
  /** The folder of the session files. */
  readonly sessions: string
  /** Send it a signal (default SIGINT) and wait for its exit code. */
  stop(signal?: NodeJS.Signals): Promise<number | null>
}

/** Start the demo on a free port. */
export async function serveDemo(folder: string, variables?: Record<string, string>): Promise<Demo> {
  const child = start(folder, ['--port', '0'], variables)
  while (!child.printed().includes('Ctrl-C')) {
    await Promise.race([once(child.stdout, 'data'), once(child, 'close')])
    if (child.exitCode !== null) throw new Error(`The demo ended: ${child.printed()}`)
  }
  const stop = async (signal: NodeJS.Signals = 'SIGINT') => {
    const closed = once(child, 'close')
    child.kill(signal)
    return (await closed)[0] as number | null
  }
  const origin = /http:\/\/127\.0\.0\.1:\d+/.exec(child.printed())![0]
  return { origin, sessions: /Session files: (.*)/.exec(child.printed())![1]!, stop }
}
