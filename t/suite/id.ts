/**
 * The conformance suite of id generators.
 *
 * It runs under any test runner that has `describe` and `it`:
 *
 *     import { describe, it } from 'vitest'
 *     idSuite({ describe, it, name: 'Snowflake', create: () => new Snowflake() })
 */

import assert from 'node:assert/strict'
import type { IdGenerator } from '../../lib/contracts.js'
import { isId } from '../../lib/id-check.js'
import type { Runner } from './runner.js'

/** What the suite is told about a generator. */
export interface IdSuiteOptions extends Runner {
  /** The generator's name, for titles. */
  readonly name: string
  /** A generator, ready to use; called once a test. */
  create(): IdGenerator | Promise<IdGenerator>
  /** False for a generator that gives the same id each time; true by default. */
  readonly unique?: boolean
}

const MANY = 10_000

async function idsOneByOne(generator: IdGenerator, count: number): Promise<string[]> {
  const ids: string[] = []
  for (let i = 0; i < count; i++) ids.push(await generator.generate())
  return ids
}

/** Run `body` while everything that a weak generator would use stands still. */
async function withFrozenWorld<Result>(body: () => Promise<Result>): Promise<Result> {
  const frozen: [object, string, unknown][] = [
    [Date, 'now', () => 1_700_000_000_000],
    [Math, 'random', () => 0.5],
    [process, 'pid', 4242],
  ]
  const before = frozen.map(([owner, name]) => Object.getOwnPropertyDescriptor(owner, name)!)
  for (const [owner, name, value] of frozen) {
    Object.defineProperty(owner, name, { value, configurable: true, writable: true })
  }
  try {
    return await body()
  } finally {
    for (const [i, [owner, name]] of frozen.entries()) Object.defineProperty(owner, name, before[i]!)
  }
}

/** What every generator must do. */
export function idSuite({ describe, it, name, create, unique = true }: IdSuiteOptions): void {
  describe(`id generator ${name}`, () => {
    it('gives ids of the shape and the length that it declares', async () => {
      const generator = await create()
      assert.ok(Number.isSafeInteger(generator.length) && generator.length > 0, 'length is a whole number above 0')
      for (const id of await idsOneByOne(generator, 100)) {
        assert.equal(typeof id, 'string')
        assert.ok(isId(id, generator.shape), `an id is not of the shape '${generator.shape}' that drivers check`)
        assert.ok(id.length <= generator.length, `an id has ${id.length} characters, length says ${generator.length}`)
      }
    })

    if (unique) uniquenessCases({ it, create })
    else sameIdCase({ it, create })
  })
}

function uniquenessCases({ it, create }: Pick<IdSuiteOptions, 'it' | 'create'>): void {
  it(`never gives an id twice in ${MANY}`, async () => {
    const ids = await idsOneByOne(await create(), MANY)
    assert.equal(new Set(ids).size, MANY)
  })

  it('never gives an id twice to calls at the same time', async () => {
    const generator = await create()
    const ids = await Promise.all(Array.from({ length: MANY }, () => generator.generate()))
    assert.equal(new Set(ids).size, MANY)
  })

  it('gives different ids while the clock, Math.random and the process id stand still', async () => {
    const ids = await withFrozenWorld(async () => idsOneByOne(await create(), 1000))
    assert.equal(new Set(ids).size, 1000)
  })
}

function sameIdCase({ it, create }: Pick<IdSuiteOptions, 'it' | 'create'>): void {
  it('gives the same id each time', async () => {
    const ids = await idsOneByOne(await create(), 100)
    assert.equal(new Set(ids).size, 1)
  })
}
