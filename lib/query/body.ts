/** The body of a CGI request: exactly as many bytes as the server announces. */

import { read } from 'node:fs'
import { asBuffer } from '../bytes.js'
import { codeOf } from '../coded-error.js'
import { RequestError } from '../errors.js'

/** Where a body comes from: chunks, or a file descriptor, from which not a byte more is read than the body has. */
export type BodyInput = AsyncIterable<Uint8Array> | number

/**
 * The bytes of a body.
 * @param announced CONTENT_LENGTH; absent or empty: there is no body
 * @throws {RequestError} for one that is too long (unread), or shorter than announced
 */
export async function readBody(input: BodyInput, announced: string | undefined, limit: number): Promise<Buffer> {
  const length = lengthOf(announced)
  if (length > limit) {
    throw new RequestError(413, `The body has ${length} bytes; limits.bytes allows ${limit}`)
  }
  if (length === 0) return Buffer.alloc(0)
  const body = Buffer.alloc(length)
  const count = await (typeof input === 'number' ? fillFrom(input, body) : fillWith(input, body)).catch((cause) => {
    throw new RequestError(400, 'The body of the request could not be read', { cause })
  })
  if (count === length) return body
  throw new RequestError(400, `The body of the request ended after ${count} of ${length} bytes`)
}

function lengthOf(announced = ''): number {
  if (/^\d{0,15}$/.test(announced)) return Number(announced)
  if (/^\d+$/.test(announced)) return Number.POSITIVE_INFINITY
  throw new RequestError(400, 'CONTENT_LENGTH must be a number of bytes')
}

async function fillFrom(descriptor: number, body: Buffer): Promise<number> {
  let count = 0
  while (count < body.length) {
    const more = await readSome(descriptor, body, count)
    if (more === 0) break
    count += more
  }
  return count
}

function readSome(descriptor: number, body: Buffer, from: number): Promise<number> {
  return new Promise((fulfil, reject) => {
    read(descriptor, body, from, body.length - from, null, (error, count) => {
      const code = codeOf(error)
      if (error === null) fulfil(count)
      // Windows says so at the end of a pipe.
      else if (code === 'EOF') fulfil(0)
      // The server has made it non-blocking.
      else if (code === 'EAGAIN') setTimeout(() => fulfil(readSome(descriptor, body, from)), 5)
      else reject(error)
    })
  })
}

async function fillWith(input: AsyncIterable<Uint8Array>, body: Buffer): Promise<number> {
  // Without for-await, which would close the input at the end of the body.
  const chunks = input[Symbol.asyncIterator]()
  let count = 0
  while (count < body.length) {
    const { done, value } = await chunks.next()
    if (done === true) break
    count += asBuffer(value).copy(body, count)
  }
  return count
}
