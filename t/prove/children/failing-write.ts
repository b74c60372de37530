/**
 * A flush that fails, and another one when the trouble is over: `node failing-write.cjs <trouble> <options of the manager as JSON>
 * <folder>`. Says as JSON how each ended and what the store had then, which it may have to be told.
 */

import { spawnSync } from 'node:child_process'
import { chmodSync, chownSync, closeSync, openSync, readdirSync, readSync, rmSync, statSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { type ManagerOptions, SessionManager } from '../../../lib/index.js'
import { endOf, flushWith, id, type Kept, kept, NEW, OLD, recordNow } from '../shared/flush-end.js'
import { mark } from '../shared/mark.js'

const [name = '', given = '{}', folder = ''] = process.argv.slice(2)
const options = JSON.parse(given) as ManagerOptions

/** What makes writes fail from `begin` to `end`. */
interface Trouble {
  begin(): void
  end(): void
  /** The folder is a file system of its own, and empty. */
  readonly isMounted?: true
  /** It cannot begin while the store is open, which is opened in the middle of it. */
  readonly isOpenedWithin?: true
}

const taken: number[] = []

const troubles: Readonly<Record<string, Trouble>> = {
  'a system call': { begin: () => mark('begin'), end: () => mark('end') },
  'a full disk': { begin: fill, end: empty, isMounted: true },
  'a full disk from the start': { begin: fill, end: empty, isMounted: true, isOpenedWithin: true },
  'a read-only disk': { begin: () => remount('ro'), end: () => remount('rw'), isMounted: true, isOpenedWithin: true },
  'a read-only folder': { begin: () => permit(0), end: () => permit(0o200), isOpenedWithin: true },
  'no descriptors': { begin: takeAll, end: giveBack },
  'no descriptors from the start': { begin: takeAll, end: giveBack, isOpenedWithin: true },
}

/** Leave not one page. */
function fill(): void {
  const fd = openSync(join(folder, 'filler'), 'w')
  try {
    for (;;) writeSync(fd, Buffer.alloc(4096))
  } catch {
    closeSync(fd)
  }
}

function empty(): void {
  rmSync(join(folder, 'filler'))
}

function remount(how: 'ro' | 'rw'): void {
  const { status, stderr } = spawnSync('mount', ['-o', `remount,${how}`, folder], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`the disk cannot be ${how}: ${stderr}`)
}

/** Let the owner write or not. Root may write anyway, so it becomes somebody else. */
function permit(write: 0 | 0o200): void {
  const nobody = 65_534
  const isRoot = process.getuid!() === 0
  if (isRoot) process.seteuid!(0)
  for (const file of [folder, ...readdirSync(folder).map((entry) => join(folder, entry))]) {
    if (isRoot) chownSync(file, nobody, nobody)
    chmodSync(file, (statSync(file).isDirectory() ? 0o500 : 0o400) | write)
  }
  if (isRoot) process.seteuid!(nobody)
}

function takeAll(): void {
  try {
    for (;;) taken.push(openSync('/dev/null', 'r'))
  } catch {
    // That was the last.
  }
}

function giveBack(): void {
  for (const fd of taken.splice(0)) closeSync(fd)
}

async function main(): Promise<void> {
  const { begin, end, isMounted, isOpenedWithin } = troubles[name]!
  const sessions = await SessionManager.create(options)
  if (isMounted && sessions.type.includes('SQLite')) await sessions.createTable()
  if (isMounted) await flushWith(options, OLD)
  const before = await recordNow(options)
  const session = isOpenedWithin ? undefined : await sessions.open({ id })
  session?.param('text', NEW)
  const flush = (): Promise<unknown> => session?.flush() ?? flushWith(options, NEW)
  if (isOpenedWithin) await sessions.close()
  // Another process looks where it can: in this one two drivers may share what is broken.
  const look = async (said: object): Promise<Kept> => (isMounted ? kept(options, before) : ask(said))
  begin()
  const first = await endOf(flush)
  end()
  const after = await look({ first })
  const second = await endOf(flush)
  await sessions.close()
  const last = await look({ second })
  say({ first, after, second, last })
  process.exit()
}

function say(what: object): void {
  writeSync(1, `${JSON.stringify(what)}\n`)
}

/** Tell how a flush ended, and be told what the store has. (Not by a stream, which may need a call that fails.) */
function ask(said: object): Kept {
  say(said)
  const answer = Buffer.alloc(10)
  const length = readSync(0, answer)
  if (length === 0) process.exit()
  return answer.toString('latin1', 0, length) as Kept
}

void main()
