import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['t/**/*.test.ts'],
    globalSetup: ['./t/support/server-desk.ts'],
    reporters: ['default', './t/support/summary-reporter.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
  },
})
