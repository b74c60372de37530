/**
 * flock(2), the lock that Perl's session drivers take, without ever blocking a thread.
 *
 * Node has no flock of its own: it comes from `fs-ext` (quick to load, compiled on installation) or from `koffi`
 * (prebuilt; the only one in worker threads). A lock belongs to the open file and goes away when its descriptor is closed.
 */

import { fstatSync } from 'node:fs'
import { codeOf } from './coded-error.js'
import { DriverError } from './errors.js'
import { missingPeer, tryPeer } from './peer.js'

/** Any number of readers (`shared`), or one writer (`exclusive`). */
export type LockMode = 'shared' | 'exclusive'

/** The two packages that know flock. */
export type FlockProvider = 'fs-ext' | 'koffi'

/** flock(2) as one of the packages offers it. */
export interface Flock {
  readonly provider: FlockProvider
  /** Take the lock now; false when somebody else has it. Anything else that goes wrong is thrown. */
  tryLock(fd: number, mode: LockMode): boolean
  /** Give the lock back and keep the file open. */
  unlock(fd: number): void
}

interface FsExt {
  flockSync(fd: number, operation: 'shnb' | 'exnb' | 'un'): void
}

interface Koffi {
  load(library: null): { func(name: string, result: string, parameters: string[]): (...values: number[]) => number }
  errno(): number
  readonly os: { readonly errno: { readonly EAGAIN: number; readonly EWOULDBLOCK?: number } }
}

const LOCK_SH = 1
const LOCK_EX = 2
const LOCK_NB = 4
const LOCK_UN = 8

function fromFsExt(): Flock | undefined {
  const fsExt = tryPeer<FsExt>('fs-ext')
  if (fsExt === undefined) return undefined
  return {
    provider: 'fs-ext',
    tryLock(fd, mode) {
      try {
        fsExt.flockSync(fd, mode === 'shared' ? 'shnb' : 'exnb')
        return true
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException
        if (code === 'EAGAIN' || code === 'EWOULDBLOCK') return false
        throw error
      }
    },
    unlock: (fd) => fsExt.flockSync(fd, 'un'),
  }
}

/** The function of the C library, or undefined on a system that has none. */
function nativeFlock(koffi: Koffi): ((fd: number, operation: number) => number) | undefined {
  try {
    return koffi.load(null).func('flock', 'int', ['int', 'int'])
  } catch {
    return undefined
  }
}

function fromKoffi(): Flock | undefined {
  const koffi = tryPeer<Koffi>('koffi')
  const flock = koffi && nativeFlock(koffi)
  if (koffi === undefined || flock === undefined) return undefined
  const { EAGAIN, EWOULDBLOCK } = koffi.os.errno
  return {
    provider: 'koffi',
    tryLock(fd, mode) {
      if (flock(fd, (mode === 'shared' ? LOCK_SH : LOCK_EX) | LOCK_NB) === 0) return true
      const errno = koffi.errno()
      if (errno === EAGAIN || errno === EWOULDBLOCK) return false
      throw flockError(errno)
    },
    unlock(fd) {
      if (flock(fd, LOCK_UN) !== 0) throw flockError(koffi.errno())
    },
  }
}

const flockError = (errno: number): Error =>
  Object.assign(new Error(`flock failed with errno ${errno}`), { errno, syscall: 'flock' })

const providers: Readonly<Record<FlockProvider, () => Flock | undefined>> = { 'fs-ext': fromFsExt, koffi: fromKoffi }
const loaded = new Map<FlockProvider, Flock>()
/** A second thread that loads fs-ext ends the process with a segmentation fault. */
const usable = (): readonly FlockProvider[] => (isWorkerThread() ? ['koffi'] : ['fs-ext', 'koffi'])

/** Loading node:worker_threads for it would take a fifth of the time that a CGI program has. */
function isWorkerThread(): boolean {
  try {
    // To where it is already; a worker thread may not even do that.
    process.chdir('.')
    return false
  } catch (error) {
    return codeOf(error) === 'ERR_WORKER_UNSUPPORTED_OPERATION'
  }
}

/**
 * flock(2): from `fs-ext` where it is installed, else from `koffi`. Loaded once, at the first call.
 * @param neededBy who asks, for the error message
 * @param wanted the packages to try, in this order; for tests
 * @throws {PluginError} ERR_SESSION_PEER_MISSING when neither package is there
 */
export function loadFlock(neededBy: string, wanted: readonly FlockProvider[] = usable()): Flock {
  for (const name of wanted) {
    const flock = loaded.get(name) ?? providers[name]()
    if (flock === undefined) continue
    loaded.set(name, flock)
    return flock
  }
  throw missingPeer(usable().join(' or '), isWorkerThread() ? `${neededBy} in a worker thread` : neededBy)
}

/** Somebody in this process who waits for a lock. */
interface Waiter {
  readonly flock: Flock
  readonly fd: number
  readonly mode: LockMode
  readonly timeoutMs: number
  readonly deadline: number
  readonly neededBy: string
  readonly option: string
  resolve(): void
  reject(error: unknown): void
}

// First come, first served within the process: only the head of a file's queue asks the system for the lock.
const queues = new Map<string, Waiter[]>()

function inodeOf(fd: number): string {
  const { dev, ino } = fstatSync(fd, { bigint: true })
  return `${dev}:${ino}`
}

/**
 * Take a lock if that is possible without waiting: the usual case, and cheap. False when somebody has the lock, or when
 * others in this process have been waiting for the same file.
 */
export function tryAcquire(flock: Flock, fd: number, mode: LockMode): boolean {
  if (queues.size > 0 && queues.has(inodeOf(fd))) return false
  return flock.tryLock(fd, mode)
}

/**
 * Wait for a lock, in the order of the calls, without holding a thread. The lock ends when `fd` is closed.
 * @param timeoutMs how long to wait, in milliseconds; 0 tries once
 * @param neededBy the driver to name in the error
 * @param option the one that gave `timeoutMs`
 * @throws {DriverError} ERR_SESSION_LOCK_TIMEOUT
 */
export async function acquire(
  flock: Flock,
  fd: number,
  mode: LockMode,
  timeoutMs: number,
  neededBy = 'File',
  option = 'lockTimeout',
): Promise<void> {
  if (tryAcquire(flock, fd, mode)) return
  await new Promise<void>((resolve, reject) => {
    const deadline = performance.now() + timeoutMs
    enqueue({ flock, fd, mode, timeoutMs, deadline, neededBy, option, resolve, reject })
  })
}

function enqueue(waiter: Waiter): void {
  const key = inodeOf(waiter.fd)
  const queue = queues.get(key)
  if (queue !== undefined) {
    queue.push(waiter)
    return
  }
  queues.set(key, [waiter])
  pollLater(key, 0)
}

const FIRST_PAUSE_MS = 0.25
const LONGEST_PAUSE_MS = 5

/** Timers count whole milliseconds: shorter pauses go by turns of the event loop, for a millisecond at most. */
function pause(ms: number, then: () => void): void {
  if (ms >= 1) {
    setTimeout(then, Math.round(ms))
    return
  }
  const due = performance.now() + ms
  const turn = (): void => {
    if (performance.now() >= due) then()
    else setImmediate(turn)
  }
  setImmediate(turn)
}

function pollLater(key: string, pauseMs: number): void {
  const jitter = 0.75 + Math.random() / 2
  pause(pauseMs * jitter, () => {
    const granted = poll(key)
    if (!queues.has(key)) return
    // After a grant the next in the queue has its turn at once: most locks are given back within the same tick.
    pollLater(key, granted ? 0 : Math.min(Math.max(pauseMs * 2, FIRST_PAUSE_MS), LONGEST_PAUSE_MS))
  })
}

/** One attempt for the head of a queue; true when it is done with, for better or worse. */
function poll(key: string): boolean {
  const queue = queues.get(key)!
  const head = queue[0]!
  const done = settle(head)
  if (done) queue.shift()
  const now = performance.now()
  const waiting = queue.filter((waiter) => waiter.deadline > now || expire(waiter))
  if (waiting.length === 0) queues.delete(key)
  else queues.set(key, waiting)
  return done
}

function settle(waiter: Waiter): boolean {
  try {
    if (!waiter.flock.tryLock(waiter.fd, waiter.mode)) return false
    waiter.resolve()
  } catch (error) {
    waiter.reject(error)
  }
  return true
}

function expire({ neededBy, option, timeoutMs, reject }: Waiter): false {
  const message = `${neededBy}: the lock of a file was not free within ${timeoutMs} ms (${option}); another program holds it`
  reject(new DriverError(neededBy, 'lock', message, { code: 'ERR_SESSION_LOCK_TIMEOUT' }))
  return false
}
