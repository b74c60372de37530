/** Programs of tests that run as processes of their own: Node cannot run TypeScript, so they are bundled first. */

import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { rolldown } from 'rolldown'
import { afterAll } from 'vitest'

/** Tests and proofs run in the folder of the project. */
const root = process.cwd()
const bundles = new Map<string, Promise<string>>()
let folder: string | undefined

// A worker of vitest is ended without an 'exit' event.
afterAll(() => {
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
})

/** One folder for all bundles of this process, beside the packages that they load. */
function bundleFolder(): string {
  if (folder !== undefined) return folder
  const made = mkdtempSync(join(tmpdir(), 'data-session-bundles-'))
  symlinkSync(join(root, 'node_modules'), join(made, 'node_modules'))
  folder = made
  return made
}

async function build(entry: string): Promise<string> {
  const file = join(bundleFolder(), `${basename(entry, '.ts')}-${bundles.size}.cjs`)
  const bundled = await rolldown({
    input: resolve(root, entry),
    platform: 'node',
    external: (id, _importer, resolved) => !resolved && !/^(?:[./]|@oxc-project\/runtime\/|data-session$)/.test(id),
    transform: { target: 'node20.19' },
    // Programs of scripts/ import the package by its name.
    resolve: { extensionAlias: { '.js': ['.ts', '.js'] }, alias: { 'data-session$': resolve(root, 'lib/index.ts') } },
  })
  await bundled.write({ file, format: 'cjs', codeSplitting: false })
  await bundled.close()
  return file
}

/**
 * A TypeScript program as one CommonJS file that Node can run; built once, removed when the tests end.
 * @param entry from the root of the project, such as `t/support/file-worker.ts`
 */
export function bundle(entry: string): Promise<string> {
  const known = bundles.get(entry)
  if (known !== undefined) return known
  const building = build(entry)
  bundles.set(entry, building)
  return building
}

/** A running process of a test. */
export interface Child {
  readonly process: ChildProcessWithoutNullStreams
  /** Everything that it wrote to its standard output so far. */
  output(): string
  /** Fulfilled when its standard output has this text. */
  said(text: string): Promise<void>
  /** Fulfilled with its standard output when it ended well; otherwise rejected with what it wrote to standard error. */
  readonly done: Promise<string>
}

/** Start a program. */
export function start(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Child {
  const child = spawn(command, args, { env: { ...process.env, NODE_EXTRA_CA_CERTS: undefined, ...env } })
  let output = ''
  let errors = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text
  })
  const done = new Promise<string>((fulfil, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => {
      if (code === 0) fulfil(output)
      else reject(new Error(`${basename(command)} ended with ${code ?? signal}: ${errors}`))
    })
  })
  // Who kills a child does not look at how it ended.
  done.catch(() => undefined)
  const said = (text: string): Promise<void> =>
    new Promise((fulfil, reject) => {
      const look = (): void => {
        if (output.includes(text)) fulfil()
      }
      child.stdout.on('data', look)
      done.then(() => reject(new Error(`the process ended without saying ${text}`)), reject)
      look()
    })
  return { process: child, output: () => output, said, done }
}

/** Start a bundled program with Node. */
export async function startNode(entry: string, args: readonly string[], env?: NodeJS.ProcessEnv): Promise<Child> {
  return start(process.execPath, [await bundle(entry), ...args], env)
}

/** Start a Perl program of the tests, such as `t/support/file-driver.pl`. */
export function startPerl(script: string, args: readonly string[]): Child {
  return start('perl', [join(root, script), ...args])
}
