/** How long answers are waited for, at the cost of one timer for all of them. */

import { NO_ANSWER } from '../shared/within.js'

/** Something that is waited for. */
interface Waiting {
  readonly due: number
  isOver: boolean
  readonly giveUp: (error: Error) => void
}

/** Answers that may all take equally long: what began first is due first. */
export class Deadlines {
  readonly #milliseconds: number
  /** In the order in which they are due; those that are over are dropped when the timer looks. */
  #queue: Waiting[] = []
  #underWay = 0
  #timer: NodeJS.Timeout | undefined

  constructor(milliseconds: number) {
    this.#milliseconds = milliseconds
  }

  /** The answer, if it comes in time. The process stays alive until then. @throws {Error} ENOANSWER */
  within<T>(answer: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const waiting = this.#begin(reject)
      answer.then(
        (value) => {
          this.#end(waiting)
          resolve(value)
        },
        (error) => {
          this.#end(waiting)
          reject(error)
        },
      )
    })
  }

  #begin(giveUp: (error: Error) => void): Waiting {
    const waiting = { due: Date.now() + this.#milliseconds, isOver: false, giveUp }
    this.#queue.push(waiting)
    if (this.#timer === undefined) this.#lookIn(this.#milliseconds)
    else if (this.#underWay === 0) this.#timer.ref()
    this.#underWay++
    return waiting
  }

  #end(waiting: Waiting): void {
    if (waiting.isOver) return
    waiting.isOver = true
    if (--this.#underWay === 0) {
      this.#queue = []
      this.#timer?.unref()
    }
  }

  #lookIn(milliseconds: number): void {
    this.#timer = setTimeout(() => this.#look(), milliseconds)
  }

  #look(): void {
    this.#timer = undefined
    const now = Date.now()
    const queue = this.#queue
    let next = 0
    for (; next < queue.length; next++) {
      const waiting = queue[next]!
      if (waiting.isOver) continue
      if (waiting.due > now) break
      this.#end(waiting)
      waiting.giveUp(Object.assign(new Error('The server did not answer'), { code: NO_ANSWER }))
    }
    if (this.#underWay === 0) return
    this.#queue = queue.slice(next)
    this.#lookIn(Math.max(1, this.#queue[0]!.due - now))
  }
}
