/** The little that is used of the package lmdb. */

/** A database of an environment, opened with binary keys and binary values. */
export interface Database {
  /** The value, in memory that the next call uses again, or that belongs to the file; `length` is right, `byteLength` may not be. */
  getBinaryFast(key: Buffer): Uint8Array | undefined
  putSync(key: Buffer, value: Buffer): unknown
  removeSync(key: Buffer): unknown
  /** The change must not return a promise: the transaction would stay open until that is fulfilled. */
  transactionSync<Result>(change: () => Result, flags?: number): Result
  getRange(options: Range): Iterable<{ key: Buffer; value: Buffer }>
  getKeys(options: Range): Iterable<Buffer>
  /** The next read sees what others have written until then. */
  resetReadTxn(): void
  close(): Promise<void>
  readonly status?: string
  /** Commits sync to the disk after they gave the lock back. A named database does not say. */
  readonly overlappingSync?: boolean
  /** lmdb's own view of the environment; it has a transaction while one for writing is open. */
  readonly env?: { readonly writeTxn?: unknown; readonly path?: string }
}

export interface Range {
  readonly start: Buffer
  readonly limit: number
}

/** The package. */
export interface Lmdb {
  open(options: object): Database
}
