/**
 * Sessions in files, shared with Perl's CGI::Session and Data::Session while both are running.
 *
 * The same files and the same lock, flock(2). Existing files are written in place, never replaced, and new ones appear
 * whole. Every access is synchronous once it has the lock, so a lock is never held from one tick to another.
 */

import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  lstatSync,
  openSync,
  promises,
  type Stats,
  statSync,
  unlinkSync,
} from 'node:fs'
import { codeOf } from '../lib/coded-error.js'
import type {
  Driver,
  DriverSupport,
  OptionReader,
  OptionTable,
  PluginContext,
  RemoveOptions,
  StoreOptions,
  StoreOutcome,
} from '../lib/contracts.js'
import { DriverError } from '../lib/errors.js'
import { acquire, type LockMode, loadFlock, tryAcquire } from '../lib/flock.js'
import { logId } from '../lib/id-check.js'
import { custom, flag, integer } from '../lib/options.js'
import { readAll } from './file/bytes.js'
import { createFile, syncDirectory, unlinkIfThere } from './file/create.js'
import { failure, refusal } from './file/failure.js'
import { reasonToRefuse } from './file/guard.js'
import { dropLeftover } from './file/leftovers.js'
import { dropHiddenLinks } from './file/links.js'
import { directoryReader, FileNames, fileNameReader } from './file/names.js'
import { hasJournal, type OpenFile, recover, rewrite } from './file/rewrite.js'
import { MAX_BYTES, type Settings } from './file/settings.js'

/** Options of `driver:File`, named as in Data::Session. */
export interface FileOptions {
  /** Where the files are; made when the first session is stored. Default: TMPDIR or /tmp, as in Perl. */
  directory: string
  /** The name of a file, with `%s` for the id. Default: `cgisess_%s`, as in Perl. */
  fileName: string
  /** The mode of new files, as in Perl, less the process's umask. Default: 0o660. */
  umask: number
  /** Do without locks. Only for a directory that one single process uses. Default: false. */
  noFlock: boolean
  /** Refuse symbolic links. Default: true. */
  noFollow: boolean
  /** How long to wait for the lock of a file, in milliseconds. Default: 5000. */
  lockTimeout: number
  /** Sync each write to the disk before it counts as done, at the cost of a wait; Perl never does. Default: false. */
  durable: boolean
  /**
   * Users whose files are accepted in a directory where everybody may create files, such as /tmp, besides this
   * process's user, root and the owner of the directory. In other directories every owner is accepted. Default: none.
   */
  trustedUids: readonly number[]
}

const ATTEMPTS = 10
const EMPTY_FILE_PAUSE_MS = 5

function isUidList(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((uid) => Number.isSafeInteger(uid) && uid >= 0)
}

const uidsReader: OptionReader<readonly number[]> = custom([], 'an array of user numbers', isUidList)

/** The driver behind `driver:File`. */
export default class File implements Driver {
  static readonly options: OptionTable<FileOptions> = {
    directory: directoryReader,
    fileName: fileNameReader,
    umask: integer(0o660, { max: 0o777 }),
    noFlock: flag(false),
    noFollow: flag(true),
    lockTimeout: integer(5000),
    durable: flag(false),
    trustedUids: uidsReader,
  }

  readonly supports: DriverSupport = { ids: 'word', payload: 'bytes', ttl: false, list: true, expect: true }
  readonly #settings: Settings
  #closed = false

  /** @throws {PluginError} when neither `fs-ext` nor `koffi` is installed and `noFlock` is not set */
  constructor(options: FileOptions, context: PluginContext) {
    const { O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants as Partial<typeof constants>
    this.#settings = {
      names: new FileNames(options.directory, options.fileName),
      mode: options.umask,
      flock: options.noFlock ? undefined : loadFlock('File'),
      lockTimeout: options.lockTimeout,
      openFlags: O_NONBLOCK | (options.noFollow ? O_NOFOLLOW : 0),
      noFollow: options.noFollow,
      durable: options.durable,
      padding: context.padding,
      trustedUids: options.trustedUids,
    }
  }

  async retrieve(id: string): Promise<Uint8Array | undefined> {
    const record = await this.#read(id)
    if (record === undefined || record.length > 0) return record
    // Perl makes a file before it fills it.
    await new Promise((resolve) => setTimeout(resolve, EMPTY_FILE_PAUSE_MS))
    const again = await this.#read(id)
    return again?.length === 0 ? undefined : again
  }

  async store(id: string, record: Uint8Array, options?: StoreOptions): Promise<StoreOutcome> {
    if (record.length > MAX_BYTES) {
      throw refusal('store', id, this.#settings.names.directory, `the record is longer than ${MAX_BYTES} bytes`)
    }
    const expect = options?.expect
    let create = expect === null
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      if (create && this.#create(id, record)) return 'stored'
      const outcome = await this.#use('store', id, 'exclusive', (file) => this.#replace(id, file, record, expect))
      if (outcome !== undefined) return outcome
      if (expect instanceof Uint8Array) return 'gone'
      create = true
    }
    throw this.#restless('store', id)
  }

  async remove(id: string, { expect }: RemoveOptions = {}): Promise<boolean> {
    const removed = await this.#use('remove', id, 'exclusive', (file) => {
      const isExpected = expect === undefined || readAll(file.fd, file.size).equals(expect)
      return isExpected && this.#unlink(id, file)
    })
    return removed ?? false
  }

  async *ids(): AsyncIterable<string> {
    this.#assertOpen('list')
    const { names } = this.#settings
    try {
      for await (const entry of await promises.opendir(names.directory, { bufferSize: 256 })) {
        if (entry.name.startsWith('.ns-')) dropLeftover(entry.name, names)
        const id = entry.isFile() ? names.id(entry.name) : undefined
        if (id !== undefined) yield id
      }
    } catch (cause) {
      if (codeOf(cause) === 'ENOENT') return
      throw new DriverError('File', 'list', `File: cannot list ${names.directory}: ${codeOf(cause)}`, { cause })
    }
  }

  async close(): Promise<void> {
    this.#closed = true
  }

  #assertOpen(operation: string): void {
    if (!this.#closed) return
    throw new DriverError('File', operation, 'File: the driver is closed', { code: 'ERR_SESSION_CLOSED' })
  }

  async #read(id: string): Promise<Buffer | undefined> {
    const record = await this.#use('retrieve', id, 'shared', (file) => {
      return hasJournal(id, file.size, this.#settings) ? null : readAll(file.fd, file.size)
    })
    if (record !== null) return record
    return this.#use('retrieve', id, 'exclusive', (file) => readAll(file.fd, file.size))
  }

  #create(id: string, record: Uint8Array): boolean {
    this.#assertOpen('store')
    try {
      return createFile(id, record, this.#settings)
    } catch (error) {
      throw this.#failure('store', id, error)
    }
  }

  #replace(id: string, file: OpenFile, record: Uint8Array, expect: Uint8Array | null | undefined): StoreOutcome {
    if (file.size === 0 && expect instanceof Uint8Array) return 'gone'
    if (file.size > 0 && expect === null) return 'exists'
    if (expect instanceof Uint8Array && expect.length !== file.size) return 'conflict'
    const old = readAll(file.fd, file.size)
    if (expect instanceof Uint8Array && !old.equals(expect)) return 'conflict'
    rewrite(id, file, old, record, this.#settings)
    return 'stored'
  }

  #unlink(id: string, { fd, size }: OpenFile): boolean {
    const { names, durable } = this.#settings
    unlinkIfThere(names.journal(id))
    try {
      unlinkSync(names.path(id))
    } catch (error) {
      if (codeOf(error) !== 'EPERM' && codeOf(error) !== 'EACCES') throw error
      // In a sticky directory only the owner may unlink. An empty file is no session to Perl either.
      ftruncateSync(fd, 0)
      return size > 0
    }
    if (durable) syncDirectory(names.directory)
    return size > 0
  }

  /** Open and lock the file of a session, and do something with it in one go; undefined when there is none. */
  async #use<T>(operation: string, id: string, mode: LockMode, work: (file: OpenFile) => T): Promise<T | undefined> {
    this.#assertOpen(operation)
    try {
      for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
        const fd = this.#openFile(id, mode)
        if (fd === undefined) return undefined
        try {
          const busy = this.#lock(operation, id, fd, mode)
          if (busy !== undefined) await busy
          const stats = this.#statsIfStill(id, fd)
          // Removed or replaced while this process waited for the lock: there may be another file by now.
          if (stats === undefined) continue
          // Left by a process that died while it created the file.
          if (stats.nlink > 1 && dropHiddenLinks(fd, this.#settings.names) === 1) continue
          return work({ fd, size: this.#inspect(operation, id, fd, stats, mode) })
        } finally {
          closeSync(fd)
        }
      }
    } catch (error) {
      throw this.#failure(operation, id, error)
    }
    throw this.#restless(operation, id)
  }

  #openFile(id: string, mode: LockMode): number | undefined {
    const { names, openFlags } = this.#settings
    try {
      return openSync(names.path(id), openFlags | (mode === 'shared' ? constants.O_RDONLY : constants.O_RDWR))
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return undefined
      throw error
    }
  }

  /**
   * What an open file is, if the session's name still leads to it; seen by that name, so that a file that has no other name has
   * this one, whatever somebody does to it at the same time.
   */
  #statsIfStill(id: string, fd: number): Stats | undefined {
    const { names, noFollow } = this.#settings
    const { dev, ino } = fstatSync(fd)
    const stats = (noFollow ? lstatSync : statSync)(names.path(id), { throwIfNoEntry: false })
    return stats?.ino === ino && stats.dev === dev ? stats : undefined
  }

  /** Nothing to wait for when the lock is free. */
  #lock(operation: string, id: string, fd: number, mode: LockMode): Promise<void> | undefined {
    const { flock, lockTimeout } = this.#settings
    return flock === undefined || tryAcquire(flock, fd, mode)
      ? undefined
      : acquire(flock, fd, mode, lockTimeout, `File: cannot ${operation} session ${logId(id)}`)
  }

  /** Refuse what is no proper session file; the size of one that is. */
  #inspect(operation: string, id: string, fd: number, stats: Stats, mode: LockMode): number {
    const { names } = this.#settings
    const others =
      stats.nlink > 1 ? 'the file has other names (hard links): remove those that you did not make, or the file' : ''
    const reason = reasonToRefuse(stats, this.#settings) ?? others
    if (reason !== '') throw refusal(operation, id, names.directory, reason)
    const file = { fd, size: stats.size }
    return mode === 'exclusive' && hasJournal(id, file.size, this.#settings)
      ? recover(id, file, this.#settings)
      : file.size
  }

  #failure(operation: string, id: string, error: unknown): unknown {
    return failure(operation, id, this.#settings.names.directory, error)
  }

  #restless(operation: string, id: string): DriverError {
    const reason = `the file was replaced or removed ${ATTEMPTS} times while it was being opened`
    return refusal(operation, id, this.#settings.names.directory, reason)
  }
}
