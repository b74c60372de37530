/** How long answers are waited for, at the cost of one timer for all of them. */

import { withCode } from '../../lib/coded-error.js'
import { NO_ANSWER } from '../shared/within.js'

/** Something that is waited for. */
interface Waiting {
  readonly due: number
  isOver: boolean
  readonly giveUp: (error: Error) => void
}

/** Answers and their deadlines, as performance.now() has them. */
export class Deadlines {
  /** In the order in which they are due; those that are over are dropped when the timer looks. */
  #queue: Waiting[] = []
  #underWay = 0
  #timer: NodeJS.Timeout | undefined
  /** When the timer looks. */
  #looksAt = 0

  /** The answer, if it comes until `due`. The process stays alive until then. @throws {Error} ENOANSWER */
  within<T>(answer: Promise<T>, due: number): Promise<T> {
    return new Promise((resolve, reject) => {
      const waiting = this.#begin(due, reject)
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

  #begin(due: number, giveUp: (error: Error) => void): Waiting {
    const waiting = { due, isOver: false, giveUp }
    this.#enqueue(waiting)
    if (this.#timer === undefined || due < this.#looksAt) this.#lookAt(due)
    else if (this.#underWay === 0) this.#timer.ref()
    this.#underWay++
    return waiting
  }

  /** Nearly always at the end: all operations may take equally long, and only what is asked a second time comes late. */
  #enqueue(waiting: Waiting): void {
    const queue = this.#queue
    let at = queue.length
    while (at > 0 && queue[at - 1]!.due > waiting.due) at--
    if (at === queue.length) queue.push(waiting)
    else queue.splice(at, 0, waiting)
  }

  #end(waiting: Waiting): void {
    if (waiting.isOver) return
    waiting.isOver = true
    if (--this.#underWay === 0) {
      this.#queue = []
      this.#timer?.unref()
    }
  }

  #lookAt(due: number): void {
    clearTimeout(this.#timer)
    this.#looksAt = due
    const timer = setTimeout(
      // Where the program was busy until now, answers may be there already, and are read before this.
      () => setImmediate(() => this.#timer === timer && this.#look()),
      Math.max(1, Math.ceil(due - performance.now())),
    )
    this.#timer = timer
  }

  #look(): void {
    this.#timer = undefined
    const now = performance.now()
    const queue = this.#queue
    let next = 0
    for (; next < queue.length; next++) {
      const waiting = queue[next]!
      if (waiting.isOver) continue
      if (waiting.due > now) break
      this.#end(waiting)
      waiting.giveUp(withCode(NO_ANSWER, 'The server did not answer'))
    }
    if (this.#underWay === 0) return
    this.#queue = queue.slice(next)
    this.#lookAt(this.#queue[0]!.due)
  }
}
