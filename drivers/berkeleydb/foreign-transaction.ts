/**
 * Transactions that the program itself has open, across awaits, on the live database that it handed over. lmdb would make
 * whatever is read or written meanwhile a part of them.
 */

import { withCode } from '../../lib/coded-error.js'
import type { Database } from './lmdb.js'

const PAUSE_MS = 1

/**
 * Waits until no such transaction is open; undefined when none is.
 * @throws {Error} ETIMEDOUT
 */
export function whenFree(db: Database, timeout: number): Promise<void> | undefined {
  return isBusy(db) ? wait(db, timeout) : undefined
}

/** Is one open now? */
export const isBusy = (db: Database): boolean => Boolean(db.env?.writeTxn)

async function wait(db: Database, timeout: number): Promise<void> {
  const deadline = performance.now() + timeout
  while (isBusy(db)) {
    if (performance.now() > deadline) {
      throw withCode('ETIMEDOUT', 'The program itself has a transaction open on the database')
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
  }
}
