import { isUtf8 } from 'node:buffer'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readOptions } from '../../lib/options.js'
import { ElementRef, PerlObject, PerlRegExp, PerlVString, ScalarRef } from '../../lib/perl-values.js'
import JsonSerializer from '../../serialize/JSON.js'
import { parseExactly } from '../../serialize/json/parser.js'
import { serializerSuite } from '../suite/serializer.js'
import { type Fixture, fixtures, type Outcome } from '../support/fixtures.js'
import { verifyByPerl } from '../support/perl-check.js'
import { buildValue, describeValue, type Node, NotRepresentable } from '../support/perl-notation.js'
import { refusal } from '../support/refusal.js'
import { describeWith } from '../support/requirements.js'

const limits = readOptions(JsonSerializer.options, {})
const json = new JsonSerializer(limits)
/** What Perl's File driver reads, in any case. */
const latin1 = new JsonSerializer({ ...limits, encoding: 'latin1' })

serializerSuite({
  describe,
  it,
  name: 'JSON',
  create: (options) => new JsonSerializer({ ...limits, ...options }),
  holds: { sharing: false, loneSurrogates: false, bytes: false },
})

function thaw(text: string, options: object = {}): unknown {
  return new JsonSerializer({ ...limits, ...options }).thaw(Buffer.from(text))
}

function freeze(value: unknown, options: object = {}): string {
  return Buffer.from(new JsonSerializer({ ...limits, ...options }).freeze(value)).toString('latin1')
}

/** What Perl means by the bytes: the decoded text, where a wide text went into the file. */
function meaning({ bytes, thaw, thawText }: Fixture): Outcome {
  return thawText !== undefined && bytes!.some((byte) => byte > 0x7f) && isUtf8(bytes!) ? thawText : thaw!
}

/**
 * The form in which two nodes are compared. Booleans are JSON's own. JSON::XS reads doubles inexactly, the smallest ones
 * as something else, and the smallest integer as a string.
 */
function comparable(node: Node): string {
  return JSON.stringify(node, (key, value) => {
    if (value === '-9223372036854775808' && key !== 'i') return { i: value }
    if (key === 'n') return Math.abs(Number(value)) < 2.3e-308 ? '0' : Number(value).toPrecision(15)
    return typeof value !== 'object' || value === null || !('b' in value) ? value : { jb: value.b }
  })
}

/** What Perl's JSON reads where Node reads this value. */
function inPerl(value: unknown): Node {
  return JSON.parse(JSON.stringify(describeValue(value)), (_, node) => {
    if (node?.i === '-9223372036854775808') return node.i
    if (node?.n === '5e-324') return { n: '0' }
    return typeof node?.b === 'boolean' ? { jb: node.b } : node
  })
}

function seen(serializer: JsonSerializer, { bytes }: Fixture): string {
  return comparable(describeValue(serializer.thaw(bytes!)))
}

const files = fixtures(['JSON', 'JSON-pp'])
const records = files.filter((file) => file.bytes !== undefined)

/** Perl's own bytes of UTF-8, which it reads as two characters each: they are shown as text, as a wide text is. */
const utf8InBytes = 'scalars/utf8-bytes JSON'

/** Null at the top is an error of the tool that made the manifests, since it told values from failures by undef. */
const nullAtTop = 'read-json/accepted JSON null'

describe('records that Perl wrote or reads', () => {
  it('are there', () => {
    expect(records.filter((file) => 'value' in file.thaw!).length).toBeGreaterThan(100)
    expect(records.filter((file) => 'error' in file.thaw!).length).toBeGreaterThan(30)
  })

  for (const file of records.filter(({ name }) => name !== nullAtTop)) {
    const expected = meaning(file)
    if ('error' in expected) {
      it(`${file.name} is refused: ${file.title}`, () => {
        const error = refusal(() => json.thaw(file.bytes!))
        expect(error.code).toBe(file.input === 'deep-513' ? 'ERR_SESSION_LIMIT' : 'ERR_SESSION_THAW')
        if (error.code === 'ERR_SESSION_THAW') expect(error.offset).toBeLessThanOrEqual(file.bytes!.length)
      })
      continue
    }
    it(`${file.name}: ${file.title}`, () => {
      if (file.name !== utf8InBytes) expect(seen(json, file)).toBe(comparable(expected.value))
      if ('value' in file.thaw!) expect(seen(latin1, file)).toBe(comparable(file.thaw.value))
    })
  }

  it('bytes that are UTF-8 are text', () => {
    expect(json.thaw(records.find(({ name }) => name === utf8InBytes)!.bytes!)).toEqual({ v: 'café ☺ 😀' })
  })

  it('null at the top is a value', () => {
    expect(thaw('null')).toBe(null)
  })

  it('integers are exact to 64 bits, and strings of digits beyond', () => {
    const digits = ['0', '-1', '9007199254740991', '9007199254740992', '9223372036854775807', '9223372036854775808']
    const more = ['18446744073709551615', '-9223372036854775808']
    const most = ['18446744073709551616', '-9223372036854775809', '123456789012345678901234567890']
    expect(thaw(`[${[...digits, ...more]}]`)).toEqual([
      0,
      -1,
      9007199254740991,
      ...[...digits.slice(3), ...more].map(BigInt),
    ])
    expect(thaw(`[${most}]`)).toEqual(most)
  })

  it('doubles are the nearest ones', () => {
    expect(thaw('[1e308,1e309,1e-400,2.2250738585072014e-308,0.333333333333333]')).toEqual([
      1e308,
      Infinity,
      0,
      2.2250738585072014e-308,
      0.333333333333333,
    ])
  })
})

describeWith('perl', 'real Perl', () => {
  it('reads the same values from what is written after reading', () => {
    const cases = records.flatMap((file) => {
      const expected = meaning(file)
      if ('error' in expected || file.name === utf8InBytes || hasInfinity(expected.value)) return []
      const name = file.name
      const unchanged = json.freeze(json.thaw(file.bytes!))
      const written = { name, serializer: 'JSON', bytes: unchanged, expected: expected.value }
      if (!('value' in file.thaw!)) return [written]
      const bytes = latin1.freeze(latin1.thaw(file.bytes!))
      return [written, { name: `${name} latin1`, serializer: 'JSON', bytes, expected: file.thaw.value }]
    })
    expect(cases.length).toBeGreaterThan(200)
    expect(verifyByPerl(cases)).toEqual([])
  })

  it('reads what was written of every value of the fixtures, unless it is refused as Perl refuses it', () => {
    const cases = files.flatMap((file) => {
      const built = sourceOf(file)
      if (built === undefined) return []
      if (isRefused(file)) {
        expect(refusal(() => json.freeze(built.value)).code).toMatch(/^ERR_SESSION_(FREEZE|LIMIT)$/)
        return []
      }
      const bytes = json.freeze(built.value)
      expect(plain(json.thaw(bytes))).toEqual(plain(built.value))
      return [{ name: file.name, serializer: 'JSON', bytes, expected: inPerl(json.thaw(bytes)) }]
    })
    expect(cases.length).toBeGreaterThan(60)
    expect(verifyByPerl(cases)).toEqual([])
  })

  it('gets numbers of all kinds as they are', () => {
    const values: unknown[] = [
      [0, -0, 1, -1, 1.5, 1e21, -1e300, 1e-300, 2 ** 53, 2 ** 63, 123456789012345680000],
      [2n ** 64n - 1n, -(2n ** 63n) + 1n, 5n, 2n ** 53n],
      thaw('[3.0,1e3,-0.0,1e15,7]'),
    ]
    const expected: Node[] = [
      {
        a: [
          int(0),
          double('-0'),
          int(1),
          int(-1),
          double('1.5'),
          double('1e+21'),
          double('-1e+300'),
          double('1e-300'),
          double('9007199254740992'),
          double('9223372036854776000'),
          double('123456789012345680000'),
        ],
      },
      { a: [int(2n ** 64n - 1n), int(-(2n ** 63n) + 1n), int(5), int(2n ** 53n)] },
      { a: [double('3'), double('1000'), double('-0'), double('1000000000000000'), int(7)] },
    ]
    const cases = values.map((value, i) => {
      return { name: `numbers ${i}`, serializer: 'JSON', bytes: json.freeze(value), expected: expected[i]! }
    })
    expect(verifyByPerl(cases)).toEqual([])
  })
})

/** It can be read (1e309), but not written. */
function hasInfinity(node: Node): boolean {
  return JSON.stringify(node).includes('"Infinity"')
}

function int(value: number | bigint): Node {
  return { i: String(value) }
}

function double(text: string): Node {
  return { n: text }
}

function sourceOf({ source }: Fixture): { value: unknown } | undefined {
  if (source === undefined) return undefined
  try {
    return { value: buildValue(source) }
  } catch (error) {
    if (error instanceof NotRepresentable) return undefined
    throw error
  }
}

/** Perl writes version strings as the characters they stand for; here they are values of a class of their own. */
function isRefused({ case: name, freezeError, result }: Fixture): boolean {
  // That error is SQLite's.
  if (name === 'sqlite-wide') return false
  return freezeError !== undefined || result === 'unreadable' || name === 'vstrings'
}

/** A copy as JSON shows it: missing elements are null, and references to 1 and 0 booleans. */
function plain(value: unknown): unknown {
  if (value instanceof ScalarRef) return String(value.value) === '1'
  if (Array.isArray(value)) return Array.from(value, (item) => plain(item ?? null))
  if (typeof value !== 'object' || value === null) return value
  return new Map(Object.entries(value).map(([key, item]) => [key, plain(item)]))
}

describe('numbers too large for a double', () => {
  it('stay what they are, and a new Infinity is refused', () => {
    const value = new JsonSerializer(limits).thaw(Buffer.from('{"a":1.79769313486232e+308,"b":[-1e400]}'))
    expect(value).toEqual({ a: Number.POSITIVE_INFINITY, b: [Number.NEGATIVE_INFINITY] })
    expect(freeze(value)).toBe('{"a":1e999,"b":[-1e999]}')
    expect(refusal(() => freeze({ a: Number.POSITIVE_INFINITY })).path).toBe('a')
  })
})

describe('reading', () => {
  it('takes bytes for UTF-8 where they are, else for Latin-1, or always for Latin-1', () => {
    expect(json.thaw(Buffer.from('["caf\xc3\xa9"]', 'latin1'))).toEqual(['café'])
    expect(json.thaw(Buffer.from('["caf\xe9"]', 'latin1'))).toEqual(['café'])
    expect(latin1.thaw(Buffer.from('["caf\xc3\xa9"]', 'latin1'))).toEqual(['cafÃ©'])
  })

  it('reads any Uint8Array, and a record with line ends behind it', () => {
    const bytes = new TextEncoder().encode('..{"a":[1]}\n\n\n')
    expect(json.thaw(bytes.subarray(2))).toEqual({ a: [1] })
  })

  for (const text of ['{"__proto__":{"polluted":true}}', '{"__proto__":{"polluted":true},"d":3.0}']) {
    it(`keeps __proto__ an ordinary key: ${text}`, () => {
      const value = thaw(text) as Record<string, unknown>
      expect(Object.hasOwn(value, '__proto__')).toBe(true)
      expect(Object.getPrototypeOf(value)).toBe(Object.prototype)
      expect(value.polluted).toBe(undefined)
      expect(freeze(value)).toBe(text)
    })
  }

  it('says where a record goes wrong, without showing it', () => {
    const error = refusal(() => thaw('{"name":"é",\n  "secret":"tiger" "x":1}'))
    expect(error.message).toBe('Not a JSON record: expected "," or "}" (line 2, column 20) at byte 33')
    expect(error.offset).toBe(33)
    expect(error.code).toBe('ERR_SESSION_THAW')
  })

  for (const [text, offset] of [
    ['', 0],
    ['[1,2', 4],
    ['["abc', 5],
    ['["a\\x"]', 3],
    ['["\\u12"]', 2],
    ['["\\ud83d"]', 2],
    ['["\\\\ud83d\\ude00"]', 9],
    ['["a\tb"]', 3],
    ['{"a" 1}', 5],
    ['{"a":1,}', 7],
    ['[01]', 2],
    ['[1.]', 2],
    ['[-]', 1],
    ['[1]x', 3],
    ['\u00a0[1]', 0],
    ['[1]\0', 3],
  ] as const) {
    it(`gives the offset ${offset} of what is wrong in ${JSON.stringify(text)}`, () => {
      expect(refusal(() => thaw(text)).offset).toBe(offset)
    })
  }

  it('keeps to its limits, whichever way it takes', () => {
    for (const extra of ['', ',3.0']) {
      expect(thaw(`[[[1]]${extra}]`, { maxDepth: 3 })).toHaveLength(extra === '' ? 1 : 2)
      expect(refusal(() => thaw(`[[[[1]]]${extra}]`, { maxDepth: 3 })).code).toBe('ERR_SESSION_LIMIT')
      expect(refusal(() => thaw(`[1,[2,3]${extra}]`, { maxValues: 3 })).code).toBe('ERR_SESSION_LIMIT')
      expect(refusal(() => thaw(`[1,2${extra}]`, { maxBytes: 4 })).code).toBe('ERR_SESSION_LIMIT')
    }
    expect(thaw('[1,[2,3]]', { maxValues: 4, maxBytes: 9 })).toEqual([1, [2, 3]])
  })

  it('is not hurt by hostile records', () => {
    const million = 1 << 20
    expect(refusal(() => thaw('['.repeat(million))).code).toBe('ERR_SESSION_LIMIT')
    expect(refusal(() => thaw('{"":'.repeat(million))).code).toBe('ERR_SESSION_LIMIT')
    expect(refusal(() => thaw('['.repeat(million) + ']'.repeat(million), { maxDepth: 10_000 })).code).toBe(
      'ERR_SESSION_LIMIT',
    )
    expect(thaw(`[${'9'.repeat(million)}]`)).toEqual(['9'.repeat(million)])
    expect(thaw(`["${'1.0'.repeat(million)}"]`)).toEqual(['1.0'.repeat(million)])
    expect(thaw(`["${'\\u0041'.repeat(million)}",3.0]`, { maxBytes: 8 * million })).toEqual(['A'.repeat(million), 3])
    expect(refusal(() => thaw(`[${'\\'.repeat(million)}]`)).offset).toBe(1)
  })

  it('takes the exact way to the same values as the short one', () => {
    const fail = (position: number, reason: string): never => expect.fail(`${reason} at ${position}`)
    const same = fc.property(fc.jsonValue(), (value) => {
      const text = freeze(value)
      expect(parseExactly(text, limits, fail)).toEqual(value)
      expect(thaw(text)).toEqual(value)
    })
    fc.assert(same, { numRuns: 300 })
  })
})

describe('writing', () => {
  it('writes ASCII', () => {
    expect(freeze(['\x7e\x7f'])).toBe('["~\\u007f"]')
    expect(freeze({ é: 'a\x7f\x80\u2028☺😀"\\/\n\0' })).toBe(
      '{"\\u00e9":"a\\u007f\\u0080\\u2028\\u263a\\ud83d\\ude00\\"\\\\/\\n\\u0000"}',
    )
  })

  it('takes the exact way to the same text as the short one', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(freeze(value)).toBe(freeze([value, 1n]).slice(1, -3))
      }),
      { numRuns: 300 },
    )
  })

  it('leaves out what is undefined, and writes null for it in arrays', () => {
    const sparse = [undefined, undefined, 2]
    delete sparse[1]
    for (const [last, text] of [
      [1, '1'],
      [1n, '1'],
    ]) {
      expect(freeze({ a: undefined, b: sparse, c: last })).toBe(`{"b":[null,null,2],"c":${text}}`)
    }
  })

  it('writes references to 1 and 0 as booleans, as Perl does', () => {
    expect(freeze([new ScalarRef(1), new ScalarRef('0'), true, false])).toBe('[true,false,true,false]')
  })

  it('copies what is shared', () => {
    const shared = [1]
    expect(freeze({ a: shared, b: { c: shared }, d: 1n })).toBe('{"a":[1],"b":{"c":[1]},"d":1}')
  })

  it('writes back a double that was not touched, and forgets one that was', () => {
    const value = thaw('{"a":3.0,"b":[1e15,2.0],"a2":4.0}') as { a: number; b: number[]; a2: number }
    expect(freeze(value)).toBe('{"a":3.0,"b":[1000000000000000.0,2.0],"a2":4.0}')
    value.a = 5
    value.b.shift()
    expect(freeze(value)).toBe('{"a":5,"b":[2],"a2":4.0}')
    expect(freeze(thaw('{"a":3.0,"a":3}'))).toBe('{"a":3}')
  })

  it('never calls toJSON', () => {
    const withMethod = { n: 1, toJSON: () => ({ n: 2 }) }
    expect(refusal(() => freeze({ a: withMethod })).path).toBe('a.toJSON')
    const hidden = Object.defineProperty({ n: 1 }, 'toJSON', { value: () => ({ n: 2 }) })
    expect(freeze(hidden)).toBe('{"n":1}')
    expect(freeze({ toJSON: 'text' })).toBe('{"toJSON":"text"}')
  })

  it('takes plain objects without a prototype or of another realm', async () => {
    const { runInNewContext } = await import('node:vm')
    expect(freeze(runInNewContext('({ a: [1, { b: 2 }] })'))).toBe('{"a":[1,{"b":2}]}')
    expect(freeze(Object.assign(Object.create(null), { a: 1 }))).toBe('{"a":1}')
  })

  class Person {
    name = 'Eve'
  }
  const cycle: { self?: unknown } = {}
  cycle.self = cycle
  const refused: [string, unknown][] = [
    ['NaN', Number.NaN],
    ['Infinity', Number.NEGATIVE_INFINITY],
    ['a date', new Date(0)],
    ['a Map', new Map()],
    ['a boxed string', Object('x')],
    ['an instance', new Person()],
    ['a kind of array', new (class extends Array {})()],
    ['a function', () => 1],
    ['a symbol', Symbol('s')],
    ['bytes', Buffer.from('x')],
    ['other bytes', new Uint8Array(2)],
    ['a blessed value', new PerlObject('DateTime', {})],
    ['a pattern', new PerlRegExp('x')],
    ['a version', new PerlVString('v1.2')],
    ['a reference', new ScalarRef('x')],
    ['a reference to a boolean', new ScalarRef(true)],
    ['a reference to an element', new ElementRef({ a: 1 }, 'a')],
    ['a cycle', cycle],
    ['a lone surrogate', 'x\ud800'],
    ['a lone low surrogate', '\udc00x'],
    ['a key with a lone surrogate', { '\ud800': 1 }],
    ['too big an integer', 2n ** 64n],
    ['too small an integer', -(2n ** 63n) - 1n],
  ]
  for (const [what, value] of refused) {
    it(`refuses ${what} and says where it is`, () => {
      const error = refusal(() => freeze({ cart: { items: [1, 'a', value] } }))
      expect(error.code).toBe('ERR_SESSION_FREEZE')
      expect(error.path).toMatch(/^cart\.items\[2\]/)
      expect(error.message).toMatch(/^JSON cannot hold cart\.items\[2\].*: ./)
    })
  }

  it('refuses undefined at the top', () => {
    expect(refusal(() => freeze(undefined)).message).toBe('JSON cannot hold the whole session: undefined is no data')
  })

  it('keeps to its limits, whichever way it takes', () => {
    for (const extra of [1, 1n]) {
      expect(freeze([[[extra]]], { maxDepth: 3, maxValues: 3, maxBytes: 7 })).toBe('[[[1]]]')
      expect(refusal(() => freeze([[[[extra]]]], { maxDepth: 3 })).code).toBe('ERR_SESSION_LIMIT')
      expect(refusal(() => freeze([[extra, extra]], { maxValues: 2 })).code).toBe('ERR_SESSION_LIMIT')
      expect(refusal(() => freeze(['ééé', extra], { maxBytes: 15 })).code).toBe('ERR_SESSION_LIMIT')
    }
  })

  it('does not run away with what is shared often, nor with what is deep', () => {
    let value: unknown = 'x'
    for (let i = 0; i < 100; i++) value = [value, value]
    expect(refusal(() => freeze(value)).code).toBe('ERR_SESSION_LIMIT')
    let deep: unknown = 1n
    for (let i = 0; i < 10_000; i++) deep = [deep]
    expect(refusal(() => freeze(deep)).code).toBe('ERR_SESSION_LIMIT')
    expect(freeze(deep, { maxDepth: 10_000 })).toBe(`${'['.repeat(10_000)}1${']'.repeat(10_000)}`)
  })
})
