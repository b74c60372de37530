/**
 * Adds packages that are no devDependencies, such as the stores that benchmarks compare with:
 * `node scripts/dev/add-peer.mjs connect-pg-simple`. Nothing is saved, and the next `npm install` takes them away.
 */

import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const folder = mkdtempSync(join(tmpdir(), 'data-session-peer-'))
try {
  writeFileSync(join(folder, 'package.json'), '{}')
  const install = ['install', '--no-audit', '--no-fund', ...process.argv.slice(2)]
  const { status } = spawnSync('npm', install, { cwd: folder, stdio: 'inherit', shell: process.platform === 'win32' })
  if (status === 0) cpSync(join(folder, 'node_modules'), 'node_modules', { recursive: true })
  process.exitCode = status ?? 1
} finally {
  rmSync(folder, { recursive: true })
}
