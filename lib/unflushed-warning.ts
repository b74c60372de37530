/**
 * JavaScript has no DESTROY: a session that is dropped with changes in it loses them, where Perl would write them. When the
 * garbage collector finds such a session, or the program ends with one, the process is warned, once.
 *
 * Watched is this small object, which goes with its session, and only from the first change on: what is watched outlives the
 * collections of young objects, and a session's data should not.
 */
export class UnflushedWarning {
  #watched: { pending: boolean } | undefined

  /** Are there changes that no flush has written? */
  set pending(pending: boolean) {
    if (pending === (this.#watched?.pending ?? false)) return
    unflushed += pending ? 1 : -1
    if (this.#watched !== undefined) {
      this.#watched.pending = pending
      return
    }
    this.#watched = { pending }
    registry ??= startWatching()
    registry.register(this, this.#watched)
  }
}

type Registry = FinalizationRegistry<{ pending: boolean }>

let registry: Registry | undefined
let warned = false
/** Sessions that have changes at this moment. */
let unflushed = 0

function startWatching(): Registry {
  process.once('exit', warnAtExit)
  return new FinalizationRegistry(({ pending }) => {
    if (!pending) return
    unflushed--
    if (warned) return
    warned = true
    process.emitWarning('A session with changes was dropped without a flush; its changes are lost', {
      type: 'SessionWarning',
      code: 'DATA_SESSION_UNFLUSHED',
      detail: advice,
    })
  })
}

const advice = 'Use `await using session = …`, or call `await session.flush()` before the session goes out of scope.'

/** By now Node prints no warnings. */
function warnAtExit(): void {
  if (unflushed === 0 || warned) return
  process.stderr.write(
    `[DATA_SESSION_UNFLUSHED] SessionWarning: The program ends with ${unflushed} unflushed session(s); the changes are lost. ${advice}\n`,
  )
}
