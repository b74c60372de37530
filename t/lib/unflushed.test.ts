/** What a program is told that ends with changes in sessions. */

import { spawnSync } from 'node:child_process'
import { expect, it } from 'vitest'
import { bundle } from '../support/child.js'

it.each([
  [0, 'The program ends with 2 unflushed session(s); the changes are lost.'],
  [1, 'The program ends with 1 unflushed session(s); the changes are lost.'],
  [2, ''],
])('a program that flushes %i of two sessions is told of the rest', async (count, told) => {
  const program = await bundle('t/lib/children/ends-unflushed.ts')
  const { status, stderr } = spawnSync(process.execPath, [program, String(count)], { encoding: 'utf8' })
  expect(status).toBe(0)
  if (told === '') expect(stderr).toBe('')
  else expect(stderr).toContain(`[DATA_SESSION_UNFLUSHED] SessionWarning: ${told}`)
})

it('a program that only reads is told nothing, though a flush would write the time of access', async () => {
  const program = await bundle('t/lib/children/ends-after-reading.ts')
  const { stdout, stderr } = spawnSync(process.execPath, [program], { encoding: 'utf8' })
  expect([stdout, stderr]).toEqual(['user true\n', ''])
})
