/**
 * A connection of the driver's own. That of memjs 1.3.2 goes on reading an old connection after a timeout, mixes what comes on it
 * with what comes on the new one, and never answers a request when the server closes the connection in the middle. Here a
 * connection that failed is given up with everything that was asked on it.
 */

import { connect, type Socket } from 'node:net'
import { NO_ANSWER } from '../shared/within.js'
import type { Line } from './line.js'
import { ANSWER, decode, encode, HEADER, lengthAt, opcodes, type Reply, type Request, statuses } from './protocol.js'

/** Where a server is, and who logs in. */
export interface Address {
  readonly host: string
  readonly port: number
  /** Empty: nobody. */
  readonly username: string
  readonly password: string
}

/** A request that is not answered yet. */
interface Waiting {
  readonly request: Request
  readonly opaque: number
  readonly since: number
  resolve(reply: Reply): void
  reject(error: Error): void
}

const KEEP_ALIVE = 30_000
/** Bytes that are read at once. */
const PIECE = 65_536

export class Connection implements Line {
  readonly #address: Address
  readonly #timeout: number
  #socket: Socket | undefined
  /** In the order in which they were sent, which is that of the answers. */
  #waiting: Waiting[] = []
  /** The beginning of an answer, in the pieces that came, and how long it must be to go on. */
  #pieces: Buffer[] = []
  #length = 0
  #wanted = 0
  #opaque = 0
  #timer: NodeJS.Timeout | undefined

  /** @param timeout for connecting and an answer, in milliseconds */
  constructor(address: Address, timeout: number) {
    this.#address = address
    this.#timeout = timeout
  }

  get connection(): object | undefined {
    return this.#socket
  }

  ask(request: Request): Promise<Reply> {
    const socket = this.#socket ?? this.#connect()
    return new Promise((resolve, reject) => this.#send(socket, request, resolve, reject))
  }

  close(): void {
    this.#end(new Error('the driver was closed'))
  }

  #connect(): Socket {
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
    if (username !== '') this.#logIn(socket, username, password)
    return socket
  }

  /** The server answers in order, so that what is sent after it may be sent at once. */
  #logIn(socket: Socket, username: string, password: string): void {
    const value = Buffer.from(`\0${username}\0${password}`)
    const login = { opcode: opcodes.login, key: Buffer.from('PLAIN'), value }
    this.#send(socket, login, ignore, ignore)
  }

  #send(socket: Socket, request: Request, resolve: (reply: Reply) => void, reject: (error: Error) => void): void {
    // A connection keeps a script alive only while somebody waits.
    if (this.#waiting.length === 0) socket.ref()
    this.#opaque = (this.#opaque + 1) % 2 ** 31
    this.#waiting.push({ request, opaque: this.#opaque, since: performance.now(), resolve, reject })
    this.#timer ??= setTimeout(() => this.#checkTime(), this.#timeout).unref()
    socket.write(encode(request, this.#opaque))
  }

  /** One timer for all requests: the oldest is the first that can be late. */
  #checkTime(): void {
    this.#timer = undefined
    const oldest = this.#waiting[0]
    if (oldest === undefined) return
    const left = oldest.since + this.#timeout - performance.now()
    // Timers count in whole milliseconds.
    if (left >= 1) this.#timer = setTimeout(() => this.#checkTime(), left).unref()
    else if (this.#socket?.connecting) this.#end(withCode('ETIMEDOUT', 'memcached took no connection'))
    else this.#end(withCode(NO_ANSWER, 'memcached did not answer'))
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
    const reply = oldest && decode(bytes, start, oldest.request, oldest.opaque)
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
    for (const { reject } of waiting) reject(error)
  }
}

const ignore = (): void => undefined

function withCode(code: string, message: string): Error {
  return Object.assign(new Error(message), { code })
}
