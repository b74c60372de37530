/**
 * JavaScript has no DESTROY: a session that is dropped with changes in it loses them, where Perl would write them. When the
 * garbage collector finds such a session, the process is warned, once.
 */
export class UnflushedWarning {
  /** There are changes that no flush has written. */
  pending = false

  constructor(session: object) {
    registry ??= new FinalizationRegistry(warnOnce)
    registry.register(session, this)
  }
}

let registry: FinalizationRegistry<UnflushedWarning> | undefined
let warned = false

function warnOnce(dropped: UnflushedWarning): void {
  if (!dropped.pending || warned) return
  warned = true
  process.emitWarning('A session with changes was dropped without a flush; its changes are lost', {
    type: 'SessionWarning',
    code: 'DATA_SESSION_UNFLUSHED',
    detail: 'Use `await using session = …`, or call `await session.flush()` before the session goes out of scope.',
  })
}
