/**
 * OWASP ASVS 5.0, chapter V7 (session management): a test for each item that a library can keep; its title begins with the item's
 * number. SECURITY.md lists them.
 */

import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it, vi } from 'vitest'
import { type ManagerOptions, pluginNames, SessionManager } from '../lib/index.js'
import { temporaryFolder } from './support/folders.js'
import { idOptions } from './support/stores.js'

const start = 1_600_000_000

/** Session files, a clock, and a user who is logged in. */
async function newSite(options: ManagerOptions = {}) {
  const directory = temporaryFolder()
  const site = { now: start, directory, files: () => readdirSync(directory) }
  const sessions = await SessionManager.create({ directory, clock: () => site.now * 1000, ...options })
  const logIn = async (user: string) => {
    const session = await sessions.open()
    await session.param('user', user).flush()
    return session
  }
  /** Whom an id lets in. */
  const userOf = async (clientId: string) => (await sessions.open({ clientId })).param('user')
  return Object.assign(site, { sessions, logIn, userOf })
}

/** The tests by their titles. */
const items: Readonly<Record<string, () => Promise<void>>> = {
  async '7.2.1 an id that the store does not have lets nobody in, however it is forged'() {
    const { sessions, logIn, files, userOf } = await newSite()
    const id = (await logIn('ann')).id()
    const before = files()
    const forged = [...id].flatMap((_, index) => {
      const wrong = id[index] === '0' ? '1' : '0'
      return [id.slice(0, index) + wrong + id.slice(index + 1), id.slice(0, index), `${id}${index}`]
    })
    for (const clientId of [...forged, id.toUpperCase().replace(/^[0-9]+$/, 'A'), ` ${id}`, `${id}\0`, `x/../${id}`]) {
      const session = await sessions.open({ clientId })
      expect([session.isNew(), session.param(), session.id() === clientId]).toEqual([true, [], false])
    }
    expect(await userOf(id)).toBe('ann')
    expect(files()).toEqual(before)
  },

  async '7.2.2 ids that can be guessed are no proof of who somebody is, unless the site says so'() {
    for (const id of ['AutoIncrement', 'Static']) {
      const { options } = idOptions(id)
      await using sessions = await SessionManager.create({
        type: `driver:Memory;id:${id}`,
        ...options,
        allowPredictableIds: false,
      })
      await expect(sessions.open({ clientId: '1' })).rejects.toMatchObject({ option: 'allowPredictableIds' })
    }
  },

  async '7.2.3 every generator takes 122 random bits or more from the operating system, and no id comes twice'() {
    vi.spyOn(Math, 'random').mockReturnValue(0)
    vi.spyOn(Date, 'now').mockReturnValue(start * 1000)
    try {
      for (const id of pluginNames('id').filter((name) => !['AutoIncrement', 'Static'].includes(name))) {
        await using sessions = await SessionManager.create({ type: `driver:Memory;id:${id}` })
        const ids: string[] = []
        for (let count = 0; count < 20_000; count++) ids.push((await sessions.open()).id())
        expect(new Set(ids).size, id).toBe(ids.length)
        expect(bitsOf(ids), id).toBeGreaterThan(121)
      }
    } finally {
      vi.restoreAllMocks()
    }
  },

  async '7.2.3 an id that is in use already is given to nobody else'() {
    const taken = { shape: 'word', length: 5, generate: async () => 'taken' } as const
    const { sessions, logIn } = await newSite({ type: { id: taken } })
    await logIn('ann')
    const other = await sessions.open()
    await expect(other.param('user', 'mallory').flush()).rejects.toMatchObject({ code: 'ERR_SESSION_ID_TAKEN' })
    expect((await sessions.open({ id: 'taken' })).param('user')).toBe('ann')
  },

  async '7.2.4 a login gives a new id, and ends the one that was planted before'() {
    const { sessions, userOf } = await newSite()
    const planted = await sessions.open()
    await planted.param('cart', ['apple']).flush()
    const victim = await sessions.open({ clientId: planted.id() })
    await victim.param('user', 'ann').regenerate()
    expect(await userOf(planted.id())).toBe(undefined)
    expect([await userOf(victim.id()), victim.param('cart')]).toEqual(['ann', ['apple']])
    await planted.param('user', 'mallory').flush()
    expect([planted.deleted(), await userOf(victim.id())]).toEqual([true, 'ann'])
  },

  async '7.3.1 a session ends when it was idle for its lifetime, whatever the browser says'() {
    const site = await newSite()
    const session = await site.logIn('ann')
    await session.expire('30m').flush()
    site.now += 1800
    expect(await site.userOf(session.id())).toBe('ann')
    site.now += 1
    expect(await site.userOf(session.id())).toBe(undefined)
    expect(site.files()).toEqual([])
  },

  async '7.3.2 a session ends at its longest lifetime, however busy it is'() {
    const site = await newSite({ maxLifetime: '12h' })
    const session = await site.logIn('ann')
    for (; site.now < start + 12 * 3600; site.now += 600) {
      const request = await site.sessions.open({ clientId: session.id() })
      expect(request.param('user')).toBe('ann')
      await request.flush()
    }
    expect(await site.userOf(session.id())).toBe(undefined)
    expect(site.files()).toEqual([])
  },

  async '7.4.1 a logout is final: no slower request brings the session back'() {
    for (const onConflict of ['merge', 'overwrite', 'fail'] as const) {
      const { sessions, logIn, userOf, files } = await newSite({ onConflict })
      const session = await logIn('ann')
      const slow = await sessions.open({ clientId: session.id() })
      await session.delete()
      expect(await slow.param('cart', ['apple']).flush()).toBe(false)
      expect([slow.deleted(), await userOf(session.id()), files()]).toEqual([true, undefined, []])
    }
  },

  async '7.4.2 all sessions of one account can be ended, and nobody else’s'() {
    const { sessions, logIn, userOf } = await newSite()
    const [ann, annAgain, bob] = [await logIn('ann'), await logIn('ann'), await logIn('bob')]
    expect(await sessions.removeWhere(({ user }) => user === 'ann')).toMatchObject({ removed: 2, kept: 1 })
    expect(await Promise.all([ann, annAgain, bob].map((one) => userOf(one.id())))).toEqual([
      undefined,
      undefined,
      'bob',
    ])
  },

  async '7.4.3 all other sessions of an account can be ended when its password changes'() {
    const { sessions, logIn, userOf } = await newSite()
    const [here, elsewhere, bob] = [await logIn('ann'), await logIn('ann'), await logIn('bob')]
    await here.regenerate()
    await sessions.removeWhere(({ user }, id) => user === 'ann' && id !== here.id())
    expect(await Promise.all([here, elsewhere, bob].map((one) => userOf(one.id())))).toEqual(['ann', undefined, 'bob'])
  },

  async '7.4.5 an administrator can end all sessions'() {
    const { sessions, logIn, files } = await newSite()
    for (const user of ['ann', 'bob', 'eve']) await logIn(user)
    expect(await sessions.removeWhere(() => true)).toEqual({ removed: 3, kept: 0, unreadable: 0 })
    expect(files()).toEqual([])
  },

  async '7.5.2 a user can see his sessions, and end any of them'() {
    const site = await newSite()
    const [ann, annAgain] = [await site.logIn('ann'), await site.logIn('ann')]
    await site.logIn('bob')
    const lastSeen: Record<string, number> = {}
    site.now += 100
    for await (const { id, parameters, atime } of site.sessions.entries<{ user: string }>()) {
      if (parameters.user === 'ann') lastSeen[id] = atime
    }
    expect(lastSeen).toEqual({ [ann.id()]: start, [annAgain.id()]: start })
    await (await site.sessions.open({ id: annAgain.id() })).delete()
    expect([await site.userOf(ann.id()), await site.userOf(annAgain.id())]).toEqual(['ann', undefined])
  },

  async '7.6.2 a visitor who stores nothing makes no session'() {
    const { sessions, files } = await newSite()
    for (const clientId of [undefined, 'f'.repeat(32), '../../etc/passwd', '']) {
      const session = await sessions.open({ clientId })
      await session.expire('1h').flush()
      await session.close()
    }
    expect(files()).toEqual([])
  },
}

/** How many random bits the ids have, by what is seen of each character: never more than there are. */
function bitsOf(ids: readonly string[]): number {
  const positions = Array.from({ length: Math.max(...ids.map((id) => id.length)) }, (_, index) => index)
  return positions.reduce((sum, index) => sum + entropyOf(ids.map((id) => id[index] ?? '')), 0)
}

/** Shannon's entropy of one character, in bits. */
function entropyOf(characters: readonly string[]): number {
  const counts = new Map<string, number>()
  for (const one of characters) counts.set(one, (counts.get(one) ?? 0) + 1)
  return [...counts.values()].reduce((sum, count) => {
    const share = count / characters.length
    return sum - share * Math.log2(share)
  }, 0)
}

describe('OWASP ASVS 5.0, V7', () => {
  for (const [title, test] of Object.entries(items)) it(title, test)
})

describe('SECURITY.md', () => {
  it('has a row for each item of the chapter, with the titles of its tests', () => {
    const rows = [...readFileSync('SECURITY.md', 'utf8').matchAll(/^\| (7\.\d\.\d) \| (.*) \| (.*) \|$/gm)]
    const numbers =
      '7.1.1 7.1.2 7.1.3 7.2.1 7.2.2 7.2.3 7.2.4 7.3.1 7.3.2 7.4.1 7.4.2 7.4.3 7.4.4 7.4.5 7.5.1 7.5.2 7.5.3 7.6.1 7.6.2'
    expect(rows.map(([, number]) => number)).toEqual(numbers.split(' '))
    const listed = rows.flatMap(([, number, , tests]) =>
      [...tests!.matchAll(/“([^”]*)”/g)].map(([, title]) => `${number} ${title}`),
    )
    expect(listed.sort()).toEqual(Object.keys(items).sort())
  })
})
