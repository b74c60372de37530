/** Stores that answer late, not at all, or otherwise than they should: a memory with one fault each. */

import { describe, expect, it } from 'vitest'
import Memory from '../../drivers/Memory.js'
import type { StoreOptions } from '../../lib/contracts.js'
import { DriverError, type ManagerOptions, SessionManager } from '../../lib/index.js'

let spaces = 0

/** A driver of a space of its own, before its fault. */
class FaultyMemory extends Memory {
  constructor() {
    super({ space: `unreliable ${++spaces}` }, { now: () => 0, padding: false })
  }
}

/** Does what it is told, and then says that it failed, so many times. */
class LosesAnswers extends FaultyMemory {
  losses = 0
  readFailures = 0
  loseAfterConflict = false

  override async retrieve(id: string) {
    if (this.readFailures-- > 0) throw new Error('the connection ended')
    return super.retrieve(id)
  }

  override async store(id: string, record: Uint8Array, options?: StoreOptions) {
    const outcome = await super.store(id, record, options)
    if (outcome === 'conflict' && this.loseAfterConflict) {
      this.loseAfterConflict = false
      this.losses = 1
      return outcome
    }
    if (this.losses-- > 0) throw new Error('the connection ended')
    return outcome
  }
}

const managerOf = (driver: Memory, options: ManagerOptions = {}) =>
  SessionManager.create({ type: { driver, serialize: 'JSON' }, ...options })

describe('an answer that is lost after the write', () => {
  it('of a new session does not make its id somebody else’s', async () => {
    const driver = new LosesAnswers()
    await using sessions = await managerOf(driver)
    const session = await sessions.open()
    session.param('a', 1)
    driver.losses = 2
    await expect(session.flush()).rejects.toThrow(DriverError)
    session.param('b', 2)
    // This one is refused, and its answer is not lost: the record is found to be one's own.
    driver.losses = 0
    expect(await session.flush()).toBe(true)
    const again = await sessions.open({ id: session.id() })
    expect([again.param('a'), again.param('b')]).toEqual([1, 2])
  })

  it.each(['merge', 'fail', 'overwrite'] as const)('of a stored session is no conflict (%s)', async (onConflict) => {
    const driver = new LosesAnswers()
    await using sessions = await managerOf(driver, { onConflict })
    const session = await sessions.open()
    await session.param('a', 1).flush()
    driver.losses = 1
    await expect(session.param('a', 2).flush()).rejects.toThrow(DriverError)
    expect(await session.param('b', 1).flush()).toBe(true)
    const again = await sessions.open({ id: session.id() })
    expect([again.param('a'), again.param('b')]).toEqual([2, 1])
  })

  it('of a merge loses nothing of either writer, and what was added counts once', async () => {
    const driver = new LosesAnswers()
    await using sessions = await managerOf(driver)
    const first = await sessions.open()
    await first.param('a', 1).flush()
    const second = await sessions.open({ id: first.id() })
    await first.param('theirs', 1).flush()
    second.increment('count')
    driver.loseAfterConflict = true
    await expect(second.param('mine', 1).flush()).rejects.toThrow(DriverError)
    second.increment('count')
    expect(await second.flush()).toBe(true)
    const again = await sessions.open({ id: first.id() })
    expect(again.param().map((key) => [key, again.param(key)])).toEqual([
      ['a', 1],
      ['count', 2],
      ['mine', 1],
      ['theirs', 1],
    ])
  })

  it.each(['merge', 'fail'] as const)(
    'is found out also when the first look at the store fails (%s)',
    async (onConflict) => {
      const driver = new LosesAnswers()
      await using sessions = await managerOf(driver, { onConflict })
      for (const session of [await sessions.open(), await sessions.open()]) {
        session.increment('count')
        driver.losses = 1
        await expect(session.flush()).rejects.toThrow(DriverError)
        driver.readFailures = 1
        await expect(session.flush()).rejects.toThrow(DriverError)
        expect(await session.flush()).toBe(true)
        expect((await sessions.open({ id: session.id() })).param('count')).toBe(1)
      }
    },
  )

  it('asks nobody to merge it with itself', async () => {
    const driver = new LosesAnswers()
    const asked: unknown[] = []
    await using sessions = await managerOf(driver, { merge: (...all) => asked.push(all) })
    const session = await sessions.open()
    await session.param('n', 10).flush()
    driver.losses = 1
    await expect(session.param('n', 11).flush()).rejects.toThrow(DriverError)
    await session.param('n', 12).flush()
    expect([asked, (await sessions.open({ id: session.id() })).param('n')]).toEqual([[], 12])
  })

  it('is still a conflict when somebody else wrote since', async () => {
    const driver = new LosesAnswers()
    await using sessions = await managerOf(driver, { onConflict: 'fail' })
    const session = await sessions.open()
    await session.param('a', 1).flush()
    driver.losses = 1
    await expect(session.param('a', 2).flush()).rejects.toThrow(DriverError)
    await (await sessions.open({ id: session.id() })).param('a', 3).flush()
    await expect(session.flush()).rejects.toMatchObject({ code: 'ERR_SESSION_CONFLICT' })
    expect((await sessions.open({ id: session.id() })).param('a')).toBe(3)
  })
})

describe('an expired session that the store does not let go', () => {
  class KeepsAll extends FaultyMemory {
    override async remove(): Promise<boolean> {
      return false
    }
  }

  it('is an error, and not an endless search', async () => {
    let now = 1_600_000_000_000
    await using sessions = await managerOf(new KeepsAll(), { clock: () => now })
    const session = await sessions.open()
    await session.param('a', 1).expire('1h').flush()
    now += 3_700_000
    await expect(sessions.open({ clientId: session.id() })).rejects.toThrow('does not let it be removed')
  })
})

describe('a record that cannot be read', () => {
  /** Somebody else mends the record while it is being put aside. */
  class IsMended extends FaultyMemory {
    good: Uint8Array | undefined

    override async store(id: string, record: Uint8Array, options?: StoreOptions) {
      if (this.good !== undefined && id !== 'broken') {
        await super.store('broken', this.good)
        this.good = undefined
      }
      return super.store(id, record, options)
    }
  }

  it('and is replaced by a good one meanwhile is not removed', async () => {
    const driver = new IsMended()
    await using sessions = await managerOf(driver, { onCorrupt: 'new' })
    const session = await sessions.open({ id: 'broken' })
    await session.param('a', 1).flush()
    const good = (await driver.retrieve('broken'))!
    await driver.store('broken', Buffer.from('garbage'))
    driver.good = good
    const found = await sessions.open({ id: 'broken' })
    expect([found.isNew(), found.param('a')]).toEqual([false, 1])
    const ids: string[] = []
    await sessions.traverse((id) => ids.push(id))
    expect(ids).toEqual(['broken'])
  })
})
