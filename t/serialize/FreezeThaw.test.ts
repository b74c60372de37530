import { describe, expect, it } from 'vitest'
import { readOptions } from '../../lib/options.js'
import { ElementRef, PerlObject, PerlRegExp, PerlVString, ScalarRef } from '../../lib/perl-values.js'
import FreezeThaw from '../../serialize/FreezeThaw.js'
import type { SerializerOptions } from '../../serialize/shared/options.js'
import { serializerSuite } from '../suite/serializer.js'
import { type Fixture, fixtures } from '../support/fixtures.js'
import { type PerlCase, verifyByPerl } from '../support/perl-check.js'
import { buildValue, byCodePoint, describeValue, type Node, type NodeObject } from '../support/perl-notation.js'
import { refusal } from '../support/refusal.js'
import { describeWith } from '../support/requirements.js'

type Options = Partial<SerializerOptions>
type Hash = Record<string, unknown>

function create(options: Options = {}): FreezeThaw {
  return new FreezeThaw(readOptions(FreezeThaw.options, options))
}

/** Records in tests are binary strings. */
function thaw(binary: string, options?: Options): unknown {
  return create(options).thaw(Buffer.from(binary, 'latin1'))
}

function freeze(value: unknown, options?: Options): string {
  return Buffer.from(create(options).freeze(value)).toString('latin1')
}

function utf8(text: string): string {
  return Buffer.from(text).toString('latin1')
}

serializerSuite({
  describe,
  it,
  name: 'FreezeThaw',
  create,
  holds: { numbers: false, negativeZero: false, bigints: false, booleans: false, loneSurrogates: false },
})

const golden = fixtures(['FreezeThaw', 'cgi-freezethaw'])

/** What a fixture holds: as Perl reads the bytes, or where it cannot, as it would read them as UTF-8. */
function meaning({ thaw: bytes, thawText: chars }: Fixture): { node: Node; isChars: boolean } | undefined {
  if (bytes !== undefined && 'value' in bytes) return { node: bytes.value, isChars: false }
  return chars !== undefined && 'value' in chars ? { node: chars.value, isChars: true } : undefined
}

/** What a format of bytes makes of a value. */
function held(node: Node): Node {
  if (node === null || typeof node === 'string') return node
  const rest = { ...node }
  if (node.hole !== undefined || node.undef !== undefined) return node.slot === undefined ? null : node
  if (node.u !== undefined) return bytesOf(node.u)
  if (node.i !== undefined) return node.i
  if (node.n !== undefined) return String(Number(node.n))
  if (node.b !== undefined) return node.b ? '1' : ''
  if (node.v !== undefined) return node.s as string
  if (node.s !== undefined) return { ...rest, s: held(node.s) }
  if (node.a !== undefined) return { ...rest, a: node.a.map(held) }
  if (node.r !== undefined) return { ...rest, r: heldScalar(node.r) }
  if (node.re !== undefined) return heldPattern(node)
  if (node.h === undefined) return node
  const pairs = node.h.map(([key, value]) => [held(key) as string, held(value)] as const)
  return { ...rest, h: pairs.sort(([a], [b]) => byCodePoint(a, b)) }
}

/** What a reference leads to. A scalar that is shared and not a plain string stays a node of its own. */
function heldScalar(node: Node): Node {
  const kept = held(node)
  const slot = (node as NodeObject | null)?.slot
  return slot !== undefined && typeof kept === 'string' ? { s: kept, slot } : kept
}

function heldPattern(node: NodeObject): Node {
  const source = held(node.re!) as string
  const flags = node.flags === '' ? '' : `(?^${node.flags}:`
  // Perl gives a pattern with a character beyond bytes the flag by itself.
  const own = /\\x\{[\da-f]{3,}\}/.test(source) ? 'u' : ''
  return { ...node, re: flags === '' ? source : `${flags}${source})`, flags: own }
}

/** Characters that fit a byte are bytes to Perl, unless these would be taken for UTF-8; all others are UTF-8. */
function bytesOf(text: string): string {
  const latin1 = Buffer.from(text, 'latin1')
  return latin1.toString('latin1') === text && latin1.toString('utf8').includes('\ufffd') ? text : utf8(text)
}

describe('what Perl wrote', () => {
  for (const fixture of golden.filter(({ bytes }) => bytes !== undefined)) {
    const known = fixture.port === 'optional' && fixture.input === 'no-signature' ? undefined : meaning(fixture)
    it(`${known === undefined ? 'refuses' : 'reads'} ${fixture.name}: ${fixture.title}`, () => {
      if (known === undefined) {
        expect(refusal(() => create().thaw(fixture.bytes!)).code).toBe('ERR_SESSION_THAW')
      } else {
        expect(describeValue(create().thaw(fixture.bytes!))).toEqual(known.node)
      }
    })
  }

  it('covers the fixtures', () => {
    expect(golden.length).toBeGreaterThan(180)
    expect(golden.filter((fixture) => meaning(fixture)?.isChars).length).toBeGreaterThan(12)
  })
})

/** Where Node's bytes differ from Perl's, though Perl wrote the same value. */
const otherBytes: Record<string, string> = {
  'objects/bigint': 'Perl took two objects for one, by their text',
  'objects/overloaded-equal-text': 'Perl took two objects for one, by their text',
  'objects/freezethaw-hook': "the class's own method chose the content",
  'objects/regexp-blessed': 'Perl forgets the class of a pattern',
  'objects/regexps': 'Perl adds a group to each pattern',
  'scalars/floats': 'Perl writes 15 digits',
  'scalars/floats-integral': 'Perl writes 15 digits',
  'scalars/json-booleans': 'Perl shares one object among all that are true',
}

const refused: Record<string, string> = {
  'scalars/float-infinity': 'neg',
  'scalars/float-nan': 'v',
  'scalars/vstrings': 'dotted',
}

/** The sources that JavaScript has a value for. */
const sources = golden.flatMap((fixture) => {
  try {
    return fixture.source === undefined ? [] : [{ fixture, value: buildValue(fixture.source) }]
  } catch {
    return []
  }
})

describe('what Node writes', () => {
  for (const { fixture, value } of sources) {
    const name = `${fixture.set}/${fixture.case}`
    if (refused[name] !== undefined) {
      it(`refuses ${fixture.name}`, () => {
        expect(refusal(() => freeze(value)).path).toBe(refused[name])
      })
    } else if (fixture.encoding !== 'wide' && otherBytes[name] === undefined) {
      it(`is what Perl writes for ${fixture.name}`, () => {
        expect(freeze(value)).toBe(fixture.bytes!.toString('latin1'))
      })
    }
  }

  it('covers the fixtures', () => {
    expect(sources.length).toBeGreaterThan(110)
  })

  for (const fixture of golden.filter((one) => one.result === 'same' || one.result === 'equal')) {
    const name = `${fixture.set}/${fixture.case}`
    if (otherBytes[name] !== undefined && name !== 'objects/regexps') continue
    it(`is what was read from ${fixture.name}`, () => {
      expect(freeze(create().thaw(fixture.bytes!))).toBe(fixture.bytes!.toString('latin1'))
    })
  }
})

function perlCase(name: string, value: unknown, expected: Node, options?: Options): PerlCase {
  return { name, serializer: 'FreezeThaw', bytes: create(options).freeze(value), expected }
}

describeWith('freezethaw', 'real Perl', () => {
  it('reads all sources as they were', () => {
    const cases = sources
      .filter(({ fixture }) => refused[`${fixture.set}/${fixture.case}`] === undefined)
      .map(({ fixture, value }) => {
        const isSame = fixture.encoding !== 'wide' && otherBytes[`${fixture.set}/${fixture.case}`] === undefined
        return perlCase(fixture.name, value, isSame ? meaning(fixture)!.node : held(fixture.source!))
      })
    expect(verifyByPerl(cases)).toEqual([])
  })

  it('reads what Node read and wrote again, also where it could not read its own file', () => {
    const readable = golden.filter((one) => meaning(one) !== undefined && one.bytes !== undefined)
    const short = readable.filter((one) => !one.name.includes('/long-chars') && one.input !== 'no-signature')
    const cases = short.map((fixture) => {
      const { node, isChars } = meaning(fixture)!
      return perlCase(fixture.name, create().thaw(fixture.bytes!), isChars ? held(node) : node)
    })
    expect(cases.length).toBeGreaterThan(150)
    expect(verifyByPerl(cases)).toEqual([])
  })

  it('sees that only the one leaf changed that was changed', () => {
    const cases = leavesOf(describeValue(largeSession())).map((steps) => {
      const value = largeSession()
      const expected = describeValue(value)
      setLeaf(value, steps)
      return perlCase(`changed ${steps.join(' ')}`, value, withLeaf(expected, steps))
    })
    expect(cases.length).toBeGreaterThan(120)
    expect(verifyByPerl(cases)).toEqual([])
  })

  it('gets the bytes of new texts, in the encoding of the site', () => {
    const value = { é: 'é', cart: [{ title: 'naïve' }], 'Ã©': 'ÿ' }
    const [e, title, key, y] = ['é', 'naïve', 'Ã©', 'ÿ'].map(utf8) as [string, string, string, string]
    const inUtf8: Node = { h: Object.entries({ cart: { a: [{ h: [['title', title]] }] }, [key]: y, [e]: e }) }
    const inLatin1: Node = { h: Object.entries({ cart: { a: [{ h: [['title', 'naïve']] }] }, 'Ã©': 'ÿ', é: 'é' }) }
    const cases = [
      perlCase('utf8', value, inUtf8),
      perlCase('newText', value, inUtf8, { newText: 'bytes' }),
      perlCase('latin1', value, inLatin1, { encoding: 'latin1' }),
      perlCase('bytes', { b: Buffer.from([0, 0xe9, 0xff]) }, { h: [['b', '\0éÿ']] }, { encoding: 'bytes' }),
    ]
    expect(verifyByPerl(cases)).toEqual([])
  })

  it('gets the text of numbers, and its own booleans', () => {
    const value = { list: [0, -0, 1e21, 0.1 + 0.2, 2 ** 53, 123n ** 12n, true, false, null, undefined] }
    const texts = [
      '0',
      '0',
      '1e+21',
      '0.30000000000000004',
      '9007199254740992',
      String(123n ** 12n),
      '1',
      '',
      null,
      null,
    ]
    expect(verifyByPerl([perlCase('numbers', value, { h: [['list', { a: texts }]] })])).toEqual([])
  })

  it('compiles new patterns, also with flags, comments and a class', () => {
    const all = ['', 'i', 'msixn', 'u', 'aa', 'l', 'p', 'xx'].map((flags) => new PerlRegExp('a b#c', flags))
    const expected = [
      'a b#c',
      '(?^i:a b#c)',
      '(?^msixn:a b#c\n)',
      '(?^u:a b#c)',
      '(?^aa:a b#c)',
      '(?^l:a b#c)',
      'a b#c',
    ]
    const nodes = [...expected, '(?^xx:a b#c\n)'].map((re) => ({ re, flags: '' }))
    const twice = new PerlRegExp('é|☺')
    const patterns = { all, one: twice, two: twice, o: new PerlObject('My::Pattern', new PerlRegExp('x', 'i')) }
    const wide = { re: utf8('é|☺'), flags: '' }
    const o = { re: '(?^i:x)', flags: '', bless: 'My::Pattern' }
    const node: Node = { h: Object.entries({ all: { a: nodes }, o, one: wide, two: wide }) }
    expect(verifyByPerl([perlCase('patterns', patterns, node)])).toEqual([])
  })

  it('keeps what is shared: hashes, lists, scalars, objects, cycles, and references to one element', () => {
    const object = new PerlObject('My::Cart', { items: [] as unknown[] })
    const list: unknown[] = ['x', object]
    const scalar = new ScalarRef('one')
    const value: Hash = { list, again: [list, object], scalar, same: { deep: scalar } }
    value.self = value
    value.first = new ElementRef(list, 0)
    value.zeroth = new ElementRef(list, 0)
    list.push(list, (object.value as Hash).items)
    const items = { a: [], id: 4 }
    const cart = { h: [['items', items]] as const, bless: 'My::Cart', id: 3 }
    const node: Node = {
      h: [
        ['again', { a: [{ a: ['x', cart, { same: 2 }, { same: 4 }], id: 2 }, { same: 3 }] }],
        ['first', { r: { s: 'x', slot: 1 } }],
        ['list', { same: 2 }],
        ['same', { h: [['deep', { r: { s: 'one', slot: 2 } }]] }],
        ['scalar', { r: { sameslot: 2 } }],
        ['self', { same: 1 }],
        ['zeroth', { r: { sameslot: 1 } }],
      ],
      id: 1,
    }
    expect(verifyByPerl([perlCase('shared', value, node)])).toEqual([])
    const back = thaw(freeze(value)) as Record<string, object[]>
    expect(describeValue(back)).toEqual(node)
    expect(back.self).toBe(back)
    expect(back.list).toBe(back.again![0])
    expect(back.first).toBe(back.zeroth)
  })
})

/** A session with all that the format has, as Perl wrote it. */
function largeSession(): Hash {
  const names = [
    'sessions/shopping-cart',
    'sessions/date-object',
    'refs/scalar-ref-shared',
    'refs/shared-inside-shared',
  ]
  names.push('sessions/preferences', 'containers/mixed', 'objects/nested', 'objects/datetime-like', 'sessions/sqlite')
  names.push('sessions/latin', 'objects/regexps', 'scalars/json-booleans', 'refs/cycle-pair', 'objects/scalar-based')
  const parts = names.map((name) => golden.find((one) => `${one.set}/${one.case}` === name)!)
  const bytes = `FrT;@1|%4|$1|a$${utf8('é').length}|${utf8('é')}$${utf8('☺ é').length}|${utf8('☺ é')}$1|\xe9`
  const values = Object.fromEntries(parts.map((one) => [one.name, create().thaw(one.bytes!)]))
  return create().thaw(create().freeze({ ...values, texts: thaw(bytes) })) as Hash
}

type Steps = readonly (string | number)[]

/** The ways to all strings and undefs of a node. */
function leavesOf(node: Node, steps: Steps = []): Steps[] {
  if (node === null || typeof node === 'string' || node.s !== undefined || node.u !== undefined) return [steps]
  if (node.h !== undefined) return node.h.flatMap(([key, value]) => leavesOf(value, [...steps, key as string]))
  if (node.a !== undefined) return node.a.flatMap((item, index) => leavesOf(item, [...steps, index]))
  return node.r === undefined ? [] : leavesOf(node.r, [...steps, 'value'])
}

function textOf(key: string): string {
  const text = Buffer.from(key, 'latin1').toString('utf8')
  return text.includes('\ufffd') ? key : text
}

function setLeaf(root: unknown, steps: Steps): void {
  let at = root as Hash
  for (const [index, step] of steps.entries()) {
    if (at instanceof PerlObject) at = at.value as Hash
    const key = typeof step === 'string' ? textOf(step) : step
    expect(key in at).toBe(true)
    if (index === steps.length - 1) at[key] = 'changed'
    else at = at[key] as Hash
  }
}

function withLeaf(node: Node, [step, ...rest]: Steps): Node {
  if (step === undefined)
    return (node as NodeObject | null)?.slot === undefined ? 'changed' : { ...(node as object), s: 'changed' }
  const object = node as NodeObject
  if (object.h !== undefined) {
    return {
      ...object,
      h: object.h.map(([key, value]) => [key, key === step ? withLeaf(value, rest) : value] as const),
    }
  }
  if (object.a !== undefined)
    return { ...object, a: object.a.map((item, at) => (at === step ? withLeaf(item, rest) : item)) }
  return { ...object, r: withLeaf(object.r!, rest) }
}

describe('text', () => {
  it('is shown as UTF-8 where that is valid, as Latin-1, or as bytes', () => {
    const record = 'FrT;@1|@4|$2|\xc3\xa9$1|\xe9$1|a$0|'
    expect(thaw(record)).toEqual(['é', 'é', 'a', ''])
    expect(thaw(record, { encoding: 'latin1' })).toEqual(['Ã©', 'é', 'a', ''])
    expect(thaw(record, { encoding: 'bytes' })).toEqual([Buffer.from('é'), Buffer.from([0xe9]), 'a', ''])
    for (const encoding of ['utf8', 'latin1', 'bytes'] as const) {
      expect(freeze(thaw(record, { encoding }), { encoding })).toBe(record)
    }
  })

  it('keeps the form of a text that was moved, and of one that was changed', () => {
    const list = thaw('FrT;@1|@3|$1|x$1|\xe9$1|\xff') as string[]
    list.shift()
    expect(freeze(list)).toBe('FrT;@1|@2|$1|\xe9$1|\xff')
    list.push('x', 'ü')
    expect(freeze(list)).toBe('FrT;@1|@4|$1|\xe9$1|\xff$1|x$2|\xc3\xbc')
    const changed = thaw('FrT;@1|%4|$1|a$1|b$1|\xe9$2|\xc3\xa9') as Hash
    changed.a = 'ñ'
    changed.b = 'ñ'
    expect(freeze(changed)).toBe('FrT;@1|%4|$1|a$1|b$1|\xf1$2|\xc3\xb1')
  })

  it('keeps keys apart that would be shown alike', () => {
    const record = 'FrT;@1|%6|$2|\xc3\xa9$2|\xc3\xb8$1|\xe9$1|1$1|2$1|3'
    const hash = thaw(record) as Hash
    expect(Object.keys(hash)).toEqual(['Ã©', 'Ã¸', 'é'])
    expect(freeze(hash)).toBe(record)
    hash.ø = 'new'
    expect(refusal(() => freeze({ hash })).path).toMatch(/^hash\["(?:ø|Ã¸)"\]$/)
  })

  it('sorts keys as Perl does: by their bytes', () => {
    expect(freeze({ '😀': 1, '\uffee': 2, z: 3, é: 4 })).toBe(
      `FrT;@1|%8|$1|z$2|${utf8('é')}$3|${utf8('\uffee')}$4|${utf8('😀')}$1|3$1|4$1|2$1|1`,
    )
  })

  it('counts characters where the bytes make no sense, and writes bytes', () => {
    const record = utf8('FrT;@1|%4|$2|😀é$1|b$3|a☺😀@2|$1|é$2|ok')
    const value = thaw(record)
    expect(value).toEqual({ '😀é': 'a☺😀', b: ['é', 'ok'] })
    expect(freeze(value)).toBe(`FrT;@1|%4|$1|b$6|${utf8('😀é')}@2|$1|\xe9$2|ok$8|${utf8('a☺😀')}`)
    expect(thaw(freeze(value))).toEqual(value)
  })

  it('lets bytes win where both readings are possible, as in Perl', () => {
    expect(thaw(utf8('FrT;@1|@2|$2|é$1|x'))).toEqual(['é', 'x'])
    expect(thaw(utf8('FrT;@1|@2|$2|é\\$1|x'))).toEqual(['é', new ScalarRef('x')])
    expect(thaw(utf8('FrT;@1|@2|$2|é\\$1|é'))).toEqual(['é\\', 'é'])
  })

  it('refuses what no bytes stand for, with its path', () => {
    expect(refusal(() => freeze({ a: ['x\ud800'] })).path).toBe('a[0]')
    expect(refusal(() => freeze({ a: { '\udc00': 1 } })).path).toBe('a["\\udc00"]')
    expect(refusal(() => freeze({ a: ['☺'] }, { encoding: 'latin1' })).path).toBe('a[0]')
    expect(refusal(() => freeze({ '☺': 1 }, { encoding: 'bytes' })).path).toBe('["☺"]')
    expect(freeze({ a: ['☺'] }, { encoding: 'bytes' })).toBe('FrT;@1|%2|$1|a@1|$3|\xe2\x98\xba')
  })
})

describe('reading', () => {
  for (const [record, offset, why] of [
    ['', 0, 'expected FrT;'],
    ['@1|$1|a', 0, 'expected FrT;'],
    ['FrT;', 4, 'expected a list of values'],
    ['FrT;%2|$1|a_', 4, 'expected a list of values'],
    ['FrT;@1|', 7, 'a count that is larger'],
    ['FrT;@1|@2|_', 10, 'a count that is larger'],
    ['FrT;@1|$5|abc', 8, 'ends within a string'],
    ['FrT;@1|$|abc', 8, 'expected a number'],
    ['FrT;@1|$3abc', 8, 'expected a number'],
    ['FrT;@1|$9999999999999999|', 8, 'expected a number'],
    ['FrT;@1|%3|_____', 10, 'expected a key'],
    ['FrT;@1|%1|$1|a', 10, 'a key without a value'],
    ['FrT;@1|@0|\n', 10, 'something behind'],
    ['FrT;@1|_', 4, 'the undefined value'],
    ['FrT;@0|', 4, 'the undefined value'],
    ['FrT;@1|&$1|a', 7, 'code and typeglobs'],
    ['FrT;@1|*$1|a', 7, 'code and typeglobs'],
    ['FrT;?$1|a@1|_', 4, 'expected a list of values'],
    ['FrT;@1|?$1|a', 7, 'safeFreeze'],
    ['FrT;@1|>)0|%0|', 8, 'a class that has not been met'],
    ['FrT;@1|>>0|$0|%0|', 14, 'a class without a name'],
    ['FrT;@1|>>0|_%0|', 11, 'the name of a class'],
    ['FrT;@1|>>0|$1|A$1|x', 15, 'a reference that is an object'],
    ['FrT;@1|>>0|$1|A>)0|%0|', 15, 'a reference that is an object'],
    ['FrT;@1|/7|(?{ 1})', 7, 'a pattern with code'],
    ['FrT;!0|@1|@1|_@1|<0|', 7, 'something empty'],
    ['FrT;!0|_@1|<0|', 7, 'something empty'],
    ['FrT;!0|@0|%0|@1|<0|', 10, 'another kind than announced'],
    ['FrT;!0|{>0|$1|A%0|%0|@1|<0|', 18, 'the content of an object'],
    ['FrT;!9|@0|@0|@1|<0|', 13, 'something empty'],
  ] as const) {
    it(`says what is wrong, and where, in ${JSON.stringify(record)}`, () => {
      const error = refusal(() => thaw(record))
      expect([error.code, error.offset]).toEqual(['ERR_SESSION_THAW', offset])
      expect(error.message).toContain(why)
    })
  }

  it('gives what is repeated its place, also before it has been read', () => {
    const value = thaw('FrT;!1|%0|@0|%4|$9|__proto__$1|l<1|<1|@1|<0|@1|@2|<0|<1|') as [Hash, unknown[]]
    expect(Object.hasOwn(value[0], '__proto__')).toBe(true)
    expect(Object.getPrototypeOf(value[0])).toBe(Object.prototype)
    expect(value[0].l).toBe(value[1])
    expect(value[1][0]).toBe(value[0])
  })

  it("shows JSON's true and false as such, wherever they are shared", () => {
    const boolean = '{>0|$17|JSON::PP::Boolean\\_'
    const value = thaw(`FrT;!1|@0|${boolean}@2|<1|$1|x})0|\\$1|0@1|%6|$1|a$1|b$1|c<1|<0|>)0|\\$1|1`)
    expect(value).toEqual({ a: false, b: [false, 'x'], c: true })
    expect(freeze(value)).toBe('FrT;@1|%6|$1|a$1|b$1|c>>0|$17|JSON::PP::Boolean\\$1|0@2|>)0|\\$1|0$1|x>)0|\\$1|1')
  })

  it('keeps to its limits', () => {
    expect(thaw('FrT;@1|@1|@1|\\_', { maxDepth: 3 })).toEqual([[new ScalarRef(null)]])
    expect(refusal(() => thaw('FrT;@1|@1|@1|@1|_', { maxDepth: 2 })).code).toBe('ERR_SESSION_LIMIT')
    expect(refusal(() => thaw('FrT;@1|@9|_________', { maxValues: 9 })).code).toBe('ERR_SESSION_LIMIT')
    expect(refusal(() => thaw('FrT;@1|@9|_________', { maxBytes: 18 })).code).toBe('ERR_SESSION_LIMIT')
    expect(thaw('FrT;@1|@9|_________', { maxValues: 10, maxBytes: 19 })).toHaveLength(9)
    expect(thaw('FrT;@1|@2|%2|$1|a_$1|\xe9', { maxValues: 7 })).toEqual([{ a: null }, 'é'])
    expect(refusal(() => thaw('FrT;@1|@2|%2|$1|a_$1|\xe9', { maxValues: 6 })).code).toBe('ERR_SESSION_LIMIT')
  })

  it('is not hurt by hostile records, and does not allocate what they announce', () => {
    const million = 1 << 20
    for (const [part, code] of [
      ['@1|', 'ERR_SESSION_LIMIT'],
      ['\\', 'ERR_SESSION_LIMIT'],
      ['%2|$1|a', 'ERR_SESSION_LIMIT'],
      ['@1000000|', 'ERR_SESSION_LIMIT'],
      ['%90000|', 'ERR_SESSION_THAW'],
      ['@99999999999|', 'ERR_SESSION_THAW'],
      ['$', 'ERR_SESSION_THAW'],
      ['9', 'ERR_SESSION_THAW'],
      ['>', 'ERR_SESSION_THAW'],
      ['!', 'ERR_SESSION_THAW'],
      ['é', 'ERR_SESSION_THAW'],
    ] as const) {
      expect(refusal(() => thaw(`FrT;@1|${utf8(part).repeat(million)}`, { maxBytes: 16 * million })).code, part).toBe(
        code,
      )
      expect(
        refusal(() => thaw(`FrT;!1|${utf8(part).repeat(million)}`, { maxBytes: 16 * million })).code,
        part,
      ).toMatch(/_(?:THAW|LIMIT)$/)
    }
    const before = process.memoryUsage().heapUsed
    refusal(() => thaw(`FrT;@1|${'@150000|'.repeat(1000)}${'_'.repeat(million)}`))
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(64 * million)
  })
})

describe('writing', () => {
  it('leaves alone what it wrote', () => {
    const value = { b: { z: 1, a: [undefined, new ElementRef(['x'], 5)] }, a: undefined }
    expect(freeze(value)).toBe('FrT;@1|%2|$1|b%4|$1|a$1|z@2|_\\_$1|1')
    expect(Object.keys(value.b)).toEqual(['z', 'a'])
  })

  it('knows that blessing belongs to the container', () => {
    const hash = {}
    const shared = 'FrT;!0|{>0|$1|A%0|})0|%0|@1|@2|<0|<0|'
    expect(freeze([hash, new PerlObject('A', hash)])).toBe(shared)
    expect(freeze([new PerlObject('A', hash), hash])).toBe(shared)
    expect(refusal(() => freeze({ list: [new PerlObject('A', hash), new PerlObject('B', hash)] })).path).toBe('list[1]')
    expect(freeze(new PerlObject('', new ElementRef(['x'], 0)))).toBe('FrT;@1|>>0|$4|main\\$1|x')
  })

  it('writes a version string as the string that it is', () => {
    expect(freeze([new PerlVString('v1.2.250')])).toBe('FrT;@1|@1|$3|\x01\x02\xfa')
  })

  const deep = [[[['x']]]]
  for (const [what, value, path] of [
    ['a blessed string', new PerlObject('A', 'x'), 'cart[1]'],
    ['a blessed object', new PerlObject('A', new PerlObject('B', {})), 'cart[1]'],
    ['a blessed Date', new PerlObject('A', new Date()), 'cart[1]'],
    ['a Date in a reference', new ScalarRef(new Date()), 'cart[1].value'],
    ['a pattern with code', new PerlRegExp('(?{ 1 })'), 'cart[1]'],
    ['a pattern with unknown flags', new PerlRegExp('x', 'g'), 'cart[1]'],
    ['half a pair in a pattern', new PerlRegExp('\ud800'), 'cart[1]'],
    ['a wide version string', new PerlVString('v1.333'), 'cart[1]'],
    ['an instance of a class', new (class Person {})(), 'cart[1]'],
    ['a function among keys', { deep, f: () => 1 }, 'cart[1].f'],
  ] as const) {
    it(`refuses ${what} and says where it is`, () => {
      const error = refusal(() => freeze({ deep, cart: [deep, value], twice: deep }))
      expect([error.code, error.path]).toEqual(['ERR_SESSION_FREEZE', path])
    })
  }

  it('refuses undefined at the top', () => {
    expect(refusal(() => freeze(undefined)).code).toBe('ERR_SESSION_FREEZE')
    expect(refusal(() => freeze(null)).path).toBe('the whole session')
  })

  it('does not run away with what is long or repeated', () => {
    const long = 'x'.repeat(1 << 20)
    expect(refusal(() => freeze(Array(10_000).fill(long))).code).toBe('ERR_SESSION_LIMIT')
    expect(refusal(() => freeze(Array(10_000).fill(new PerlRegExp(long)))).code).toBe('ERR_SESSION_LIMIT')
    expect(refusal(() => freeze(new Array(2 ** 31))).code).toBe('ERR_SESSION_LIMIT')
    let value: unknown = 'x'
    for (let i = 0; i < 1000; i++) value = [value, value]
    expect(freeze(value).length).toBeLessThan(20_000)
  })
})
