/** Durations as Perl's session modules write them: `10`, `-10s`, `2h`, `1d`, `3w`, `10M`, `1y`. */

import { OptionError } from './errors.js'

/** Seconds in each unit; a month is 30 days, a year 365 (Data::Session, CGI::Session: `validate_time`). */
export const unitSeconds = { '': 1, s: 1, m: 60, h: 3600, d: 86_400, w: 604_800, M: 2_592_000, y: 31_536_000 } as const

/** About 10,000 years: a time so far away can still be computed with. */
const longest = 10_000 * unitSeconds.y

/** A number of seconds, or a number with a unit and an optional sign. */
export type Duration = number | string

/**
 * A duration in seconds.
 * @param option what the error names
 * @throws {OptionError} for anything but a whole number with an optional sign and an optional unit
 */
export function parseDuration(duration: Duration, option = 'duration'): number {
  const [, count, unit] = /^([+-]?\d{1,12})([smhdwMy]?)$/.exec(String(duration)) ?? []
  if (count === undefined || (typeof duration !== 'number' && typeof duration !== 'string')) {
    throw new OptionError(
      option,
      `${option === 'duration' ? '' : `Option '${option}': `}A duration is a whole number of seconds, or a number with one of the units s m h d w M y, such as 2h or -10s`,
    )
  }
  const result = Number(count) * unitSeconds[unit as keyof typeof unitSeconds]
  if (Math.abs(result) <= longest) return result
  throw new OptionError(option, 'A duration is at most 10,000 years; 0 stands for ever')
}
