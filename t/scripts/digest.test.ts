import { execFileSync } from 'node:child_process'
import { expect, it } from 'vitest'
import { bundle } from '../support/child.js'

it('scripts/digest prints the length of every kind of id, as Perl has them', async () => {
  const output = execFileSync(process.execPath, [await bundle('scripts/digest.ts')], { encoding: 'utf8' })
  const rows = output.trim().split('\n').slice(1)
  expect(Object.fromEntries(rows.map((row) => row.split(/\s+/).slice(0, 2)))).toEqual({
    AutoIncrement: '32',
    MD5: '32',
    SHA1: '40',
    SHA256: '64',
    SHA512: '128',
    Static: '32',
    UUID16: '16',
    UUID34: '34',
    UUID36: '36',
    UUID64: '24',
  })
  expect(output).toMatch(/^[\x20-\x7e\n]*$/)
})
