/** Processes of a proof that do what they are told: a line of JSON for each task, and one for its answer (answer-tasks.ts). */

import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { type Child, startNode, startPerl } from '../../support/child.js'

/** Somebody who does one task after the other. */
export interface Worker<Task, Answer> {
  do(task: Task): Promise<Answer>
  end(): Promise<void>
}

function workerOf<Task, Answer>(child: Child): Worker<Task, Answer> {
  const lines = createInterface(child.process.stdout)
  // What it said on standard error is the reason.
  const failed = child.done.then(() => Promise.reject(new Error('a process of the proof ended too early')))
  failed.catch(() => undefined)
  return {
    async do(task) {
      const answer = once(lines, 'line')
      child.process.stdin.write(`${JSON.stringify(task)}\n`)
      const [line] = await Promise.race([answer, failed])
      return JSON.parse(line)
    },
    async end() {
      child.process.stdin.end()
      await child.done
    },
  }
}

/** Start a program of t/prove/children/ that answers tasks. */
export async function startWorker<Task, Answer>(
  program: string,
  args: readonly string[],
): Promise<Worker<Task, Answer>> {
  const path = `t/prove/children/${program}`
  return workerOf(program.endsWith('.pl') ? startPerl(path, args) : await startNode(path, args))
}
