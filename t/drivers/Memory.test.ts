import { describe, expect, it } from 'vitest'
import Memory from '../../drivers/Memory.js'
import { readOptions } from '../../lib/options.js'
import { driverSuite } from '../suite/driver.js'

let now = 1_700_000_000
let spaces = 0

function memory(space?: string): Memory {
  return new Memory(readOptions(Memory.options, { space }), { now: () => now, padding: true })
}

driverSuite({
  describe,
  it,
  name: 'Memory',
  open: async () => {
    const space = `suite-${spaces++}`
    const driver = memory(space)
    return { driver, close: () => driver.close(), peer: async () => memory(space) }
  },
  clock: {
    advance: (seconds) => {
      now += seconds
    },
  },
})

describe('Memory', () => {
  it('shares the default space, and keeps other spaces apart', async () => {
    await memory().store('shared', Buffer.from('x'))
    expect(await memory().retrieve('shared')).toEqual(Uint8Array.from(Buffer.from('x')))
    expect(await memory('elsewhere').retrieve('shared')).toBeUndefined()
    await memory().remove('shared')
  })

  it('keeps its sessions when a driver is closed', async () => {
    const driver = memory('kept')
    await driver.store('a', Buffer.from('x'))
    await driver.close()
    expect(await memory('kept').retrieve('a')).toBeDefined()
  })

  it('does not grow with expired sessions that nobody asks for', async () => {
    const driver = memory('sweep')
    const before = process.memoryUsage().arrayBuffers
    const record = new Uint8Array(10_000)
    for (let index = 0; index < 20_000; index++) {
      await driver.store(`id${index}`, record, { ttl: 1 })
      if (index % 1000 === 0) now += 2
    }
    // Twenty thousand records would be 200 MB.
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(100_000_000)
  })

  it('refuses a wrong option', () => {
    expect(() => memory(5 as unknown as string)).toThrow("Option 'space' must be a string, not 5")
  })
})
