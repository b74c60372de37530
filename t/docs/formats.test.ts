/** The table of docs/formats.md says what happens: each of its cells is tried. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import {
  ElementRef,
  PerlGlob,
  PerlObject,
  PerlRegExp,
  PerlVString,
  ScalarRef,
  SerializeError,
  type Serializer,
  StorableHook,
} from '../../lib/index.js'
import { readOptions } from '../../lib/options.js'
import { loadPlugin } from '../../lib/registry.js'

const text = readFileSync(join(import.meta.dirname, '../../docs/formats.md'), 'utf8')
const section = text.split('## What Node writes and reads again')[1]!.split('\n## ')[0]!
const [header, , ...rows] = section
  .split('\n')
  .filter((line) => line.startsWith('|'))
  .map((line) => line.slice(2, -2).split(' | '))
const formats = header!.slice(1)

const list = ['x']
const cycle: unknown[] = []
cycle.push(cycle)
// biome-ignore lint/suspicious/noSparseArray: it is about elements that do not exist
const sparse = [1, , 'b']

/** What stands for each row. */
const samples: Record<string, unknown[]> = {
  string: ['', 'a\0b', "it's", 'Zoë ☺ 😀', '007', ' x\n'],
  '`null`': [null],
  integer: [0, -1, 42, 4294967296, 1795225530123, Number.MAX_SAFE_INTEGER],
  'fraction, `-0`': [0.1, -1.5, 1e-7, 1 / 3, -0],
  '`bigint` within 64 bits': [2n ** 62n + 1n, -(2n ** 63n), 2n ** 64n - 1n],
  '`true`, `false`': [true, false],
  'NaN, Infinity': [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
  '`Buffer`': [Buffer.from('abc'), Buffer.from('Zoë')],
  'plain object, array': [{ a: ['x', { b: [] }], c: {} }],
  'the same object in two places': [[list, list]],
  cycle: [cycle],
  'array element that does not exist': [sparse],
  '`undefined` in an object': [{ a: undefined, b: 'x' }],
  '`PerlObject`': [new PerlObject('My::Class', { a: 'x' })],
  '`ScalarRef`': [new ScalarRef('x')],
  '`ElementRef`': [[list, new ElementRef(list, 0)]],
  '`PerlRegExp`': [new PerlRegExp('a.c')],
  '`PerlVString`': [new PerlVString('v1.2.3')],
  '`PerlGlob`': [new PerlGlob('*::STDOUT')],
  '`StorableHook`': [new PerlObject('My::Hooked', new StorableHook('hash', Buffer.from('frozen'), []))],
  '`Date`, `Map`, class instances, functions, symbols': [
    new Date(0),
    new Map(),
    new (class X {})(),
    () => 1,
    Symbol('x'),
  ],
}

/** What each word of a cell means. */
const meanings: Record<string, (value: unknown, back: unknown) => void> = {
  same: (value, back) => expect(back).toStrictEqual(value),
  text: (value, back) => expect(back).toBe(String(value)),
  'text, `0`': (value, back) => expect(back).toBe(String(value)),
  "`'1'`, `''`": (value, back) => expect(back).toBe(value === true ? '1' : ''),
  'bytes as text ¹': (value, back) => expect(back).toBe(String(value)),
  copied: (value, back) => {
    expect(back).toStrictEqual(value)
    expect((back as unknown[])[0]).not.toBe((back as unknown[])[1])
  },
  '`null`': (_value, back) => expect(back).toHaveProperty('1', null),
  'left out': (_value, back) => expect(back).toStrictEqual({ b: 'x' }),
  '`ScalarRef` of a copy': (_value, back) => expect(back).toStrictEqual([['x'], new ScalarRef('x')]),
  'its value': (value, back) => expect(back).toBe((value as PerlVString).value),
}

describe('the table of docs/formats.md', () => {
  it('has a sample for each row', () => {
    expect(rows.map(([label]) => label).filter((label) => !label!.startsWith('deepest'))).toEqual(Object.keys(samples))
  })

  for (const [index, format] of formats.entries()) {
    it(`is true of ${format}`, async () => {
      const { Plugin } = await loadPlugin('serialize', format)
      const make = (given = {}) => new Plugin(readOptions(Plugin.options, given), { now: () => 0, padding: false })
      const serializer = make()
      for (const [label, ...cells] of rows) {
        const cell = cells[index]!
        if (label!.startsWith('deepest')) {
          expect(readOptions<{ maxDepth?: unknown }>(Plugin.options as never, {}).maxDepth).toBe(Number(cell))
          continue
        }
        for (const value of samples[label!]!) check(`${label} in ${format}`, cell, value, serializer)
      }
    })
  }
})

function check(where: string, cell: string, value: unknown, serializer: Serializer): void {
  if (cell.startsWith('refused')) {
    expect(() => serializer.freeze({ list: [value] }), where).toThrow(SerializeError)
    expect(() => serializer.freeze({ list: [value] }), where).toThrow('list[0]')
    return
  }
  const { value: back } = serializer.thaw(serializer.freeze({ value })) as { value: unknown }
  const word = cell.split('; ')[0]!
  if (typeof value === 'bigint' && cell.includes('from 2^63 on text') && value >= 2n ** 63n) meanings.text!(value, back)
  else if (where.startsWith('the same') && word === 'same')
    expect((back as unknown[])[0], where).toBe((back as unknown[])[1])
  else {
    try {
      meanings[word]!(value, back)
    } catch (cause) {
      throw new Error(`${where}: ${word}`, { cause })
    }
  }
}
