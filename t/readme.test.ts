/** The examples of the README are run as a reader would run them. */

import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { beforeAll, describe, expect, it } from 'vitest'
import { temporaryFolder } from './support/folders.js'

const root = join(import.meta.dirname, '..')
const readme = readFileSync(join(root, 'README.md'), 'utf8')
const examples = [...readme.matchAll(/^```(js|ts)\n(.*?)^```/gms)].map(([, language, text]) => ({
  language,
  text: text!,
}))

const project = temporaryFolder()
beforeAll(() => {
  mkdirSync(join(project, 'node_modules'))
  symlinkSync(root, join(project, 'node_modules', 'data-session'))
})

/** Run a program of a user's project; its sessions go to a folder of its own. */
function run(name: string, program: string): string {
  writeFileSync(join(project, name), program)
  const env = { ...process.env, TMPDIR: project }
  const { stdout, stderr } = spawnSync(process.execPath, [name], { cwd: project, env, encoding: 'utf8' })
  return stdout + stderr
}

describe('README', () => {
  it('has JavaScript examples, each going on from the last, that run and print what they say', () => {
    const program = examples.flatMap(({ language, text }) => (language === 'js' ? [text] : [])).join('')
    const promised = [...program.matchAll(/^console\.log\(.*\) \/\/ (.*)$/gm)].map(([, output]) => `${output}\n`)
    expect(promised).toHaveLength(2)
    expect(run('example.mjs', program)).toBe(promised.join(''))
  })

  it('has a TypeScript example that raises its counter with each run', () => {
    const [typed] = examples.filter(({ language }) => language === 'ts')
    const options = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext }
    const { outputText } = ts.transpileModule(`${typed!.text}\nconsole.log(session.param('visits'))`, {
      compilerOptions: options,
    })
    expect([run('typed.mjs', outputText), run('typed.mjs', outputText)]).toEqual(['1\n', '2\n'])
  })
})
