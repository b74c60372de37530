import { describe, expect, it } from 'vitest'
import { type Dialect, hasExpired, newRecord, setLifetime, timeToLive } from '../../lib/record.js'

const accessed = 1_600_000_000

describe.each<Dialect>(['data-session', 'cgi-session'])("a store's lifetime for a record of %s", (dialect) => {
  const record = (lifetime: number) => {
    const data = newRecord('an-id', accessed, dialect)
    setLifetime(data, lifetime)
    return data
  }

  it.each([
    [60, 0],
    [60, 59],
    [1, 0],
    [86_400 * 400, 86_400 * 399],
    // The time of access was not moved (touchAfter), or another computer's clock is ahead.
    [3600, 1800],
    [3600, -5],
  ])(
    'of %i seconds ends with the session itself, when it is written %i seconds after the access',
    (lifetime, later) => {
      const data = record(lifetime)
      const end = accessed + later + timeToLive(data, accessed + later)
      expect(hasExpired(data, end - 1)).toBe(false)
      expect(hasExpired(data, end)).toBe(true)
    },
  )

  it('is at least a second, and none where the session lives for ever', () => {
    expect(timeToLive(record(60), accessed + 1000)).toBe(1)
    expect(timeToLive(record(-10), accessed)).toBe(1)
    expect(timeToLive(record(0), accessed)).toBe(0)
  })
})
