/** The package pg, which has no types of its own: what tests use of it. */

import { createRequire } from 'node:module'

export interface PgResult {
  readonly rows: Record<string, unknown>[]
}

export interface PgClient {
  connect(): Promise<unknown>
  query(sql: string | object, values?: readonly unknown[]): Promise<PgResult>
  on(event: string, listener: (...args: unknown[]) => void): unknown
  end(): Promise<void>
}

export interface PgPool extends Omit<PgClient, 'connect'> {
  connect(): Promise<PgClient & { release(error?: unknown): void }>
  readonly totalCount: number
  readonly idleCount: number
}

interface Pg {
  Client: new (settings: object) => PgClient
  Pool: new (settings: object) => PgPool
  types: {
    setTypeParser(oid: number, parse: (text: string) => unknown): void
    getTypeParser(oid: number): (text: string) => unknown
  }
}

export const { Client, Pool, types } = createRequire(import.meta.url)('pg') as Pg
