/**
 * Damaged records give a `SerializeError` or a value, and nothing else: no other error, no endless loop, no heap beyond
 * 64 MB, no changed prototype. `FUZZ_RUNS` inputs in all (CI: 200,000) from `FUZZ_SEED`.
 */

import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { pluginNames } from '../../lib/index.js'
import { bundle, start } from '../support/child.js'

const names = pluginNames('serialize')
const runs = Math.ceil(Number(process.env.FUZZ_RUNS ?? 20_000) / names.length)
const seed = process.env.FUZZ_SEED ?? '20261121'
const fixtures = join(import.meta.dirname, '../fixtures/perl')

describe(`damaged records (seed ${seed})`, () => {
  it.each(names)('of %s are refused with a SerializeError, or read', { timeout: 600_000 }, async (name) => {
    const program = await bundle('t/fuzz/mutate.ts')
    const child = start(process.execPath, ['--max-old-space-size=64', program, fixtures, name, `${runs}`, seed])
    const result = JSON.parse(await child.done)
    expect(result.records).toBeGreaterThan(50)
    expect(result.thawed + result.refused).toBe(runs)
    expect(result.refused).toBeGreaterThan(runs / 4)
    expect(result.arrayBuffersMiB).toBeLessThan(64)
  })
})
