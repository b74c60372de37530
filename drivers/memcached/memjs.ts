/** The little that is used of memjs: which server a key belongs to, and where its servers are. */

/** One server of a live client. */
export interface MemjsServer {
  readonly host: string
  readonly port: number
  /** memjs logs in where it has both. */
  readonly username?: string | undefined
  readonly password?: string | undefined
  /** Until when (milliseconds since 1970) a client with `failover` passes it over. */
  wakeupAt?: number
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
