/** The other side of workers.ts. */

import { createInterface } from 'node:readline'

/** Answer every task, until there are no more. */
export async function answerTasks<Task, Answer>(answer: (task: Task) => Promise<Answer>): Promise<void> {
  for await (const line of createInterface(process.stdin)) {
    process.stdout.write(`${JSON.stringify(await answer(JSON.parse(line)))}\n`)
  }
}
