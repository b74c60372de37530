/** Sessions that are removed because of what is in them. */

import { expect, it } from 'vitest'
import Memory from '../../drivers/Memory.js'
import { SessionManager } from '../../lib/index.js'

let spaces = 0

const newDriver = () => new Memory({ space: `remove where ${++spaces}` }, { now: () => 0, padding: false })

it('all of one user, and nobody else; the time of access of the others stays', async () => {
  let now = 1_600_000_000
  const clock = () => now * 1000
  await using sessions = await SessionManager.create({ type: { driver: newDriver() }, clock })
  const stays: string[] = []
  for (let number = 0; number < 100; number++) {
    const session = await sessions.open()
    await session.param('user', number % 10 === 0 ? 'mallory' : 'ann').flush()
    if (number % 10 > 0) stays.push(session.id())
  }
  now += 100
  const seen: unknown[] = []
  const result = await sessions.removeWhere<{ user: string }>(({ user, ...others }, id) => {
    seen.push([id, others])
    return user === 'mallory'
  })
  expect(result).toEqual({ removed: 10, kept: 90, unreadable: 0 })
  // Once more, as there was something to remove.
  expect(seen).toHaveLength(100 + 90)
  expect(seen).toContainEqual([stays[0], {}])
  const left: string[] = []
  await sessions.traverse((id) => left.push(id))
  expect(left.sort()).toEqual(stays.sort())
  expect((await sessions.open({ id: stays[0]! })).modified()).toBe(true)
})

it('also one that is changed while it is looked at', async () => {
  const driver = newDriver()
  await using sessions = await SessionManager.create({ type: { driver, serialize: 'JSON' } })
  const session = await sessions.open()
  await session.param('user', 'mallory').flush()
  let changes = 0
  const result = await sessions.removeWhere(({ user }) => {
    // Its store is of one process, and synchronous: the write is there before the removal.
    if (changes++ < 3) void session.param('changes', changes).flush()
    return user === 'mallory'
  })
  expect(result).toEqual({ removed: 1, kept: 0, unreadable: 0 })
  expect(changes).toBeGreaterThan(1)
  await session.param('more', 1).flush()
  expect([session.deleted(), (await sessions.open({ clientId: session.id() })).isNew()]).toEqual([true, true])
})

it('what cannot be read stays, and is counted', async () => {
  const driver = newDriver()
  await using sessions = await SessionManager.create({ type: { driver, serialize: 'JSON' } })
  await driver.store('broken', Buffer.from('{'))
  expect(await sessions.removeWhere(() => true)).toEqual({ removed: 0, kept: 0, unreadable: 1 })
  await expect(sessions.removeWhere('mallory' as never)).rejects.toThrow(TypeError)
})

it.each([0, 30])('also one that is given a new id meanwhile, with a grace of %i', async (grace) => {
  const driver = newDriver()
  await using sessions = await SessionManager.create({ type: { driver, serialize: 'JSON' } })
  const user = await sessions.open()
  await user.param('user', 'mallory').flush()
  for (let number = 0; number < 100; number++) await (await sessions.open()).param('user', 'ann').flush()
  let renewal: Promise<boolean> | undefined
  await sessions.removeWhere(({ user: name }) => {
    if (name === 'ann') renewal ??= user.regenerate({ grace })
    return name === 'mallory'
  })
  await renewal
  await sessions.removeWhere(() => false)
  for await (const { parameters } of sessions.entries()) expect(parameters).toEqual({ user: 'ann' })
})

it('counts a renewed session once, and takes undefined for no', async () => {
  await using sessions = await SessionManager.create({ type: { driver: newDriver() } })
  const session = await sessions.open()
  await session.param('roles', ['admin']).regenerate()
  await session.regenerate({ grace: 30 })
  await (await sessions.open()).param('cart', ['apple']).flush()
  const isAdmin = ({ roles }: { roles?: string[] }) => roles?.includes('admin')
  expect(await sessions.removeWhere(isAdmin)).toEqual({ removed: 1, kept: 1, unreadable: 0 })
})

it('refuses a function that gives a promise, and removes nothing', async () => {
  await using sessions = await SessionManager.create({ type: { driver: newDriver() } })
  await (await sessions.open()).param('user', 'ann').flush()
  await expect(sessions.removeWhere((async () => false) as never)).rejects.toThrow('at once, and no promise')
  expect(await sessions.purge()).toEqual({ removed: 0, kept: 1, unreadable: 0 })
})

it('entries passes over what cannot be read, and fails when that is all', async () => {
  const driver = newDriver()
  await using sessions = await SessionManager.create({ type: { driver, serialize: 'JSON' } })
  await driver.store('broken', Buffer.from('{'))
  await (await sessions.open()).param('user', 'ann').flush()
  const users: unknown[] = []
  for await (const { parameters } of sessions.entries()) users.push(parameters.user)
  expect(users).toEqual(['ann'])
  driver.retrieve = () => Promise.reject(new Error('the store is down'))
  const all = async (): Promise<void> => {
    for await (const _ of sessions.entries());
  }
  await expect(all()).rejects.toThrow('the store is down')
})
