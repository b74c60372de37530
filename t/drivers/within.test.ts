import { stat } from 'node:fs'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { answerWithin, within } from '../../drivers/shared/within.js'

describe('waiting for a connection', () => {
  it('a late one is given back, and that this fails harms nobody', async () => {
    let arrive = (_connection: string): void => undefined
    const late = new Promise<string>((resolve) => {
      arrive = resolve
    })
    const unhandled: unknown[] = []
    const note = (reason: unknown): void => void unhandled.push(reason)
    process.on('unhandledRejection', note)
    const given: string[] = []
    const waiting = within(1, late, async (connection) => {
      given.push(connection)
      throw new Error('not given back')
    })
    await expect(waiting).rejects.toMatchObject({ code: 'ETIMEDOUT' })
    arrive('late')
    await expect.poll(() => given).toEqual(['late'])
    // Rejections that nobody handles are told before the next turn.
    await new Promise((resolve) => setImmediate(resolve))
    process.off('unhandledRejection', note)
    expect(unhandled).toEqual([])
  })

  it('one that comes in time is kept', async () => {
    const given: string[] = []
    expect(await within(10_000, Promise.resolve('here'), (one) => given.push(one))).toBe('here')
    expect(given).toEqual([])
  })
})

describe('waiting for an answer', () => {
  it('ends with a code of its own', async () => {
    await expect(answerWithin(1, new Promise(() => undefined))).rejects.toMatchObject({ code: 'ENOANSWER' })
    expect(await answerWithin(10_000, Promise.resolve(1))).toBe(1)
  })

  it('takes one that came while the program was busy', async () => {
    // After this Node looks at its timers first.
    await new Promise(setImmediate)
    const answer = answerWithin(5, promisify(stat)(__filename))
    const end = performance.now() + 100
    while (performance.now() < end);
    expect((await answer).isFile()).toBe(true)
  })
})
