/** The text of db_dump: what is read of it, against the real programs, and what hostile text can do. */

import { execFileSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DumpError, DumpReader } from '../../scripts/import/dump-reader.js'
import { temporaryFolder } from '../support/folders.js'
import { describeWith } from '../support/requirements.js'

type Pair = readonly [key: string, value: string]
type Format = 'print' | 'bytevalue'

const formats: readonly Format[] = ['print', 'bytevalue']
const bytes = fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array).toString('latin1'))
/** No key is empty: db5.3_load makes no btree of one. */
const pairs = fc.uniqueArray(
  fc.tuple(
    bytes.filter((key) => key !== ''),
    bytes,
  ),
  { maxLength: 8, selector: ([key]) => key },
)

/** As db_dump writes a text of one character a byte. */
function encode(text: string, format: Format): string {
  const hex = (character: string) => character.charCodeAt(0).toString(16).padStart(2, '0')
  if (format === 'bytevalue') return [...text].map(hex).join('')
  return text.replace(/[^\x20-\x7e]|\\/g, (character) => (character === '\\' ? '\\\\' : `\\${hex(character)}`))
}

function dumpOf(all: readonly Pair[], format: Format, type = 'hash'): string {
  const lines = all.flat().map((text) => ` ${encode(text, format)}\n`)
  return `VERSION=3\nformat=${format}\ntype=${type}\ndb_pagesize=4096\nHEADER=END\n${lines.join('')}DATA=END\n`
}

/** What is read of a dump that comes in pieces. */
function read(text: string | Buffer, pieces: readonly number[] = [], maxBytes = 1000) {
  const reader = new DumpReader(maxBytes)
  const whole = typeof text === 'string' ? Buffer.from(text, 'latin1') : text
  const entries = []
  let start = 0
  for (const end of [...pieces.map((piece) => piece % (whole.length + 1)).sort((a, b) => a - b), whole.length]) {
    entries.push(...reader.feed(whole.subarray(start, end)))
    start = end
  }
  reader.finish()
  return entries.map(({ key, value, problem }) => problem ?? [key!.toString('latin1'), value!.toString('latin1')])
}

/** Pairs come in any order from a hash. */
const sorted = (all: readonly unknown[]) => all.map((pair) => JSON.stringify(pair)).sort()

describe('a dump', () => {
  it.each(formats)('with format=%s is read, however it is cut into pieces', (format) => {
    fc.assert(
      fc.property(
        fc.array(pairs, { minLength: 1, maxLength: 3 }),
        fc.array(fc.nat(), { maxLength: 20 }),
        (databases, pieces) => {
          const text = databases.map((all, index) => dumpOf(all, format, index % 2 ? 'btree' : 'hash')).join('')
          expect(read(text, pieces)).toEqual(databases.flat())
        },
      ),
    )
  })

  it('is read with digits of either case, without its last line end, and with the line ends of Windows', () => {
    expect(read(dumpOf([['k', 'ÿ']], 'print').replace('\\ff', '\\FF'))).toEqual([['k', 'ÿ']])
    expect(read(dumpOf([['k', 'v']], 'bytevalue').trimEnd())).toEqual([['k', 'v']])
    expect(read(dumpOf([['k', 'v\r']], 'print').replaceAll('\n', '\r\n'))).toEqual([['k', 'v\r']])
  })

  it('is read with raw bytes, where the program took them for printable', () => {
    expect(read(dumpOf([['k', 'v']], 'print').replace(' v', ' v\xe9\x01'))).toEqual([['k', 'v\xe9\x01']])
  })

  it('with a damaged record is read but for that', () => {
    const all: Pair[] = [
      ['a', '1'],
      ['b', '2'],
      ['c', '3'],
    ]
    for (const bad of [' \\', ' \\4', ' \\4g', ' x\\g4']) {
      expect(read(dumpOf(all, 'print').replace(' 2', bad))).toEqual([all[0], 'line 9 of the dump is damaged', all[2]])
      expect(read(dumpOf(all, 'print').replace(' b', bad))).toEqual([all[0], 'line 8 of the dump is damaged', all[2]])
    }
    for (const bad of [' 3', ' 3g', ' 333', '  3']) {
      const text = dumpOf(all, 'bytevalue').replace(' 32', bad)
      expect(read(text)).toEqual([all[0], 'line 9 of the dump is damaged', all[2]])
    }
  })

  it('with too long a key or value is read but for that', () => {
    const long = 'it is longer than 5 bytes (the option maxBytes)'
    for (const format of formats) {
      for (const length of [6, 7, 15, 16, 17, 100]) {
        const text = (one: Pair) => dumpOf([['a', '1'], one, ['c', '12345']], format)
        expect(read(text(['b', 'x'.repeat(length)]), [], 5)).toEqual([['a', '1'], long, ['c', '12345']])
        expect(read(text(['\0'.repeat(length), '2']), [3], 5)).toEqual([['a', '1'], long, ['c', '12345']])
      }
    }
  })

  const good = dumpOf([['key', 'secret']], 'print')
  it.each([
    ['is empty', '', 'The dump is empty'],
    ['is a single character', 'x', 'Line 1 of the dump: this is no output of db_dump'],
    ['is binary', '\x00\x01\n', 'Line 1 of the dump: this is no output of db_dump'],
    ['is another text', 'secret\n'.repeat(1000), 'Line 1 of the dump: this is no output of db_dump'],
    ['is a long line', 'x'.repeat(10_000), 'Line 1 of the dump: this is no output of db_dump'],
    ['is of version 2', good.replace('=3', '=2'), 'Line 1 of the dump: only version 3 is read'],
    ['is of an odd version', good.replace('=3', '=secret'), 'Line 1 of the dump: only version 3 is read'],
    [
      'is of a queue',
      good.replace('hash', 'queue'),
      'Line 3 of the dump: type=queue holds no sessions; read are hash and btree',
    ],
    ["has the type of a prototype's member", good.replace('hash', 'constructor'), 'type=constructor holds no sessions'],
    ['has a type that upsets terminals', good.replace('hash', '\x1b[31m'), 'type=… holds no sessions'],
    ['has an unknown format', good.replace('=print', '=hex'), 'Line 2 of the dump: format=hex'],
    ['has no type', good.replace('type=hash\n', ''), 'the header names no format, or no type'],
    [
      'has junk in its header',
      good.replace('HEADER=END', 'secret'),
      'Line 5 of the dump: the header has no HEADER=END',
    ],
    [
      'has an endless header',
      good.replace('HEADER=END', 'a=b\n'.repeat(1000)),
      'Line 101 of the dump: the header has no HEADER=END',
    ],
    [
      'has an endless line in its header',
      good.replace('HEADER=END', `a=${'x'.repeat(5000)}`),
      'Line 5 of the dump: the header has no HEADER=END',
    ],
    ['has a line without a blank', good.replace(' secret', 'secret'), 'Line 7 of the dump: neither data'],
    ['has an empty line', good.replace(' secret', ''), 'Line 7 of the dump: neither data'],
    ['has a key without a value', good.replace(' secret\n', ''), 'Line 7 of the dump: the last key has no value'],
    ['goes on after half a database', good.replace('DATA=END', 'VERSION=3'), 'Line 8 of the dump: neither data'],
    ['has junk at its end', `${good}secret`, 'cut off after line 8'],
    ['has half a second header', `${good}VERSION=3\n`, 'cut off after line 9'],
    ['lacks the end of its last line', good.slice(0, -2), 'cut off after line 7'],
    ['lacks the end of its value', good.slice(0, good.indexOf('secret') + 3), 'cut off after line 6'],
  ])('that %s is refused, and not quoted', (_title, text, reason) => {
    const attempt = () => read(text)
    expect(attempt).toThrow(DumpError)
    expect(attempt).toThrow(reason)
    expect(attempt).not.toThrow('secret')
  })

  it('that is damaged anywhere gives records or a DumpError, and nothing else', () => {
    const damage = fc.array(fc.tuple(fc.nat(), fc.constantFrom(...'\n\r \\=0fgVD\0\xff')), {
      minLength: 1,
      maxLength: 4,
    })
    let refused = 0
    fc.assert(
      fc.property(pairs, damage, fc.constantFrom(...formats), (all, changes, format) => {
        const text = Buffer.from(dumpOf(all, format), 'latin1')
        for (const [at, character] of changes) text[at % text.length] = character.charCodeAt(0)
        try {
          for (const entry of read(text)) expect(typeof entry === 'string' || entry.length === 2).toBe(true)
        } catch (error) {
          expect(error).toBeInstanceOf(DumpError)
          refused++
        }
      }),
      { numRuns: 2000 },
    )
    expect(refused).toBeGreaterThan(100)
  })
})

describeWith('db5.3-util', 'what db5.3_load reads and db5.3_dump prints', () => {
  const file = join(temporaryFolder(), 'x.db')

  it.each(formats)('is the same pairs, with format=%s', { timeout: 120_000 }, (format) => {
    fc.assert(
      fc.property(pairs, fc.constantFrom('hash', 'btree'), (all, type) => {
        rmSync(file, { force: true })
        execFileSync('db5.3_load', [file], { input: Buffer.from(dumpOf(all, format, type), 'latin1') })
        for (const flags of [['-p'], []]) {
          const printed = execFileSync('db5.3_dump', [...flags, file])
          expect(printed.toString('latin1')).toContain(`type=${type}\n`)
          expect(sorted(read(printed))).toEqual(sorted(all))
        }
      }),
      { numRuns: 40 },
    )
  })
})
