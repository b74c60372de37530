/** The examples of the pages on stores, run as a reader would run them. */

import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { temporaryFolder } from '../support/folders.js'
import { describeWith } from '../support/requirements.js'

const root = join(import.meta.dirname, '../..')

/** Page -> what its example needs, if anything. */
const pages = { 'docs/sql.md': 'better-sqlite3', 'docs/keyed.md': 'lmdb', 'docs/http.md': undefined } as const

for (const [page, part] of Object.entries(pages)) {
  const body = (): void =>
    it('has an example that runs, again and again, and prints what it says', () => {
      const [, example = ''] = /^```js\n(.*?)^```/ms.exec(readFileSync(join(root, page), 'utf8'))!
      const project = temporaryFolder()
      mkdirSync(join(project, 'node_modules'))
      symlinkSync(root, join(project, 'node_modules', 'data-session'))
      writeFileSync(join(project, 'example.mjs'), example)
      const [, promised] = /console\.log\(.*\) \/\/ (.*)$/m.exec(example)!
      for (let run = 0; run < 2; run++) {
        const { stdout, stderr } = spawnSync(process.execPath, ['example.mjs'], { cwd: project, encoding: 'utf8' })
        expect(stdout + stderr).toBe(`${promised}\n`)
      }
    })
  if (part === undefined) describe(page, body)
  else describeWith(part, page, body)
}
