/**
 * JavaScript has no DESTROY: a session that is dropped with changes in it loses them, where Perl would write them. When the
 * garbage collector finds such a session, the process is warned, once.
 *
 * Watched is this small object, which goes with its session, and only from the first change on: what is watched outlives the
 * collections of young objects, and a session's data should not.
 */
export class UnflushedWarning {
  #watched: { pending: boolean } | undefined

  /** Are there changes that no flush has written? */
  set pending(pending: boolean) {
    if (this.#watched !== undefined) this.#watched.pending = pending
    else if (pending) {
      this.#watched = { pending }
      registry ??= new FinalizationRegistry(warnOnce)
      registry.register(this, this.#watched)
    }
  }
}

let registry: FinalizationRegistry<{ pending: boolean }> | undefined
let warned = false

function warnOnce(dropped: { pending: boolean }): void {
  if (!dropped.pending || warned) return
  warned = true
  process.emitWarning('A session with changes was dropped without a flush; its changes are lost', {
    type: 'SessionWarning',
    code: 'DATA_SESSION_UNFLUSHED',
    detail: 'Use `await using session = …`, or call `await session.flush()` before the session goes out of scope.',
  })
}
