/**
 * Servers that tests start for themselves: each in a temporary folder, on a free loopback port, as a user that is not root, and
 * gone when the tests end, however they end.
 */

import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'

/** A server that answers. */
export interface RunningServer<Settings> {
  /** What a test needs to reach it; plain data. */
  readonly settings: Settings
  stop(): Promise<void>
  /** Only of one that was started here. */
  readonly control?: ServerControl
}

/** What may be done to a server that nobody else uses. */
export interface ServerControl {
  /** Send a signal to all its processes. */
  signal(name: NodeJS.Signals): void
  /** End it, well or with SIGKILL, and start it anew with the same files on the same port; fulfilled when it answers. */
  restart(options?: { kill?: boolean }): Promise<void>
}

/** Where a server may put its files, and what it listens on. */
export interface Place {
  readonly folder: string
  readonly port: number
  /** Run a program to its end, as the user that the server runs as; its output. */
  run(command: string, args: readonly string[]): string
}

export interface ServerProgram {
  /** It reads files of the project, which another user than ours may not be able to; it must not mind being root. */
  readonly asOurselves?: true
  /** Put files into the folder that the server needs. */
  prepare?(place: Place): void
  /** The program, in the foreground, and its arguments. */
  command(place: Place): readonly [command: string, ...args: string[]]
  /** The signal that ends it at once, and well. */
  readonly stopSignal: 'INT' | 'TERM'
  /** Rejects until the server answers. */
  probe(place: Place): Promise<unknown>
}

/** What the servers ask for: signs that URLs, SQL and connection strings each treat in their own way. */
export const PASSWORD = 'pw-of-tests/%;\' "x'

const STARTS_WITHIN = 55_000
const ATTEMPTS = 3

/**
 * Runs a program until the standard input ends, which it also does when the parent is killed, or has a line; then ends the program
 * by its own process id. Runs it again when there is a file `again`; otherwise removes its folder.
 */
const keeper = `
  signal=$1 folder=$2; shift 2; exec 3<&0
  while
    "$@" 3<&- & server=$!; echo "$server" > process
    { read -r _ <&3; kill -s "$signal" "$server"; kill -s CONT "$server"; } & watcher=$!
    wait "$server"; kill "$watcher" 2>/dev/null
    rm again 2>/dev/null
  do :; done
  cd /; rm -rf "$folder"
`

/** The path of a program, in PATH or where Debian has servers; undefined when it is not there. */
export function programPath(name: string): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin']
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path))
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}

/** Database servers refuse to run as root: whom to be instead. */
function ordinaryUser(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {}
  const [uid, gid] = ['-u', '-g'].map((flag) => Number(execFileSync('id', [flag, 'nobody'], { encoding: 'utf8' })))
  return { uid: uid!, gid: gid! }
}

function newPlace(port: number, user: { uid?: number; gid?: number }): Place {
  // Unix sockets have short names, so the folder's is short.
  const folder = mkdtempSync(join(tmpdir(), 'data-session-'))
  if (user.uid !== undefined) chownSync(folder, user.uid, user.gid!)
  chmodSync(folder, 0o755)
  const run = (command: string, args: readonly string[]): string =>
    execFileSync(command, args, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], ...user })
  return { folder, port, run }
}

interface Launched {
  readonly place: Place
  readonly control: ServerControl
  stop(): Promise<void>
}

/** A server that answers; or what it said, when it ended at once: the port may have been taken meanwhile. */
async function launch(program: ServerProgram): Promise<Launched | string> {
  const user = program.asOurselves ? {} : ordinaryUser()
  const place = newPlace(await freePort(), user)
  try {
    program.prepare?.(place)
  } catch (error) {
    rmSync(place.folder, { recursive: true, force: true })
    throw error
  }
  const child = spawn('sh', ['-c', keeper, 'sh', program.stopSignal, place.folder, ...program.command(place)], {
    cwd: place.folder,
    detached: true,
    ...user,
  })
  let log = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      log = (log + text).slice(-4000)
    })
  }
  let ended = false
  const end = once(child, 'exit').then(() => {
    ended = true
  })
  const stop = async (): Promise<void> => {
    child.stdin.end()
    await end
  }
  /** False when it ended meanwhile. */
  const answers = async (): Promise<boolean> => {
    for (const deadline = Date.now() + STARTS_WITHIN; !ended; await pause()) {
      try {
        await program.probe(place)
        // Another program might have taken the port, and answered.
        return !ended
      } catch (error) {
        if (Date.now() < deadline) continue
        await stop()
        throw new Error(`it does not answer: ${(error as Error).message}\n${log}`)
      }
    }
    return false
  }
  const processes = (): number[] => family(readFileSync(join(place.folder, 'process'), 'utf8').trim())
  const signal = (name: NodeJS.Signals): void => send(processes(), name)
  /** The children first: PostgreSQL does not start while one of its last life has its memory. */
  const kill = async (): Promise<void> => {
    signal('SIGSTOP')
    const [server, ...children] = processes()
    send(children, 'SIGKILL')
    while (children.some(isRunning)) await pause()
    send([server!], 'SIGKILL')
  }
  const restart = async ({ kill: isKilled = false } = {}): Promise<void> => {
    const again = join(place.folder, 'again')
    writeFileSync(again, '')
    if (isKilled) await kill()
    else child.stdin.write('\n')
    while (existsSync(again) && !ended) await pause()
    if (!(await answers())) throw new Error(`it did not start again:\n${log}`)
  }
  return (await answers()) ? { place, control: { signal, restart }, stop } : log
}

const pause = () => new Promise((resolve) => setTimeout(resolve, 50))

/** A process and those that it started, itself first. */
function family(pid: string): number[] {
  const file = `/proc/${pid}/task/${pid}/children`
  const children = existsSync(file) ? readFileSync(file, 'utf8').split(' ').filter(Boolean) : []
  return [Number(pid), ...children.flatMap(family)]
}

function send(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal)
    } catch {
      // It ended meanwhile.
    }
  }
}

/** Not gone, and not about to be collected by its parent. */
function isRunning(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}

/** Start a server, and wait until it answers. */
export async function startServer<Settings>(
  program: ServerProgram,
  settingsOf: (place: Place) => Settings,
): Promise<RunningServer<Settings>> {
  let log = ''
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const launched = await launch(program)
    if (typeof launched !== 'string') {
      const { place, stop, control } = launched
      return { settings: settingsOf(place), stop, control }
    }
    log = launched
  }
  throw new Error(`it ended at once:\n${log}`)
}

/** What a server says within a second to a line of text, for probes. @throws when it says nothing that fits */
export async function answerTo(port: number, line: string, expected: RegExp): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1', timeout: 1000 })
  socket.on('timeout', () => socket.destroy(new Error('no answer')))
  try {
    socket.write(`${line}\r\n`)
    const [said] = (await once(socket.setEncoding('utf8'), 'data')) as [string]
    if (!expected.test(said)) throw new Error(`it answers ${said}`)
  } finally {
    socket.destroy()
  }
}
