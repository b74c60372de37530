/** What may go wrong on the way to a server. */

import type { Fault, Way } from './faulty-proxy.js'
import type { Random } from './random.js'

const half = (bytes: Buffer) => bytes.subarray(0, Math.ceil(bytes.length / 2))

/** Nothing passes any longer, and nobody is told. */
function silence(way: Way): void {
  way.isSpoilt = true
}

/** A byte at a time, so many milliseconds apart. */
const drip =
  (milliseconds: number) =>
  (bytes: Buffer, way: Way): void => {
    const now = performance.now()
    way.due = Math.max(way.due, now)
    for (const byte of bytes) {
      way.due += milliseconds
      setTimeout(() => way.client.write(Buffer.of(byte)), way.due - now).unref()
    }
  }

const late =
  (milliseconds: number) =>
  (bytes: Buffer, { client }: Way): void =>
    void setTimeout(() => client.write(bytes), milliseconds).unref()

type Act = (bytes: Buffer, way: Way, other: Buffer) => unknown

/** With the first of a connection; after it there is silence. */
const last =
  (act: Act) =>
  (bytes: Buffer, way: Way, other = bytes): void => {
    if (!way.isSpoilt) act(bytes, way, other)
    silence(way)
  }

/** In place of the first answer of a connection; those after it pass. */
const inPlace =
  (answer: (bytes: Buffer, other: Buffer) => Buffer): Fault['answer'] =>
  (bytes, way, other) => {
    way.client.write(way.isTouched ? bytes : answer(bytes, other))
    way.isTouched = true
  }

/** A listing cannot tell that an answer is one to another question; a session knows its own id. */
export const OF_ANOTHER = "another's answer"

/** The program does not wait until the driver gives up. */
export const ABORTED = 'half-open, and aborted'

/** Name -> fault. @param timeout of the operations, in milliseconds */
export function faultsFor(timeout: number, random: Random): Readonly<Record<string, Fault>> {
  const garbage = (length: number) => Buffer.from(Array.from({ length }, () => random.below(256)))
  const halfOpen: Fault = { request: (_bytes, way) => silence(way), answer: (_bytes, way) => silence(way) }
  return {
    'a little late': { answer: late(timeout / 20) },
    'too late': { answer: late(timeout * 1.5) },
    'half-open': halfOpen,
    [ABORTED]: halfOpen,
    'half-open after the request': { answer: (_bytes, way) => silence(way) },
    'cut before the request': { request: (_bytes, { client }) => client.destroy() },
    'cut within the request': {
      request: last((bytes, { client, server }) => server.write(half(bytes), () => client.destroy())),
    },
    'cut before the answer': { answer: (_bytes, { client }) => client.destroy() },
    'cut within the answer': { answer: last((bytes, { client }) => client.write(half(bytes), () => client.destroy())) },
    'ended within the answer': { answer: last((bytes, { client }) => client.end(half(bytes))) },
    'silent within the answer': { answer: last((bytes, { client }) => client.write(half(bytes))) },
    'reset before the request': { request: (_bytes, { client }) => client.resetAndDestroy() },
    'reset before the answer': { answer: (_bytes, { client }) => client.resetAndDestroy() },
    'a byte at a time': { answer: drip(0) },
    'a slow byte at a time': { answer: drip(timeout / 10) },
    'garbage as a request': { request: last((bytes, { server }) => server.write(garbage(bytes.length))) },
    'garbage as an answer': { answer: inPlace(({ length }) => garbage(length)) },
    'garbage after the answer': { answer: inPlace((bytes) => Buffer.concat([bytes, garbage(100)])) },
    'an answer without its end': { answer: inPlace((bytes) => bytes.subarray(0, -3)) },
    [OF_ANOTHER]: { answer: inPlace((_bytes, other) => other) },
    refused: { refuses: true },
  }
}
