/** One session file under the hands of Perl's CGI::Session and Node at the same time. */

import { SessionManager } from '../../lib/index.js'
import { type Child, startNode, startPerl } from '../support/child.js'
import { temporaryFolder } from '../support/folders.js'
import { type Finding, isReached, type Proof, type Run } from './shared/proof.js'

const id = '0123456789abcdef0123456789abcdef'

/** On a slow machine it takes more than one to come to as many writes. */
const MOST_ROUNDS = 4

/** Who does what; each is a process. */
const crew = [
  ['Node', 'write'],
  ['Node', 'write'],
  ['Perl', 'write'],
  ['Perl', 'write'],
  ['Node', 'read'],
  ['Node', 'read'],
  ['Perl', 'read'],
] as const

const starters = {
  Node: (args: readonly string[]) => startNode('t/prove/children/hammer.ts', args),
  Perl: async (args: readonly string[]) => startPerl('t/prove/children/hammer.pl', args),
}

async function create(directory: string): Promise<void> {
  const sessions = await SessionManager.create({ directory, dialect: 'cgi-session' })
  await (await sessions.open({ id })).param({ n: 1, payload: 'a' }).flush()
  await sessions.close()
}

type Counts = Record<string, number>

/** All of the crew at once, for so long; what each has counted. */
async function hammer(directory: string, { seconds, random, log }: Run): Promise<Counts[]> {
  const children: Child[] = await Promise.all(
    crew.map(([language, task]) =>
      starters[language]([task, directory, id, String(seconds * 1000), String(random.seed())]),
    ),
  )
  const counts: Counts[] = (await Promise.all(children.map((child) => child.done))).map((output) => JSON.parse(output))
  for (const [index, [language, task]] of crew.entries()) log(`${language} ${task}: ${JSON.stringify(counts[index])}`)
  return counts
}

async function run(run: Run): Promise<readonly Finding[]> {
  const { atLeast, exactly } = run
  const directory = temporaryFolder()
  await create(directory)
  const counts: Counts[] = []
  const sum = (...names: string[]): number =>
    counts.flatMap((count) => names.map((name) => count[name] ?? 0)).reduce((total, count) => total + count, 0)
  const writes = (): Finding => atLeast('writes', sum('written'), 20_000)
  for (let round = 0; round < MOST_ROUNDS && !isReached(writes()); round++)
    counts.push(...(await hammer(directory, run)))
  return [
    writes(),
    exactly('torn', sum('torn')),
    // Who writes and finds nothing begins another session.
    exactly('empty', sum('empty', 'strangers')),
    exactly('vanished', sum('vanished')),
  ]
}

const proof: Proof = {
  summary: 'two languages write and read one session file of 1 to 60 KB',
  parts: 'perl',
  seconds: 20,
  short: 5,
  run,
}

export default proof
