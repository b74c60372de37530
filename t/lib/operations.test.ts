/** increment, push and addToSet: what they do here, and what they do on top of another writer's record. */

import { describe, expect, it } from 'vitest'
import { type ManagerOptions, Session, SessionManager } from '../../lib/index.js'
import { incrementBy } from '../../lib/operations.js'

let spaces = 0

/** A session of two managers, with these parameters. */
async function openTwice(parameters: Record<string, unknown>, options: ManagerOptions = {}) {
  const all: ManagerOptions = { type: 'driver:Memory;serialize:JSON', space: `operations ${++spaces}`, ...options }
  const [one, other] = [await SessionManager.create(all), await SessionManager.create(all)]
  const session = await one.open()
  await session.param(parameters).flush()
  const id = session.id()
  return { first: await one.open({ id }), second: await other.open({ id }), fresh: () => other.open({ id }) }
}

describe('increment', () => {
  it.each([
    [undefined, 1, 1],
    [null, 1, 1],
    [41, 1, 42],
    [1, -3, -2],
    [0.5, 0.25, 0.75],
    ['41', 1, 42],
    ['-0.5', 1, 0.5],
    ['1e3', 1, 1001],
    [Number.MAX_SAFE_INTEGER, 1, 2n ** 53n],
    [2n ** 53n, -1, Number.MAX_SAFE_INTEGER],
    ['9007199254740992', 1, 2n ** 53n + 1n],
    [2n ** 64n - 2n, 1n, 2n ** 64n - 1n],
    [2n ** 64n - 1n, 1n, 2 ** 64],
    [2n ** 60n, 0.5, 2 ** 60],
    [1e300, 1, 1e300],
  ])('%s and %s make %s', (value, amount, sum) => {
    const operation = incrementBy(amount)
    expect(operation.fits(value)).toBe(true)
    expect(operation.apply(value)).toBe(sum)
  })

  it.each(['', 'two', ' 1', '1 2', '0x10', '1_0', true, {}, [1], Number.NaN])(
    'does not count from %o',
    async (value) => {
      await using session = await Session.open({ type: 'driver:Memory', space: 'no numbers' })
      session.param('count', value)
      expect(() => session.increment('count')).toThrow("Parameter 'count' does not hold a number")
      expect(session.param('count')).toEqual(value)
      await session.delete()
    },
  )

  it('refuses what cannot be added, and the session’s own keys', async () => {
    await using session = await Session.open({ type: 'driver:Memory', space: 'no amounts' })
    expect(() => session.increment('count', Number.POSITIVE_INFINITY)).toThrow(TypeError)
    expect(() => session.increment('_SESSION_ATIME')).toThrow('belong to the session itself')
    expect(() => session.push('_SESSION_PTIME', 1)).toThrow('belong to the session itself')
    expect(session.modified()).toBe(false)
  })
})

describe('two writers', () => {
  it('whose operations come after a value of one’s own: the value is set, and then operated on', async () => {
    const { first, second, fresh } = await openTwice({ count: 1 })
    await first.param('count', 100).flush()
    second.param('count', 10)
    second.increment('count', 5)
    await second.flush()
    expect((await fresh()).param('count')).toBe(15)
  })

  it('one of whom makes something else of the parameter: the last one wins', async () => {
    const { first, second, fresh } = await openTwice({ count: 1, list: ['a'] })
    await first.param({ count: 'none', list: 'none' }).flush()
    second.increment('count')
    second.push('list', 'b')
    await second.flush()
    expect((await fresh()).param('count')).toBe(2)
    expect((await fresh()).param('list')).toEqual(['a', 'b'])
  })

  it('one of whom clears the parameter: what the other adds is there', async () => {
    const { first, second, fresh } = await openTwice({ count: 5, list: ['a'] })
    await first.clear(['count', 'list']).flush()
    second.increment('count')
    second.push('list', 'b')
    await second.flush()
    expect([(await fresh()).param('count'), (await fresh()).param('list')]).toEqual([1, ['b']])
  })

  it('a list that the program holds stays the one that is changed', async () => {
    const { second, fresh } = await openTwice({ list: ['a'] })
    const list = second.param('list')
    expect(second.push('list', 'b')).toBe(list)
    list.push('c')
    await second.flush()
    list.push('d')
    await second.flush()
    expect((await fresh()).param('list')).toEqual(['a', 'b', 'c', 'd'])
  })

  it('a list that was changed in place before is one’s own value', async () => {
    const { first, second, fresh } = await openTwice({ list: ['a'] })
    first.push('list', 'first')
    await first.flush()
    second.param('list').length = 0
    second.push('list', 'second')
    await second.flush()
    expect((await fresh()).param('list')).toEqual(['second'])
  })

  it('operations of several flushes, and of those that failed, count once each', async () => {
    const { first, second, fresh } = await openTwice({ count: 0 })
    first.increment('count')
    first.param('unstorable', () => 1)
    await expect(first.flush()).rejects.toThrow('unstorable')
    second.increment('count')
    await second.flush()
    first.increment('count')
    await first.clear('unstorable').flush()
    await first.flush()
    expect((await fresh()).param('count')).toBe(3)
    first.increment('count')
    await first.flush()
    expect((await fresh()).param('count')).toBe(4)
  })

  it('that push the same: nothing is left to write, and what a third one pushes stays', async () => {
    const { first, second, fresh } = await openTwice({ list: [] })
    first.push('list', 'same')
    second.push('list', 'same')
    await first.flush()
    await second.flush()
    expect(second.modified()).toBe(false)
    first.push('list', 'third')
    await first.flush()
    await second.param('other', 1).flush()
    expect((await fresh()).param('list')).toEqual(['same', 'same', 'third'])
  })

  it('a pushed object is copied, so changing it later overwrites nobody', async () => {
    const { first, second, fresh } = await openTwice({ log: [] })
    const entry = { state: 'begun' }
    second.push('log', entry)
    await first.param('log', ['theirs']).flush()
    entry.state = 'changed'
    await second.flush()
    entry.state = 'changed again'
    await second.param('other', 1).flush()
    expect((await fresh()).param('log')).toEqual(['theirs', { state: 'begun' }])
  })

  it('a list that stands in two places grows by one', async () => {
    const { first, second, fresh } = await openTwice({ other: 0 }, { type: 'driver:Memory;serialize:DataDumper' })
    const list = ['a']
    await first.param({ list, box: { list } }).flush()
    const [one, other] = [await fresh(), await fresh()]
    await one.param('other', 1).flush()
    other.push('list', 'b')
    other.param('box').seen = true
    await other.flush()
    expect((await fresh()).param('list')).toEqual(['a', 'b'])
    expect((await fresh()).param('box')).toEqual({ list: ['a', 'b'], seen: true })
    await second.delete()
  })

  it.each(['FreezeThaw', 'YAML', 'JSON'])('addToSet takes a number and its text for one (%s)', async (serialize) => {
    const { first, fresh } = await openTwice({ begun: 1 }, { type: `driver:Memory;serialize:${serialize}` })
    for (const session of [first, await fresh(), await fresh()]) {
      session.addToSet('seen', 5, 7n)
      await session.flush()
    }
    expect((await fresh()).param('seen').map(String)).toEqual(['5', '7'])
  })

  it('with overwrite, the whole record is written all the same', async () => {
    const { first, second, fresh } = await openTwice({ count: 0 }, { onConflict: 'overwrite' })
    first.increment('count')
    await first.flush()
    second.increment('count')
    await second.flush()
    expect((await fresh()).param('count')).toBe(1)
  })

  it('addToSet compares deeply', async () => {
    const { first, second, fresh } = await openTwice({ set: [{ a: [1] }] })
    expect(first.addToSet('set', { a: [1] }, { a: [2] }, { a: [2] })).toEqual([{ a: [1] }, { a: [2] }])
    await first.flush()
    second.addToSet('set', { a: [2] }, { a: [3] })
    await second.flush()
    expect((await fresh()).param('set')).toEqual([{ a: [1] }, { a: [2] }, { a: [3] }])
  })
})

describe('the option merge', () => {
  const sum = (_key: string, base: unknown, mine: unknown, theirs: unknown) =>
    Number(mine) + Number(theirs) - Number(base ?? 0)

  it('decides about what both changed, and about nothing else', async () => {
    const asked: unknown[] = []
    const merge = (...all: Parameters<typeof sum>) => {
      asked.push(all)
      return sum(...all)
    }
    const { first, second, fresh } = await openTwice({ both: 10, mine: 10, theirs: 10, same: 10 }, { merge })
    await first.param({ both: 11, theirs: 11, same: 11, new: 5 }).flush()
    await second.param({ both: 15, mine: 15, same: 11, new: 7 }).flush()
    expect(asked).toEqual([
      ['both', 10, 15, 11],
      ['new', undefined, 7, 5],
    ])
    const merged = await fresh()
    expect(merged.param().map((key) => merged.param(key))).toEqual([16, 15, 12, 11, 11])
    expect(second.param('both')).toBe(16)
  })

  it('is told of cleared parameters as undefined, and may clear', async () => {
    const asked: unknown[] = []
    const merge = (key: string, _base: unknown, mine: unknown, theirs: unknown) => {
      asked.push([key, mine, theirs])
      return undefined
    }
    const { first, second, fresh } = await openTwice({ a: 1, b: 1 }, { merge })
    await first.clear('a').param('b', 2).flush()
    await second.param('a', 2).clear('b').flush()
    expect(asked).toEqual([
      ['a', 2, undefined],
      ['b', undefined, 2],
    ])
    expect((await fresh()).param()).toEqual([])
  })

  it('that throws, or gives a promise, rejects the flush, and nothing is lost', async () => {
    let answer: unknown
    const merge = () => {
      if (answer === undefined) throw new RangeError('cannot decide')
      return answer
    }
    const { first, second, fresh } = await openTwice({ a: 1 }, { merge })
    await first.param('a', 2).flush()
    await expect(second.param('a', 3).flush()).rejects.toThrow('cannot decide')
    answer = Promise.resolve(4)
    await expect(second.flush()).rejects.toThrow('not a promise')
    expect([second.param('a'), (await fresh()).param('a')]).toEqual([3, 2])
    answer = 5
    expect(await second.flush()).toBe(true)
    expect((await fresh()).param('a')).toBe(5)
  })

  it('is refused where nothing is merged', async () => {
    const merge = () => 1
    const options: ManagerOptions = { type: 'driver:Memory', merge, onConflict: 'fail' }
    await expect(SessionManager.create(options)).rejects.toThrow("only with onConflict 'merge'")
  })
})
