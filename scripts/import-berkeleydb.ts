#!/usr/bin/env node
/** Copies the sessions of a Berkeley DB file, which Node cannot share with Perl, into a store that it can. */

import { createEngine, type Engine } from '../lib/engine.js'
import { SessionError } from '../lib/errors.js'
import { type Arguments, readArguments, UsageError, usage } from './import/arguments.js'
import { type DumpSource, dumpDatabase, dumpFile, SourceError, standardInput } from './import/dump-source.js'
import { serializerOf } from './import/fitting-serializer.js'
import { Progress } from './import/progress.js'
import { type ImportEnd, runImport } from './import/run.js'
import { Tally } from './import/tally.js'
import { withPassword } from './shared/password.js'

/** The signals that end an import after the record at hand, and the status that a shell gives to each. */
const signals = { SIGINT: 130, SIGTERM: 143 } as const

/** As long as the serializers take a record, unless the option maxBytes says otherwise. */
const LONGEST_RECORD = 4 * 1024 * 1024

/** Where the dump comes from. @throws {UsageError} when somebody at a terminal named nothing */
function sourceOf({ file, home, program, dump }: Arguments): DumpSource {
  if (file !== undefined) return dumpDatabase({ program, file, home })
  if (dump !== undefined && dump !== '-') return dumpFile(dump)
  if (dump === undefined && process.stdin.isTTY) throw new UsageError('Name a Berkeley DB file, or --dump and its text')
  return standardInput()
}

/** Says what became of the sessions. @returns the status to end with */
async function importInto(engine: Engine, given: Arguments): Promise<number> {
  const { maxBytes = LONGEST_RECORD } = given.options as { maxBytes?: number }
  const progress = new Progress(process.stderr)
  const tally = new Tally((line) => progress.say(line))
  const stop = new AbortController()
  let status = 0
  for (const [signal, its] of Object.entries(signals)) {
    // The second one ends the program at once.
    process.once(signal, () => {
      status = its
      stop.abort()
    })
  }
  const source = sourceOf(given)
  const { overwrite } = given
  const end = await runImport({ engine, source, maxBytes, overwrite, tally, progress, signal: stop.signal })
  progress.clear()
  tally.tellRest()
  for (const line of await lastWords(engine, tally, end)) progress.say(line)
  process.stdout.write(`${tally}\n`)
  return status || (end.problem === undefined && tally.refused === 0 ? 0 : 1)
}

async function lastWords(engine: Engine, tally: Tally, { problem, refused }: ImportEnd): Promise<string[]> {
  const lines: string[] = []
  if (problem !== undefined) lines.push(problem)
  if (problem !== undefined && tally.read > 0) lines.push('What came before is done; give the same command to go on')
  if (refused === undefined || tally.refused < tally.read) return lines
  const { serialize } = engine.names
  const fitting = await serializerOf(refused, serialize)
  if (fitting === undefined || fitting === serialize) return lines
  return [...lines, `These records are not of serialize:${serialize}: give serialize:${fitting} in --type`]
}

async function run(given: Arguments): Promise<number> {
  if (given.help) {
    process.stdout.write(usage)
    return 0
  }
  const engine = await createEngine(await withPassword(given.options))
  if (engine.names.driver === 'Memory') throw new UsageError('driver:Memory forgets everything when this program ends')
  try {
    return await importInto(engine, given)
  } finally {
    await engine.driver.close()
  }
}

async function main(): Promise<void> {
  try {
    process.exitCode = await run(readArguments(process.argv.slice(2)))
  } catch (error) {
    const isWrongUse = error instanceof UsageError
    if (!isWrongUse && !(error instanceof SessionError) && !(error instanceof SourceError)) throw error
    process.stderr.write(`${error.message}\n${isWrongUse ? `\n${usage}` : ''}`)
    process.exitCode = isWrongUse ? 2 : 1
  }
}

main().catch((error: unknown) => {
  console.error(error)
  process.exitCode = 1
})
