/** Ends a test run with one line that people and programs can read: `N passed, N failed, N skipped`. */

import type { Reporter, TestModule } from 'vitest/node'

/** Vitest's reporter interface. Put it last, so that its line is the last one. */
export default class SummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const counts = { passed: 0, failed: errors.length, skipped: 0, pending: 0 }
    for (const module of modules) {
      if (module.errors().length > 0) counts.failed++
      for (const test of module.children.allTests()) counts[test.result().state]++
    }
    const { passed, failed, skipped, pending } = counts
    // The other reporters' streams end first.
    process.once('exit', () => {
      process.stdout.write(`${passed} passed, ${failed + pending} failed, ${skipped} skipped\n`)
    })
  }
}
