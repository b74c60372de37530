/**
 * Writers of one session in one process, one after the other. They would find their way without that, as writers of several
 * processes do; but each of two hundred who all read at once, and all write at once, would be refused a hundred times.
 */

import { unlessAborted } from './abort.js'

/** So many milliseconds one waits for those before: a store that hangs should hold up nobody else. */
const PATIENCE = 1000

export class Turns {
  readonly #last = new Map<string, Promise<void>>()

  /** Do something when those who came before are done. @throws the signal's reason */
  async take<T>(id: string, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(id)
    let end = (): void => undefined
    const turn = new Promise<void>((resolve) => {
      end = resolve
    })
    this.#last.set(id, turn)
    try {
      if (before !== undefined) await unlessAborted(signal, () => atMost(PATIENCE, before))
      return await work()
    } finally {
      end()
      if (this.#last.get(id) === turn) this.#last.delete(id)
    }
  }
}

async function atMost(milliseconds: number, promise: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds)
  })
  await Promise.race([promise, timeout])
  clearTimeout(timer)
}
