/** A new id for a session: on the way to it, and in the hands of others. */

import { describe, expect, it } from 'vitest'
import Memory from '../../drivers/Memory.js'
import type { RemoveOptions, StoreOptions } from '../../lib/contracts.js'
import { type ManagerOptions, type Session, SessionManager } from '../../lib/index.js'
import { startNode } from '../support/child.js'
import { temporaryFolder } from '../support/folders.js'

let spaces = 0

/** A store that can fail before or after its next operations. */
class Faulty extends Memory {
  /** Steps that are left before the fault, and what it is. */
  fault: { steps: number; after: boolean } | undefined

  constructor() {
    super({ space: `regenerate ${++spaces}` }, { now: () => 0, padding: false })
  }

  async #step<T>(operation: () => Promise<T>): Promise<T> {
    const fault = this.fault !== undefined && --this.fault.steps === 0 ? this.fault : undefined
    if (fault?.after === false) throw new Error('the connection ended')
    const result = await operation()
    if (fault?.after) throw new Error('the connection ended')
    return result
  }

  override store(id: string, record: Uint8Array, options?: StoreOptions) {
    return this.#step(() => super.store(id, record, options))
  }

  override remove(id: string, options?: RemoveOptions) {
    return this.#step(() => super.remove(id, options))
  }
}

interface Scene {
  now: number
  readonly driver: Faulty
  readonly sessions: SessionManager
  readonly session: Session
  readonly oldId: string
}

/** A stored session without an end. */
async function newScene(options: ManagerOptions = {}): Promise<Scene> {
  const driver = new Faulty()
  const scene = { now: 1_600_000_000, driver }
  const clock = () => scene.now * 1000
  const sessions = await SessionManager.create({ type: { driver, serialize: 'JSON' }, clock, ...options })
  const session = await sessions.open()
  await session.param('a', 1).flush()
  return Object.assign(scene, { sessions, session, oldId: session.id() })
}

/** Whom the ids let in after so many seconds: those of sessions with parameters. */
async function letIn({ sessions, driver }: Pick<Scene, 'sessions' | 'driver'>): Promise<string[]> {
  const ids: string[] = []
  for await (const id of driver.ids()) {
    if ((await sessions.open({ clientId: id })).param().length > 0) ids.push(id)
  }
  return ids
}

describe('regenerate', () => {
  it.each([0, 30])(
    'of a session that is not stored yet stores it under its new id: a login may come first (grace %i)',
    async (grace) => {
      const { sessions, driver, session: other } = await newScene()
      const session = await sessions.open({ clientId: undefined })
      const before = session.id()
      expect(await session.param('user', 'ann').regenerate({ grace })).toBe(true)
      expect([session.id() === before, session.modified()]).toEqual([false, false])
      expect((await letIn({ sessions, driver })).sort()).toEqual([other.id(), session.id()].sort())
      expect((await sessions.open({ clientId: session.id() })).param('user')).toBe('ann')
    },
  )

  it('of a session without parameters stores nothing', async () => {
    const { sessions, driver, session: other } = await newScene()
    const session = await sessions.open()
    expect(await session.regenerate()).toBe(true)
    expect(await letIn({ sessions, driver })).toEqual([other.id()])
  })

  it('of a removed session, here or by somebody else, is false and stores nothing', async () => {
    for (const grace of [0, 30]) {
      const scene = await newScene()
      const other = await scene.sessions.open({ id: scene.oldId })
      await other.delete()
      expect(await scene.session.param('user', 'ann').regenerate({ grace })).toBe(false)
      expect(await other.regenerate({ grace })).toBe(false)
      expect([scene.session.deleted(), await letIn(scene)]).toEqual([true, []])
    }
  })

  it('takes along what others have written, and what was changed meanwhile', async () => {
    const scene = await newScene()
    const other = await scene.sessions.open({ id: scene.oldId })
    await other.param('theirs', 1).flush()
    scene.session.param('mine', 1)
    const renewing = scene.session.regenerate()
    scene.session.param('later', 1)
    expect(await renewing).toBe(true)
    await scene.session.flush()
    const fresh = await scene.sessions.open({ id: scene.session.id() })
    expect(fresh.param()).toEqual(['a', 'later', 'mine', 'theirs'])
    expect(await letIn(scene)).toEqual([fresh.id()])
  })

  it('is a conflict where conflicts are errors, and the old id goes on', async () => {
    const scene = await newScene({ onConflict: 'fail' })
    const other = await scene.sessions.open({ id: scene.oldId })
    await other.param('theirs', 1).flush()
    await expect(scene.session.param('mine', 1).regenerate()).rejects.toMatchObject({ code: 'ERR_SESSION_CONFLICT' })
    expect([scene.session.id(), await letIn(scene)]).toEqual([scene.oldId, [scene.oldId]])
  })

  it('with overwrite writes the whole record under the new id', async () => {
    for (const grace of [0, 30]) {
      const scene = await newScene({ onConflict: 'overwrite' })
      const other = await scene.sessions.open({ id: scene.oldId })
      await other.param('theirs', 1).flush()
      expect(await scene.session.param('mine', 1).regenerate({ grace })).toBe(true)
      expect(await other.param('theirs', 2).flush()).toBe(grace > 0)
      const fresh = await scene.sessions.open({ id: scene.session.id() })
      expect(fresh.param()).toEqual(grace > 0 ? ['a', 'theirs'] : ['a', 'mine'])
    }
  })

  it('by two at once, within grace: both go on with one session', async () => {
    const scene = await newScene()
    const other = await scene.sessions.open({ id: scene.oldId })
    scene.session.param('mine', 1)
    other.param('theirs', 1)
    expect(await Promise.all([scene.session.regenerate({ grace: 30 }), other.regenerate({ grace: 30 })])).toEqual([
      true,
      true,
    ])
    expect(other.id()).toBe(scene.session.id())
    const fresh = await scene.sessions.open({ clientId: scene.oldId })
    expect([fresh.id(), fresh.param()]).toEqual([other.id(), ['a', 'mine', 'theirs']])
  })

  it.each(['merge', 'overwrite'] as const)(
    'at a login, where another request renews with a grace: the old id lets nobody in (%s)',
    async (onConflict) => {
      const scene = await newScene({ onConflict })
      const routine = await scene.sessions.open({ id: scene.oldId })
      await routine.regenerate({ grace: 30 })
      expect(await scene.session.param('user', 'ann').regenerate()).toBe(true)
      expect((await scene.sessions.open({ clientId: scene.oldId })).param('user')).toBe(undefined)
      expect(await letIn(scene)).toEqual([scene.session.id()])
    },
  )

  it.each(['merge', 'overwrite'] as const)(
    'what is added while it is under way counts once (%s)',
    async (onConflict) => {
      const scene = await newScene({ onConflict })
      await scene.session.param({ count: 0, log: ['a'] }).flush()
      const renewing = scene.session.regenerate()
      scene.session.increment('count')
      scene.session.push('log', 'b')
      await renewing
      await scene.session.flush()
      const fresh = await scene.sessions.open({ id: scene.session.id() })
      expect([fresh.param('count'), fresh.param('log')]).toEqual([1, ['a', 'b']])
    },
  )

  it('before the first flush, which failed: what somebody else stored under the agreed id stays', async () => {
    const scene = await newScene()
    const [one, other] = [await scene.sessions.open({ id: 'agreed' }), await scene.sessions.open({ id: 'agreed' })]
    scene.driver.fault = { steps: 1, after: false }
    await expect(one.param('a', 1).flush()).rejects.toThrow('the connection ended')
    await other.param('theirs', 1).flush()
    expect(await one.regenerate()).toBe(true)
    expect((await scene.sessions.open({ id: 'agreed' })).param()).toEqual(['theirs'])
  })

  it('checkExpiry of who holds the old id tells of the session’s end', async () => {
    const scene = await newScene()
    await scene.session.expire('1h').flush()
    const other = await scene.sessions.open({ id: scene.oldId })
    await scene.session.regenerate({ grace: '3h' })
    scene.now += 3602
    expect([await other.checkExpiry(), other.param()]).toEqual([true, []])
  })

  it('refuses options that it does not know', async () => {
    const { session } = await newScene()
    await expect(session.regenerate({ garce: 30 } as never)).rejects.toThrow("did you mean 'grace'?")
    await expect(session.regenerate('30s' as never)).rejects.toThrow('takes an object of options')
    await expect(session.flush({ singal: null } as never)).rejects.toThrow("did you mean 'signal'?")
  })

  it('again and again within grace: every old id leads to the last', async () => {
    const scene = await newScene()
    const ids = [scene.oldId]
    for (let turn = 0; turn < 4; turn++) {
      await scene.session.regenerate({ grace: '1m' })
      ids.push(scene.session.id())
    }
    expect(new Set(ids).size).toBe(5)
    for (const clientId of ids) expect((await scene.sessions.open({ clientId })).id()).toBe(ids.at(-1))
    expect(await (await scene.sessions.open({ clientId: ids[0] })).delete()).toBe(true)
    for (const clientId of ids) expect((await scene.sessions.open({ clientId })).isNew()).toBe(true)
  })

  it('keeps the time of creation, lifetimes and the dialect', async () => {
    const scene = await newScene({ dialect: 'cgi-session', maxLifetime: '1h' })
    scene.now += 1800
    const session = await scene.sessions.open({ id: scene.oldId })
    await session.expire('10m').expire('a', '5m').regenerate({ grace: 30 })
    const fresh = await scene.sessions.open({ id: session.id() })
    expect([fresh.ctime(), fresh.etime(), fresh.ptime()]).toEqual([1_600_000_000, 600, { a: 300 }])
    scene.now = 1_600_000_000 + 3600
    expect((await scene.sessions.open({ clientId: session.id() })).isNew()).toBe(true)
  })

  it('of an id that the program agreed on: the old one may be used anew when its grace is over', async () => {
    const scene = await newScene()
    const session = await scene.sessions.open({ id: 'agreed' })
    await session.param('b', 1).flush()
    await session.regenerate({ grace: 10 })
    await session.delete()
    const anew = await scene.sessions.open({ id: 'agreed' })
    expect([anew.isNew(), await anew.param('c', 1).flush()]).toEqual([true, true])
    expect((await scene.sessions.open({ id: 'agreed' })).param()).toEqual(['c'])
  })

  it.each(['-1s', 'soon', Number.NaN])('refuses a grace of %s', async (grace) => {
    const { session } = await newScene()
    await expect(session.regenerate({ grace })).rejects.toMatchObject({ code: 'ERR_SESSION_OPTION', option: 'grace' })
  })

  it('is refused where there is but one id', async () => {
    const options = { type: 'driver:Memory;id:Static', id: 'the only one' } as ManagerOptions
    await using sessions = await SessionManager.create(options)
    const session = await sessions.open()
    await expect(session.regenerate()).rejects.toMatchObject({ code: 'ERR_SESSION_UNSUPPORTED' })
  })
})

/** A third party's store, which writes whatever is there. */
class Blind extends Memory {
  override readonly supports = { ids: 'bytes', payload: 'bytes', ttl: false, list: true, expect: false } as const
  override store(id: string, record: Uint8Array, options?: StoreOptions) {
    return super.store(id, record, { ...options, expect: undefined })
  }
  override remove(id: string) {
    return super.remove(id)
  }
}

describe('regenerate, where the store cannot compare', () => {
  it.each([0, 30])('with a grace of %i: who held the session finds it, or that it is gone', async (grace) => {
    const driver = new Blind({ space: `regenerate ${++spaces}` }, { now: () => 0, padding: false })
    const options: ManagerOptions = { type: { driver, serialize: 'JSON' }, onConflict: 'overwrite' }
    await using sessions = await SessionManager.create(options)
    const first = await sessions.open()
    await first.param('a', 1).flush()
    const oldId = first.id()
    const [second, third] = [await sessions.open({ id: oldId }), await sessions.open({ id: oldId })]
    await first.regenerate({ grace })
    expect(await second.param('b', 1).flush()).toBe(grace > 0)
    expect(await third.param('c', 1).regenerate({ grace })).toBe(grace > 0)
    const records: string[][] = []
    for await (const { parameters } of sessions.entries()) records.push(Object.keys(parameters))
    expect(records).toEqual([grace > 0 ? ['a', 'c'] : ['a']])
    expect((await sessions.open({ clientId: oldId })).param()).toEqual(grace > 0 ? ['a', 'c'] : [])
  })
})

const faults = [0, 30].flatMap((grace) =>
  [1, 2, 3].flatMap((step) => [false, true].map((after) => [grace, step, after] as const)),
)

describe('regenerate, when the store fails', () => {
  it.each(faults)('with a grace of %i at step %i, after it was done: %s', async (grace, steps, after) => {
    const scene = await newScene()
    scene.session.increment('count')
    scene.driver.fault = { steps, after }
    await expect(scene.session.param('user', 'ann').regenerate({ grace })).rejects.toThrow('the connection ended')
    const isAlive = await scene.session.regenerate({ grace })
    // Only where the old record was removed, and nobody could tell by whom, the visitor must log in again.
    expect(isAlive).toBe(!(grace === 0 && steps === 2 && after))
    scene.now += 301
    const ids = await letIn(scene)
    expect(ids).toEqual(isAlive ? [scene.session.id()] : [])
    if (!isAlive) return
    const session = await scene.sessions.open({ clientId: ids[0] })
    expect([session.param('user'), session.param('count'), session.etime()]).toEqual(['ann', 1, 0])
  })
})

describe('regenerate, when its process is killed', () => {
  it.each([0, 30])('at any step, with a grace of %i: never do two ids last', async (grace) => {
    const seen: string[] = []
    for (let step = 1; step <= 3; step++) {
      for (const when of ['before', 'after']) {
        const directory = temporaryFolder()
        let now = Math.floor(Date.now() / 1000)
        await using sessions = await SessionManager.create({ directory, clock: () => now * 1000 })
        const session = await sessions.open()
        await session.param('a', 1).flush()
        const args = [directory, session.id(), String(grace), String(step), when]
        const child = await startNode('t/lib/children/regenerate-and-die.ts', args)
        await expect(child.done).rejects.toThrow('SIGKILL')
        const parallel = await sessions.open({ clientId: session.id() })
        const isLoggedIn = parallel.param('user') === 'ann'
        // What was changed is never under the old id.
        expect(isLoggedIn && parallel.id() === session.id()).toBe(false)
        if (isLoggedIn) await parallel.flush()
        now += 400
        const lasting: string[] = []
        await sessions.purge()
        for await (const id of sessions.ids()) lasting.push((await sessions.open({ clientId: id })).param().join())
        expect(lasting.length).toBeLessThanOrEqual(1)
        seen.push(`${step} ${when}: ${lasting.join()}`)
      }
    }
    expect(seen).toEqual([
      '1 before: a',
      '1 after: a',
      '2 before: a',
      `2 after: ${grace === 0 ? '' : 'a,user'}`,
      `3 before: ${grace === 0 ? '' : 'a,user'}`,
      '3 after: a,user',
    ])
  })
})
