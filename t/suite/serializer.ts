/**
 * What every serializer must do, whatever its format: the conformance suite for plug-ins.
 *
 * It needs node:assert and the `describe` and `it` of any test runner:
 *
 *     serializerSuite({ describe, it, name: 'Mine', create: (given) => new Mine(options.readOptions(Mine.options, given)) })
 */

import assert from 'node:assert/strict'
import type { Serializer } from '../../lib/contracts.js'
import type { SerializerOptions } from '../../serialize/shared/options.js'
import type { Runner } from './runner.js'

/** What a format can hold; all true unless said otherwise. */
export interface Holds {
  /** Numbers come back as numbers; otherwise as their decimal text. */
  readonly numbers: boolean
  /** Doubles come back to the last bit; otherwise with 15 digits. */
  readonly exactDoubles: boolean
  /** Negative zero is not zero. */
  readonly negativeZero: boolean
  /** Integers beyond 2^53 come back as bigint. */
  readonly bigints: boolean
  /** True and false come back as such. */
  readonly booleans: boolean
  /** A container may be in two places, and inside itself; otherwise cycles are refused. */
  readonly sharing: boolean
  /** Text may have half a surrogate pair. */
  readonly loneSurrogates: boolean
  /** Any bytes in a Buffer come back as the same bytes with `encoding: 'bytes'`. */
  readonly bytes: boolean
  /** How deep values may be nested, with as large a `maxDepth`, before a record is too long. */
  readonly depth: number
}

const everything: Holds = {
  numbers: true,
  exactDoubles: true,
  negativeZero: true,
  bigints: true,
  booleans: true,
  sharing: true,
  loneSurrogates: true,
  bytes: true,
  depth: 10_000,
}

/** What the suite is given. */
export interface SerializerSuite extends Runner {
  /** The serializer's name in titles. */
  readonly name: string
  /** A serializer with these options; the defaults for all others. */
  readonly create: (options?: Partial<SerializerOptions>) => Serializer
  readonly holds?: Partial<Holds>
}

type Value = unknown
type Check = (create: SerializerSuite['create'], holds: Holds) => void

/** Declare the cases of the suite. */
export function serializerSuite({ describe, it, name, create, holds }: SerializerSuite): void {
  describe(`serializer ${name}`, () => {
    for (const [title, check] of Object.entries(checks)) it(title, () => check(create, { ...everything, ...holds }))
  })
}

function session(params: Record<string, Value>): Record<string, Value> {
  return { _SESSION_ID: '0123456789abcdef0123456789abcdef', _SESSION_PTIME: {}, ...params }
}

function roundTrip(serializer: Serializer, value: Value): Value {
  return serializer.thaw(serializer.freeze(value))
}

/** The value comes back, with its numbers as the format holds them. */
function assertKept(serializer: Serializer, params: Record<string, Value>, holds: Holds): void {
  assert.deepStrictEqual(roundTrip(serializer, session(params)), asHeld(session(params), holds))
}

function asHeld(value: Value, holds: Holds): Value {
  if (typeof value === 'number' && !holds.numbers) return String(value)
  if (Array.isArray(value)) return value.map((item) => asHeld(item, holds))
  if (typeof value !== 'object' || value === null) return value
  return ownKeys(Object.entries(value).map(([key, item]): [string, Value] => [key, asHeld(item, holds)]))
}

/** An object with just these keys, whatever they are called. */
function ownKeys(entries: readonly (readonly [string, Value])[]): Record<string, Value> {
  const object: Record<string, Value> = {}
  for (const [key, value] of entries) {
    Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true })
  }
  return object
}

interface Failure {
  readonly code?: string
  readonly path?: string
  readonly message: string
}

/** The error of a call that must fail, which has one of our codes. */
function failure(call: () => unknown, code: RegExp): Failure {
  let error: Failure | undefined
  try {
    call()
  } catch (caught) {
    error = caught as Failure
  }
  assert.ok(error !== undefined, 'it should have been refused')
  assert.match(String(error.code), code, error.message)
  return error
}

/** A call that may succeed, or fail with one of our codes, but in no other way. */
function survives(call: () => unknown, what: string): void {
  try {
    call()
  } catch (error) {
    assert.match(String((error as Failure).code), /^ERR_SESSION_/, `${what}: ${String(error)}`)
  }
}

function nested(depth: number): Value {
  let value: Value = 'deep'
  for (let i = 0; i < depth; i++) value = i % 2 === 0 ? [value] : { inner: value }
  return value
}

/** Pseudo-random numbers, the same in each run. */
function randomNumbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

const texts = [
  '',
  '0',
  '00',
  '1.0',
  '-1',
  '1e3',
  ' padded ',
  'true',
  'null',
  'undef',
  '~',
  '---',
  "it's",
  '"quoted"',
  'back\\slash',
  'trailing\\',
  '$dollar @at %percent',
  '\\x41 \\n \\u0041',
  '[1, 2]',
  '{"a": 1}',
  '# comment',
  'key: value',
  '- item',
  'line\nline\n',
  'tab\tand\r\nreturn',
  '\u0000\u0001\u001f\u007f',
  'a\u0000b',
  'café',
  'cafÃ©',
  'ÿ',
  '\u0080\u009f\u00a0',
  'trailing\u00a0',
  '日本語',
  'Привет',
  '☺',
  '😀',
  '🇦🇺 flag',
  '\u2028\u2029',
  '\ufeffbom',
  '\ufffd\uffff',
  'e\u0301',
]

const keys = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'length', '', ' ', '0', '1', '-1']

const sample = session({
  user: 'someone@example.com',
  roles: ['admin', 'editor'],
  cart: [
    { sku: 'A-1', qty: '2', note: null },
    { sku: 'B-2', qty: '1', note: 'it\'s "fine"' },
  ],
  nothing: {},
  none: [],
})

const checks: Record<string, Check> = {
  'keeps plain data'(create, holds) {
    assertKept(create(), { list: [[], {}, [[]], { a: { b: [{}] } }], ...sample }, holds)
    assertKept(create(), {}, holds)
  },

  'keeps every text, as a value and as a key'(create, holds) {
    const serializer = create()
    assertKept(serializer, { texts }, holds)
    for (const text of texts) assertKept(serializer, { one: text, [`k${text}`]: [text] }, holds)
    assertKept(serializer, { hash: ownKeys(texts.map((text, index) => [text, String(index)])) }, holds)
  },

  'keeps every character of ASCII and of Latin-1'(create, holds) {
    const all = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code))
    assertKept(create(), { all, joined: all.join(''), ascii: all.slice(0, 128).join('') }, holds)
  },

  'keeps half a surrogate pair, or refuses it'(create, holds) {
    const serializer = create()
    if (holds.loneSurrogates) assertKept(serializer, { half: 'a\ud800b', low: '\udc00' }, holds)
    else failure(() => serializer.freeze(session({ half: 'a\ud800b' })), /^ERR_SESSION_FREEZE$/)
  },

  'tells 0, the empty string, null and absent apart'(create, holds) {
    const thawed = roundTrip(create(), session({ zero: 0, text: '0', empty: '', nothing: null })) as Record<
      string,
      Value
    >
    assert.strictEqual(thawed.zero, holds.numbers ? 0 : '0')
    assert.strictEqual(thawed.text, '0')
    assert.strictEqual(thawed.empty, '')
    assert.strictEqual(thawed.nothing, null)
    assert.ok(!('absent' in thawed))
  },

  'takes any key as an ordinary key'(create, holds) {
    const serializer = create()
    const all = ownKeys(keys.map((key) => [key, { polluted: 'yes' }]))
    assertKept(serializer, { all }, holds)
    assert.strictEqual(({} as Record<string, Value>).polluted, undefined)
    const thawed = (roundTrip(serializer, session({ all })) as { all: object }).all
    assert.strictEqual(Object.getPrototypeOf(thawed), Object.prototype)
    assert.ok(Object.hasOwn(thawed, '__proto__'))
  },

  'keeps numbers'(create, holds) {
    const integers = [0, 1, -1, 255, -129, 2 ** 31, -(2 ** 31), 1795225530, 1795225530123, Number.MAX_SAFE_INTEGER]
    assertKept(create(), { integers }, holds)
    if (!holds.exactDoubles) return assertKept(create(), { doubles: [0.1, -2.5, 1e-7] }, holds)
    assertKept(create(), { doubles: [0.1, 0.1 + 0.2, 1 / 3, -2.5, 1e-7, 1e21, 1e100, 5e-324, 2 ** 53, 2 ** 64] }, holds)
  },

  'keeps negative zero, big integers and booleans, where the format has them'(create, holds) {
    const serializer = create()
    if (holds.negativeZero) assertKept(serializer, { zero: -0 }, holds)
    if (holds.bigints) assertKept(serializer, { big: [2n ** 53n, -(2n ** 60n), 2n ** 63n - 1n] }, holds)
    if (holds.booleans) assertKept(serializer, { yes: true, list: [true, false, true] }, holds)
  },

  'keeps bytes, where the format has them'(create, holds) {
    if (!holds.bytes) return
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))
    const thawed = roundTrip(create({ encoding: 'bytes' }), session({ bytes })) as Record<string, Value>
    assert.deepStrictEqual(Buffer.from(thawed.bytes as Uint8Array), bytes)
  },

  'keeps large values'(create, holds) {
    const rows = Array.from({ length: 3000 }, (_, index) => ({ id: String(index), name: `row ${index}` }))
    assertKept(create(), { rows, long: 'x'.repeat(100_000), wide: 'é☺'.repeat(20_000) }, holds)
  },

  'leaves out what is undefined, and keeps the places of an array'(create, holds) {
    const value = session({ gone: undefined, list: ['a', undefined, 'c'] })
    const thawed = roundTrip(create(), value)
    assert.deepStrictEqual(thawed, asHeld(session({ list: ['a', null, 'c'] }), holds))
  },

  'keeps what is shared or cyclic, or refuses cycles'(create, holds) {
    const serializer = create()
    const inner: Record<string, Value> = { name: 'inner' }
    const root = session({ inner, again: inner })
    inner.root = root
    if (!holds.sharing) {
      failure(() => serializer.freeze(root), /^ERR_SESSION_(?:FREEZE|LIMIT)$/)
      return
    }
    const thawed = roundTrip(serializer, root) as Record<string, Record<string, Value>>
    assert.strictEqual(thawed.inner!.name, 'inner')
    assert.strictEqual(thawed.again, thawed.inner)
    assert.strictEqual(thawed.inner!.root, thawed)
  },

  'names the path of what is no data'(create) {
    const serializer = create()
    class Custom {}
    const strangers = [new Date(0), new Map(), new Set(), /x/, new Custom(), () => 1, Symbol('x'), Number.NaN, Infinity]
    for (const stranger of strangers) {
      const error = failure(
        () => serializer.freeze(session({ cart: { items: ['fine', { bad: stranger }] } })),
        /^ERR_SESSION_FREEZE$/,
      )
      assert.strictEqual(error.path, 'cart.items[1].bad')
      assert.ok(error.message.includes('cart.items[1].bad'), error.message)
    }
  },

  'refuses what is too deep, too long or too much'(create) {
    const small = { maxDepth: 20, maxBytes: 5000, maxValues: 100 }
    const limited = create(small)
    const free = create({ maxDepth: 10_000 })
    const deep = session({ deep: nested(30) })
    const long = session({ long: 'x'.repeat(6000) })
    failure(() => limited.freeze(deep), /^ERR_SESSION_LIMIT$/)
    failure(() => limited.thaw(free.freeze(deep)), /^ERR_SESSION_LIMIT$/)
    failure(() => limited.freeze(long), /^ERR_SESSION_LIMIT$/)
    failure(() => limited.thaw(free.freeze(long)), /^ERR_SESSION_LIMIT$/)
    failure(() => limited.thaw(free.freeze(session({ many: Array(200).fill('1') }))), /^ERR_SESSION_LIMIT$/)
    limited.thaw(limited.freeze(session({ deep: nested(10), many: Array(50).fill('1') })))
  },

  'goes as deep as it is told to without running out of stack'(create, { depth }) {
    const serializer = create({ maxDepth: depth })
    const levels = depth - depth / 10
    const record = serializer.freeze(session({ deep: nested(levels) }))
    let value = (serializer.thaw(record) as { deep: Value }).deep
    for (let i = levels; i > 0; i--) value = Array.isArray(value) ? value[0] : (value as { inner: Value }).inner
    assert.strictEqual(value, 'deep')
    failure(() => serializer.freeze(nested(200_000)), /^ERR_SESSION_LIMIT$/)
  },

  'refuses a record that is cut off or changed, or reads it as another value'(create) {
    const serializer = create()
    const record = serializer.freeze(sample)
    const random = randomNumbers(1)
    for (let end = 0; end < record.length; end++)
      survives(() => serializer.thaw(record.subarray(0, end)), `cut at ${end}`)
    for (let round = 0; round < 2000; round++) {
      const changed = Uint8Array.from(record)
      const at = Math.floor(random() * record.length)
      changed[at] = Math.floor(random() * 256)
      survives(() => serializer.thaw(changed), `byte ${at} set to ${changed[at]}`)
    }
    assert.strictEqual(({} as Record<string, Value>).polluted, undefined)
  },

  'refuses noise'(create) {
    const serializer = create()
    const random = randomNumbers(2)
    for (let round = 0; round < 500; round++) {
      const noise = Uint8Array.from({ length: Math.floor(random() * 200) }, () => Math.floor(random() * 256))
      survives(() => serializer.thaw(noise), `noise ${round}`)
    }
    failure(() => serializer.thaw(new Uint8Array(0)), /^ERR_SESSION_THAW$/)
    failure(() => serializer.thaw(Buffer.from('<html>no session</html>')), /^ERR_SESSION_THAW$/)
  },

  'writes what it declares: text is ASCII without NUL, padding is ignored'(create, holds) {
    const serializer = create()
    const record = serializer.freeze(session({ texts, sample }))
    if (serializer.output === 'text') assert.ok(record.every((byte) => byte > 0 && byte < 0x80))
    if (!serializer.padding) return
    const padded = Buffer.concat([record, Buffer.alloc(1000, '\n')])
    assert.deepStrictEqual(serializer.thaw(padded), asHeld(session({ texts, sample }), holds))
  },

  'reads a record from the middle of a buffer, and leaves value and record alone'(create, holds) {
    const serializer = create()
    const value = structuredClone(sample)
    const record = serializer.freeze(value)
    assert.deepStrictEqual(value, sample)
    const around = Buffer.concat([Buffer.from('xxx'), record, Buffer.from('yyy')])
    const view = around.subarray(3, 3 + record.length)
    assert.deepStrictEqual(serializer.thaw(view), asHeld(sample, holds))
    assert.deepStrictEqual(Buffer.from(view), Buffer.from(record))
  },

  'writes what it read as the same value'(create) {
    const serializer = create()
    const first = serializer.thaw(serializer.freeze(session({ texts, sample })))
    assert.deepStrictEqual(roundTrip(serializer, first), first)
  },
}
