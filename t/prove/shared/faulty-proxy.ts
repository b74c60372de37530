/** A way to a server on which things go wrong. */

import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

/** One connection on its way. */
export interface Way {
  readonly client: Socket
  readonly server: Socket
  /** Nothing passes any longer, for ever. */
  isSpoilt: boolean
  /** An answer was not what the server said. */
  isTouched: boolean
  /** Until when bytes are on their way that are slow. */
  due: number
}

/** What becomes of what is sent; absent: it passes. */
export interface Fault {
  /** The server is not there: connections end, and others are refused. */
  readonly refuses?: boolean
  readonly request?: (bytes: Buffer, way: Way) => void
  /** `other` is an answer that somebody else got. */
  readonly answer?: (bytes: Buffer, way: Way, other: Buffer) => void
}

/** A proxy on the loopback, with one fault at a time. */
export class FaultyProxy {
  port = 0
  #fault: Fault = {}
  /** The last answer that passed unharmed. */
  #last: Buffer = Buffer.alloc(0)
  readonly #target: number
  readonly #ways = new Set<Way>()
  readonly #server = createServer({ allowHalfOpen: true }, (client) => this.#lead(client))

  /** @param target the port of the server */
  constructor(target: number) {
    this.#target = target
  }

  async open(): Promise<this> {
    this.#server.listen(this.port, '127.0.0.1')
    await once(this.#server, 'listening')
    this.port = (this.#server.address() as { port: number }).port
    return this
  }

  /** From now on this goes wrong. What was spoilt before stays as it is. */
  async set(fault: Fault): Promise<void> {
    const wasOpen = this.#fault.refuses !== true
    this.#fault = fault
    if (fault.refuses) await this.close()
    else if (!wasOpen) await this.open()
  }

  /** End all connections. */
  cut(): void {
    for (const { client } of this.#ways) client.destroy()
  }

  async close(): Promise<void> {
    this.cut()
    if (!this.#server.listening) return
    this.#server.close()
    await once(this.#server, 'close')
  }

  #lead(client: Socket): void {
    const server = connect(this.#target, '127.0.0.1')
    const way: Way = { client, server, isSpoilt: false, isTouched: false, due: 0 }
    this.#ways.add(way)
    client.on('data', (bytes) => this.#pass('request', bytes, way, server))
    server.on('data', (bytes) => this.#pass('answer', bytes, way, client))
    client.on('end', () => server.end())
    server.on('end', () => client.end())
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      one.setNoDelay().on('error', () => undefined)
      one.on('close', () => {
        this.#ways.delete(way)
        other.destroy()
      })
    }
  }

  #pass(what: 'request' | 'answer', bytes: Buffer, way: Way, to: Socket): void {
    const act = this.#fault[what]
    if (act !== undefined) act(bytes, way, this.#last)
    else if (!way.isSpoilt) {
      if (what === 'answer') this.#last = bytes
      to.write(bytes)
    }
  }
}
