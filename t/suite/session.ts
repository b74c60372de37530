/**
 * What every session must do, whatever its driver, id generator and serializer are. It needs only `node:assert` and a
 * test runner's `describe` and `it`, so that a third party's plug-in is proved by the same cases.
 *
 * Values are text and containers of text: some formats (FreezeThaw, YAML) have no numbers.
 */

import assert from 'node:assert/strict'
import type { ManagerOptions } from '../../lib/index.js'
import { SessionManager } from '../../lib/index.js'
import type { Runner } from './runner.js'

/** A store that a suite can use. */
export interface SessionStore {
  /** Options that lead to the store, for as many managers as are made with them. */
  readonly options: ManagerOptions
  /** Remove everything. */
  remove?(): Promise<void> | void
}

export interface SessionSuite extends Runner {
  /** The type string; it is the title of the suite. */
  readonly name: string
  /** Every session gets the same id, as with `id:Static`. */
  readonly oneId?: boolean
  /** A new, empty store for each case. */
  open(): Promise<SessionStore> | SessionStore
}

const start = 1_600_000_000

/** One case's surroundings: a clock that stands still until it is told, and managers that are closed at the end. */
class Scene {
  now = start
  readonly #store: SessionStore
  readonly #managers: SessionManager[] = []

  constructor(store: SessionStore) {
    this.#store = store
  }

  /** Another manager on the same store, as another process would have. */
  async manager(options: ManagerOptions = {}): Promise<SessionManager> {
    const clock = () => this.now * 1000
    const manager = await SessionManager.create({ ...this.#store.options, clock, ...options })
    this.#managers.push(manager)
    return manager
  }

  /** A stored session with these parameters; gives its id. */
  async stored(sessions: SessionManager, values: Record<string, unknown>): Promise<string> {
    const session = await sessions.open()
    session.param(values)
    assert.equal(await session.flush(), true)
    return session.id()
  }

  async end(): Promise<void> {
    for (const manager of this.#managers) await manager.close()
    await this.#store.remove?.()
  }
}

type Case = (scene: Scene, sessions: SessionManager) => Promise<void>

/** Cases that hold with one id for all sessions (`id:Static`) too. */
const cases: Record<string, Case> = {
  async 'stores parameters and gives them back to another manager'(scene, sessions) {
    const values = { name: 'Zoë ☺ 😀', empty: '', nothing: null, list: ['a', ['b', {}], []], 'it\'s "q"': '\\' }
    const id = await scene.stored(sessions, values)
    const again = await (await scene.manager()).open({ id })
    assert.equal(again.isNew(), false)
    assert.equal(again.id(), id)
    assert.deepEqual(again.param(), Object.keys(values).sort())
    for (const [key, value] of Object.entries(values)) assert.deepEqual(again.param(key), value)
  },

  async 'does not store a new session without parameters'(_scene, sessions) {
    const session = await sessions.open()
    session.expire('1h')
    assert.equal(await session.flush(), false)
    assert.equal((await sessions.open({ id: session.id() })).isNew(), true)
  },

  async 'writes nothing twice'(scene, sessions) {
    const id = await scene.stored(sessions, { a: '1', deep: { list: ['x'] } })
    scene.now += 5
    const session = await sessions.open({ id })
    assert.equal(session.modified(), true)
    assert.equal(await session.flush(), true)
    assert.equal(session.modified(), false)
    assert.equal(await session.flush(), false)
    session.param('a', '1').param('deep', { list: ['x'] })
    assert.equal(session.modified(), false)
  },

  async 'notices a change in place'(scene, sessions) {
    const id = await scene.stored(sessions, { cart: { items: ['a'] } })
    const session = await sessions.open({ id })
    session.param('cart').items.push('b')
    assert.equal(await session.flush(), true)
    session.param('cart').items.push('c')
    assert.equal(await session.flush(), true)
    assert.deepEqual((await sessions.open({ id })).param('cart'), { items: ['a', 'b', 'c'] })
  },

  async 'clears one parameter, several, and all'(scene, sessions) {
    const id = await scene.stored(sessions, { a: '1', b: '2', c: '3', d: '4' })
    const session = await sessions.open({ id })
    session.clear('a').clear(['b', 'no such'])
    await session.flush()
    const again = await sessions.open({ id })
    assert.deepEqual(again.param(), ['c', 'd'])
    again.clear()
    await again.flush()
    assert.deepEqual((await sessions.open({ id })).param(), [])
  },

  async 'moves the time of access with each opening, and no other time'(scene, sessions) {
    const id = await scene.stored(sessions, { a: '1' })
    scene.now += 100
    const session = await sessions.open({ id })
    assert.deepEqual([session.ctime(), session.atime()], [start, start + 100])
    await session.flush()
    assert.deepEqual([(await sessions.open({ id })).ctime(), session.atime()], [start, start + 100])
  },

  async 'ends a parameter after its own lifetime'(scene, sessions) {
    const id = await scene.stored(sessions, { short: 's', long: 'l' })
    const session = await sessions.open({ id })
    session.expire({ short: '1m', long: '1h' })
    await session.flush()
    scene.now += 62
    const later = await sessions.open({ id })
    assert.deepEqual([later.param(), later.ptime()], [['long'], { long: 3600 }])
    await later.flush()
    assert.deepEqual((await sessions.open({ id })).param(), ['long'])
  },

  async 'takes a lifetime away again'(scene, sessions) {
    const id = await scene.stored(sessions, { a: '1' })
    const session = await sessions.open({ id })
    session.expire('a', '1m').expire('1m')
    await session.flush()
    session.expire('a', 0).expire(0)
    await session.flush()
    scene.now += 1000
    const later = await sessions.open({ id })
    assert.deepEqual([later.param('a'), later.etime(), later.ptime('a')], ['1', 0, 0])
  },

  async 'is gone after delete'(scene, sessions) {
    const id = await scene.stored(sessions, { a: '1' })
    const session = await sessions.open({ id })
    assert.equal(await session.delete(), true)
    assert.equal(session.deleted(), true)
    session.param('b', '2')
    assert.equal(await session.flush(), false)
    assert.equal((await sessions.open({ id })).isNew(), true)
  },

  async 'never brings back a session that somebody else removed'(scene, sessions) {
    for (const onConflict of ['merge', 'overwrite', 'fail'] as const) {
      const id = await scene.stored(sessions, { a: '1' })
      const slow = await (await scene.manager({ onConflict })).open({ id })
      slow.param('b', onConflict)
      assert.equal(await (await sessions.open({ id })).delete(), true)
      assert.equal(await slow.flush(), false)
      assert.equal(slow.deleted(), true)
      assert.equal((await sessions.open({ id })).isNew(), true)
    }
  },

  async 'merges two writers: both keep their parameters'(scene, sessions) {
    const id = await scene.stored(sessions, { a: '1', b: '1', c: '1' })
    const [first, second] = [await sessions.open({ id }), await (await scene.manager()).open({ id })]
    first.param('a', 'first').param('new', 'first').clear('c')
    second.param('b', 'second').param('new', 'second')
    await first.flush()
    await second.flush()
    const values = await sessions.open({ id })
    assert.deepEqual(
      values.param().map((key) => `${key}=${values.param(key)}`),
      ['a=first', 'b=second', 'new=second'],
    )
    assert.equal(second.param('a'), 'first')
  },

  async 'adds up what several writers add'(scene, sessions) {
    const id = await scene.stored(sessions, { count: '1', tags: ['a'] })
    const [first, second] = [await sessions.open({ id }), await (await scene.manager()).open({ id })]
    assert.equal(Number(first.increment('count')), 2)
    first.addToSet('tags', 'b', 'a')
    first.push('log', 'first')
    second.increment('count', 2)
    second.addToSet('tags', 'b', 'c')
    second.push('log', 'second')
    await first.flush()
    await second.flush()
    const values = await sessions.open({ id })
    assert.equal(Number(values.param('count')), 4)
    assert.deepEqual(
      [values.param('tags'), values.param('log')],
      [
        ['a', 'b', 'c'],
        ['first', 'second'],
      ],
    )
    assert.deepEqual(second.param('tags'), ['a', 'b', 'c'])
  },

  async 'ends at its longest lifetime, however busy it is'(scene, sessions) {
    const id = await scene.stored(sessions, { a: '1' })
    const strict = await scene.manager({ maxLifetime: '2m' })
    for (const second of [60, 119]) {
      scene.now = start + second
      const session = await strict.open({ id })
      assert.equal(session.param('a'), '1')
      await session.flush()
    }
    scene.now = start + 120
    const over = await strict.open({ id })
    assert.deepEqual([over.isNew(), over.param()], [true, []])
  },

  async 'refuses the second writer when onConflict is fail, and keeps its data'(scene, sessions) {
    const id = await scene.stored(sessions, { a: '1' })
    const first = await sessions.open({ id })
    const second = await (await scene.manager({ onConflict: 'fail' })).open({ id })
    await first.param('a', 'first').flush()
    second.param('a', 'second')
    await assert.rejects(second.flush(), { code: 'ERR_SESSION_CONFLICT' })
    assert.deepEqual([second.param('a'), second.modified()], ['second', true])
    assert.equal((await sessions.open({ id })).param('a'), 'first')
  },

  async 'writes the whole record when onConflict is overwrite'(scene, sessions) {
    const id = await scene.stored(sessions, { a: '1', b: '1' })
    const second = await (await scene.manager({ onConflict: 'overwrite' })).open({ id })
    await (await sessions.open({ id })).param('a', 'first').flush()
    await second.param('b', 'second').flush()
    const values = await sessions.open({ id })
    assert.deepEqual([values.param('a'), values.param('b')], ['1', 'second'])
  },

  async 'lets two programs agree on an id beforehand, and merges what both create'(scene, sessions) {
    const id = (await sessions.open()).id()
    const [first, second] = [await sessions.open({ id }), await (await scene.manager()).open({ id })]
    assert.deepEqual([first.isNew(), second.isNew(), first.id()], [true, true, id])
    await first.param('a', '1').flush()
    await second.param('b', '2').flush()
    assert.deepEqual((await sessions.open({ id })).param(), ['a', 'b'])
  },

  async 'treats a client id that cannot be one as none, and refuses it from the program'(_scene, sessions) {
    for (const hostile of ['', 'x'.repeat(5000)]) {
      assert.equal((await sessions.open({ clientId: hostile })).isNew(), true)
      await assert.rejects(sessions.open({ id: hostile }), { code: 'ERR_SESSION_ID_INVALID' })
    }
  },

  async 'begins anew at checkExpiry'(scene, sessions) {
    const session = await sessions.open()
    session.param('a', '1').expire('1m')
    await session.flush()
    const id = session.id()
    assert.equal(await session.checkExpiry(), false)
    scene.now += 62
    assert.equal(await session.checkExpiry(), true)
    assert.deepEqual([session.expired(), session.isNew(), session.param()], [true, true, []])
    assert.equal((await sessions.open({ id })).isNew(), true)
  },
}

/** Cases that need a generator of more than one id. */
const casesOfManyIds: Record<string, Case> = {
  async 'ends after its lifetime since the last access, not before'(scene, sessions) {
    const session = await sessions.open()
    session.param('a', '1').expire('1m')
    await session.flush()
    scene.now += 59
    const alive = await sessions.open({ id: session.id() })
    assert.equal(alive.param('a'), '1')
    await alive.flush()
    scene.now += 59
    const stillAlive = await sessions.open({ id: session.id() })
    assert.deepEqual([stillAlive.param('a'), stillAlive.etime()], ['1', 60])
    await stillAlive.flush()
    scene.now += 62
    const over = await sessions.open({ clientId: session.id() })
    assert.deepEqual([over.isNew(), over.param()], [true, []])
    assert.notEqual(over.id(), session.id())
    over.param('b', '2')
    assert.equal(await over.flush(), true)
  },

  async 'does not adopt an unknown id from a client, unless strictIds is off'(scene, sessions) {
    const unknown = (await sessions.open()).id()
    const session = await sessions.open({ clientId: unknown })
    assert.equal(session.isNew(), true)
    assert.notEqual(session.id(), unknown)
    const lax = await (await scene.manager({ strictIds: false })).open({ clientId: unknown })
    assert.equal(lax.id(), unknown)
  },

  async 'gets a new id, and the old one is worth nothing'(scene, sessions) {
    const oldId = await scene.stored(sessions, { a: '1' })
    const [session, slow] = [await sessions.open({ id: oldId }), await (await scene.manager()).open({ id: oldId })]
    session.param('user', 'ann').expire('1h')
    assert.equal(await session.regenerate(), true)
    assert.notEqual(session.id(), oldId)
    assert.equal((await sessions.open({ clientId: oldId })).isNew(), true)
    assert.equal(await slow.param('b', '2').flush(), false)
    assert.equal(slow.deleted(), true)
    const renewed = await sessions.open({ clientId: session.id() })
    assert.deepEqual([renewed.id(), renewed.param(), renewed.etime()], [session.id(), ['a', 'user'], 3600])
    assert.equal(renewed.ctime(), session.ctime())
    assert.equal(session.modified(), false)
  },

  async 'leads from the old id to the new one for a while'(scene, sessions) {
    const oldId = await scene.stored(sessions, { a: '1', count: '1' })
    const [session, slow] = [await sessions.open({ id: oldId }), await (await scene.manager()).open({ id: oldId })]
    assert.equal(await session.param('b', '2').regenerate({ grace: '30s' }), true)
    const parallel = await (await scene.manager()).open({ clientId: oldId })
    assert.deepEqual([parallel.id(), parallel.param()], [session.id(), ['a', 'b', 'count']])
    slow.increment('count')
    assert.equal(await slow.param('c', '3').flush(), true)
    assert.deepEqual([slow.id(), slow.param()], [session.id(), ['a', 'b', 'c', 'count']])
    assert.equal(Number((await sessions.open({ id: session.id() })).param('count')), 2)
    scene.now += 30
    const late = await sessions.open({ clientId: oldId })
    assert.deepEqual([late.isNew(), late.param()], [true, []])
    assert.equal((await sessions.open({ clientId: session.id() })).isNew(), false)
  },

  async 'is gone under both ids when somebody logs out with the old one'(scene, sessions) {
    const oldId = await scene.stored(sessions, { a: '1' })
    const [session, other] = [await sessions.open({ id: oldId }), await (await scene.manager()).open({ id: oldId })]
    await session.regenerate({ grace: 30 })
    await other.delete()
    for (const id of [oldId, session.id()]) assert.equal((await sessions.open({ clientId: id })).isNew(), true)
    assert.equal(await session.param('b', '2').flush(), false)
  },

  async 'purges expired sessions and leaves the idle time of others alone'(scene, sessions) {
    if (!(await canList(sessions))) return
    const [short, long] = [await sessions.open(), await sessions.open()]
    await short.param('a', '1').expire('1m').flush()
    await long.param('a', '1').expire('1h').flush()
    scene.now += 62
    const { removed, kept, unreadable } = await sessions.purge()
    // A store with expiry of its own may have dropped the first one already.
    assert.ok(removed <= 1)
    // A store that keeps expiry times need not look at the session that is alive.
    assert.ok(kept <= 1)
    assert.equal(unreadable, 0)
    const ids: string[] = []
    await sessions.traverse((id) => ids.push(id))
    assert.deepEqual(ids, [long.id()])
    scene.now = start + 3602
    assert.equal((await sessions.open({ clientId: long.id() })).isNew(), true)
  },
}

async function canList(sessions: SessionManager): Promise<boolean> {
  try {
    await sessions.traverse(() => {})
    return true
  } catch (error) {
    assert.equal((error as { code?: string }).code, 'ERR_SESSION_UNSUPPORTED')
    return false
  }
}

/** Prove a combination of plug-ins. */
export function sessionSuite({ describe, it, name, open, oneId = false }: SessionSuite): void {
  const all = oneId ? cases : { ...cases, ...casesOfManyIds }
  describe(name, () => {
    for (const [title, run] of Object.entries(all)) {
      it(title, async () => {
        const scene = new Scene(await open())
        try {
          await run(scene, await scene.manager())
        } finally {
          await scene.end()
        }
      })
    }
  })
}
