/** Builds dist/: the code with rolldown, the declarations with tsc. */

import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'

/** @param {string[]} command */
function run(...command) {
  const { status } = spawnSync('npx', ['--no-install', ...command], { stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}

run('rolldown', '-c', 'rolldown.config.mjs')
run('tsc', '-p', 'tsconfig.build.json')
// The sources are modules; what is built from them is CommonJS, declarations included.
writeFileSync('dist/package.json', `${JSON.stringify({ type: 'commonjs' })}\n`)
