/**
 * Proofs with real processes and stores: `npm run prove -- NAME… [--seconds N] [--seed N]`, or `all` in place of names (`--short`: in
 * little time). Each prints one line, `NAME value target ok|short seed=N`, and the exit status tells whether all were reached.
 * A proof is a file directly in t/prove/.
 */

import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
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

const usage = `npm run prove -- NAME… [--seconds N] [--seed N] [--short]
NAME is one of ${names.join(', ')}; or all. SECURITY.md tells what they do.
`

/**
 * @param {string} problem
 * @returns {never}
 */
function refuse(problem) {
  process.stderr.write(`${problem}\n${usage}`)
  process.exit(2)
}

function readArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        seconds: { type: 'string' },
        seed: { type: 'string' },
        short: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    })
  } catch (error) {
    return refuse(/** @type {Error} */ (error).message)
  }
}

const { values, positionals } = readArguments()
if (values.help) {
  process.stdout.write(usage)
  process.exit()
}
for (const [name, least] of /** @type {const} */ ([
  ['seconds', 1],
  ['seed', 0],
])) {
  const text = values[name]
  const isNumber = text === undefined || (/^\d+$/.test(text) && Number(text) >= least)
  if (!isNumber) refuse(`--${name} takes a whole number from ${least}, not '${text}'`)
}
const unknown = positionals.find((name) => name !== 'all' && !names.includes(name))
if (unknown !== undefined) refuse(`There is no proof '${unknown}'`)
if (positionals.length === 0) refuse('Which proof?')
const wanted = positionals.includes('all') ? names : positionals
const folder = mkdtempSync(join(tmpdir(), 'data-session-prove-'))
try {
  await build(folder, wanted)
  const failed = []
  for (const one of wanted) {
    const args = ['--expose-gc', join(folder, 'main.mjs'), one, join(folder, `${one}.mjs`), JSON.stringify(values)]
    const env = { ...process.env, NODE_EXTRA_CA_CERTS: undefined }
    const { status, signal } = spawnSync(process.execPath, args, { stdio: 'inherit', env })
    if (status !== 0) failed.push(`${one} (${signal ?? `exit ${status}`})`)
  }
  if (failed.length > 0) {
    // One that died has printed no line.
    console.error(`prove: short of the target, or broken: ${failed.join(', ')}`)
    process.exitCode = 1
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
