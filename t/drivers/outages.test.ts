import { afterEach, describe, expect, it } from 'vitest'
import Memcached from '../../drivers/Memcached.js'
import mysql from '../../drivers/mysql.js'
import ODBC from '../../drivers/ODBC.js'
import Oracle from '../../drivers/Oracle.js'
import Pg from '../../drivers/Pg.js'
import Redis from '../../drivers/Redis.js'
import { type ManagerOptions, SessionError, SessionManager } from '../../lib/index.js'
import { type Fault, FaultyProxy } from '../prove/shared/faulty-proxy.js'
import { describeWith } from '../support/requirements.js'
import { storeParts, stores } from '../support/stores.js'

const undo: (() => unknown)[] = []

afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
})

describe('timeout', () => {
  it.each([Pg, mysql, ODBC, Oracle, Memcached, Redis])(
    'is 5 seconds, unless the program says otherwise: %o',
    (driver) => {
      expect(driver.options.timeout(undefined, 'timeout')).toBe(5000)
      expect(driver.options.timeout(20, 'timeout')).toBe(20)
      expect(() => driver.options.timeout(0, 'timeout')).toThrow("Option 'timeout'")
    },
  )
})

/** A manager on a store of the driver, over a proxy. */
async function onProxy(driver: string, more: object = {}) {
  const { options, remove } = await stores[driver]!()
  if (remove !== undefined) undo.push(remove)
  const dataSource = String((options as { dataSource: string }).dataSource)
  const port = /(?:port=|:)(\d+)$/.exec(dataSource)![1]!
  const proxy = await new FaultyProxy(Number(port)).open()
  undo.push(() => proxy.close())
  const where = dataSource.slice(0, -port.length) + proxy.port
  const sessions = await SessionManager.create({
    type: { driver },
    ...options,
    dataSource: where,
    ...more,
  } as ManagerOptions)
  undo.push(() => sessions.close())
  return { sessions, proxy }
}

/** The answer that somebody else got comes in place of one's own, once. */
function ofAnother(): Fault {
  let isDone = false
  return {
    answer: (bytes, { client }, other) => {
      client.write(isDone ? bytes : other)
      isDone = true
    },
  }
}

for (const driver of ['Pg', 'mysql', 'Redis']) {
  describeWith(storeParts[driver] ?? 'postgres', `driver:${driver}, the answer to another question`, () => {
    it('is no success of a write, and the next flush finds what it wrote', async () => {
      const { sessions, proxy } = await onProxy(driver, { timeout: 2000 })
      // The table has been looked at, and what follows is one statement.
      await (await sessions.open()).param('a', 1).flush()
      const seen = await sessions.open()
      await seen.param('a', 1).flush()
      const session = await sessions.open()
      session.param('a', 2)
      await sessions.open({ clientId: seen.id() })
      await proxy.set(ofAnother())
      await expect(session.flush()).rejects.toBeInstanceOf(SessionError)
      await proxy.set({})
      expect(await session.flush()).toBe(true)
      expect((await sessions.open({ clientId: session.id() })).param('a')).toBe(2)
    })

    it('never shows the session of somebody else', async () => {
      const { sessions, proxy } = await onProxy(driver, { timeout: 2000 })
      const [one, other] = [await sessions.open(), await sessions.open()]
      await one.param('a', 1).flush()
      await other.param('a', 2).flush()
      await sessions.open({ clientId: other.id() })
      await proxy.set(ofAnother())
      await expect(sessions.open({ clientId: one.id() })).rejects.toMatchObject({ code: 'ERR_SESSION_CORRUPT' })
      await proxy.set({})
      expect((await sessions.open({ clientId: one.id() })).param('a')).toBe(1)
    })
  })
}

describeWith('redis', 'driver:Redis, a listing', () => {
  it.each(['$2\r\nOK\r\n', '*2\r\n$1\r\n0\r\n:1\r\n', '*2\r\n$1\r\n0\r\n*1\r\n:1\r\n'])(
    'fails with an error of ours when %j is no page of keys',
    async (answer) => {
      const { sessions, proxy } = await onProxy('Redis', { timeout: 2000 })
      await (await sessions.open()).param('a', 1).flush()
      await proxy.set({ answer: (_bytes, { client }) => client.write(answer) })
      const listing = sessions.traverse(() => undefined)
      await expect(listing).rejects.toMatchObject({
        code: 'ERR_SESSION_DRIVER',
        message: expect.stringContaining('another kind'),
      })
    },
  )
})

describeWith('mariadb', 'driver:mysql, closing', () => {
  it('is no error where a connection is under way that never comes about', async () => {
    const { sessions, proxy } = await onProxy('mysql', { timeout: 300 })
    await (await sessions.open()).param('a', 1).flush()
    const session = await sessions.open()
    session.param('a', 1)
    await proxy.set({ request: () => undefined, answer: () => undefined })
    // Another connection is asked to end what this one waits for.
    await expect(session.flush()).rejects.toBeInstanceOf(SessionError)
    await sessions.close()
    await expect(session.flush()).rejects.toMatchObject({ code: 'ERR_SESSION_CLOSED' })
  })
})
