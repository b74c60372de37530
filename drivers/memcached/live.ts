/** A server of a live memjs client, whose connection belongs to the program: it keeps its settings, and is not ended here. */

import { randomInt } from 'node:crypto'
import { NO_ANSWER } from '../shared/within.js'
import type { Line } from './line.js'
import type { MemjsClient, MemjsReply, MemjsServer } from './memjs.js'
import { ANSWER, belongs, encode, type Reply, type Request, versionAt } from './protocol.js'

/**
 * What marks an answer as ours: memjs counts its own from 1, and does not get as far as this. memjs can lose its place in a stream
 * of answers; nobody can guess this number who would like a part of his session to be taken for one.
 */
const FIRST = 2 ** 30
let count = randomInt(FIRST)

export class LiveLine implements Line {
  readonly #server: MemjsServer
  readonly #client: MemjsClient<MemjsServer>
  readonly #timeout: number

  /** @param timeout for an answer, in milliseconds; the client's own may be over before */
  constructor(server: MemjsServer, client: MemjsClient<MemjsServer>, timeout: number) {
    this.#server = server
    this.#client = client
    this.#timeout = timeout
  }

  get connection(): object | undefined {
    return this.#server._socket
  }

  ask(request: Request): Promise<Reply> {
    const server = this.#server
    count = (count + 1) % FIRST
    const opaque = FIRST + count
    return new Promise((resolve, reject) => {
      const fail = (error: Error): void => {
        clearTimeout(timer)
        this.#passOver()
        reject(error)
      }
      const timer = setTimeout(() => {
        // memjs may keep them for ever.
        server.onError(opaque, () => undefined)
        server.onResponse(opaque, () => undefined)
        fail(Object.assign(new Error('memcached did not answer'), { code: NO_ANSWER }))
      }, this.#timeout)
      server.onError(opaque, fail)
      server.onResponse(opaque, (answer) => {
        clearTimeout(timer)
        if (isAnswerTo(request, answer)) resolve(replyOf(answer))
        else reject(Object.assign(new Error('the answer belongs to no request'), { code: 'EPROTO_ANSWER' }))
      })
      server.write(encode(request, opaque))
    })
  }

  /** What memjs itself does in a client with `failover`: the next call goes to the next server. */
  #passOver(): void {
    const { failover = false, failoverTime = 60 } = this.#client.options ?? {}
    if (failover) this.#server.wakeupAt = Date.now() + failoverTime * 1000
  }
}

function isAnswerTo(request: Request, { header, key }: MemjsReply): boolean {
  return header.magic === ANSWER && belongs(request, header.opcode, header.status, key)
}

function replyOf({ header, extras, val }: MemjsReply): Reply {
  const flags = extras.length >= 4 ? extras.readUInt32BE(0) : 0
  return { status: header.status, version: versionAt(header.cas, 0), flags, value: val }
}
