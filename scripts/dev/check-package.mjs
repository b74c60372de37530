/** The package as npm would publish it, looked at by publint and attw. */

import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { checkPackage as checkTypes, createPackageFromTarballData } from '@arethetypeswrong/core'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'

/** @returns {Promise<string[]>} the problems found; none is good */
export async function checkPackage() {
  const folder = mkdtempSync(join(tmpdir(), 'data-session-pack-'))
  try {
    const pack = spawnSync('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder], {
      encoding: 'utf8',
      shell: process.platform === 'win32',
    })
    const [{ filename }] = JSON.parse(pack.stdout)
    const tarball = readFileSync(join(folder, filename))
    const programs = problemsOfPrograms(folder, filename)
    return [...programs, ...(await problemsOfManifest(tarball)), ...(await problemsOfTypes(tarball))]
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/**
 * Programs of the package that do not find a file of theirs in it.
 * @param {string} folder
 * @param {string} filename
 */
function problemsOfPrograms(folder, filename) {
  spawnSync('tar', ['-xzf', filename], { cwd: folder })
  const root = join(folder, 'package')
  const { bin } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  return Object.entries(bin).flatMap(([name, file]) => {
    const { stderr } = spawnSync(process.execPath, [join(root, file), '--help'], { encoding: 'utf8', input: '' })
    const missing = /Cannot find module '([^']+)'/.exec(stderr)
    return missing === null ? [] : [`${name}: ${missing[1]} is not in the package (files of package.json)`]
  })
}

/** @param {Buffer} tarball */
async function problemsOfManifest(tarball) {
  const data = new Uint8Array(tarball).buffer
  const { messages, pkg } = await publint({ pack: { tarball: data }, strict: true })
  return messages.map((message) => `publint: ${formatMessage(message, pkg, { color: false })}`)
}

/** @param {Buffer} tarball */
async function problemsOfTypes(tarball) {
  const result = await checkTypes(createPackageFromTarballData(new Uint8Array(tarball)))
  if (!result.types) return ['attw: the package has no types']
  // Resolution of Node 10 knows no `exports`; the package needs Node 20.
  return result.problems
    .filter((problem) => !('resolutionKind' in problem && problem.resolutionKind === 'node10'))
    .map((problem) => `attw: ${JSON.stringify(problem)}`)
}
