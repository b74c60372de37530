/** For how long this process got no turn: on a busy machine that is no fault of what is measured. */

/** Milliseconds between two looks. */
const STEP = 10

let total = 0
let last = 0

/** Milliseconds in all, since it was first asked. */
export function standstill(): number {
  if (last === 0) setInterval(look, STEP).unref()
  look()
  return total
}

function look(): void {
  const now = performance.now()
  if (last > 0) total += Math.max(0, now - last - 2 * STEP)
  last = now
}

/** Milliseconds from now on, without those in which the process stood still. */
export function stopwatch(): () => number {
  const [began, before] = [performance.now(), standstill()]
  return () => performance.now() - began - (standstill() - before)
}
