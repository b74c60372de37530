/** What is used of the package ioredis for the connections that the driver opens itself. */

import type { Argument, Reply } from './client.js'

/** A connection's stream. */
export interface Stream {
  unref(): unknown
  destroy(): unknown
}

/** A client or a cluster. */
export interface Ioredis {
  readonly status: string
  readonly options: object
  readonly stream?: Stream
  connect(): Promise<void>
  disconnect(): void
  sendCommand(command: Command): Promise<Reply>
  on(event: string, listener: (what: never) => void): unknown
  once(event: string, listener: () => void): unknown
  off(event: string, listener: () => void): unknown
}

/** What clusters have beside it. */
export interface IoredisCluster extends Ioredis {
  /** Slot -> its servers as `host:port`, the primary first. */
  readonly slots: readonly (readonly string[] | undefined)[]
  nodes(): readonly Ioredis[]
  /** Ask the cluster where its slots are. */
  refreshSlotsCache(done: (error?: Error | null) => void): void
}

/** One command, before and after it is sent. */
export interface Command {
  /** Called when it is written to a connection: each time, and never before. */
  toWritable(stream: Stream): unknown
}

/** The package. */
export interface IoredisPackage {
  readonly Redis: new (options: object) => Ioredis
  readonly Cluster: new (nodes: readonly object[], options: object) => IoredisCluster
  readonly Command: new (name: string, args: readonly Argument[], options: object) => Command
}

/** How commands are made whose texts in answers are bytes. */
export const plain = { replyEncoding: null }
