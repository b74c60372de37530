/** Writes or reads one session for so long: `node hammer.cjs <write|read> <directory> <id> <milliseconds> <seed>`. */

import { statSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { SerializeError, SessionManager } from '../../../lib/index.js'
import { fileStore } from '../../support/file-store.js'
import { problemOf } from '../../support/records.js'
import { Random } from '../shared/random.js'

const [task = '', directory = '', id = '', milliseconds = '', seed = ''] = process.argv.slice(2)
const random = new Random(Number(seed))
const counts: Record<string, number> = {}

function count(what: string): void {
  counts[what] = (counts[what] ?? 0) + 1
}

/** A request, which flushes now and then. */
async function write(sessions: SessionManager): Promise<void> {
  const inode = (): number => statSync(`${directory}/cgisess_${id}`).ino
  const session = await sessions.open({ id })
  if (session.isNew()) count('strangers')
  for (let flushes = 1 + random.below(16); flushes > 0; flushes--) {
    // All lengths from 1 to 60 KB, short ones more often than long ones, as in life.
    const n = Math.floor(900 * 66 ** (random.fraction() ** 2))
    session.param({ n, payload: String.fromCharCode(97 + random.below(26)).repeat(n) })
    const file = inode()
    if (await session.flush()) count('written')
    if (file !== inode()) count('vanished')
  }
}

async function read(driver: ReturnType<typeof fileStore>): Promise<void> {
  const record = await driver.retrieve(id)
  count('reads')
  if (record === undefined) count('empty')
  else if (problemOf(record) !== undefined) count('torn')
  await setTimeout(random.below(10))
}

/** A session that cannot be read is a torn one. */
async function countTorn(error: unknown): Promise<void> {
  if (!(error instanceof SerializeError)) throw error
  count('torn')
}

async function main(): Promise<void> {
  const end = performance.now() + Number(milliseconds)
  const sessions = await SessionManager.create({ directory, dialect: 'cgi-session' })
  const driver = fileStore({ directory })
  while (performance.now() < end) await (task === 'write' ? write(sessions).catch(countTorn) : read(driver))
  process.stdout.write(JSON.stringify(counts))
}

void main()
