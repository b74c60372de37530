/** Ids that can be guessed are no proof of who somebody is. */

import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type ManagerOptions, Session, SessionManager } from '../../lib/index.js'
import { temporaryFolder } from '../support/folders.js'

let spaces = 0

const generators: [string, () => object][] = [
  ['AutoIncrement', () => ({ idFile: join(temporaryFolder(), 'counter') })],
  ['Static', () => ({ id: 'the only one' })],
]

describe.each(generators)('id:%s', (name, options) => {
  const all = (): ManagerOptions => ({
    type: `driver:Memory;id:${name}`,
    space: `predictable ${++spaces}`,
    ...options(),
  })

  it('opens nothing for a request, whether it sent an id or not', async () => {
    await using sessions = await SessionManager.create(all())
    const session = await sessions.open()
    await session.param('a', 1).flush()
    const refusal = { code: 'ERR_SESSION_OPTION', option: 'allowPredictableIds' }
    for (const clientId of [session.id(), 'another', undefined]) {
      await expect(sessions.open({ clientId })).rejects.toMatchObject(refusal)
    }
    expect((await sessions.open({ id: session.id() })).param('a')).toBe(1)
  })

  it('is taken from requests where the program says so', async () => {
    await using sessions = await SessionManager.create({ ...all(), allowPredictableIds: true })
    const session = await sessions.open()
    await session.param('a', 1).flush()
    expect((await sessions.open({ clientId: session.id() })).param('a')).toBe(1)
  })
})

describe('ids by chance', () => {
  it('are taken from requests', async () => {
    await using session = await Session.open({ type: 'driver:Memory', clientId: undefined })
    expect(session.isNew()).toBe(true)
  })
})
