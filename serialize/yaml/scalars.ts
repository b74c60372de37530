/** Values on one line, as YAML::Tiny reads them: nothing is a number, true, false or null, and only ~ is undef. */

import { findComment, isBlank, skipBlanks, trimEnd } from './blanks.js'
import { findQuoteEnd } from './keys.js'

/** A string as it is written, and the sign around it, if there is one. */
export interface WrittenString {
  readonly raw: string
  readonly quote: string | undefined
}

/** What a value turns out to be; `block`: the text is on the lines that follow. */
export type Scalar = WrittenString | 'undef' | 'hash' | 'list' | 'block'

/** What YAML::Tiny does not read. It never leaves this folder. */
export class NotTiny extends Error {
  /** Other readers of YAML may know more of it. */
  readonly isForeign: boolean

  constructor(reason: string, isForeign = false) {
    super(reason)
    this.isForeign = isForeign
  }
}

/** A text that is what it says, whatever follows: no blanks at its end, no comment, no colon. */
const simple = /^[\w$./+(=<;^)\\](?:[\x20-\x22\x24-\x39\x3b-\x7e]*[\x21\x22\x24-\x39\x3b-\x7e])?$/

/**
 * What a value is; `text` has no blanks around it.
 * @throws {NotTiny}
 */
export function readScalar(text: string): Scalar {
  if (simple.test(text)) return { raw: text, quote: undefined }
  if (text === '~') return 'undef'
  const first = text[0]!
  if (first === "'" || first === '"') return readQuoted(text, first)
  if (first === '!' || first === '&') throw new NotTiny('a tag or an anchor', isOfPerl(text))
  if (first === '>' || first === '|') return 'block'
  if (isFollowedByComment(text, '{}')) return 'hash'
  if (isFollowedByComment(text, '[]')) return 'list'
  return readPlain(text)
}

/** Do YAML.pm and YAML::Syck write such a tag or anchor? */
function isOfPerl(text: string): boolean {
  return /^(?:!!perl\/|&\d+(?:\s|$))/.test(text)
}

function readQuoted(text: string, quote: string): Scalar {
  const end = findQuoteEnd(text, 0)
  if (end < 0 || !isComment(text, end)) throw new NotTiny('a quoted text without an end, or with something behind it')
  return { raw: text.slice(1, end - 1), quote }
}

/** Is there nothing from a position on, or only a comment? */
function isComment(text: string, at: number): boolean {
  const end = skipBlanks(text, at)
  return at === text.length || (end > at && text[end] === '#')
}

function isFollowedByComment(text: string, start: string): boolean {
  return text.startsWith(start) && isComment(text, start.length)
}

function readPlain(text: string): Scalar {
  if (/^[@%`]/.test(text) || (text[0] === '-' && isEndOrBlank(text, 1)) || hasKey(text)) {
    throw new NotTiny('a sign that a plain text cannot have there')
  }
  const comment = findComment(text)
  return { raw: comment < 0 ? text : trimEnd(text.slice(0, comment)), quote: undefined }
}

function isEndOrBlank(text: string, at: number): boolean {
  return at === text.length || isBlank(text.charCodeAt(at))
}

/** Is there a colon in front of white space or the end? */
function hasKey(text: string): boolean {
  for (let at = text.indexOf(':'); at >= 0; at = text.indexOf(':', at + 1)) {
    if (isEndOrBlank(text, at + 1)) return true
  }
  return false
}
