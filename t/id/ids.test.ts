/** The generators of random ids, and Static: shapes, randomness, and what they load. */

import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, it } from 'vitest'
import MD5 from '../../id/MD5.js'
import SHA1 from '../../id/SHA1.js'
import SHA256 from '../../id/SHA256.js'
import SHA512 from '../../id/SHA512.js'
import Static from '../../id/Static.js'
import UUID16 from '../../id/UUID16.js'
import UUID34 from '../../id/UUID34.js'
import UUID36 from '../../id/UUID36.js'
import UUID64 from '../../id/UUID64.js'
import type { IdGenerator } from '../../lib/contracts.js'
import { IdError } from '../../lib/errors.js'
import { idSuite } from '../suite/id.js'
import { bundle } from '../support/child.js'

const run = promisify(execFile)

const hex = (id: string): Buffer => Buffer.from(id, 'hex')
const uuidHex = (id: string): Buffer => hex(id.replace(/^0x|-/g, ''))

/** Each generator: what its ids look like, how wide they are, and the bytes in them. */
const generators: Record<
  string,
  { create: () => IdGenerator; like: RegExp; shape: string; length: number; bytes: (id: string) => Buffer }
> = {
  MD5: { create: () => new MD5(), like: /^[0-9a-f]{32}$/, shape: 'word', length: 32, bytes: hex },
  SHA1: { create: () => new SHA1(), like: /^[0-9a-f]{40}$/, shape: 'word', length: 40, bytes: hex },
  SHA256: { create: () => new SHA256(), like: /^[0-9a-f]{64}$/, shape: 'word', length: 64, bytes: hex },
  SHA512: { create: () => new SHA512(), like: /^[0-9a-f]{128}$/, shape: 'word', length: 128, bytes: hex },
  UUID16: {
    create: () => new UUID16(),
    like: /^[\x00-\xff]{16}$/,
    shape: 'bytes',
    length: 16,
    bytes: (id) => Buffer.from(id, 'latin1'),
  },
  UUID34: { create: () => new UUID34(), like: /^0x[0-9A-F]{32}$/, shape: 'word', length: 34, bytes: uuidHex },
  UUID36: {
    create: () => new UUID36(),
    like: /^[0-9A-F]{8}(?:-[0-9A-F]{4}){3}-[0-9A-F]{12}$/,
    shape: 'word',
    length: 36,
    bytes: uuidHex,
  },
  UUID64: {
    create: () => new UUID64(),
    like: /^[A-Za-z0-9+/]{22}==$/,
    shape: 'text',
    length: 24,
    bytes: (id) => Buffer.from(id, 'base64'),
  },
}

async function sample(generator: IdGenerator, count: number): Promise<string[]> {
  const ids: string[] = []
  for (let i = 0; i < count; i++) ids.push(await generator.generate())
  return ids
}

for (const [name, { create, like, shape, length, bytes }] of Object.entries(generators)) {
  idSuite({ describe, it, name, create })

  describe(`the ids of ${name}`, () => {
    it('look as in Perl', async () => {
      const generator = create()
      expect([generator.shape, generator.length]).toEqual([shape, length])
      for (const id of await sample(generator, 1000)) expect(id).toMatch(like)
    })

    it('are random in every bit and every half-byte', async () => {
      const records = (await sample(create(), 4000)).map(bytes)
      const isUuid = name.startsWith('UUID')
      // With limits of 7 standard deviations and p = 1e-10, a good source fails once in millions of runs.
      expect(biasedBits(records, isUuid)).toEqual([])
      expect(chiSquareOfNibbles(records, isUuid)).toBeLessThan(78)
    })
  })
}

/** The version and the variant: bits 48 to 51 and 64 to 65 of a UUID. */
const isFixedBit = (bit: number): boolean => (bit >= 48 && bit < 52) || bit === 64 || bit === 65

/** The monobit test for each bit: those that are not 1 in about half of the ids. */
function biasedBits(records: Buffer[], isUuid: boolean): number[] {
  const limit = (7 * Math.sqrt(records.length)) / 2
  const bits = [...Array(records[0]!.length * 8).keys()].filter((bit) => !isUuid || !isFixedBit(bit))
  return bits.filter((bit) => {
    const ones = records.filter((record) => (record[bit >> 3]! >> (7 - (bit & 7))) & 1).length
    return Math.abs(ones - records.length / 2) > limit
  })
}

/** Pearson's statistic over the 16 values of a half-byte: 15 degrees of freedom. */
function chiSquareOfNibbles(records: Buffer[], isUuid: boolean): number {
  const seen = new Array<number>(16).fill(0)
  for (const record of records) {
    const digits = record.toString('hex')
    for (let i = 0; i < digits.length; i++) {
      if (isUuid && (i === 12 || i === 16)) continue
      seen[Number.parseInt(digits[i]!, 16)]! += 1
    }
  }
  const expected = seen.reduce((sum, count) => sum + count) / 16
  return seen.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0)
}

describe('UUIDs', () => {
  it('are of version 4 and of the RFC variant', async () => {
    for (const [name, { create, bytes }] of Object.entries(generators)) {
      if (!name.startsWith('UUID')) continue
      for (const id of await sample(create(), 1000)) {
        expect(bytes(id)[6]! >> 4).toBe(4)
        expect(bytes(id)[8]! >> 6).toBe(0b10)
      }
    }
  })

  it('in base64 do have characters that cannot stand in a file name', async () => {
    expect((await sample(new UUID64(), 2000)).join('')).toContain('/')
  })
})

describe('Static', () => {
  idSuite({ describe, it, name: 'Static', create: () => new Static({ id: 'my-own-id' }), unique: false })

  it('gives the id that it was given, 0 too (D23)', async () => {
    expect(await new Static({ id: '0' }).generate()).toBe('0')
  })

  it('refuses to invent one', async () => {
    for (const generator of [new Static(), new Static({ id: '' })]) {
      const failure = await generator.generate().catch((error: unknown) => error)
      expect(failure).toBeInstanceOf(IdError)
      expect(failure).toMatchObject({
        code: 'ERR_SESSION_ID_GENERATE',
        message: expect.stringContaining('open({ id })'),
      })
    }
  })

  it('has the length of 32 that Perl declares, or that of a longer id (D24)', () => {
    expect(new Static({ id: 'short' }).length).toBe(32)
    expect(new Static({ id: 'x'.repeat(40) }).length).toBe(40)
  })
})

describe('in a process of its own', () => {
  let program: string
  beforeAll(async () => {
    program = await bundle('t/id/children/generate.ts')
  })

  async function child(...args: string[]): Promise<{ ids: string[]; error?: string; loaded: string[] }> {
    const { stdout } = await run(process.execPath, [program, ...args])
    return JSON.parse(stdout)
  }

  it('only the UUID generators load the package uuid', async () => {
    for (const name of ['MD5', 'SHA1', 'SHA256', 'SHA512', 'Static', 'AutoIncrement']) {
      expect((await child(name)).loaded, name).not.toContain('uuid')
    }
    expect((await child('UUID36')).loaded).toContain('uuid')
  })

  it('node:crypto is loaded at the first id and not before', async () => {
    expect((await child('MD5', '--only-create')).loaded).toEqual([])
    expect((await child('MD5')).loaded).toEqual(['crypto'])
  })

  it('ids differ between processes that have the same clock, process id and Math.random (D15, C1)', async () => {
    for (const name of Object.keys(generators)) {
      const [one, other] = await Promise.all([child(name, '--frozen'), child(name, '--frozen')])
      expect(new Set([...one!.ids, ...other!.ids]).size, name).toBe(20)
    }
  })

  it('no id is made when the random source fails', async () => {
    for (const name of Object.keys(generators)) {
      const { ids, error } = await child(name, '--no-randomness')
      expect({ ids, error }, name).toEqual({ ids: [], error: 'ERR_SESSION_ID_GENERATE' })
    }
  })
})
