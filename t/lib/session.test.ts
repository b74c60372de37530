import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { ElementRef, type ManagerOptions, PerlObject, ScalarRef, Session, SessionManager } from '../../lib/index.js'

let spaces = 0

/** Options of a store in memory that nobody else uses. */
function memory(options: ManagerOptions = {}): ManagerOptions {
  return { type: 'driver:Memory;id:MD5;serialize:DataDumper', space: `session.test ${++spaces}`, ...options }
}

describe('param', () => {
  it('tells 0, empty, null, false and absent apart, and compares by value', async () => {
    await using sessions = await SessionManager.create(memory())
    const session = await sessions.open()
    session.param({ zero: 0, empty: '', nothing: null, no: false })
    expect(session.param()).toEqual(['empty', 'no', 'nothing', 'zero'])
    await session.flush()
    for (const [name, other] of Object.entries({ zero: '', empty: null, nothing: false, no: 0 })) {
      expect(session.param(name, session.param(name)).modified()).toBe(false)
      expect(session.param(name, other).modified()).toBe(true)
      await session.flush()
    }
    const again = await sessions.open({ id: session.id() })
    expect(['zero', 'empty', 'nothing', 'no', 'absent'].map((name) => again.param(name))).toEqual([
      '',
      null,
      false,
      0,
      undefined,
    ])
  })

  it('clears a parameter that is set to undefined', async () => {
    await using session = await Session.open(memory())
    expect(session.param('a', 1).param('a', undefined).param()).toEqual([])
  })

  it('keeps __proto__ and constructor as ordinary parameters', async () => {
    await using sessions = await SessionManager.create(memory())
    const session = await sessions.open()
    session.param('constructor', 'c').param('toString', 't')
    await session.flush()
    const again = await sessions.open({ id: session.id() })
    expect([again.param('constructor'), again.param('toString'), again.param('hasOwnProperty')]).toEqual([
      'c',
      't',
      undefined,
    ])
    expect(() => again.param('__proto__', { polluted: 1 })).toThrow(TypeError)
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
  })

  it('is typed by Session<Params>', async () => {
    interface Visit {
      visits: number
      user?: string
    }
    await using session = await Session.open<Visit>(memory())
    session.param('visits', (session.param('visits') ?? 0) + 1)
    const visits: number | undefined = session.param('visits')
    expect(visits).toBe(1)
    // @ts-expect-error a parameter that Visit does not have
    session.param('visit')
    // @ts-expect-error a value of the wrong type
    session.param('visits', 'one')
  })

  it('refuses what is not a name', async () => {
    await using session = await Session.open(memory())
    expect(() => session.param(5 as unknown as string, 1)).toThrow(TypeError)
    expect(() => session.param(['a'] as unknown as string)).toThrow(TypeError)
  })
})

describe('flush', () => {
  it('happens when the scope of await using ends', async () => {
    const options = memory()
    let id: string
    {
      await using session = await Session.open(options)
      session.param('a', 1)
      id = session.id()
    }
    await using again = await Session.open({ ...options, id })
    expect(again.param('a')).toBe(1)
  })

  it('keeps everything in the object when it fails, and can be called again', async () => {
    await using sessions = await SessionManager.create(memory())
    const session = await sessions.open()
    session.param({ good: 1, cart: { items: [{}, { when: new Date(0) }] } })
    await expect(session.flush()).rejects.toMatchObject({ code: 'ERR_SESSION_FREEZE', path: 'cart.items[1].when' })
    expect((await sessions.open({ id: session.id() })).isNew()).toBe(true)
    session.param('cart', 'empty')
    expect(await session.flush()).toBe(true)
    expect((await sessions.open({ id: session.id() })).param('good')).toBe(1)
  })

  it('writes what was set while an earlier flush was under way', async () => {
    await using sessions = await SessionManager.create(memory())
    const session = await sessions.open()
    session.param('a', 1)
    const first = session.flush()
    session.param('b', 2)
    await first
    expect(session.modified()).toBe(true)
    await session.flush()
    expect((await sessions.open({ id: session.id() })).param()).toEqual(['a', 'b'])
  })

  it('writes what was changed in place while an earlier flush was under way', async () => {
    await using sessions = await SessionManager.create(memory())
    const session = await sessions.open()
    session.param('list', ['a'])
    const first = session.flush()
    session.param('list').push('b')
    await first
    expect(await session.flush()).toBe(true)
    expect((await sessions.open({ id: session.id() })).param('list')).toEqual(['a', 'b'])
  })

  it('does not take for its own what a merge brought', async () => {
    await using sessions = await SessionManager.create(memory())
    const first = await sessions.open()
    await first.param({ list: ['a'], mine: 0 }).flush()
    const second = await sessions.open({ id: first.id() })
    expect(second.param('list')).toEqual(['a'])
    await first.param('list', ['b']).flush()
    await second.param('mine', 1).flush()
    expect([second.param('list'), second.modified()]).toEqual([['b'], false])
    await first.param('list', ['c']).flush()
    await second.param('mine', 2).flush()
    expect((await sessions.open({ id: first.id() })).param('list')).toEqual(['c'])
  })

  it('survives 200 sessions of one id in one process', async () => {
    await using sessions = await SessionManager.create(memory())
    const id = (await sessions.open()).id()
    await Promise.all(
      Array.from({ length: 200 }, async (_, index) => {
        await using session = await sessions.open({ id })
        session.param(`key${index}`, index)
      }),
    )
    expect((await sessions.open({ id })).param()).toHaveLength(200)
  })

  it('refuses to take over a session whose id was generated a second time', async () => {
    const ids = { shape: 'word', length: 4, generate: async () => 'same' } as const
    await using sessions = await SessionManager.create(memory({ type: { driver: 'Memory', id: ids } }))
    const [victim, intruder] = [await sessions.open(), await sessions.open()]
    await victim.param('user', 'victim').flush()
    await expect(intruder.param('user', 'intruder').flush()).rejects.toMatchObject({ code: 'ERR_SESSION_ID_TAKEN' })
    expect((await sessions.open({ id: 'same' })).param('user')).toBe('victim')
  })

  it('keeps what a program holds in its hands across a merge', async () => {
    await using sessions = await SessionManager.create(memory())
    const first = await sessions.open()
    await first.param({ cart: { items: ['a'] }, other: 1 }).flush()
    const second = await sessions.open({ id: first.id() })
    const { items } = second.param('cart')
    await first.param('other', 2).flush()
    await second.param('mine', 1).flush()
    items.push('b')
    await second.flush()
    expect((await sessions.open({ id: first.id() })).param('cart')).toEqual({ items: ['a', 'b'] })
  })
})

describe('values', () => {
  it('of Perl keep their class, and shared ones stay one', async () => {
    await using sessions = await SessionManager.create(memory())
    const shared = ['x']
    const session = await sessions.open()
    session.param({ object: new PerlObject('My::Class', { n: 1 }), a: shared, b: shared, ref: new ScalarRef('s') })
    await session.flush()
    const again = await sessions.open({ id: session.id() })
    expect(again.param('object')).toEqual(new PerlObject('My::Class', { n: 1 }))
    expect(again.param('a')).toBe(again.param('b'))
    again.param('a').push('y')
    again.param('ref').value = 'changed'
    await again.flush()
    const last = await sessions.open({ id: session.id() })
    expect([last.param('b'), last.param('ref').value]).toEqual([['x', 'y'], 'changed'])
  })

  it('that refer to an element follow it', async () => {
    await using sessions = await SessionManager.create(memory())
    const list = [1, 2]
    const session = await sessions.open()
    session.param({ list, second: new ElementRef(list, 1) })
    await session.flush()
    const again = await sessions.open({ id: session.id() })
    again.param('second').value = 'changed'
    await again.flush()
    expect((await sessions.open({ id: session.id() })).param('list')).toEqual([1, 'changed'])
  })
})

describe('merging', () => {
  /** Two sessions of one id, opened before either writes. */
  async function twoWriters(values: Record<string, unknown>, options: ManagerOptions = {}) {
    const sessions = await SessionManager.create(memory(options))
    const id = (await sessions.open()).id()
    await (await sessions.open({ id })).param(values).flush()
    return { sessions, id, first: await sessions.open({ id }), second: await sessions.open({ id }) }
  }

  it('takes the lifetime of a cleared parameter away, whoever set it', async () => {
    const { sessions, id, first, second } = await twoWriters({ a: 1, b: 1 })
    await first.expire('a', '10m').flush()
    await second.clear('a').flush()
    expect((await sessions.open({ id })).ptime()).toEqual({})

    const other = await twoWriters({ a: 1, b: 1 })
    await other.first.clear('a').flush()
    await other.second.expire('a', '10m').flush()
    expect((await other.sessions.open({ id: other.id })).ptime()).toEqual({})
  })

  it('keeps parameters that share a value together', async () => {
    const shared = { k: 1 }
    const { sessions, id, first, second } = await twoWriters({ one: shared, two: shared, z: 0 })
    await first.param('z', 1).flush()
    second.param('one').k = 2
    await second.flush()
    const merged = await sessions.open({ id })
    expect([merged.param('two'), merged.param('z')]).toEqual([{ k: 2 }, 1])
    expect(merged.param('one')).toBe(merged.param('two'))
  })

  it('does not lose what is done to an object that a merge replaced', async () => {
    const { sessions, id, first, second } = await twoWriters({ b: { x: 0 }, z: 0 })
    const held = second.param('b')
    first.param('b').x = 1
    await first.flush()
    await second.param('z', 1).flush()
    expect(second.param('b')).toEqual({ x: 1 })
    held.y = 77
    expect(second.modified()).toBe(true)
    await second.flush()
    expect((await sessions.open({ id })).param('b')).toEqual({ x: 0, y: 77 })
  })

  it('nor to one that a merge took away', async () => {
    const { sessions, id, first, second } = await twoWriters({ b: { x: 0 }, z: 0 })
    const held = second.param('b')
    await first.clear('b').flush()
    await second.param('z', 1).flush()
    expect([second.param('b'), second.modified()]).toEqual([undefined, false])
    held.y = 77
    expect(second.modified()).toBe(true)
    await second.flush()
    expect((await sessions.open({ id })).param('b')).toEqual({ x: 0, y: 77 })
  })

  it('keeps what is set during each of its writes, and writes none of it twice', async () => {
    const { default: Memory } = await import('../../drivers/Memory.js')
    const driver = new Memory({ space: `session.test ${++spaces}` }, { now: () => 0, padding: true })
    await using sessions = await SessionManager.create({ type: { driver, serialize: 'JSON' }, clock: () => 0 })
    const session = await sessions.open({ id: 'agreed' })
    await session.param({ a: 1, list: ['x'] }).flush()
    const store = driver.store.bind(driver)
    let writes = 0
    driver.store = async (id, record, options) => {
      const turn = ++writes
      // Twice somebody else is first, and each time the program goes on while the store is busy.
      if (turn <= 2) {
        const text = Buffer.from((await driver.retrieve(id))!)
          .toString()
          .replace(/}$/, `,"other${turn}":1}`)
        await store(id, Buffer.from(text))
      }
      if (turn <= 3)
        session
          .param('a', turn + 10)
          .param(`late${turn}`, turn)
          .param('list')
          .push(`y${turn}`)
      return store(id, record, options)
    }
    await session.param('first', 1).flush()
    expect(session.modified()).toBe(true)
    await session.flush()
    expect([writes, await session.flush()]).toEqual([4, false])
    const stored = await sessions.open({ id: 'agreed' })
    expect(Object.fromEntries(stored.param().map((name) => [name, stored.param(name)]))).toEqual({
      a: 13,
      first: 1,
      late1: 1,
      late2: 2,
      late3: 3,
      list: ['x', 'y1', 'y2', 'y3'],
      other1: 1,
      other2: 1,
    })
  })

  it.each(['merge', 'overwrite', 'fail'] as const)('(%s) does not write to a session made anew', async (onConflict) => {
    let now = 1_600_000_000_000
    const { sessions, id, second } = await twoWriters({ user: 'bob' }, { onConflict, clock: () => now })
    await (await sessions.open({ id })).delete()
    now += 1000
    await (await sessions.open({ id })).param('fresh', 1).flush()
    second.param('hits', 1)
    if (onConflict === 'fail') await expect(second.flush()).rejects.toMatchObject({ code: 'ERR_SESSION_CONFLICT' })
    else expect([await second.flush(), second.deleted()]).toEqual([false, true])
    expect((await sessions.open({ id })).param()).toEqual(['fresh'])
  })
})

describe('an expired session', () => {
  it('that somebody else made anew meanwhile is opened, not removed', async () => {
    let now = 1_600_000_000
    const { default: Memory } = await import('../../drivers/Memory.js')
    const driver = new Memory({ space: `session.test ${++spaces}` }, { now: () => now, padding: true })
    await using sessions = await SessionManager.create({ type: { driver }, clock: () => now * 1000 })
    await (await sessions.open({ id: 'agreed' })).param('old', 1).expire('1m').flush()
    now += 62
    const retrieve = driver.retrieve.bind(driver)
    let reads = 0
    driver.retrieve = async (id) => {
      const record = await retrieve(id)
      // The other program does the same between our reading and our removing.
      if (++reads === 1) await (await sessions.open({ id: 'agreed' })).param('new', 1).flush()
      return record
    }
    const session = await sessions.open({ id: 'agreed' })
    expect([session.isNew(), session.param()]).toEqual([false, ['new']])
  })
})

describe('checkExpiry', () => {
  it('lets a session live that another request has used meanwhile', async () => {
    let now = 1_600_000_000
    await using sessions = await SessionManager.create(memory({ clock: () => now * 1000 }))
    const first = await sessions.open()
    await first.param('a', 1).expire('1m').flush()
    now += 50
    await (await sessions.open({ id: first.id() })).flush()
    now += 20
    expect([await first.checkExpiry(), first.param('a'), first.atime()]).toEqual([false, 1, 1_600_000_050])
    now += 100
    expect(await first.checkExpiry()).toBe(true)
  })
})

describe('values of JavaScript', () => {
  it('that are copied as another class are not modified for ever', async () => {
    await using sessions = await SessionManager.create(memory())
    const session = await sessions.open()
    session.param('bytes', new Uint8Array([1, 2, 3]))
    expect([await session.flush(), await session.flush()]).toEqual([true, false])
    session.param('bytes')[0] = 9
    expect(await session.flush()).toBe(true)
  })

  it('of another realm are watched like others', async () => {
    await using sessions = await SessionManager.create(memory())
    const session = await sessions.open()
    const foreign = runInNewContext('({ n: 1, list: [1] })')
    await session.param('foreign', foreign).flush()
    foreign.n = 2
    expect(await session.flush()).toBe(true)
    expect((await sessions.open({ id: session.id() })).param('foreign')).toEqual({ n: 2, list: [1] })
  })
})

describe('a clock that was ahead', () => {
  it.each([0, 60])(
    'is put right by the next opening, so the session ends when it should (touchAfter %i)',
    async (touchAfter) => {
      let now = 1_600_000_000 + 40 * 86_400
      const clock = () => now * 1000
      const options: ManagerOptions = { type: 'driver:Memory', space: `clock ahead ${touchAfter}`, clock, touchAfter }
      await using sessions = await SessionManager.create(options)
      const session = await sessions.open()
      await session.param('a', 1).expire('1h').flush()
      now = 1_600_000_000
      const again = await sessions.open({ id: session.id() })
      await again.flush()
      expect(again.atime()).toBe(now)
      now += 3601
      expect((await sessions.open({ clientId: session.id() })).isNew()).toBe(true)
    },
  )
})

describe('a driver that is handed over', () => {
  it('stays open when a session or a manager is closed', async () => {
    const { default: Memory } = await import('../../drivers/Memory.js')
    const driver = new Memory({ space: `session.test ${++spaces}` }, { now: () => 0, padding: true })
    for (let visit = 1; visit <= 2; visit++) {
      await using session = await Session.open({ type: { driver }, id: 'agreed' })
      session.param('visits', (session.param('visits') ?? 0) + 1)
      expect(session.param('visits')).toBe(visit)
    }
    expect(await driver.retrieve('agreed')).toBeDefined()
  })

  it('must be able to compare, unless the last to write wins', async () => {
    const { default: Memory } = await import('../../drivers/Memory.js')
    const blind = new Memory({ space: 'blind' }, { now: () => 0, padding: true })
    Object.defineProperty(blind, 'supports', { value: { ...blind.supports, expect: false } })
    const create = (options: ManagerOptions) => SessionManager.create({ type: { driver: blind }, ...options })
    await expect(create({})).rejects.toThrow(
      "driver:Memory cannot compare before it writes, so onConflict 'merge' is not possible",
    )
    await (await create({ onConflict: 'overwrite' })).close()
  })

  it('has its messages cut where they quote the id', async () => {
    const id = '$&SECRETSECRETSECRET'
    const { default: Memory } = await import('../../drivers/Memory.js')
    const driver = new Memory({ space: 'failing' }, { now: () => 0, padding: true })
    driver.retrieve = async (key) => {
      throw new Error(`cannot read key ${key}`)
    }
    await using sessions = await SessionManager.create({ type: { driver } })
    const error: Error = await sessions.open({ id }).then(
      () => expect.unreachable(),
      (reason) => reason,
    )
    expect(error.message).toMatch(/could not retrieve: cannot read key #[0-9a-f]{8}$/)
    expect(error.message).not.toContain(id)
  })
})

describe('values without end', () => {
  it('are compared and copied in linear time and without the stack', async () => {
    await using sessions = await SessionManager.create(memory({ maxDepth: 10_000 }))
    let often: unknown = ['x']
    for (let i = 0; i < 60; i++) often = [often, often]
    let deep: unknown = 'x'
    for (let i = 0; i < 9_000; i++) deep = [deep]
    const session = await sessions.open()
    session.param({ often, deep })
    await session.flush()
    const again = await sessions.open({ id: session.id() })
    expect(again.param('often')).toHaveLength(2)
    again.param('deep', again.param('deep')).param('often', structuredClone(often))
    await again.flush()
    expect(await again.flush()).toBe(false)
    let tooDeep: unknown = 'x'
    for (let i = 0; i < 100_000; i++) tooDeep = [tooDeep]
    await expect(again.param('deep', tooDeep).flush()).rejects.toMatchObject({ code: 'ERR_SESSION_LIMIT' })
  })

  it('tell one shared list from two equal ones', async () => {
    await using sessions = await SessionManager.create(memory())
    const list = ['x']
    const session = await sessions.open()
    await session.param('pair', [list, list]).flush()
    expect(session.param('pair', [['x'], ['x']]).modified()).toBe(true)
  })
})

describe('wrong arguments', () => {
  it.each<[string, (session: Session) => unknown, RegExp]>([
    ['clear(undefined)', (session) => session.clear(undefined), /without an argument it clears all/],
    ['clear(null)', (session) => session.clear(null as never), /takes a name/],
    ['clear(5)', (session) => session.clear(5 as never), /takes a name/],
    ["clear('a', 'b')", (session) => (session.clear as (...names: string[]) => unknown)('a', 'b'), /array of names/],
    ['expire(undefined)', (session) => session.expire(undefined as never), /undefined is none/],
    ["expire('a', undefined)", (session) => session.expire('a', undefined as never), /undefined is none/],
    ['param(undefined)', (session) => session.param(undefined as never), /takes a name/],
    ['param({ b, _x })', (session) => session.param({ b: 2, _x: 1 }), /names that begin with _/],
    ['atime(1.5)', (session) => session.atime(1.5), /whole seconds/],
    ['traverse()', (session) => session.traverse(undefined as never), /needs a function/],
  ])('%s is refused and changes nothing', async (_call, run, message) => {
    await using session = await Session.open(memory())
    session.param({ a: 1, b: 1 }).expire('1h')
    await expect((async () => run(session))()).rejects.toThrow(TypeError)
    await expect((async () => run(session))()).rejects.toThrow(message)
    expect([session.param('a'), session.param('b'), session.etime()]).toEqual([1, 1, 3600])
  })
})

describe('touchAfter', () => {
  it('is 0 if nobody says otherwise: each second counts', async () => {
    let now = 1_700_000_000_000
    await using sessions = await SessionManager.create(memory({ clock: () => now }))
    const session = await sessions.open()
    await session.param('a', 1).flush()
    expect((await sessions.open({ id: session.id() })).modified()).toBe(false)
    now += 1000
    const later = await sessions.open({ id: session.id() })
    expect([later.modified(), later.atime()]).toEqual([true, 1_700_000_001])
  })

  it('never lets a session end while it is used', async () => {
    let now = 1_600_000_000_000
    await using sessions = await SessionManager.create(memory({ touchAfter: 300, clock: () => now }))
    const session = await sessions.open()
    await session.param({ a: 1, short: 1 }).expire('2m').expire('short', '1m').flush()
    for (let i = 0; i < 60; i++) {
      now += 10_000
      const visit = await sessions.open({ id: session.id() })
      expect(visit.param()).toEqual(['a', 'short'])
      await visit.flush()
    }
  })

  it('writes nothing for a reading visit within its time', async () => {
    let now = 1_600_000_000_000
    await using sessions = await SessionManager.create(memory({ touchAfter: 60, clock: () => now }))
    const session = await sessions.open()
    await session.param('a', 1).flush()
    now += 60_000
    const soon = await sessions.open({ id: session.id() })
    expect([soon.modified(), await soon.flush()]).toEqual([false, false])
    now += 1000
    const late = await sessions.open({ id: session.id() })
    expect([late.modified(), await late.flush()]).toEqual([true, true])
  })
})

describe('a session dropped with changes', () => {
  it('warns once per process', async () => {
    const { spawnSync } = await import('node:child_process')
    const program = `
      const { SessionManager } = require('data-session')
      const warnings = []
      process.on('warning', (warning) => warnings.push(warning.code))
      SessionManager.create({ type: 'driver:Memory' }).then(async (sessions) => {
        for (let i = 0; i < 100; i++) (await sessions.open()).param('a', 1)
        for (let i = 0; i < 100; i++) await (await sessions.open()).param('a', 1).flush()
        const end = Date.now() + 20000
        while (warnings.length === 0 && Date.now() < end) {
          gc()
          await new Promise((resolve) => setImmediate(resolve))
        }
        for (let i = 0; i < 20; i++) {
          gc()
          await new Promise((resolve) => setImmediate(resolve))
        }
        console.log(warnings.join())
      })`
    const run = spawnSync(process.execPath, ['--expose-gc', '--no-warnings', '-e', program], { encoding: 'utf8' })
    expect(run.stderr).toBe('')
    expect(run.stdout.trim()).toBe('DATA_SESSION_UNFLUSHED')
  })
})

describe('dump', () => {
  it('shows cycles, and does not unfold what is shared often', async () => {
    await using session = await Session.open(memory())
    const cycle: unknown[] = []
    cycle.push(cycle)
    let often: unknown = 'x'
    for (let i = 0; i < 60; i++) often = [often, often]
    session.param({ cycle, often })
    expect(session.dump()).toContain('# cycle: <ref *1> [ [Circular *1] ]')
    expect(session.dump().length).toBeLessThan(10_000)
  })

  it('gives the keys in order, a line each', async () => {
    await using session = await Session.open(memory({ clock: () => 0 }))
    session.param({ b: 10n, a: ['x'] })
    expect(session.dump('Before')).toMatch(
      /^# Before\n# _SESSION_ATIME: 0\n(?:# _SESSION.*\n){4}# a: \[ 'x' \]\n# b: 10n$/,
    )
  })
})
