/** Where an environment comes from: opened in a folder, or a live database that the program hands over. */

import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import type { OptionReader } from '../../lib/contracts.js'
import { OptionError } from '../../lib/errors.js'
import { loadFlock } from '../../lib/flock.js'
import { loadPeer } from '../../lib/peer.js'
import type { Opened } from '../keyed/keyed-driver.js'
import { clientOf, type KeyedOptions } from '../keyed/options.js'
import { Environment } from './environment.js'
import { assertEnvironment, makeFolder } from './folder.js'
import { Gate } from './gate.js'
import type { Database, Lmdb } from './lmdb.js'

type EnvironmentOptions = KeyedOptions & { readonly directory: string | undefined; readonly noFlock: boolean }

/** Reads `directory`. */
export const directoryReader: OptionReader<string | undefined> = (value, name) => {
  if (value === undefined) return undefined
  if (typeof value === 'string' && value !== '' && !value.includes('\0')) return resolve(value)
  throw new OptionError(
    name,
    `Option '${name}' must be the path of the folder where the LMDB environment is, or will be`,
  )
}

/**
 * What opens the environment that the options name.
 * @throws {OptionError} when they name none, or two
 */
export function openEnvironment(options: EnvironmentOptions): () => Promise<Opened<Environment>> {
  const { cache, directory } = options
  if (directory !== undefined && cache !== undefined) {
    throw new OptionError(
      'directory',
      "Option 'directory' and option 'cache' are two places for the sessions: give one",
    )
  }
  if (directory !== undefined) return () => openFolder(directory, options)
  if (cache !== undefined) return async () => adopt(await clientOf(options), options)
  throw new OptionError(
    'directory',
    "driver:BerkeleyDB needs option 'directory', the folder of an LMDB environment, or option 'cache', a live LMDB database",
  )
}

function newGate(directory: string, { timeout, noFlock }: EnvironmentOptions): Gate | undefined {
  return noFlock ? undefined : new Gate(directory, loadFlock('BerkeleyDB'), timeout)
}

/** Like File's new files, less the process's umask. */
const FILE_MODE = 0o660
/** Processes that are at work at once: 64 bytes of lock.mdb each. lmdb's own default is 126. */
const MOST_PROCESSES = 1024

async function openFolder(directory: string, options: EnvironmentOptions): Promise<Opened<Environment>> {
  const lmdb = loadPeer<Lmdb>('lmdb', 'driver:BerkeleyDB')
  makeFolder(directory)
  const gate = newGate(directory, options)
  if (gate === undefined) {
    const db = openDatabase(lmdb, directory)
    return { client: new Environment(db, options.timeout, gate), close: () => db.close() }
  }
  try {
    const db = await gate.alone(() => openDatabase(lmdb, directory))
    return { client: new Environment(db, options.timeout, gate), close: () => closeDatabase(db, gate) }
  } catch (error) {
    gate.close()
    throw error
  }
}

async function closeDatabase(db: Database, gate: Gate): Promise<void> {
  try {
    await gate.alone(() => db.close())
  } catch {
    // Whoever has the lock for so long is not just opening the environment.
    await db.close()
  } finally {
    gate.close()
  }
}

function openDatabase({ open }: Lmdb, directory: string): Database {
  assertEnvironment(directory)
  return open({
    path: directory,
    // By default a folder whose name has a dot would be taken for a file.
    noSubdir: false,
    permissionsMode: FILE_MODE,
    maxReaders: MOST_PROCESSES,
    // Otherwise other processes commit on top of what is not on the disk yet.
    overlappingSync: false,
    encoding: 'binary',
    keyEncoding: 'binary',
  })
}

/** What distinguishes a database whose bytes are not those that are given to it. */
interface Settings {
  readonly encoding?: unknown
  readonly keyEncoding?: unknown
  readonly compression?: unknown
  readonly useVersions?: unknown
  readonly dupSort?: unknown
}

const wanted =
  "a database of the package lmdb, opened for writing and with { encoding: 'binary', keyEncoding: 'binary' }, such as " +
  "environment.openDB('sessions', { encoding: 'binary', keyEncoding: 'binary' })"

function adopt(handle: unknown, options: EnvironmentOptions): Opened<Environment> {
  if (!isDatabase(handle))
    throw new OptionError('cache', `Option 'cache' must be ${wanted}, or a function that gives one`)
  const { encoding, keyEncoding, compression, useVersions, dupSort } = handle as Settings
  if (encoding !== 'binary' || keyEncoding !== 'binary') {
    throw new OptionError(
      'cache',
      `Option 'cache' is a database with another encoding of keys or values; it must be ${wanted}`,
    )
  }
  const extra = Object.entries({ compression, useVersions, dupSort }).find(([, value]) => Boolean(value))
  if (extra !== undefined) throw new OptionError('cache', `Option 'cache' must be ${wanted}, without ${extra[0]}`)
  const directory = handle.env?.path
  // An environment that is a single file is opened by its program alone.
  const isFolder = typeof directory === 'string' && statSync(directory).isDirectory()
  const gate = isFolder ? newGate(directory, options) : undefined
  return { client: new Environment(handle, options.timeout, gate), release: () => gate?.close() }
}

function isDatabase(handle: unknown): handle is Database {
  const { transactionSync, putSync, getRange, resetReadTxn } = (handle ?? {}) as Partial<
    Record<keyof Database, unknown>
  >
  return [transactionSync, putSync, getRange, resetReadTxn].every((method) => typeof method === 'function')
}
