/** All checks that need no store: types, lint, dead code, the package's shape. Each runs; the first failure is the status. */

import { spawnSync } from 'node:child_process'
import { checkPackage } from './check-package.mjs'

const checks = [
  ['types', 'tsc', '-p', 'tsconfig.json'],
  ['format and lint', 'biome', 'ci', '--error-on-warnings'],
  ['dead code and dependencies', 'knip'],
  ['build', 'node', 'scripts/dev/build.mjs'],
  ['lists', 'vitest', 'run', 't/lists.test.ts', '--reporter=dot'],
]

const failed = []

for (const [title, ...command] of checks) {
  console.log(`check: ${title}`)
  const { status } = spawnSync('npx', ['--no-install', ...command], {
    stdio: 'inherit',
    shell: process.platform === 'win32',
  })
  if (status !== 0) failed.push(title)
}

console.log('check: package shape')
const problems = await checkPackage()
for (const problem of problems) console.error(`  ${problem}`)
if (problems.length > 0) failed.push('package shape')

console.log(failed.length === 0 ? 'check: all is well' : `check: failed: ${failed.join(', ')}`)
process.exitCode = failed.length === 0 ? 0 : 1
