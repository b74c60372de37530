/** Opens, flushes and removes sessions: t/prove/shared/logouts.ts in a process of its own. */

import { answerTasks } from '../shared/answer-tasks.js'
import { Racer, type Step } from '../shared/logouts.js'
import { Managers } from '../shared/managers.js'

async function main(): Promise<void> {
  const managers = new Managers()
  const racer = new Racer(managers)
  await answerTasks((step: Step) => racer.do(step))
  await managers.close()
}

void main()
