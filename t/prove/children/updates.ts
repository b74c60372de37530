/** Makes updates of sessions: t/prove/shared/updates.ts in a process of its own. */

import { answerTasks } from '../shared/answer-tasks.js'
import { Managers } from '../shared/managers.js'
import { type Updates, update } from '../shared/updates.js'

async function main(): Promise<void> {
  const managers = new Managers()
  await answerTasks((updates: Updates) => update(managers, updates))
  await managers.close()
}

void main()
