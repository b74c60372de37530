/** Writes that fail: the old session is whole, the error has a code, and a flush works when the trouble is over. */

import { spawnSync } from 'node:child_process'
import { tmpdir } from 'node:os'
import { dirname } from 'node:path'
import type { ManagerOptions } from '../../lib/index.js'
import { bundle, type Child, start } from '../support/child.js'
import { absent } from './shared/drivers.js'
import { type Embedded, embedded, newPlace } from './shared/embedded.js'
import { type Case, Verdicts, watch } from './shared/failing-writes.js'
import { flushWith, OLD } from './shared/flush-end.js'
import { inParallel, shuffled } from './shared/many.js'
import type { Proof, Run } from './shared/proof.js'
import { type Step, startDisturbed, stepsOf } from './shared/steps.js'

const AT_ONCE = 3
const TIMEOUT = ['timeout', '-k', '1', '20']

/** The calls that write, and how each may fail. */
const errorsOf: Readonly<Record<string, readonly string[]>> = {
  openat: ['EIO', 'ENOSPC', 'EMFILE'],
  flock: ['ENOLCK'],
  fcntl: ['EIO'],
  rename: ['EIO', 'ENOSPC'],
  link: ['EIO', 'ENOSPC'],
  unlink: ['EIO'],
}
const errorsOfWrites = ['EIO', 'ENOSPC', 'EDQUOT']
const writes = ['pwrite64', 'pwritev', 'writev', 'ftruncate', 'fsync', 'fdatasync', 'msync']
const calls = [...Object.keys(errorsOf), ...writes]

async function newCase(kind: Embedded): Promise<Case & { folder: string }> {
  const { options, path } = await newPlace(kind)
  const type = `driver:${kind.driver};serialize:${kind.padding ? 'DataDumper' : 'FreezeThaw'}`
  const all = { type, ...options } as ManagerOptions
  const folder = kind.driver === 'SQLite' ? dirname(path) : path
  const program = await bundle('t/prove/children/failing-write.ts')
  const command = (trouble: string): string[] => [
    ...TIMEOUT,
    process.execPath,
    program,
    trouble,
    JSON.stringify(all),
    folder,
  ]
  return { title: kind.title, options: all, folder, command }
}

/** One call fails; or all of its kind from that one on, which another process then makes good. */
async function disturb(one: Case, step: Step, error: string, andLater: boolean, verdicts: Verdicts): Promise<void> {
  await flushWith(one.options, OLD)
  const begin = (): Child => startDisturbed(step, `error=${error}`, one.command('a system call'), andLater)
  const what = `${one.title}: ${error} at ${step.call} ${step.nth}${andLater ? ' and later' : ''}`
  await watch(one, begin, what, verdicts, andLater)
}

async function disturbAll(kind: Embedded, verdicts: Verdicts, run: Run, end: number): Promise<void> {
  const one = await newCase(kind)
  await flushWith(one.options, OLD)
  const steps = await stepsOf(one.command('a system call'), calls)
  const faults = steps.flatMap((step) =>
    (errorsOf[step.call] ?? errorsOfWrites).flatMap((error) =>
      // Node itself cannot end without fcntl.
      [false, ...(step.call === 'fcntl' ? [] : [true])].map((andLater) => ({ step, error, andLater })),
    ),
  )
  for (const { step, error, andLater } of shuffled(faults, run.random)) {
    if (performance.now() > end) return
    await disturb(one, step, error, andLater, verdicts)
  }
}

/** Troubles of a whole file system or process. */
const conditions: readonly (readonly [trouble: string, prefix: (folder: string) => readonly string[]])[] = [
  ['a full disk', mounted],
  ['a full disk from the start', mounted],
  ['a read-only disk', mounted],
  ['a read-only folder', () => []],
  ['no descriptors', limited],
  ['no descriptors from the start', limited],
]

function mounted(folder: string): readonly string[] {
  return ['unshare', '-rm', 'sh', '-c', 'mount -t tmpfs -o size=3m tmpfs "$0" && exec "$@"', folder]
}

function limited(): readonly string[] {
  return ['sh', '-c', 'ulimit -n 60; exec "$@"', 'sh']
}

function mayMount(): boolean {
  return spawnSync('unshare', ['-rm', 'mount', '-t', 'tmpfs', 'tmpfs', tmpdir()]).status === 0
}

async function suffer(kind: Embedded, verdicts: Verdicts, isMountable: boolean): Promise<void> {
  for (const [trouble, prefix] of conditions) {
    if (prefix === mounted && !isMountable) continue
    const one = await newCase(kind)
    await flushWith(one.options, OLD)
    const [command, ...args] = [...prefix(one.folder), ...one.command(trouble)] as [string, ...string[]]
    await watch(one, () => start(command, args), `${kind.title}: ${trouble}`, verdicts)
  }
}

const proof: Proof = {
  summary: 'a write that fails leaves the old session, gives an error with a code, and the next flush works',
  parts: 'strace',
  seconds: 60,
  short: 25,
  async run(run) {
    const kinds = embedded.filter(({ part }) => absent(part) === undefined)
    const verdicts = new Verdicts(run.log)
    const isMountable = mayMount()
    if (!isMountable) run.log('full and read-only disks are left out: no file system may be mounted here')
    await inParallel(kinds, AT_ONCE, (kind) => suffer(kind, verdicts, isMountable))
    const rounds = Math.ceil(kinds.length / AT_ONCE)
    const share = (run.end - performance.now()) / rounds
    await inParallel(kinds, AT_ONCE, (kind) => disturbAll(kind, verdicts, run, performance.now() + share))
    run.log(
      `${verdicts.failed} of ${verdicts.cases} flushes failed, ${verdicts.newDespiteError} of them after they had written`,
    )
    return [
      run.atLeast('cases', verdicts.cases, 100),
      run.exactly('oldLost', verdicts.oldLost),
      run.exactly('untyped', verdicts.untyped),
      run.exactly('notRecovered', verdicts.notRecovered),
    ]
  },
}

export default proof
