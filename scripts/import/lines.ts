/** Lines of a stream of bytes, none of which takes more memory than it may. */

const LF = 0x0a
const CR = 0x0d

/** A line without its end; undefined when it was longer than the limit, and was not kept. */
export type Line = Buffer | undefined

export class LineSplitter {
  readonly #limit: number
  #parts: Buffer[] = []
  #length = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  /** The lines that this chunk ends. */
  *feed(chunk: Buffer): Iterable<Line> {
    let start = 0
    for (let end = chunk.indexOf(LF); end !== -1; end = chunk.indexOf(LF, start)) {
      this.#keep(chunk.subarray(start, end))
      yield this.rest()
      start = end + 1
    }
    this.#keep(chunk.subarray(start))
  }

  /** What stands after the last line end; it is given once. */
  rest(): Line {
    const line = this.#length > this.#limit ? undefined : Buffer.concat(this.#parts)
    this.#parts = []
    this.#length = 0
    // A dump may have been on Windows. Its own carriage returns are written as \0d.
    return line?.at(-1) === CR ? line.subarray(0, -1) : line
  }

  #keep(part: Buffer): void {
    this.#length += part.length
    if (this.#length > this.#limit) this.#parts = []
    else if (part.length > 0) this.#parts.push(part)
  }
}
