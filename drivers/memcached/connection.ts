/**
 * A connection of the driver's own. That of memjs 1.3.2 goes on reading an old connection after a timeout, mixes what comes on it
 * with what comes on the new one, and never answers a request when the server closes the connection in the middle. Here a
 * connection that failed is given up with everything that was asked on it, and one that is made anew begins with nothing.
 */

import { connect, type Socket } from 'node:net'
import { withCode } from '../../lib/coded-error.js'
import { NO_ANSWER } from '../shared/within.js'
import {
  ANSWER,
  decode,
  encode,
  HEADER,
  lengthAt,
  opcodes,
  type Reply,
  type Request,
  type Sent,
  statuses,
} from './protocol.js'

/** Where a server is, and who logs in. */
export interface Address {
  readonly host: string
  readonly port: number
  /** Empty: nobody. */
  readonly username: string
  readonly password: string
}

/** A request that is not answered yet. */
interface Waiting extends Sent {
  /** When it was asked, and until when an answer is of use (`performance.now()`). */
  readonly since: number
  readonly deadline: number
  resolve(reply: Reply): void
  reject(error: Error): void
}

const KEEP_ALIVE = 30_000
/** Bytes that are read at once. */
const PIECE = 65_536
/** Timers count in whole milliseconds. */
const TIMER_STEP = 1

const ignore = (): void => undefined

/** What is told of a version that came on another connection: the item may be another one by now. */
const changed: Reply = { status: statuses.exists, version: undefined, flags: 0, value: Buffer.alloc(0) }

export class Connection {
  readonly #address: Address
  readonly #timeout: number
  readonly #onFailure: () => void
  #socket: Socket | undefined
  /** In the order in which they were sent, which is that of the answers. */
  #waiting: Waiting[] = []
  /** The beginning of an answer, in the pieces that came, and how long it must be to go on. */
  #pieces: Buffer[] = []
  #length = 0
  #wanted = 0
  #opaque = 0
  #timer: NodeJS.Timeout | undefined
  /** When the timer is due. */
  #due = Number.POSITIVE_INFINITY

  /**
   * @param timeout of an operation, in milliseconds
   * @param onFailure called when the connection failed and somebody waited for an answer
   */
  constructor(address: Address, timeout: number, onFailure = ignore) {
    this.#address = address
    this.#timeout = timeout
    this.#onFailure = onFailure
  }

  /**
   * The answer to a request, which is sent once: the second of two equal writes would find the first in its way.
   * @param deadline until when to wait (`performance.now()`)
   * @throws {Error} when the connection fails, or no answer comes in time
   */
  ask(request: Request, deadline: number): Promise<Reply> {
    if (performance.now() >= deadline) {
      return Promise.reject(withCode('ETIMEDOUT', 'the time was over before it was asked'))
    }
    const { version } = request
    if (version !== undefined && version.connection !== this.#socket) return Promise.resolve(changed)
    const socket = this.#socket ?? this.#connect(deadline)
    return new Promise((resolve, reject) => this.#send(socket, request, deadline, resolve, reject))
  }

  close(): void {
    this.#end(new Error('the driver was closed'))
  }

  #connect(deadline: number): Socket {
    const { host, port, username, password } = this.#address
    const socket = connect({
      host,
      port,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: KEEP_ALIVE,
      // Without the cost of a stream, which is a tenth of a round trip.
      onread: {
        buffer: Buffer.allocUnsafeSlow(PIECE),
        callback: (length, buffer) => {
          this.#receive(socket, Buffer.from(buffer.subarray(0, length)))
          return true
        },
      },
    })
    this.#socket = socket
    const endOf = (error: Error): void => {
      if (this.#socket === socket) this.#end(error)
    }
    socket.on('error', endOf)
    socket.on('close', () => endOf(withCode('ECONNRESET', 'the server closed the connection')))
    if (username !== '') this.#logIn(socket, username, password, deadline)
    return socket
  }

  /** The server answers in order, so that what is sent after it may be sent at once. */
  #logIn(socket: Socket, username: string, password: string, deadline: number): void {
    const value = Buffer.from(`\0${username}\0${password}`)
    const login = { opcode: opcodes.login, key: Buffer.from('PLAIN'), value }
    this.#send(socket, login, deadline, ignore, ignore)
  }

  #send(
    socket: Socket,
    request: Request,
    deadline: number,
    resolve: (reply: Reply) => void,
    reject: (error: Error) => void,
  ): void {
    // A connection keeps a script alive only while somebody waits.
    if (this.#waiting.length === 0) socket.ref()
    this.#opaque = (this.#opaque + 1) % 2 ** 31
    const since = performance.now()
    this.#waiting.push({ request, opaque: this.#opaque, connection: socket, since, deadline, resolve, reject })
    if (deadline < this.#due) this.#lookAt(deadline, since)
    socket.write(encode(request, this.#opaque))
  }

  /** One timer for all requests, due when the first of them is. What has come until then is read before it counts as late. */
  #lookAt(due: number, now: number): void {
    clearTimeout(this.#timer)
    this.#due = due
    this.#timer = setTimeout(() => setImmediate(() => this.#checkTime()), due - now).unref()
  }

  #checkTime(): void {
    this.#due = Number.POSITIVE_INFINITY
    const now = performance.now()
    const isLate = ({ deadline }: Waiting): boolean => deadline < now + TIMER_STEP
    const late = this.#waiting.filter(isLate)
    if (late.length > 0 && this.#isDead(late, now)) this.#end(this.#lateness())
    else for (const { reject } of late) reject(this.#lateness())
    const due = this.#waiting.reduce((first, one) => (isLate(one) ? first : Math.min(first, one.deadline)), this.#due)
    if (due < this.#due) this.#lookAt(due, now)
  }

  /**
   * Whether to give the connection up. Not for a request that was asked when the time of its operation was nearly over, as long as
   * others wait too, whose time is not: the server may be well.
   */
  #isDead(late: readonly Waiting[], now: number): boolean {
    return late.length === this.#waiting.length || late.some(({ since }) => now - since > this.#timeout / 2)
  }

  #lateness(): Error {
    return this.#socket?.connecting
      ? withCode('ETIMEDOUT', 'memcached took no connection')
      : withCode(NO_ANSWER, 'memcached did not answer')
  }

  #receive(socket: Socket, piece: Buffer): void {
    if (socket !== this.#socket) return
    this.#pieces.push(piece)
    this.#length += piece.length
    if (this.#length < this.#wanted) return
    const bytes = this.#pieces.length === 1 ? piece : Buffer.concat(this.#pieces)
    let start = 0
    let end = HEADER
    while (end <= bytes.length) {
      // The first byte of something else may announce gigabytes.
      if (bytes[start] === ANSWER) end = start + lengthAt(bytes, start)
      if (end > bytes.length) break
      if (!this.#answer(bytes, start)) return
      start = end
      end += HEADER
    }
    this.#pieces = start === bytes.length ? [] : [bytes.subarray(start)]
    this.#length = bytes.length - start
    this.#wanted = end - start
    if (this.#waiting.length === 0) socket.unref()
  }

  /** Hands out the answer that begins here; false when it is the end of the connection. */
  #answer(bytes: Buffer, start: number): boolean {
    const oldest = this.#waiting[0]
    const reply = oldest && decode(bytes, start, oldest)
    if (reply === undefined) {
      this.#end(withCode('EPROTO_ANSWER', 'the answer belongs to no request'))
      return false
    }
    if (reply.status === statuses.loginRefused) {
      this.#end(withCode('AUTH_ERROR', 'memcached wants a login'))
      return false
    }
    this.#waiting.shift()
    oldest!.resolve(reply)
    return true
  }

  #end(error: Error): void {
    const waiting = this.#waiting
    this.#waiting = []
    this.#pieces = []
    this.#length = 0
    this.#wanted = 0
    this.#socket?.destroy()
    this.#socket = undefined
    if (waiting.length > 0) this.#onFailure()
    for (const { reject } of waiting) reject(error)
  }
}
