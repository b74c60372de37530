/** A dump into a store, some records at once: no more is read before the store has taken one of them. */

import type { Engine } from '../../lib/engine.js'
import { SessionError } from '../../lib/errors.js'
import { type DumpEntry, DumpError, DumpReader } from './dump-reader.js'
import { type DumpSource, SourceError } from './dump-source.js'
import { Importer } from './importer.js'
import type { Progress } from './progress.js'
import type { Tally } from './tally.js'

export interface ImportTask {
  readonly engine: Engine
  readonly source: DumpSource
  /** The longest record. */
  readonly maxBytes: number
  readonly overwrite: boolean
  readonly tally: Tally
  readonly progress: Progress
  /** Ends the import after the record at hand. */
  readonly signal: AbortSignal
}

/** How an import ended. */
export interface ImportEnd {
  /** Why it did not come to the end of the dump. */
  readonly problem?: string
  /** One of the records that were refused. */
  readonly refused?: Buffer | undefined
}

/** So many records are on their way to the store at once: a server takes several in the time of one. */
const AT_ONCE = 8

/** All records of a source, until it ends, the store fails or the signal comes. */
export async function runImport(task: ImportTask): Promise<ImportEnd> {
  const { source, signal } = task
  signal.addEventListener('abort', source.stop)
  try {
    return { refused: await takeAll(task) }
  } catch (error) {
    if (signal.aborted) return {}
    if (error instanceof DumpError || error instanceof SourceError || error instanceof SessionError) {
      return { problem: error.message }
    }
    throw error
  } finally {
    signal.removeEventListener('abort', source.stop)
    source.stop()
  }
}

/** @returns one of the records that were refused */
async function takeAll(task: ImportTask): Promise<Buffer | undefined> {
  const { engine, source, maxBytes, overwrite, tally, progress, signal } = task
  const reader = new DumpReader(maxBytes)
  const importer = new Importer(engine, overwrite)
  const entries = entriesOf(source, reader)
  let refused: Buffer | undefined
  const takeSome = async (): Promise<void> => {
    for await (const entry of entries) {
      const result = await importer.take(entry)
      if (result.outcome === 'refused') refused ??= entry.value
      tally.add(result)
      progress.show({ records: tally.read, part: source.size && Math.min(1, reader.bytes / source.size) })
      if (signal.aborted) break
    }
  }
  // When one ends, however it does, the entries end for all; each finishes what it has begun.
  const ends = await Promise.allSettled(Array.from({ length: AT_ONCE }, takeSome))
  for (const end of ends) if (end.status === 'rejected') throw end.reason
  return refused
}

async function* entriesOf(source: DumpSource, reader: DumpReader): AsyncIterable<DumpEntry> {
  try {
    for await (const chunk of source.stream) yield* reader.feed(chunk)
  } catch (error) {
    if (error instanceof DumpError) throw error
    throw new SourceError(`The dump cannot be read: ${(error as Error).message}`)
  }
  // Why a program failed says more than that its dump is cut off.
  await source.finish()
  reader.finish()
}
