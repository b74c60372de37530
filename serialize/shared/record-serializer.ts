/** What all serializers have in common: their options, and a function that reads a record and one that writes it. */

import type { Payload, Serializer } from '../../lib/contracts.js'
import type { SerializerOptions } from './options.js'

/** A serializer over two functions. */
export abstract class RecordSerializer implements Serializer {
  abstract readonly output: Payload
  abstract readonly padding: boolean
  protected abstract readonly read: (record: Uint8Array, options: SerializerOptions) => unknown
  protected abstract readonly write: (session: unknown, options: SerializerOptions) => Uint8Array
  private readonly settings: SerializerOptions

  constructor(options: SerializerOptions) {
    this.settings = options
  }

  /** @throws {SerializeError} ERR_SESSION_FREEZE with the path of a value that the format cannot hold; ERR_SESSION_LIMIT */
  freeze(session: unknown): Uint8Array {
    return this.write(session, this.settings)
  }

  /** @throws {SerializeError} ERR_SESSION_THAW with the offset of what is not understood; ERR_SESSION_LIMIT */
  thaw(record: Uint8Array): unknown {
    return this.read(record, this.settings)
  }
}
