/** Where a dump comes from: a file, the standard input, or the program that dumps a database. */

import { spawn } from 'node:child_process'
import { createReadStream, fstatSync, openSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Readable } from 'node:stream'

/** The text of a dump. */
export interface DumpSource {
  readonly stream: Readable
  /** Its length in bytes, where that is known. */
  readonly size: number | undefined
  /** To be called when the stream has ended. @throws {SourceError} when whoever wrote it failed */
  finish(): Promise<void>
  /** Do not go on; what runs is ended. */
  stop(): void
}

/** The dump does not come. */
export class SourceError extends Error {}

const LONGEST_COMPLAINT = 1000

/** A file that has the text of a dump. @throws {SourceError} */
export function dumpFile(path: string): DumpSource {
  try {
    const fd = openSync(path, 'r')
    return textOf(createReadStream('', { fd }), fd)
  } catch (error) {
    throw new SourceError(`Cannot read ${path}: ${(error as Error).message}`)
  }
}

/** The standard input. */
export function standardInput(): DumpSource {
  return textOf(process.stdin, 0)
}

function textOf(stream: Readable, fd: number): DumpSource {
  const stats = fstatSync(fd)
  return {
    stream,
    size: stats.isFile() ? stats.size : undefined,
    finish: async () => undefined,
    stop: () => stream.destroy(),
  }
}

/** How a database is dumped. */
export interface DumpCommand {
  /** The program. */
  readonly program: string
  readonly file: string
  /** The folder of the environment in which Perl opened the file. */
  readonly home: string | undefined
}

/** What a program prints about a database. */
export function dumpDatabase({ program, file, home }: DumpCommand): DumpSource {
  const args = ['-p', ...(home === undefined ? [] : ['-h', resolve(home)]), resolve(file)]
  // Ctrl-C in a terminal goes to every program of the group: this one is ended here, so that it does not look like a failure.
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true })
  let complaint = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(0, LONGEST_COMPLAINT)
  })
  const failure = new Promise<string | undefined>((fulfil) => {
    child.on('error', (error) => fulfil(whyNotStarted(program, error)))
    child.on('close', (code, signal) => fulfil(code === 0 ? undefined : `${program} ended with ${code ?? signal}`))
  })
  return {
    stream: child.stdout,
    size: undefined,
    finish: async () => {
      const problem = await failure
      if (problem === undefined) return
      const hint = complaint.includes('unexpected file type')
        ? '\nIf it is the text of a dump, give it with --dump'
        : ''
      throw new SourceError(`${problem}\n${complaint.trim()}${hint}`)
    },
    stop: () => {
      child.stdout.destroy()
      child.stderr.destroy()
      child.kill()
      // It may wait for a lock of the environment, and ends when it has got it.
      child.unref()
    },
  }
}

function whyNotStarted(program: string, error: NodeJS.ErrnoException): string {
  // A program that is nowhere is EACCES where PATH names a folder that may not be looked into.
  const problem = error.code === 'ENOENT' ? 'is not installed' : `cannot be started (${error.code})`
  return (
    `${program} ${problem}: apt install db5.3-util (on Debian), name another program with --dump-program, ` +
    'or make the dump on another machine and give it with --dump'
  )
}
