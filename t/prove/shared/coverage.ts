/** Which code is reached: V8's own counts of blocks, through `node:inspector`. */

import { Session } from 'node:inspector'

/** A part of a function that ran so often since the counts were last taken. */
interface Range {
  readonly startOffset: number
  readonly endOffset: number
  readonly count: number
}

interface Script {
  readonly url: string
  /** Outer functions and ranges come before those in them. */
  readonly functions: readonly { readonly ranges: readonly Range[] }[]
}

/** The characters of a script that were ever run. */
export class Coverage {
  readonly #session = new Session()
  readonly #file: string
  readonly #reached: Uint8Array
  readonly #now: Uint8Array

  /** @param file the script, of so many characters at most */
  constructor(file: string, length: number) {
    this.#file = file
    this.#reached = new Uint8Array(length)
    this.#now = new Uint8Array(length)
    this.#session.connect()
    this.#post('Profiler.enable')
    this.#post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
  }

  /** How many characters have been reached. */
  get size(): number {
    return this.#reached.reduce((sum, one) => sum + one, 0)
  }

  /** Does `run` reach code that was not reached before? It goes on being new until it is accepted. */
  isNewIn(run: () => void): boolean {
    // What ran before this counts for nothing.
    this.#take()
    run()
    this.#take()
    for (let at = 0; at < this.#now.length; at++) if (this.#now[at]! > this.#reached[at]!) return true
    return false
  }

  /** What the last run reached is not new any more. */
  accept(): void {
    for (let at = 0; at < this.#now.length; at++) this.#reached[at]! |= this.#now[at]!
  }

  #take(): void {
    this.#now.fill(0)
    const { result } = this.#post('Profiler.takePreciseCoverage') as { result: readonly Script[] }
    for (const { url, functions } of result) {
      if (!url.endsWith(this.#file)) continue
      for (const { startOffset, endOffset, count } of functions.flatMap(({ ranges }) => ranges)) {
        this.#now.fill(count > 0 ? 1 : 0, startOffset, endOffset)
      }
    }
  }

  /** A session of its own thread is answered at once. */
  #post(method: string, options: object = {}): unknown {
    let answer: unknown
    this.#session.post(method, options, (error: Error | null, result?: object) => {
      if (error !== null) throw error
      answer = result
    })
    return answer
  }
}
