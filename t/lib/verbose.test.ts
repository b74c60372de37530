/** `verbose`: what is told on standard error, and what never is. */

import { describe, expect, it, vi } from 'vitest'
import { logId, type ManagerOptions, SessionManager } from '../../lib/index.js'

let spaces = 0

/** What is told while a session is made, changed, renewed and removed. */
async function toldBy(options: ManagerOptions): Promise<{ text: string; ids: string[] }> {
  const write = vi.spyOn(process.stderr, 'write').mockImplementation(() => true)
  try {
    const sessions = await SessionManager.create({ type: 'driver:Memory', space: `verbose ${++spaces}`, ...options })
    const session = await sessions.open({ clientId: 'ffffffffffffffffffffffffffffffff' })
    const ids = [session.id()]
    await session.param('secret-name', 'secret-value').flush()
    const other = await sessions.open({ id: session.id() })
    await session.regenerate({ grace: 30 })
    ids.push(session.id())
    await (await sessions.open({ clientId: ids[0] })).delete()
    await other.param('late', 1).flush()
    return { text: write.mock.calls.map(([text]) => String(text)).join(''), ids }
  } finally {
    write.mockRestore()
  }
}

describe('verbose', () => {
  it('is silent by default', async () => {
    expect((await toldBy({})).text).toBe('')
  })

  it('1 tells what becomes of sessions', async () => {
    const { text, ids } = await toldBy({ verbose: 1 })
    const [before, after] = ids.map(logId)
    expect(text.split('\n')).toEqual([
      `data-session Memory: open ${before}: new; what the client sent is unknown`,
      `data-session Memory: write ${before}: written`,
      `data-session Memory: open ${before}: found`,
      `data-session Memory: write ${after}: written`,
      `data-session Memory: regenerate ${before}: now ${after}`,
      `data-session Memory: write ${after}: written`,
      `data-session Memory: open ${after}: found under its new id`,
      `data-session Memory: delete ${after}: removed`,
      `data-session Memory: write ${after}: removed by somebody else`,
      '',
    ])
  })

  it('2 tells each operation of the store, too', async () => {
    const { text, ids } = await toldBy({ verbose: 2 })
    expect(text).toMatch(new RegExp(`^data-session Memory: retrieve ${logId(ids[0]!)}: \\d+ bytes$`, 'm'))
    expect(text).toMatch(new RegExp(`^data-session Memory: store ${logId(ids[1]!)}: stored, \\d+ bytes$`, 'm'))
    expect(text).toMatch(new RegExp(`^data-session Memory: remove ${logId(ids[1]!)}: removed$`, 'm'))
    for (const secret of [...ids, 'secret-name', 'secret-value']) expect(text).not.toContain(secret)
  })

  it('is 2 where NODE_DEBUG names the package', async () => {
    vi.stubEnv('NODE_DEBUG', 'http,DATA-SESSION')
    try {
      expect((await toldBy({})).text).toContain('data-session Memory: retrieve ')
      expect((await toldBy({ verbose: 0 })).text).toBe('')
    } finally {
      vi.unstubAllEnvs()
    }
  })

  it('tells of what failed by its code alone', async () => {
    const write = vi.spyOn(process.stderr, 'write').mockImplementation(() => true)
    try {
      const { default: Memory } = await import('../../drivers/Memory.js')
      class Broken extends Memory {
        override async retrieve(): Promise<never> {
          throw Object.assign(new Error('secret-message'), { code: 'EBROKEN' })
        }
      }
      const driver = new Broken({ space: 'broken' }, { now: () => 0, padding: false })
      const sessions = await SessionManager.create({ type: { driver }, verbose: 2 })
      await expect(sessions.open({ id: 'abcdef' })).rejects.toThrow('secret-message')
      expect(write.mock.calls).toEqual([[`data-session Broken: retrieve ${logId('abcdef')}: failed, EBROKEN\n`]])
    } finally {
      write.mockRestore()
    }
  })

  it.each([3, -1, true, '2'])('refuses %s', async (verbose) => {
    const options = { type: 'driver:Memory', verbose } as unknown as ManagerOptions
    await expect(SessionManager.create(options)).rejects.toMatchObject({ option: 'verbose' })
  })
})
