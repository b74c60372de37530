/** Ids that an attacker would send, or a careless program would give: a permanent collection, and more of the kind by chance. */

import type { Random } from './random.js'

/** The id of the session that is under attack. */
export const victim = 'Victim0123456789abcdefABCDEFxyz0'

const lengths = [199, 200, 201, 249, 250, 251, 255, 256, 300, 1024, 4096, 65_536, 70_000]

// biome-ignore format: a list of words
const paths = [
  '.', '..', '...', '../x', '../../etc/passwd', '/etc/passwd', './x', 'a/b', 'a//b', 'a/', '/', '//', 'a/../b',
  'a\\b', '..\\x', '\\\\host\\share', 'C:\\x', 'C:x', 'file:///etc/passwd', '~', '~root', '.hidden', 'a.', 'a..',
  'a. ', '.ns-j-cgisess_x', `.ns-j-cgisess_${victim}`, '.ns-t-1-0-x', `cgisess_${victim}`,
  `../neighbour/cgisess_${victim}`, '..%2f..%2fx', '%2e%2e/x', '%2e', '%252e', '..%c0%af', '%00', 'x%00y', '%s',
  '%s%s%n', '%d', '%', '{0}', '$' + '{x}', 'data.mdb', 'lock.mdb', 'sessions.sqlite', 'sessions.sqlite-journal',
  'x::$DATA', 'x:y', 'a|b', 'a>b', 'a<b', 'a?b',
]

// biome-ignore format: a list of words
const devices = [
  'con', 'CON', 'prn', 'aux', 'nul', 'NUL.txt', 'com1', 'COM9', 'lpt1.x', 'LPT9', 'clock$', '/dev/null', '/dev/stdin',
]

// biome-ignore format: a list of words
const signs = [
  '\0', 'a\0b', '\0a', 'a\0', '\r', '\n', '\r\n', 'a\nb', 'a\r\nb', 'a\n', '\t', 'a\tb', '\v', '\f', '\b', '\x1b[31m',
  '\x7f', '\x80', '\x85', '\xa0', '\xad', '\xff', '\xfe\xff', '\xef\xbb\xbfx', '\xc0\xaf', '\xed\xa0\x80', ' ', '  ',
  ' a', 'a ', 'a  ', 'a b', '', '"', "'", '`', '\\', '\\\\', '\\0', "\\'", '\u2028', '\u2029', '\ufeffx', '\ufffe',
  '\uffff', '\u200b', '\u202ex', '\u200fx',
]

// biome-ignore format: a list of words
const unicode = [
  '😀', '👩‍👩‍👧‍👦', '\u{10ffff}', '\ud800', '\udc00', 'a\ud800b', '\udc00\ud800', 'é', 'e\u0301', 'ﬀ', 'ß', 'ẞ', 'İ',
  'ı', 'ſ', 'K', 'Ａｄｍｉｎ', '．．／x', '%ef%bc%8e', '∕etc∕passwd', 'مرحبا', 'עברית', '日本語', '☺', 'Ω', 'ÿ', 'ǅ', '𝓿𝓲𝓬𝓽𝓲𝓶',
  'Vіctim', 'x\u0300'.repeat(40),
]

// biome-ignore format: a list of words
const names = [
  '__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'valueOf', '__defineGetter__', 'undefined',
  'null', 'NaN', 'true', '0', '-0', '-1', '1e3', '1e309', '007', '0x10', 'Infinity', '[object Object]', 'id',
  'expires', 'a_session', 'length',
]

// biome-ignore format: a list of words
const sql = [
  "' or '1'='1", "' or 1=1 --", "'; drop table sessions; --", "'; drop table neighbours; #",
  "x'; delete from sessions; --", "' union select a_session from sessions --", '" or ""="', "\\' or 1=1 #",
  "1' and sleep(5) -- ", '%', '_', '%_%', 'Victim%', 'Victim_', '?', '??', '$1', ':id', '@id', '@@version', '{d}',
  "E'x'", "x'41'", '0x41', '/*x*/', '--', '#', ';', '$$x$$', 'nextval(1)', "''", "'''",
]

// biome-ignore format: a list of words
const shells = [
  '$(id)', '`id`', '; id', '| id', '& id', '&& id', '$IFS', '-rf', '--help', '-', '--', '!x', '>x', '<x', '*', '?',
  '[a-z]*', '{a,b}', '~+', '#x',
]

// biome-ignore format: a list of words
const protocols = [
  'a\r\nset z 0 0 1\r\n1', 'a 0 0 1\r\n1\r\nflush_all', 'x\r\nflush_all\r\n', 'x\r\nquit', 'a\r\ndelete z', 'get z',
  'x 0 1', '*1\r\n$8\r\nFLUSHALL\r\n', '$8\r\nFLUSHALL', 'x\r\nFLUSHALL\r\n', 'h?llo', 'h[ae]llo', 'h*llo', '[^e]',
  '\\*', '{tag}', '{', '}', '{}x', ':1', '+OK', '-ERR', 'x\r\nSet-Cookie: a=b', '<script>alert(1)</script>',
  '{"$gt":""}', '{{7*7}}', '$D = system(1);', '(&(x=*))', '__SESSION__', 'sess:x',
]

/** What is near to the victim's id, and is not it. */
// biome-ignore format: a list of words
const near = [
  victim.toLowerCase(), victim.toUpperCase(), `${victim} `, ` ${victim}`, `${victim}\0`, `\0${victim}`, `${victim}\n`,
  `${victim}%`, `${victim}\0x`, `${victim}.`, `${victim}/`, `./${victim}`, `${victim}/.`, `${victim}\t`,
  `${victim}\xa0`, `${victim}\u200b`, `${victim}   `, victim.slice(0, -1), `${victim}0`, victim.replace('i', 'ı'),
  victim.replace('V', 'Ｖ'), victim.replace('i', 'í'), `${victim}\u0301`, `${victim},${victim}`, `${victim};${victim}`,
  `"${victim}"`, `'${victim}'`, encodeURIComponent(`${victim} `), victim.replace('c', '%63'), `${victim}\r\n`,
]

/** An object that tells when it is asked for a text. */
function trap(onUse: () => void): object {
  const tell = (): string => {
    onUse()
    return victim
  }
  return { toString: tell, valueOf: tell, [Symbol.toPrimitive]: tell, length: 32 }
}

/** What is no string. `onUse` is called when something is made a text of, or looked into. */
export function noStrings(onUse: () => void): unknown[] {
  const handler = {
    get: () => {
      onUse()
      return undefined
    },
  }
  return [
    null,
    0,
    1,
    -1,
    Number.NaN,
    1e21,
    10n,
    true,
    false,
    Symbol('id'),
    {},
    { id: victim },
    { id: 1 },
    { $gt: '' },
    [],
    [victim],
    [[victim]],
    [''],
    () => victim,
    new String(victim),
    Buffer.from(victim),
    new Uint8Array(32),
    new Date(0),
    /x/,
    new Map([['id', victim]]),
    Object.create(null),
    trap(onUse),
    new Proxy({}, handler),
    new Proxy([], handler),
    new Proxy(() => victim, handler),
  ]
}

/** The permanent collection. */
export const collected: readonly string[] = [
  ...new Set([
    ...[paths, devices, signs, unicode, names, sql, shells, protocols, near].flat(),
    ...lengths.flatMap((length) => ['x'.repeat(length), '/'.repeat(length), 'é'.repeat(length), '☺'.repeat(length)]),
    // The same signs in the middle of what is harmless.
    ...[...paths, ...signs, ...sql].map((text) => `good${text}good`),
  ]),
]

const pieces = [...collected.filter((text) => text.length < 12), 'a', 'Z', '0', '_', '-']

/** Ids by chance: pieces of the collection, or any signs. */
export function hostileIds(count: number, random: Random): string[] {
  const ids = new Set<string>()
  while (ids.size < count) {
    const length = 1 + random.below(random.below(10) === 0 ? 300 : 12)
    const parts = Array.from({ length }, () =>
      random.below(2) === 0
        ? random.pick(pieces)
        : String.fromCharCode(random.below(random.pick([0x80, 0x100, 0x10000]))),
    )
    const id = parts.join('').slice(0, length * 3)
    if (id !== victim && !collected.includes(id)) ids.add(id)
  }
  return [...ids]
}
