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
  /** Connections that were made so far. */
  connections = 0
  port = 0
  readonly #server = createServer((client) => this.#lead(client))
  readonly #held = new Map<Socket, Buffer[]>()

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

  /** Let everything pass again, and what was held first. */
  release(): void {
    this.mode = 'pass'
    for (const [client, answers] of this.#held) for (const answer of answers.splice(0)) client.write(answer)
  }

  /** Answers that wait, in bytes. */
  held(): number {
    return [...this.#held.values()].flat().reduce((sum, { length }) => sum + length, 0)
  }

  /** End the connections that there are. */
  cut(): void {
    for (const client of this.#held.keys()) client.destroy()
  }

  async close(): Promise<void> {
    this.cut()
    this.#server.close()
    await once(this.#server, 'close')
  }

  #lead(client: Socket): void {
    this.connections++
    const answers: Buffer[] = []
    this.#held.set(client, answers)
    const server = connect(this.target, '127.0.0.1')
    server.on('data', (answer) => this.#pass(client, answers, answer))
    client.on('data', (request) => server.write(request))
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      socket.on('error', () => undefined)
      socket.on('close', () => other.destroy())
    }
    client.on('close', () => this.#held.delete(client))
  }

  #pass(client: Socket, answers: Buffer[], answer: Buffer): void {
    if (this.mode === 'pass') client.write(answer)
    else if (this.mode === 'cut') client.destroy()
    else if (this.mode === 'hold') answers.push(answer)
    else {
      this.mode = 'hold'
      client.write(answer.subarray(0, BEGINNING))
      answers.push(answer.subarray(BEGINNING))
    }
  }
}
