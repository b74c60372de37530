/**
 * PGlite as a server, for machines without PostgreSQL: `node pglite-server.mjs <port>`.
 *
 * It is one session that all connections share. So there are no transactions of more than a statement, no settings and no
 * prepared statements of a connection's own (as behind PgBouncer), every password is right, and there is no TLS. The package
 * pglite-socket would give one connection at a time, and its 0.0.20 ends the process at a message of more than 64 KB; hence this.
 */

import { createServer } from 'node:net'
import { PGlite } from '@electric-sql/pglite'

const SSL_REQUEST = 80_877_103
const CANCEL_REQUEST = 80_877_102
/** Messages after which a client waits for an answer: a query, or the end of a group of messages. */
const ends = new Set(['Q', 'S'].map((type) => type.charCodeAt(0)))
/** `You are in`, and `ready for a query`. */
const WELCOME = Buffer.from('R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I')
const TERMINATE = 'X'.charCodeAt(0)

const db = await PGlite.create()

/**
 * The end of the first message, whose length stands at `start` and counts itself; undefined while it is not all there.
 * @param {Buffer} bytes
 * @param {number} start
 */
function endOf(bytes, start) {
  if (bytes.length < start + 4) return undefined
  const end = start + bytes.readInt32BE(start)
  return bytes.length < end ? undefined : end
}

/**
 * @param {import('node:net').Socket} socket
 * @param {Buffer} request
 */
async function answer(socket, request) {
  // The next answer is made in the same memory.
  socket.write(await db.runExclusive(async () => Buffer.from(await db.execProtocolRaw(request))))
}

/**
 * What a client says before it is let in. PGlite would take what several clients say at once for one.
 * @param {import('node:net').Socket} socket
 * @param {Buffer} message
 */
function begin(socket, message) {
  const code = message.readInt32BE(4)
  if (code === SSL_REQUEST) socket.write('N')
  else if (code === CANCEL_REQUEST) socket.destroy()
  else socket.write(WELCOME)
  return code !== SSL_REQUEST
}

/**
 * One client: its messages go to the database in groups that are answered together.
 * @param {import('node:net').Socket} socket
 */
async function serve(socket) {
  let hasBegun = false
  let bytes = Buffer.alloc(0)
  /** @type {Buffer[]} */
  let group = []
  for await (const chunk of socket) {
    bytes = Buffer.concat([bytes, chunk])
    for (let end = endOf(bytes, hasBegun ? 1 : 0); end !== undefined; end = endOf(bytes, hasBegun ? 1 : 0)) {
      const message = Buffer.from(bytes.subarray(0, end))
      bytes = bytes.subarray(end)
      if (!hasBegun) {
        hasBegun = begin(socket, message)
        continue
      }
      if (message[0] === TERMINATE) return
      group.push(message)
      if (!ends.has(message.readUInt8(0))) continue
      await answer(socket, Buffer.concat(group))
      group = []
    }
  }
}

createServer((socket) => {
  serve(socket)
    .catch(() => undefined)
    .finally(() => socket.destroy())
}).listen(Number(process.argv[2]), '127.0.0.1')
