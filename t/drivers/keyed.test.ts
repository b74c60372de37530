/** What all stores with keys have from their base class, where no real store can be made to do it at the right moment. */

import { describe, expect, it } from 'vitest'
import { KeyedDriver, type Opened } from '../../drivers/keyed/keyed-driver.js'
import type { DriverSupport, StoreOutcome } from '../../lib/contracts.js'

/** A client whose one operation is a function of the test's. */
type Client = () => Promise<unknown>

class Store extends KeyedDriver<Client> {
  readonly supports: DriverSupport = { ids: 'bytes', payload: 'bytes', ttl: false, list: false, expect: true }

  constructor(open: () => Opened<Client> | Promise<Opened<Client>>, timeout = 5000) {
    super({ name: 'Store', open, advice: { LOST: { uncertain: 'the connection is lost' } }, timeout })
  }

  async retrieve(id: string): Promise<undefined> {
    await this.run({ operation: 'retrieve', id }, (client) => client())
  }

  async store(id: string, record: Uint8Array): Promise<StoreOutcome> {
    await this.run({ operation: 'store', id, records: [record] }, (client) => client())
    return 'stored'
  }

  async remove(): Promise<boolean> {
    return false
  }

  async *ids(): AsyncIterable<string> {}
}

const id = '0123456789abcdef0123456789abcdef'

describe('errors', () => {
  it('that a client gives to several callers stay as they are', async () => {
    const shared = Object.assign(new Error('connection closed: this one quotes the record'), {
      code: 'LOST',
      command: { args: ['the record'] },
    })
    const driver = new Store(() => ({ client: () => Promise.reject(Object.freeze(shared)) }))
    const [first, second] = await Promise.allSettled([
      driver.store(id, Buffer.from('this one quotes the record')),
      driver.retrieve(id),
    ])
    // Only a write may have taken place.
    expect(first).toMatchObject({
      reason: {
        message: expect.stringMatching(/the connection is lost; a write may have taken place, .* \(LOST\)$/),
      },
    })
    expect(second).toMatchObject({ reason: { message: expect.stringMatching(/: the connection is lost \(LOST\)$/) } })
    expect((first as PromiseRejectedResult).reason.cause).toMatchObject({ message: 'LOST', code: 'LOST' })
    expect((first as PromiseRejectedResult).reason.cause).not.toHaveProperty('command')
    expect(shared).toMatchObject({ message: 'connection closed: this one quotes the record', command: {} })
  })

  it('that are no Error are told all the same', async () => {
    const driver = new Store(() => ({ client: () => Promise.reject('the login failed') }))
    await expect(driver.retrieve(id)).rejects.toMatchObject({
      code: 'ERR_SESSION_DRIVER',
      message: expect.stringContaining('the login failed'),
    })
  })
})

describe('opening', () => {
  it('takes no longer than the timeout, and a client that comes late is given back', async () => {
    let arrive = (_opened: Opened<Client>): void => undefined
    let isClosed = false
    const late = new Promise<Opened<Client>>((resolve) => {
      arrive = resolve
    })
    const driver = new Store(() => late, 5)
    await expect(driver.retrieve(id)).rejects.toMatchObject({ cause: { code: 'ETIMEDOUT' } })
    arrive({
      client: async () => undefined,
      close: () => {
        isClosed = true
      },
    })
    await expect.poll(() => isClosed).toBe(true)
    await driver.close()
  })
})

describe('closing', () => {
  it('waits for what is under way, also when it is asked for twice', async () => {
    let answer = (_: unknown): void => undefined
    const order: string[] = []
    const pending = new Promise((resolve) => {
      answer = resolve
    })
    const driver = new Store(() => ({ client: () => pending, close: () => order.push('closed') }))
    const reading = driver.retrieve(id).then(() => order.push('answered'))
    const closings = [driver.close(), driver.close()].map((closing) => closing.then(() => order.push('close ended')))
    await expect(driver.retrieve(id)).rejects.toMatchObject({ code: 'ERR_SESSION_CLOSED' })
    expect(order).toEqual([])
    answer(undefined)
    await Promise.all([reading, ...closings])
    expect(order.filter((step) => step === 'closed')).toHaveLength(1)
    expect(order.slice(-2)).toEqual(['close ended', 'close ended'])
  })
})
