/**
 * The conformance suite for drivers: what a store must do to hold sessions, whoever wrote its driver.
 *
 * ```ts
 * import { describe, it } from 'node:test'
 * driverSuite({ describe, it, name: 'Mine', open: async () => ({ driver: new Mine(url), close: () => wipe(url) }) })
 * ```
 */

import assert from 'node:assert/strict'
import type { Driver, IdShape } from '../../lib/contracts.js'
import type { Runner } from './runner.js'

/** A driver on an empty store. */
export interface OpenedDriver {
  readonly driver: Driver
  /** Called when a test has ended: close the driver, drop the store. */
  close(): Promise<void>
  /** Another driver on the same store, as another process would have it. Tests with two of them need this. */
  peer?(): Promise<Driver>
}

/** What the suite is told about a driver. */
export interface DriverSuiteOptions extends Runner {
  /** The name of the driver. */
  readonly name: string
  /** Called by each test: an open driver on an empty store of its own. */
  open(): Promise<OpenedDriver>
  /** Makes the store's clock go, in seconds. Without it a test of expiry waits for two real seconds. */
  readonly clock?: { advance(seconds: number): void }
  /** The longest id that the store was set up for, in characters. Default: 200. */
  readonly longestId?: number
}

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)
const id = '0123456789abcdef0123456789abcdef'
const first = bytesOf("$D = {'n' => 1};;$D")
const second = bytesOf("$D = {'n' => 2};;$D")

/** Every byte there is, or every character of ASCII but NUL where the store holds text. */
function allBytes({ supports }: Driver): Uint8Array {
  return supports.payload === 'bytes'
    ? Uint8Array.from({ length: 256 }, (_, byte) => byte)
    : Uint8Array.from({ length: 127 }, (_, byte) => byte + 1)
}

/** Ids at the edges of each shape. */
const edges: Readonly<Record<IdShape, readonly string[]>> = {
  word: ['0', '-', '_', 'a.b', '0-1_2', 'id=1', 'a~b+c,d@e', 'deadbeef-0000-4000-8000-00000000000f', 'UPPER', 'lower'],
  text: [
    'a/b+c==',
    '{6ba7b810-9dad-11d1-80b4-00c04fd430c8}',
    "it's",
    '"',
    '%s%_',
    '..',
    '../up',
    'a b',
    '\\',
    ':',
    '*',
  ],
  bytes: [
    '\x00',
    '\x00\x00',
    '\xff'.repeat(16),
    '\r\n',
    Array.from({ length: 128 }, (_, i) => String.fromCharCode(i * 2)).join(''),
  ],
}

const shapes: readonly IdShape[] = ['word', 'text', 'bytes']

function edgeIds({ supports }: Driver, longest: number): string[] {
  const within = shapes.slice(0, shapes.indexOf(supports.ids) + 1)
  return [...within.flatMap((shape) => edges[shape]), 'x'.repeat(longest)].filter((edge) => edge.length <= longest)
}

async function listed(driver: Driver): Promise<string[]> {
  const ids: string[] = []
  for await (const one of driver.ids()) ids.push(one)
  return ids.sort()
}

function assertBytes(actual: Uint8Array | undefined, expected: Uint8Array, message?: string): void {
  assert.ok(actual !== undefined, message ?? 'the record is missing')
  assert.equal(
    Buffer.compare(actual, expected),
    0,
    message ?? `got ${actual.length} bytes, not these ${expected.length}`,
  )
}

/** Define the tests of a driver. */
export function driverSuite(options: DriverSuiteOptions): void {
  const { describe, it, name, open, clock, longestId = 200 } = options

  /** A test with a driver on an empty store. */
  const test = (title: string, body: (driver: Driver, opened: OpenedDriver) => Promise<void>): void => {
    it(title, async () => {
      const opened = await open()
      try {
        await body(opened.driver, opened)
      } finally {
        await opened.close()
      }
    })
  }

  /** A test with two drivers on one store, where `open` offers a peer. */
  const testTwo = (title: string, body: (one: Driver, other: Driver) => Promise<void>): void => {
    test(title, async (driver, { peer }) => {
      if (peer === undefined) return
      const other = await peer()
      try {
        await body(driver, other)
      } finally {
        await other.close()
      }
    })
  }

  describe(`${name}: records`, () => {
    test('a missing record is undefined, and not an error', async (driver) => {
      assert.equal(await driver.retrieve(id), undefined)
      assert.equal(await driver.remove(id), false)
    })

    test('what was stored comes back', async (driver) => {
      assert.equal(await driver.store(id, first), 'stored')
      assertBytes(await driver.retrieve(id), first)
      assert.equal(await driver.retrieve('fedcba98'), undefined)
    })

    test('every byte comes back as it was', async (driver) => {
      const record = allBytes(driver)
      await driver.store(id, record)
      assertBytes(await driver.retrieve(id), record)
      await driver.store(id, record.toReversed())
      assertBytes(await driver.retrieve(id), record.toReversed())
    })

    test('blanks and line ends at both ends are kept', async (driver) => {
      for (const text of [' ', '\n', '  x  ', 'x\n\n', '\t\n x', '0']) {
        await driver.store(id, bytesOf(text))
        assertBytes(await driver.retrieve(id), bytesOf(text), JSON.stringify(text))
      }
    })

    test('records grow and shrink, up to 1 MB less the overhead of a store', async (driver) => {
      for (const length of [1, 100, 4095, 4096, 4097, 70_000, 1_000_000, 5000, 4096, 10, 1]) {
        const record = new Uint8Array(length).fill(0x41 + (length % 26))
        assert.equal(await driver.store(id, record), 'stored')
        assertBytes(await driver.retrieve(id), record, `a record of ${length} bytes`)
      }
    })

    test('a record is the caller’s own: changing it changes nothing in the store', async (driver) => {
      const record = Uint8Array.from(first)
      await driver.store(id, record)
      record.fill(0)
      const got = await driver.retrieve(id)
      assertBytes(got, first)
      got!.fill(0)
      assertBytes(await driver.retrieve(id), first)
    })

    test('a record that is part of a larger buffer is stored alone', async (driver) => {
      await driver.store(id, bytesOf('before the record after').subarray(11, 17))
      assertBytes(await driver.retrieve(id), bytesOf('record'))
    })

    test('remove says whether there was a record', async (driver) => {
      await driver.store(id, first)
      assert.equal(await driver.remove(id), true)
      assert.equal(await driver.remove(id), false)
      assert.equal(await driver.retrieve(id), undefined)
      assert.equal(await driver.store(id, second), 'stored')
      assertBytes(await driver.retrieve(id), second)
    })

    test('many calls at once', async (driver) => {
      const ids = Array.from({ length: 40 }, (_, index) => `many-${index}`)
      await Promise.all(ids.map((one) => driver.store(one, bytesOf(one))))
      const records = await Promise.all(ids.map((one) => driver.retrieve(one)))
      ids.forEach((one, index) => {
        assertBytes(records[index], bytesOf(one))
      })
    })
  })

  describe(`${name}: ids`, () => {
    test('ids at the edges of what the store holds', async (driver) => {
      const ids = edgeIds(driver, longestId)
      for (const [index, one] of ids.entries()) await driver.store(one, bytesOf(`record ${index}`))
      for (const [index, one] of ids.entries()) {
        assertBytes(await driver.retrieve(one), bytesOf(`record ${index}`), JSON.stringify(one))
      }
      if (driver.supports.list) assert.deepEqual(await listed(driver), [...ids].sort())
      for (const one of ids) assert.equal(await driver.remove(one), true, JSON.stringify(one))
    })

    test('ids() gives each id once, and survives removals on the way', async (driver) => {
      if (!driver.supports.list) return
      assert.deepEqual(await listed(driver), [])
      const ids = Array.from({ length: 120 }, (_, index) => `list${String(index).padStart(3, '0')}`)
      for (const one of ids) await driver.store(one, first)
      assert.deepEqual(await listed(driver), ids)
      const seen = new Set<string>()
      for await (const one of driver.ids()) {
        seen.add(one)
        assert.equal(await driver.remove(one), true)
      }
      assert.equal(seen.size, ids.length)
      assert.deepEqual(await listed(driver), [])
    })

    test('ids() can be left early', async (driver) => {
      if (!driver.supports.list) return
      for (const one of ['early1', 'early2', 'early3']) await driver.store(one, first)
      let count = 0
      for await (const _ of driver.ids()) {
        count++
        break
      }
      assert.equal(count, 1)
      assert.equal((await listed(driver)).length, 3)
    })
  })

  describe(`${name}: preconditions`, () => {
    test('expect null only creates', async (driver) => {
      if (!driver.supports.expect) return
      assert.equal(await driver.store(id, first, { expect: null }), 'stored')
      assert.equal(await driver.store(id, second, { expect: null }), 'exists')
      assertBytes(await driver.retrieve(id), first)
    })

    test('expected bytes are replaced, others are a conflict', async (driver) => {
      if (!driver.supports.expect) return
      await driver.store(id, first)
      assert.equal(await driver.store(id, second, { expect: first }), 'stored')
      assert.equal(await driver.store(id, first, { expect: first }), 'conflict')
      assertBytes(await driver.retrieve(id), second)
      assert.equal(await driver.store(id, second, { expect: second }), 'stored', 'the same bytes again')
    })

    test('expected bytes must be all of the record', async (driver) => {
      if (!driver.supports.expect) return
      await driver.store(id, first)
      const cases = [
        first.subarray(0, -1),
        Uint8Array.of(...first, 0x0a),
        Uint8Array.of(...first, 0x20),
        new Uint8Array(),
      ]
      for (const expect of cases) assert.equal(await driver.store(id, second, { expect }), 'conflict')
      const upper = bytesOf(new TextDecoder().decode(first).toUpperCase())
      assert.equal(await driver.store(id, second, { expect: upper }), 'conflict', 'case counts')
      assertBytes(await driver.retrieve(id), first)
    })

    test('a removed record is gone, and stays so', async (driver) => {
      if (!driver.supports.expect) return
      assert.equal(await driver.store(id, second, { expect: first }), 'gone')
      await driver.store(id, first)
      await driver.remove(id)
      assert.equal(await driver.store(id, second, { expect: first }), 'gone')
      assert.equal(await driver.retrieve(id), undefined)
    })

    test('a removal with expect takes only exactly that record', async (driver) => {
      if (!driver.supports.expect) return
      assert.equal(await driver.remove(id, { expect: first }), false)
      await driver.store(id, first)
      for (const expect of [second, first.subarray(0, -1), Uint8Array.of(...first, 0x20)]) {
        assert.equal(await driver.remove(id, { expect }), false)
        assertBytes(await driver.retrieve(id), first)
      }
      assert.equal(await driver.remove(id, { expect: first }), true)
      assert.equal(await driver.retrieve(id), undefined)
    })

    test('possiblyExpired() gives each record that has expired', async (driver) => {
      if (driver.possiblyExpired === undefined) return
      const now = Math.floor(Date.now() / 1000)
      await driver.store('forever', first)
      await driver.store('soon', second, { ttl: 10 })
      await driver.store('later', first, { ttl: 1000 })
      for (let index = 0; index < 250; index++) await driver.store(`many${index}`, first, { ttl: 10 })
      const found = new Map<string, Uint8Array>()
      for await (const { id: one, record } of driver.possiblyExpired(now + 100)) found.set(one, record)
      assertBytes(found.get('soon'), second)
      for (let index = 0; index < 250; index++) assertBytes(found.get(`many${index}`), first)
    })

    test('without expect the last write counts', async (driver) => {
      assert.equal(await driver.store(id, first), 'stored')
      assert.equal(await driver.store(id, second), 'stored')
      assertBytes(await driver.retrieve(id), second)
    })
  })

  describe(`${name}: two programs`, () => {
    testTwo('each sees what the other did', async (one, other) => {
      await one.store(id, first)
      assertBytes(await other.retrieve(id), first)
      await other.store(id, second)
      assertBytes(await one.retrieve(id), second)
      if (one.supports.expect) assert.equal(await one.store(id, first, { expect: first }), 'conflict')
      assert.equal(await other.remove(id), true)
      assert.equal(await one.retrieve(id), undefined)
    })

    testTwo('of those who create at once, exactly one succeeds', async (one, other) => {
      if (!one.supports.expect) return
      for (let round = 0; round < 25; round++) {
        const writers = Array.from({ length: 6 }, (_, index) => bytesOf(`writer ${index}`))
        const outcomes = await Promise.all(
          writers.map((record, index) => (index % 2 ? one : other).store(`race${round}`, record, { expect: null })),
        )
        assert.equal(outcomes.filter((outcome) => outcome === 'stored').length, 1)
        assert.equal(outcomes.filter((outcome) => outcome === 'exists').length, 5)
        assertBytes(await one.retrieve(`race${round}`), writers[outcomes.indexOf('stored')]!)
      }
    })

    testTwo('no update is lost when each expects what it read', async (one, other) => {
      if (!one.supports.expect) return
      const updates = 25
      await one.store(id, bytesOf('0'))
      await Promise.all([one, other, one, other].map((driver) => count(driver, updates)))
      assertBytes(await one.retrieve(id), bytesOf(String(4 * updates)))
    })

    testTwo('an update never brings a removed record back', async (one, other) => {
      if (!one.supports.expect) return
      for (let round = 0; round < 25; round++) {
        await one.store(id, first)
        const [outcome, removed] = await Promise.all([one.store(id, second, { expect: first }), other.remove(id)])
        assert.equal(removed, true)
        assert.ok(outcome === 'stored' || outcome === 'gone', outcome)
        assert.equal(await one.retrieve(id), undefined)
      }
    })
  })

  describe(`${name}: time and end`, () => {
    test('a record lasts as long as its ttl', async (driver) => {
      await driver.store('forever', first, { ttl: 0 })
      await driver.store('later', first, { ttl: 3600 })
      await driver.store('soon', first, { ttl: 1 })
      assertBytes(await driver.retrieve('later'), first)
      if (driver.supports.ttl) await untilGone(driver, 'soon')
      assertBytes(await driver.retrieve('forever'), first)
      assertBytes(await driver.retrieve('later'), first)
    })

    test('a new write sets a new ttl', async (driver) => {
      if (!driver.supports.ttl) return
      await driver.store(id, first, { ttl: 1 })
      await driver.store('witness', first, { ttl: 1 })
      await driver.store(id, second, { ttl: 3600 })
      await untilGone(driver, 'witness')
      assertBytes(await driver.retrieve(id), second)
    })

    test('a ttl of more than 30 days, and of 40 years, is kept', async (driver) => {
      for (const days of [31, 365, 14_600]) {
        await driver.store(id, first, { ttl: days * 86_400 })
        assertBytes(await driver.retrieve(id), first, `${days} days`)
      }
    })

    test('a closed driver refuses everything, and may be closed twice', async (driver) => {
      await driver.store(id, first)
      await driver.close()
      await driver.close()
      const closed = { code: 'ERR_SESSION_CLOSED' }
      await assert.rejects(async () => driver.retrieve(id), closed)
      await assert.rejects(async () => driver.store(id, first), closed)
      await assert.rejects(async () => driver.remove(id), closed)
      if (driver.supports.list) await assert.rejects(() => listed(driver), closed)
    })
  })

  async function count(driver: Driver, times: number): Promise<void> {
    for (let done = 0; done < times; ) {
      const current = (await driver.retrieve(id))!
      const next = bytesOf(String(Number(new TextDecoder().decode(current)) + 1))
      if ((await driver.store(id, next, { expect: current })) === 'stored') done++
    }
  }

  async function untilGone(driver: Driver, one: string): Promise<void> {
    clock?.advance(2)
    const deadline = Date.now() + (clock === undefined ? 4000 : 0)
    while ((await driver.retrieve(one)) !== undefined) {
      assert.ok(Date.now() < deadline, 'the record outlived its ttl')
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
}
