/** A test runner as the suites need it: Vitest's, Mocha's, Jest's and node:test's functions all fit. */
export interface Runner {
  readonly describe: (title: string, body: () => void) => unknown
  readonly it: (title: string, body: () => void | Promise<void>) => unknown
}
