/** How far an import is: a line that is drawn anew on a terminal, else a line now and then. */

import type { WriteStream } from 'node:tty'

const REDRAW_MS = 200
const RECORDS_A_LINE = 10_000

/** What is shown: how many records were read, and how much of the dump (0 to 1) where that is known. */
export interface Position {
  readonly records: number
  readonly part: number | undefined
}

export class Progress {
  readonly #output: WriteStream
  readonly #start = performance.now()
  #drawnAt = 0
  #isDrawn = false

  constructor(output: WriteStream) {
    this.#output = output
  }

  show(position: Position): void {
    if (!this.#output.isTTY) {
      if (position.records % RECORDS_A_LINE === 0) this.#output.write(`${this.#text(position)}\n`)
      return
    }
    const now = performance.now()
    if (now - this.#drawnAt < REDRAW_MS) return
    this.#drawnAt = now
    this.clear()
    this.#output.write(this.#text(position))
    this.#isDrawn = true
  }

  /** A line that stays. */
  say(line: string): void {
    this.clear()
    this.#output.write(`${line}\n`)
  }

  /** Take the drawn line away. */
  clear(): void {
    if (this.#isDrawn) this.#output.write('\r\x1b[K')
    this.#isDrawn = false
  }

  #text({ records, part }: Position): string {
    const seconds = (performance.now() - this.#start) / 1000
    const percent = part === undefined ? '' : `, ${Math.floor(part * 100)} %`
    return `read ${records} (${Math.round(records / seconds)} a second${percent})`
  }
}
