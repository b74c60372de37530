/**
 * Bugs of Data::Session 1.18 (D) and CGI::Session 4.48 (C) that are not repeated here, each by its number. Those of the
 * File driver are in t/drivers/File.test.ts, those of ids in t/id/.
 */

import {
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { type ManagerOptions, SerializeError, SessionManager } from '../../lib/index.js'

const folder = mkdtempSync(join(tmpdir(), 'data-session-bugs-'))
afterAll(() => rmSync(folder, { recursive: true }))

let stores = 0

/** A manager on a new folder, with a clock that the test sets. */
async function scene(options: ManagerOptions = {}) {
  const directory = join(folder, `${++stores}`)
  mkdirSync(directory)
  const clock = { now: 1_600_000_000 }
  const create = (more: ManagerOptions = {}) =>
    SessionManager.create({ directory, clock: () => clock.now * 1000, ...options, ...more })
  const sessions = await create()
  const text = (id: string) => readFileSync(join(directory, `cgisess_${id}`), 'latin1')
  return { directory, clock, sessions, create, text }
}

describe('Data::Session', () => {
  it('D1: two parameters that share a value do not destroy the session', async () => {
    const { sessions, text } = await scene()
    const shared = { list: ['x'] }
    const session = await sessions.open()
    await session.param({ a: shared, b: shared }).flush()
    expect(text(session.id()).endsWith(';$D')).toBe(true)
    const again = await sessions.open({ id: session.id() })
    expect(again.param('a')).toBe(again.param('b'))
  })

  it('D3: an id that a client chose is not adopted', async () => {
    const { sessions, directory } = await scene()
    const chosen = 'a'.repeat(32)
    const session = await sessions.open({ clientId: chosen })
    await session.param('user', 'victim').flush()
    expect(readdirSync(directory)).toEqual([`cgisess_${session.id()}`])
    expect(session.id()).not.toBe(chosen)
  })

  it('D4: a flushed session is not written again at the end of its scope', async () => {
    const { sessions } = await scene()
    let id: string
    {
      await using session = await sessions.open()
      id = session.id()
      await session.param('a', 1).flush()
      const other = await sessions.open({ id })
      await other.param('b', 2).flush()
    }
    expect((await sessions.open({ id })).param()).toEqual(['a', 'b'])
  })

  it('D6: reserved keys cannot be cleared or set, one or several', async () => {
    const { sessions } = await scene()
    const session = await sessions.open()
    expect(() => session.clear('_SESSION_CTIME')).toThrow(TypeError)
    expect(() => session.clear(['_SESSION_ETIME'])).toThrow(TypeError)
    expect(() => session.param('_SESSION_ID', 'evil')).toThrow(/names that begin with _/)
    expect(() => session.param({ good: 1, _bad: 2 })).toThrow(TypeError)
    expect(() => session.expire({ _SESSION_ID: '1h' })).toThrow(TypeError)
    expect(session.ctime()).toBe(1_600_000_000)
  })

  it('D16: 0, an empty string and null are stored; a mutated array set again is noticed', async () => {
    const { sessions } = await scene()
    const session = await sessions.open()
    await session.param({ zero: 0, empty: '', nothing: null, list: [1] }).flush()
    const again = await sessions.open({ id: session.id() })
    expect([again.param('zero'), again.param('empty'), again.param('nothing')]).toEqual([0, '', null])
    await again.flush()
    const list = again.param('list')
    list.push(2)
    again.param('list', list)
    expect(await again.flush()).toBe(true)
    expect((await sessions.open({ id: session.id() })).param('list')).toEqual([1, 2])
    again.param('version', '1.0')
    await again.flush()
    expect(again.param('version', 1).modified()).toBe(true)
  })

  it('D17: an expired session comes back as a usable new one', async () => {
    const { sessions, clock, directory } = await scene()
    const session = await sessions.open()
    await session.param('a', 1).expire('1m').flush()
    clock.now += 62
    const fresh = await sessions.open({ clientId: session.id() })
    expect([fresh.expired(), fresh.isNew(), fresh.deleted(), fresh.id() === session.id()]).toEqual([
      true,
      true,
      false,
      false,
    ])
    await fresh.param('b', 2).flush()
    expect(readdirSync(directory)).toEqual([`cgisess_${fresh.id()}`])
  })

  it('D18: the lifetime of a parameter can be taken away, and read', async () => {
    const { sessions } = await scene()
    const session = await sessions.open()
    session.param('a', 1).expire('a', '1h')
    expect(session.ptime('a')).toBe(3600)
    session.expire('a', 0)
    expect([session.ptime('a'), session.ptime()]).toEqual([0, {}])
  })

  it('D19: a record that cannot be read is an error that says so, or is kept aside', async () => {
    const { sessions, create, directory } = await scene()
    const bad = 'b'.repeat(32)
    writeFileSync(join(directory, `cgisess_${bad}`), 'garbage')
    await expect(sessions.open({ clientId: bad })).rejects.toThrow(SerializeError)
    expect(readFileSync(join(directory, `cgisess_${bad}`), 'utf8')).toBe('garbage')

    const warned = new Promise<Error & { code?: string }>((resolve) => process.once('warning', resolve))
    const session = await (await create({ onCorrupt: 'new' })).open({ clientId: bad })
    expect(session.isNew()).toBe(true)
    const aside = readdirSync(directory).map((file) => readFileSync(join(directory, file), 'utf8'))
    expect(aside).toEqual(['garbage'])
    const { code, message } = await warned
    expect(code).toBe('DATA_SESSION_CORRUPT')
    expect(message).not.toContain(bad)
  })

  it('D21: a purge does not start the idle time of live sessions anew', async () => {
    const { sessions, clock, text } = await scene()
    const [live, dead] = [await sessions.open(), await sessions.open()]
    await live.param('a', 1).expire('1h').flush()
    await dead.param('a', 1).expire('1m').flush()
    const before = text(live.id())
    clock.now += 1800
    expect(await sessions.purge()).toEqual({ removed: 1, kept: 1, unreadable: 0 })
    expect(text(live.id())).toBe(before)
  })

  it('D21: a purge passes over what it cannot read, and says how much that was', async () => {
    const { sessions, clock, directory } = await scene()
    const dead = await sessions.open()
    await dead.param('a', 1).expire('1m').flush()
    writeFileSync(join(directory, 'cgisess_garbage'), 'garbage')
    const poisoned = "$D = {'_SESSION_ID' => 'poisoned','_SESSION_ETIME' => {'valueOf' => 1,'toString' => 1}}"
    writeFileSync(join(directory, 'cgisess_poisoned'), poisoned)
    writeFileSync(join(directory, 'cgisess_poison'), "$D = {'_SESSION_ID' => {'toString' => 1}}")
    writeFileSync(join(directory, 'cgisess_linked'), 'x')
    linkSync(join(directory, 'cgisess_linked'), join(directory, 'other'))
    symlinkSync('nowhere', join(directory, 'cgisess_symlink'))
    clock.now += 62
    expect(await sessions.purge()).toEqual({ removed: 1, kept: 1, unreadable: 3 })
    rmSync(join(directory, 'cgisess_poisoned'))
    await expect(sessions.purge()).rejects.toThrow('hard links')
  })

  it('D22, D23: option values keep their case, and 0 and false mean what they say', async () => {
    const { sessions, directory } = await scene({ umask: 0o600, fileName: 'MySession-%s' })
    const session = await sessions.open({ id: 'MixedCase' })
    await session.param('a', 1).flush()
    expect(readdirSync(directory)).toEqual(['MySession-MixedCase'])
    expect((await sessions.open({ id: '0' })).id()).toBe('0')
  })
})

describe('CGI::Session', () => {
  it('C3: clearing a parameter takes its lifetime with it', async () => {
    const { sessions, clock } = await scene({ dialect: 'cgi-session' })
    const session = await sessions.open()
    await session.param('a', 1).expire('a', '1m').flush()
    await session.clear('a').param('a', 2).flush()
    clock.now += 3600
    expect((await sessions.open({ id: session.id() })).param('a')).toBe(2)
  })

  it('C4: a parameter can be set to null by every form of call', async () => {
    const { sessions } = await scene()
    const session = await sessions.open()
    session.param('a', null)
    session.param({ b: null })
    expect([session.param(), session.param('a'), session.param('b')]).toEqual([['a', 'b'], null, null])
  })

  it('C5: a lifetime of 00 is no lifetime', async () => {
    const { sessions, clock } = await scene({ dialect: 'cgi-session' })
    const session = await sessions.open()
    await session.param('a', 1).expire('00').flush()
    clock.now += 100_000
    expect((await sessions.open({ id: session.id() })).param('a')).toBe(1)
  })

  it('C7: two requests that overlap do not lose each other’s parameters', async () => {
    const { sessions } = await scene()
    const first = await sessions.open()
    await first.param('base', 1).flush()
    const second = await sessions.open({ id: first.id() })
    await first.param('a', 1).flush()
    await second.param('b', 1).flush()
    expect((await sessions.open({ id: first.id() })).param()).toEqual(['a', 'b', 'base'])
  })

  it('C8: an error of one session says nothing to another', async () => {
    const { sessions } = await scene()
    await expect(sessions.open({ id: '../x' })).rejects.toThrow()
    await expect(sessions.open()).resolves.toBeDefined()
  })
})

describe('a record', () => {
  it('is handed out only under its own id', async () => {
    const { sessions, directory } = await scene()
    const session = await sessions.open()
    await session.param('user', 'owner').flush()
    const copy = 'c'.repeat(32)
    writeFileSync(join(directory, `cgisess_${copy}`), readFileSync(join(directory, `cgisess_${session.id()}`)))
    await expect(sessions.open({ clientId: copy })).rejects.toMatchObject({ code: 'ERR_SESSION_CORRUPT' })
  })

  it('that is not a hash is refused', async () => {
    const { sessions, directory } = await scene()
    writeFileSync(join(directory, 'cgisess_x'), '$D = [1];')
    await expect(sessions.open({ id: 'x' })).rejects.toMatchObject({ code: 'ERR_SESSION_CORRUPT' })
  })

  it('keeps the reserved keys of both dialects and obeys the shorter lifetime', async () => {
    const { sessions, clock, directory, text } = await scene()
    const lists = "'_SESSION_PTIME' => {'a' => 600,'b' => 60},'_SESSION_EXPIRE_LIST' => {'a' => 60,'b' => 600}"
    const times = "'_SESSION_ATIME' => 1600000000,'_SESSION_CTIME' => 1600000000,'_SESSION_REMOTE_ADDR' => '127.0.0.1'"
    writeFileSync(
      join(directory, 'cgisess_x'),
      `$D = {'_SESSION_ID' => 'x',${times},${lists},'_other' => 'kept','a' => 1,'b' => 2,'c' => 3};;$D`,
    )
    clock.now += 62
    const session = await sessions.open({ id: 'x' })
    expect(session.param()).toEqual(['c'])
    session.expire('c', '1h')
    await session.flush()
    expect(text('x')).toContain("'_SESSION_PTIME' => {'c' => 3600}")
    expect(text('x')).toContain("'_SESSION_EXPIRE_LIST' => {'c' => 3600}")
    expect(text('x')).toContain("'_other' => 'kept'")
    expect(text('x')).toContain("'_SESSION_REMOTE_ADDR' => '127.0.0.1'")
  })

  it('ends a second later with Data::Session than with CGI::Session', async () => {
    for (const [dialect, alive] of [
      ['data-session', false],
      ['cgi-session', true],
    ] as const) {
      const { sessions, clock } = await scene({ dialect })
      const session = await sessions.open()
      await session.param('a', 1).expire('1m').flush()
      clock.now += 60
      expect((await sessions.open({ clientId: session.id() })).expired()).toBe(alive)
    }
  })
})
