/** `signal`: a session whose store hangs is waited for no longer than the program wants. */

import { describe, expect, it } from 'vitest'
import Memory from '../../drivers/Memory.js'
import type { StoreOptions } from '../../lib/contracts.js'
import { SessionManager } from '../../lib/index.js'

let spaces = 0

/** A store that answers when it is told to. */
class Hangs extends Memory {
  hangs = false
  #waiting: (() => void)[] = []

  constructor() {
    super({ space: `abort ${++spaces}` }, { now: () => 0, padding: false })
  }

  async #turn(): Promise<void> {
    if (this.hangs) await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }

  release(): void {
    this.hangs = false
    for (const go of this.#waiting.splice(0)) go()
  }

  override async retrieve(id: string) {
    await this.#turn()
    return super.retrieve(id)
  }

  override async store(id: string, record: Uint8Array, options?: StoreOptions) {
    await this.#turn()
    return super.store(id, record, options)
  }

  override async *ids() {
    for await (const id of super.ids()) {
      await this.#turn()
      yield id
    }
  }
}

async function openHanging() {
  const driver = new Hangs()
  const sessions = await SessionManager.create({ type: { driver, serialize: 'JSON' } })
  const session = await sessions.open()
  await session.param('a', 1).flush()
  driver.hangs = true
  return { driver, sessions, session }
}

const reason = new Error('the visitor went away')

/** A signal that comes when the operation waits for the store. */
function soon(): AbortSignal {
  const controller = new AbortController()
  setImmediate(() => controller.abort(reason))
  return controller.signal
}

async function drain(stream: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of stream);
}

describe('signal', () => {
  it('ends an open, and the manager works on', async () => {
    const { driver, sessions, session } = await openHanging()
    await expect(sessions.open({ id: session.id(), signal: soon() })).rejects.toBe(reason)
    driver.release()
    expect((await sessions.open({ id: session.id() })).param('a')).toBe(1)
  })

  it('ends a flush, which loses nothing: neither when it was done all the same, nor when it was not', async () => {
    const { driver, sessions, session } = await openHanging()
    session.param('a', 2)
    session.increment('count')
    await expect(session.flush({ signal: soon() })).rejects.toBe(reason)
    expect([session.param('a'), session.modified()]).toEqual([2, true])
    driver.release()
    session.param('b', 3)
    session.increment('count')
    expect(await session.flush()).toBe(true)
    const fresh = await sessions.open({ id: session.id() })
    expect(fresh.param().map((key) => fresh.param(key))).toEqual([2, 3, 2])
  })

  it('ends a flush of a new session, which is removed for good all the same', async () => {
    const { driver, sessions } = await openHanging()
    for (const end of ['delete', 'regenerate'] as const) {
      driver.hangs = true
      const session = await sessions.open()
      const id = session.id()
      await expect(session.param('user', 'ann').flush({ signal: soon() })).rejects.toBe(reason)
      expect(session.modified()).toBe(true)
      const ending = session[end]()
      driver.release()
      expect(await ending).toBe(true)
      expect((await sessions.open({ clientId: id })).param()).toEqual([])
    }
  })

  it('ends a flush that was done all the same: on top of another writer’s, nothing counts twice or is lost', async () => {
    const { driver, sessions, session } = await openHanging()
    session.increment('count')
    session.push('log', 'mine')
    await expect(session.flush({ signal: soon() })).rejects.toBe(reason)
    driver.release()
    const other = await sessions.open({ id: session.id() })
    other.increment('count')
    await other.param('theirs', 1).flush()
    await session.flush()
    const fresh = await sessions.open({ id: session.id() })
    expect([fresh.param('count'), fresh.param('log'), fresh.param('theirs')]).toEqual([2, ['mine'], 1])
  })

  it('ends a flush that waits for another', async () => {
    const { driver, sessions, session } = await openHanging()
    const first = session.param('a', 2).flush()
    session.param('b', 3)
    await expect(session.flush({ signal: soon() })).rejects.toBe(reason)
    driver.release()
    expect(await first).toBe(true)
    expect(await session.flush()).toBe(true)
    expect((await sessions.open({ id: session.id() })).param()).toEqual(['a', 'b'])
  })

  it('ends delete, regenerate, checkExpiry, traverse, ids, purge and removeWhere', async () => {
    const { driver, sessions, session } = await openHanging()
    session.expire('1h')
    const waiting = [
      sessions.traverse(() => undefined, { signal: soon() }),
      session.traverse(() => undefined, { signal: soon() }),
      sessions.purge({ signal: soon() }),
      sessions.removeWhere(() => true, { signal: soon() }),
      drain(sessions.ids({ signal: soon() })),
      session.param('b', 1).regenerate({ signal: soon() }),
    ]
    for (const one of waiting) await expect(one).rejects.toBe(reason)
    driver.release()
    expect(await session.flush()).toBe(true)
    expect((await sessions.open({ id: session.id() })).param()).toEqual(['a', 'b'])
  })

  it('that was there before: nothing is begun', async () => {
    const { driver, sessions, session } = await openHanging()
    driver.release()
    const signal = AbortSignal.abort(reason)
    await expect(sessions.open({ id: session.id(), signal })).rejects.toBe(reason)
    await expect(sessions.open({ signal })).rejects.toBe(reason)
    await expect(session.delete({ signal })).rejects.toBe(reason)
    await expect(session.param('a', 2).flush({ signal })).rejects.toBe(reason)
    await expect(session.checkExpiry({ signal })).rejects.toBe(reason)
    expect((await sessions.open({ id: session.id() })).param('a')).toBe(1)
  })

  it('that never comes leaves nothing behind', async () => {
    const { driver, sessions, session } = await openHanging()
    driver.release()
    const { signal } = new AbortController()
    const listeners: unknown[] = []
    const add = signal.addEventListener.bind(signal)
    const remove = signal.removeEventListener.bind(signal)
    signal.addEventListener = (type: string, listener: () => void) => {
      listeners.push(listener)
      add(type, listener)
    }
    signal.removeEventListener = (type: string, listener: () => void) => {
      listeners.splice(listeners.indexOf(listener), 1)
      remove(type, listener)
    }
    await sessions.open({ id: session.id(), signal })
    await session.param('a', 2).flush({ signal })
    await sessions.purge({ signal })
    expect(listeners).toEqual([])
  })

  it('is a signal, or it is misuse', async () => {
    const { driver, sessions, session } = await openHanging()
    driver.release()
    const signal = 'soon' as unknown as AbortSignal
    await expect(sessions.open({ signal })).rejects.toThrow("'signal' takes an AbortSignal")
    await expect(session.flush({ signal })).rejects.toThrow("'signal' takes an AbortSignal")
  })
})
