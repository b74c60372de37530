/** Keys as YAML::Tiny finds them in a line. */

import { isBlank, skipBlanks } from './blanks.js'

/** A key as it is written, and where the value behind it begins. */
export interface Key {
  readonly raw: string
  /** The sign around it, if there is one. */
  readonly quote: string | undefined
  readonly valueAt: number
}

/** Where the quoted text that begins at a position ends, with its quote; -1 when it is open. */
export function findQuoteEnd(line: string, at: number): number {
  return line[at] === "'" ? findSingleEnd(line, at) : findDoubleEnd(line, at)
}

/** In single quotes two of them stand for one. */
function findSingleEnd(line: string, at: number): number {
  let end = line.indexOf("'", at + 1)
  while (end > 0 && line[end + 1] === "'") end = line.indexOf("'", end + 2)
  return end < 0 ? -1 : end + 1
}

function findDoubleEnd(line: string, at: number): number {
  let end = line.indexOf('"', at + 1)
  while (end > 0 && isEscaped(line, end)) end = line.indexOf('"', end + 1)
  return end < 0 ? -1 : end + 1
}

/** An odd number of backslashes in front escapes what follows. Between two quotes each is looked at but once. */
function isEscaped(line: string, at: number): boolean {
  let start = at
  while (line[start - 1] === '\\') start--
  return (at - start) % 2 === 1
}

/** The key at a position; undefined when there is none. */
export function readKey(line: string, at: number): Key | undefined {
  const quote = line[at]
  return (quote === "'" || quote === '"' ? readQuotedKey(line, at, quote) : undefined) ?? readPlainKey(line, at)
}

function readQuotedKey(line: string, at: number, quote: string): Key | undefined {
  const end = findQuoteEnd(line, at)
  const valueAt = end < 0 ? -1 : valueBehind(line, skipBlanks(line, end))
  return valueAt < 0 ? undefined : { raw: line.slice(at + 1, end - 1), quote, valueAt }
}

/** Where the value behind the colon at a position begins; -1 when this is no colon that ends a key. */
function valueBehind(line: string, colon: number): number {
  if (line[colon] !== ':') return -1
  const at = skipBlanks(line, colon + 1)
  if (at === colon + 1 && at < line.length) return -1
  return line[at] === '#' ? line.length : at
}

function readPlainKey(line: string, at: number): Key | undefined {
  // A key has one character at least: for lack of others the last blank of the indentation.
  const start = line[at] === ':' ? at - 1 : at
  const colon = start < 0 ? -1 : findKeyEnd(line, start)
  if (colon < 0) return undefined
  let end = colon
  while (end > start && isBlank(line.charCodeAt(end - 1))) end--
  return { raw: line.slice(start, end), quote: undefined, valueAt: valueBehind(line, colon) }
}

/**
 * The colon that ends a plain key: the first one that stands alone in front of white space or the end. Without such a
 * colon, the last one of a run of them (`a:::`), but not of a first run of two.
 */
function findKeyEnd(line: string, start: number): number {
  let found = -1
  let isFirst = true
  for (let colon = line.indexOf(':', start); colon >= 0; isFirst = false) {
    const end = skipColons(line, colon)
    if (end === line.length || isBlank(line.charCodeAt(end))) {
      if (end - colon === 1) return colon
      if (end - colon > 2 || !isFirst) found = end - 1
    }
    colon = line.indexOf(':', end)
  }
  return found
}

function skipColons(line: string, at: number): number {
  let end = at
  while (line[end] === ':') end++
  return end
}

/** Does a hash begin behind the dash of an item? `at` is where the text behind the dash begins. */
export function isInlineHash(line: string, at: number): boolean {
  if (line[at] === "'" || line[at] === '"') return false
  let end = at + 1
  while (end < line.length && !isBlank(line.charCodeAt(end))) end++
  if (end - 1 > at && line[end - 1] === ':') return true
  return valueBehind(line, skipBlanks(line, end)) >= 0
}
