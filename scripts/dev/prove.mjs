/**
 * Proofs with real processes and stores: `npm run prove -- NAME [--seconds N] [--seed N]`, or `all` in place of a name (`--short`: in
 * little time). Each prints one line, `NAME value target ok|short seed=N`, and the exit status tells whether all were reached.
 * A proof is a file directly in t/prove/.
 */

import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { rolldown } from 'rolldown'

const names = readdirSync('t/prove')
  .filter((file) => file.endsWith('.ts'))
  .map((file) => file.slice(0, -3))
  .sort()

/**
 * Node cannot run TypeScript, so a proof is bundled, beside the packages that it loads.
 * @param {string} folder
 * @param {readonly string[]} wanted
 */
async function build(folder, wanted) {
  symlinkSync(resolve('node_modules'), join(folder, 'node_modules'))
  const bundled = await rolldown({
    input: Object.fromEntries(
      ['shared/main', ...wanted].map((name) => [name.replace('shared/', ''), `t/prove/${name}.ts`]),
    ),
    platform: 'node',
    external: (id, _importer, isResolved) => !isResolved && !/^[./]/.test(id) && id !== 'vitest',
    resolve: { extensionAlias: { '.js': ['.ts', '.js'] }, alias: { vitest: resolve('t/prove/shared/at-end.ts') } },
  })
  await bundled.write({ dir: folder, format: 'esm', entryFileNames: '[name].mjs', chunkFileNames: 'chunk-[name].mjs' })
  await bundled.close()
}

const [name = '', ...rest] = process.argv.slice(2)
const wanted = name === 'all' ? names : names.filter((one) => one === name)
if (wanted.length === 0) {
  process.stderr.write(`npm run prove -- NAME [--seconds N] [--seed N] [--short]\n`)
  process.stderr.write(`NAME is one of ${names.join(', ')}; or all. SECURITY.md tells what they do.\n`)
  process.exit(2)
}
const folder = mkdtempSync(join(tmpdir(), 'data-session-prove-'))
try {
  await build(folder, wanted)
  for (const one of wanted) {
    const args = ['--expose-gc', join(folder, 'main.mjs'), one, join(folder, `${one}.mjs`), ...rest]
    const env = { ...process.env, NODE_EXTRA_CA_CERTS: undefined }
    const { status } = spawnSync(process.execPath, args, { stdio: 'inherit', env })
    if (status !== 0) process.exitCode = 1
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
