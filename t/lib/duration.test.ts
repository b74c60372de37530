import { describe, expect, it } from 'vitest'
import { type Duration, parseDuration } from '../../lib/duration.js'
import { OptionError, Session } from '../../lib/index.js'

describe('durations', () => {
  it.each<[Duration, number]>([
    ['10', 10],
    ['-10s', -10],
    ['+2h', 7200],
    ['1d', 86_400],
    ['3w', 1_814_400],
    ['10M', 25_920_000],
    ['1y', 31_536_000],
    ['5m', 300],
    [3600, 3600],
    [0, 0],
    ['-1', -1],
  ])('%j is %i seconds', (duration, seconds) => {
    expect(parseDuration(duration)).toBe(seconds)
  })

  it.each([
    ' 1h',
    '1h ',
    '1 month',
    'P1D',
    '1,5h',
    '1.5h',
    '1H',
    'h',
    '',
    '0x10',
    '1e3',
    '99999999999y',
    Number.NaN,
    1.5,
    Number.POSITIVE_INFINITY,
    null,
    {},
    [5],
    true,
  ])('%j is refused', (duration) => {
    expect(() => parseDuration(duration as string)).toThrow(OptionError)
  })

  it('are what validateTime() gives, and expire() refuses the same', async () => {
    await using session = await Session.open({ type: 'driver:Memory;serialize:JSON' })
    expect(session.validateTime('2h')).toBe(7200)
    expect(() => session.expire('2 hours')).toThrow(OptionError)
    expect(() => session.expire({ a: '1h', b: 'soon' })).toThrow(OptionError)
    expect(session.ptime()).toEqual({})
  })
})
