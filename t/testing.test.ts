/** The suites as a third party has them: from the built package, under another runner, for plug-ins of its own. */

import { spawnSync } from 'node:child_process'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { temporaryFolder } from './support/folders.js'

const project = temporaryFolder()
beforeAll(() => {
  mkdirSync(join(project, 'node_modules'))
  symlinkSync(join(import.meta.dirname, '..'), join(project, 'node_modules', 'data-session'))
})

/** A driver over a Map, and its tests; `broken` replaces one line of the driver. */
const program = (store: string) => `
  import { describe, it } from 'node:test'
  import { driverSuite, idSuite, sessionSuite } from 'data-session/testing'
  import { DriverError, registerDriver } from 'data-session'

  class Mine {
    static options = { shelf: (value) => value ?? new Map() }
    supports = { ids: 'word', payload: 'bytes', ttl: false, list: true, expect: true }
    open = true
    constructor({ shelf }) { this.records = shelf }
    get shelf() {
      if (this.open) return this.records
      throw new DriverError('Mine', 'use', 'Mine is closed', { code: 'ERR_SESSION_CLOSED' })
    }
    async retrieve(id) { return this.shelf.get(id)?.slice() }
    async store(id, record, { expect } = {}) {
      const current = this.shelf.get(id)
      if (expect === null && current) return 'exists'
      if (expect && !current) return 'gone'
      if (expect && Buffer.compare(current, expect) !== 0) return 'conflict'
      ${store}
      return 'stored'
    }
    async remove(id, { expect } = {}) {
      const current = this.shelf.get(id)
      if (!current || (expect && Buffer.compare(current, expect) !== 0)) return false
      return this.shelf.delete(id)
    }
    async *ids() { yield* this.shelf.keys() }
    async close() { this.open = false }
  }
  registerDriver('Mine', async () => ({ default: Mine }))

  let next = 0
  class Counter { shape = 'word'; length = 8; async generate() { return String(++next) } }

  sessionSuite({ describe, it, name: 'driver:Mine', open: () => ({ options: { type: { driver: 'mine', id: new Counter() }, shelf: new Map() } }) })
  idSuite({ describe, it, name: 'Counter', create: () => new Counter() })
  driverSuite({ describe, it, name: 'Mine', open: async () => {
    const shelf = new Map()
    return { driver: new Mine({ shelf }), close: async () => {}, peer: async () => new Mine({ shelf }) }
  } })
`

function failures(store: string): number {
  writeFileSync(join(project, 'mine.test.mjs'), program(store))
  const { stdout } = spawnSync(process.execPath, ['--test', '--test-reporter=tap', 'mine.test.mjs'], {
    cwd: project,
    encoding: 'utf8',
  })
  const [, passed] = /^# pass (\d+)$/m.exec(stdout) ?? []
  expect(Number(passed), stdout).toBeGreaterThan(30)
  return Number(/^# fail (\d+)$/m.exec(stdout)![1])
}

describe('data-session/testing', () => {
  it('passes good plug-ins under node:test, and finds what is wrong with bad ones', () => {
    expect(failures('this.shelf.set(id, Uint8Array.from(record))')).toBe(0)
    expect(failures('this.shelf.set(id, Uint8Array.from(record).subarray(0, 4096))')).toBeGreaterThan(0)
    expect(failures('if (!current) this.shelf.set(id, Uint8Array.from(record))')).toBeGreaterThan(0)
  })
})
