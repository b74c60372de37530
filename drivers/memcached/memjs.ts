/** The little that is used of memjs, whose own calls know no preconditions: which server a key belongs to, and its servers. */

import type { Socket } from 'node:net'

/** An answer of a server, as memjs takes it apart. */
export interface MemjsReply {
  readonly header: { readonly magic: number; readonly opcode: number; readonly status: number; readonly cas: Buffer }
  readonly key: Buffer
  readonly extras: Buffer
  readonly val: Buffer
}

/** One server of a client: a connection that is made at first use, and anew after it ended. */
export interface MemjsServer {
  readonly connected: boolean
  /** The present connection. */
  readonly _socket?: Socket | undefined
  /** Until when (milliseconds since 1970) a client with `failover` passes it over. */
  wakeupAt?: number
  onResponse(opaque: number, callback: (reply: MemjsReply) => void): void
  onError(opaque: number, callback: (error: Error) => void): void
  write(request: Buffer): void
}

/** A client. */
export interface MemjsClient<Server> {
  readonly servers: readonly Server[]
  readonly options?: { readonly failover?: boolean; readonly failoverTime?: number }
  /** The server of a key: by a hash, or by the `getServer` of the user's; null when, with `failover`, all failed lately. */
  server(key: string): Server | null
}

/** The package. */
export interface Memjs {
  readonly Client: new <Server>(servers: readonly Server[], options: object) => MemjsClient<Server>
}
