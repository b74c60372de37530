/** The test suite as it is, with every worker watched by leak-setup.ts. */

import { defineConfig, mergeConfig } from 'vitest/config'
import usual from '../../../vitest.config.js'

export default mergeConfig(
  usual,
  defineConfig({ test: { setupFiles: ['./t/prove/shared/leak-setup.ts'], reporters: ['json'] } }),
)
