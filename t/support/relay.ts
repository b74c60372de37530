/** A way to a server that a test can hold up, cut off, and lead to another server. */

import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

/**
 * What becomes of answers. `hold`: they wait; `begin`: the first begins to come, and the rest waits; `cut`: the connection ends when
 * the first comes.
 */
type Mode = 'pass' | 'hold' | 'begin' | 'cut'

/** Bytes: memcached's header, and a little of what follows. */
const BEGINNING = 30

export class Relay {
  /** Where new connections lead. */
  target: number
  mode: Mode = 'pass'
  /** What must be done before a request passes. */
  before: ((request: Buffer) => Promise<unknown>) | undefined
  /** What is done when an answer has passed. */
  after: ((answer: Buffer) => void) | undefined
  /** By how many milliseconds each answer is late. */
  delay = 0
  port = 0
  /** A client that ends its half of a connection may go on reading. */
  readonly #server = createServer({ allowHalfOpen: true }, (client) => this.#lead(client))
  /** The connections in the order in which they were made, and the answers on them that wait. */
  readonly #led: { readonly client: Socket; readonly answers: Buffer[] }[] = []

  private constructor(target: number) {
    this.target = target
  }

  /** @param target the port of the server */
  static async to(target: number): Promise<Relay> {
    const relay = new Relay(target)
    relay.#server.listen(0, '127.0.0.1')
    await once(relay.#server, 'listening')
    relay.port = (relay.#server.address() as { port: number }).port
    return relay
  }

  /** Connections that were made so far. */
  get connections(): number {
    return this.#led.length
  }

  /** Those that the client has not ended. */
  get open(): number {
    return this.#led.filter(({ client }) => !client.readableEnded && !client.destroyed).length
  }

  /** Let everything pass again, and what was held first. */
  release(): void {
    this.mode = 'pass'
    for (const { client, answers } of this.#led) for (const answer of answers.splice(0)) client.write(answer)
  }

  /** Let a part of what is held on one connection pass. */
  releasePart(connection: number, begin: number, end?: number): void {
    const { client, answers } = this.#led[connection]!
    client.write(Buffer.concat(answers).subarray(begin, end))
  }

  /** Answers that wait, in bytes: on all connections, or on one. */
  held(connection?: number): number {
    return this.#led
      .flatMap(({ answers }, index) => (connection === undefined || connection === index ? answers : []))
      .reduce((sum, { length }) => sum + length, 0)
  }

  /** End the connections that there are. */
  cut(): void {
    for (const { client } of this.#led) client.destroy()
  }

  async close(): Promise<void> {
    this.cut()
    this.#server.close()
    await once(this.#server, 'close')
  }

  #lead(client: Socket): void {
    const answers: Buffer[] = []
    this.#led.push({ client, answers })
    const server = connect(this.target, '127.0.0.1')
    server.on('data', (answer) => this.#pass(client, answers, answer))
    client.on('data', async (request) => {
      if (this.before !== undefined) await this.before(request)
      server.write(request)
    })
    server.on('end', () => client.end())
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      socket.on('error', () => undefined)
      socket.on('close', () => other.destroy())
    }
  }

  #pass(client: Socket, answers: Buffer[], answer: Buffer): void {
    if (this.mode === 'pass' && this.delay > 0) setTimeout(() => client.write(answer), this.delay)
    else if (this.mode === 'pass') {
      client.write(answer)
      this.after?.(answer)
    } else if (this.mode === 'cut') client.destroy()
    else if (this.mode === 'hold') answers.push(answer)
    else {
      this.mode = 'hold'
      client.write(answer.subarray(0, BEGINNING))
      answers.push(answer.subarray(BEGINNING))
    }
  }
}
