/** The system calls of a program between two marks, and how to be in the way of one of them. */

import { readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Child, start } from '../../support/child.js'

/** The nth call of this name of a program, counted from its start. */
export interface Step {
  readonly call: string
  readonly nth: number
}

let runs = 0

/** Run a program once, and give its steps between its marks, each call as often as any of its threads makes it. */
export async function stepsOf(command: readonly string[], calls: readonly string[]): Promise<Step[]> {
  const file = join(tmpdir(), `data-session-steps-${process.pid}-${++runs}`)
  try {
    const traced = ['-f', '--seccomp-bpf', '-o', file, '-e', `trace=${[...calls, 'readlink']}`, '-e', 'signal=none']
    const child = start('strace', [...traced, ...command])
    child.process.stdin.end()
    await child.done
    return stepsIn(readFileSync(file, 'latin1'))
  } finally {
    rmSync(file, { force: true })
  }
}

function stepsIn(log: string): Step[] {
  const [before = '', between] = log.split('"/mark-begin"').flatMap((part) => part.split('"/mark-end"'))
  if (between === undefined) throw new Error('the program set no marks')
  const steps = new Map<string, Step>()
  const earlier = count(before)
  const all = count(before + between)
  for (const [key, most] of all) {
    const call = key.split(' ')[1]!
    for (let nth = (earlier.get(key) ?? 0) + 1; nth <= most; nth++) steps.set(`${call} ${nth}`, { call, nth })
  }
  return [...steps.values()]
}

/** How often each thread made each call. */
function count(log: string): Map<string, number> {
  const counts = new Map<string, number>()
  for (const [, thread, call] of log.matchAll(/^(\d+) +(\w+)\(/gm)) {
    if (call === 'readlink') continue
    counts.set(`${thread} ${call}`, (counts.get(`${thread} ${call}`) ?? 0) + 1)
  }
  return counts
}

/** Start a program to which something happens at a step: `signal=SIGKILL`, `error=EIO`. `andLater`: at all that follow, too. */
export function startDisturbed({ call, nth }: Step, what: string, command: readonly string[], andLater = false): Child {
  const inject = `inject=${call}:${what}:when=${nth}${andLater ? '+' : ''}`
  // Only the calls that are asked for are stopped at, which is faster; but then strace gives no signals.
  const fast = what.startsWith('error') ? ['--seccomp-bpf'] : []
  return start('strace', ['-f', ...fast, '-o', '/dev/null', '-e', `trace=${call}`, '-e', inject, ...command])
}
