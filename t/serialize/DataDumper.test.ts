import { execFileSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { SerializeError } from '../../lib/errors.js'
import { readOptions } from '../../lib/options.js'
import { ElementRef, PerlObject, PerlRegExp, PerlVString, ScalarRef } from '../../lib/perl-values.js'
import DataDumper from '../../serialize/DataDumper.js'
import type { SerializerOptions } from '../../serialize/shared/options.js'
import { serializerSuite } from '../suite/serializer.js'
import { type Fixture, fixtures, type Outcome } from '../support/fixtures.js'
import { type PerlCase, verifyByPerl } from '../support/perl-check.js'
import { buildValue, describeValue, type Node, type NodeObject, NotRepresentable } from '../support/perl-notation.js'
import { randomSessions } from '../support/random-values.js'
import { refusal } from '../support/refusal.js'
import { describeWith } from '../support/requirements.js'

function create(options: Partial<SerializerOptions> = {}): DataDumper {
  return new DataDumper(readOptions(DataDumper.options, options))
}

const dumper = create()

serializerSuite({ describe, it, name: 'DataDumper', create })

/** The record of a text of one character a byte. */
function thaw(text: string, options: Partial<SerializerOptions> = {}): unknown {
  return create(options).thaw(Buffer.from(text, 'latin1'))
}

function freeze(value: unknown, options: Partial<SerializerOptions> = {}): string {
  return Buffer.from(create(options).freeze(value)).toString('latin1')
}

const records = fixtures(['DataDumper', 'DataDumper-useperl', 'cgi-default'])
/** A typeglob is a name, and kept as that, though the fixtures allow to refuse it. */
const isGlobName = (record: Fixture) => /^(?:objects\/glob|read-datadumper\/code .*\bglob$)/.test(record.name)
const readable = records.filter(
  (record) => record.bytes !== undefined && (record.port !== 'refuse' || isGlobName(record)),
)

/** What a reader that does not evaluate must get. */
function wanted({ port, variable, thaw: perl }: Fixture): Outcome {
  return (port === 'variable' ? variable : undefined) ?? perl!
}

/** What we read: the node as a text, or undefined when it is refused. */
function readByUs({ bytes }: Fixture): string | undefined {
  try {
    return JSON.stringify(describeValue(dumper.thaw(bytes!)))
  } catch (error) {
    if (error instanceof SerializeError) return undefined
    throw error
  }
}

describe('DataDumper reads what real Perl wrote', () => {
  for (const set of new Set(records.map((record) => record.set))) {
    it(`as real Perl reads it: ${set}`, () => {
      for (const record of readable.filter((one) => one.set === set)) {
        const outcome = wanted(record)
        const read = readByUs(record)
        if ('error' in outcome) expect(read, record.name).toBeUndefined()
        else if (read !== undefined) expect(read, record.name).toBe(JSON.stringify(outcome.value))
      }
    })
  }

  it('and refuses no data but what is rarely written by hand', () => {
    const refused = readable.filter((record) => 'value' in wanted(record) && readByUs(record) === undefined)
    expect(refused.map(({ case: name, input }) => `${name} ${input}`)).toEqual([
      'broken missing-value',
      'code data',
      'code heredoc',
      'fixups missing-path',
      'strings double-case',
    ])
  })

  it('and refuses code and everything that would have to be evaluated', () => {
    const code = records.filter((record) => record.bytes !== undefined && !readable.includes(record))
    expect(code.length).toBeGreaterThan(25)
    for (const record of code) expect(readByUs(record), record.name).toBeUndefined()
  })
})

/** Where the first plain scalar is, as positions in nested hashes and arrays. */
function leafPath(node: Node): number[] | undefined {
  const children = childrenOf(node)
  for (const [index, child] of children.entries()) {
    if (isLeaf(child)) return [index]
    const path = leafPath(child)
    if (path !== undefined) return [index, ...path]
  }
  return undefined
}

function childrenOf(node: Node): readonly Node[] {
  const { h, a } = (node ?? {}) as NodeObject
  if (h?.some(([key]) => typeof key !== 'string' || /[^\x20-\x7e]/.test(key)) === true) return []
  return h?.map(([, child]) => child) ?? a ?? []
}

function isLeaf(node: Node): boolean {
  return node === null || typeof node === 'string' || 'i' in node || 'n' in node || 'u' in node
}

/** The node with another leaf, and the same change in the value. */
function changeLeaf(node: Node, value: unknown, [at, ...rest]: number[]): Node {
  const { h, a, ...others } = node as NodeObject
  const inner = (value instanceof PerlObject ? value.value : value) as Record<string | number, unknown>
  const key = h === undefined ? at! : (h[at!]![0] as string)
  const old = childrenOf(node)[at!]!
  const child = rest.length > 0 ? changeLeaf(old, inner[key], rest) : 'changed'
  if (rest.length === 0) inner[key] = 'changed'
  if (h !== undefined) return { h: h.map((pair, index) => (index === at ? [pair[0], child] : pair)), ...others }
  return { a: a!.map((item, index) => (index === at ? child : item)), ...others }
}

/** What each record must be for Perl when it has been read and written again; and when a leaf has been changed. */
function rewritten(record: Fixture): PerlCase[] {
  const outcome = wanted(record)
  const read = readByUs(record)
  if ('error' in outcome || read === undefined) return []
  const serializer = record.serializer === 'cgi-default' ? 'cgi-default' : 'DataDumper'
  const untouched = { serializer, name: `${record.name} untouched`, expected: outcome.value }
  const cases: PerlCase[] = [{ ...untouched, bytes: dumper.freeze(dumper.thaw(record.bytes!)) }]
  const path = leafPath(outcome.value)
  if (path !== undefined) {
    const value = dumper.thaw(record.bytes!)
    const expected = changeLeaf(outcome.value, value, path)
    cases.push({ serializer, name: `${record.name} changed`, expected, bytes: dumper.freeze(value) })
  }
  return cases
}

/** The source of a fixture, frozen by us, and what Perl must read in it. */
function frozenSource({ name, source }: Fixture): PerlCase[] {
  if (source === undefined) return []
  try {
    const bytes = dumper.freeze(buildValue(source, { globs: true }))
    return [{ name: `${name} source`, serializer: 'DataDumper', bytes, expected: asWritten(source) }]
  } catch (error) {
    if (error instanceof NotRepresentable || hasNoLiteral.test(name)) return []
    throw error
  }
}

/** Infinity, not-a-number and 1001 levels are refused. */
const hasNoLiteral = /float-(?:infinity|nan)|cgi\/numbers|deep-array-1001/

/** Missing elements of arrays come back as undef. */
function asWritten(source: Node): Node {
  return JSON.parse(JSON.stringify(source).replaceAll('{"hole":true}', 'null'))
}

/** Values made in JavaScript, and what Perl must get. */
function ownCases(): PerlCase[] {
  const own: [string, unknown, Node, Partial<SerializerOptions>?][] = [
    [
      'characters',
      { a: 'é', b: '☺é', ключ: 1 },
      {
        h: [
          ['a', { u: 'é' }],
          ['b', { u: '☺é' }],
          [{ u: 'ключ' }, { i: '1' }],
        ],
      },
    ],
    ['new texts as bytes', { a: 'é' }, { h: [['a', 'Ã©']] }, { newText: 'bytes' }],
    ['half a pair', { a: '\ud800' }, { h: [['a', { cp: [0xd800] }]] }],
    ['a buffer', { a: Buffer.from([0, 0xe9, 0xff]) }, { h: [['a', '\u0000éÿ']] }],
    ['all of ASCII', { a: ascii }, { h: [['a', ascii]] }],
    ['numbers', [0, -0, 3, 0.1, 1e21, 2 ** 53, 1795225530123, 2n ** 64n - 1n, -(2n ** 63n)], { a: numberNodes }],
    ['booleans', [true, false], { a: [{ b: true }, { b: false }] }],
    ['a pattern', [new PerlRegExp('a@b$c/d\\/$|e$', 'i')], { a: [{ re: 'a@b$c/d\\/$|e$', flags: 'i' }] }],
    ['slashes', [new PerlRegExp('a/b'), new PerlRegExp('a\\/b')], { a: [pattern('a/b'), pattern('a\\/b')] }],
    ['a wide pattern', [new PerlRegExp('é\\é\0', 'u')], { a: [{ re: { u: 'é\\é\u0000' }, flags: 'u' }] }],
    ['a version', [new PerlVString('v1.22')], { a: [{ v: 'v1.22', s: '\u0001\u0016' }] }],
    ['an odd class', new PerlObject("It's\u00e9", {}), { h: [], bless: "It'sé" }],
    ['blessed scalar', [new PerlObject('S', new ScalarRef('x'))], { a: [{ r: 'x', bless: 'S' }] }],
    [
      'keys',
      JSON.parse('{"__proto__": "p", "it\'s": "q"}'),
      {
        h: [
          ['__proto__', 'p'],
          ["it's", 'q'],
        ],
      },
    ],
    ...references(),
  ]
  return own.map(([name, value, expected, options]) => {
    return { name, serializer: 'DataDumper', bytes: create(options).freeze(value), expected }
  })
}

function pattern(source: string): Node {
  return { re: source, flags: '' }
}

const ascii = Array.from({ length: 128 }, (_, code) => String.fromCharCode(code)).join('')

const numberNodes: Node[] = [
  { i: '0' },
  { n: '-0' },
  { i: '3' },
  { n: '0.1' },
  { n: '1e+21' },
  { n: '9007199254740992' },
  { i: '1795225530123' },
  { i: '18446744073709551615' },
  { i: '-9223372036854775808' },
]

/** References to elements: met before and behind the element, blessed, and out of the record. */
function references(): [string, unknown, Node][] {
  const root: Record<string, unknown> = { m: 'x' }
  root.a = new ElementRef(root, 'm')
  root.z = new PerlObject('Blessed', new ElementRef(root, 'm'))
  const gone = { key: ['shared'] }
  const outside = [new ElementRef(gone, 'key'), new ElementRef(gone, 'key'), new ScalarRef(gone.key)]
  const cycle = new ScalarRef(null)
  cycle.value = [cycle]
  const object = new PerlObject('Node', { self: null as unknown })
  ;(object.value as { self: unknown }).self = object
  return [
    [
      'references to an element',
      root,
      {
        h: [
          ['a', { r: { s: 'x', slot: 1 }, bless: 'Blessed' }],
          ['m', { sameslot: 1 }],
          ['z', { r: { sameslot: 1 }, bless: 'Blessed' }],
        ],
      },
    ],
    [
      'references to an element that is not in the record',
      outside,
      { a: [{ r: { a: ['shared'], id: 1, slot: 1 } }, { r: { sameslot: 1 } }, { r: { same: 1 } }] },
    ],
    ['references to undef', [new ScalarRef(null), new ScalarRef(true)], { a: [{ r: null }, { r: { b: true } }] }],
    ['a reference to a missing element', [new ElementRef({}, 'none')], { a: [{ r: null }] }],
    ['an array that holds the reference to it', [cycle], { a: [{ r: { a: [{ r: { sameslot: 1 } }], slot: 1 } }] }],
    ['an object that holds itself', [object], { a: [{ h: [['self', { same: 1 }]], bless: 'Node', id: 1 }] }],
  ]
}

/** Records that JavaScript shows in another form than Perl has, which must go back as they came. */
const delicate = [
  "$D = {'a' => 'caf\xc3\xa9','b' => 'caf\xe9','c' => \"caf\\x{e9}\",'d' => \"caf\\N{U+e9}\"};",
  "$D = {'caf\xc3\xa9' => 'bytes',\"caf\\N{U+e9}\" => 'chars','caf\xc3\xa9\xc3\xa9' => 'Z\xc3\xa9'};",
  "$D = {'\xc3\xa9' => [1],'\xe9' => [2],'r' => []};$D->{'r'} = $D->{'\xc3\xa9'};$D",
  `$D = {"\\N{U+e9}" => {'a' => []},'r' => []};$D->{\${\\"\\N{U+e9}"}}{'a'} = $D->{'r'};$D`,
  "$D = {'one' => 1.0,'two' => '1.0','three' => -0.0,'four' => 1e3,'five' => 9007199254740993};$D",
  "$D = ['\xff\xfe','\xc3','\xc3\xa9',\"\\x{263a}\\x{e9}\"];",
  "$D = {'p' => qr/caf\xe9\\/\\$/x,'q' => bless( qr/\xc3\xa9/, 'P' ),'r' => qr/\xe9\\\xe9[\xff@]/};",
  `$D = [qr/\${\\"\\N{U+e9}"}/,qr/\${\\"\\x{263a}\\x{e9}"}+\${\\q($)}x/i];`,
]

/** The record of a value; undefined where it is refused for a NUL on the way to what is in two places. */
function freezeWithoutNul(value: unknown): Uint8Array | undefined {
  try {
    return dumper.freeze(value)
  } catch (error) {
    if (/key with a NUL/.test((error as Error).message)) return undefined
    throw error
  }
}

/** A session, and what was read from it: Perl must get the same from both. */
function randomCases(session: unknown): PerlCase[] {
  const expected = describeValue(session)
  const bytes = freezeWithoutNul(session)
  if (bytes === undefined) return []
  const again = dumper.freeze(dumper.thaw(bytes))
  const name = Buffer.from(bytes).toString('latin1')
  return [bytes, again].map((record) => ({ name, serializer: 'DataDumper', bytes: record, expected }))
}

describeWith('perl', 'DataDumper and real Perl', () => {
  it('reads what we read and wrote again, changed, or made, as it should', () => {
    const encodings = ['utf8', 'latin1', 'bytes'] as const
    const again = delicate.flatMap((text, index) => {
      const expected = describeValue(thaw(text))
      return encodings.map((encoding): PerlCase => {
        const bytes = create({ encoding }).freeze(thaw(text, { encoding }))
        return { name: `delicate ${index} ${encoding}`, serializer: 'DataDumper', bytes, expected }
      })
    })
    const originals = delicate.map((text, index): PerlCase => {
      const bytes = Buffer.from(text, 'latin1')
      return { name: `original ${index}`, serializer: 'DataDumper', bytes, expected: describeValue(thaw(text)) }
    })
    const sources = records.flatMap(frozenSource)
    const random = randomSessions(1, 150).flatMap(randomCases)
    expect(random.length).toBeGreaterThan(200)
    const cases = [...readable.flatMap(rewritten), ...sources, ...ownCases(), ...again, ...originals, ...random]
    expect(cases.length).toBeGreaterThan(600)
    expect(verifyByPerl(cases)).toEqual([])
  })
})

describe('what DataDumper shows', () => {
  const text = "$D = {'a' => 'caf\xc3\xa9','b' => 'caf\xe9','c' => 'plain'};"

  it('depends on the encoding', () => {
    expect(thaw(text)).toEqual({ a: 'café', b: 'café', c: 'plain' })
    expect(thaw(text, { encoding: 'latin1' })).toEqual({ a: 'cafÃ©', b: 'café', c: 'plain' })
    const bytes = { a: Buffer.from('caf\xc3\xa9', 'latin1'), b: Buffer.from('caf\xe9', 'latin1'), c: 'plain' }
    expect(thaw(text, { encoding: 'bytes' })).toEqual(bytes)
  })

  it('keeps the form of a text that moves to another place', () => {
    const value = thaw("$D = {'list' => ['x','caf\xc3\xa9'],'other' => {'caf\xe9' => 'caf\xe9t'}};") as {
      list: string[]
      other: object
    }
    value.list.shift()
    value.other = { ...value.other }
    expect(freeze(value)).toBe(
      `$D = {'list' => ["caf\\x{c3}\\x{a9}"],'other' => {"caf\\x{c3}\\x{a9}" => "caf\\x{e9}t"}};;$D`,
    )
  })

  it('keeps what a reference to the target of a reference refers to', () => {
    const record =
      "$D = {'a' => bless( do{\\(my $o = 1)}, 'S' ),'b' => 0,'c' => 'x','d' => 0,'e' => 0};" +
      `$D->{'b'} = \\\${$D->{'a'}};$D->{'d'} = \\$D->{'c'};$D->{'e'} = \\\${$D->{'d'}};$D`
    const value = thaw(record) as Record<string, unknown>
    expect(value.a).toBeInstanceOf(PerlObject)
    expect(value.b).toBe(value.a)
    expect(value.d).toBeInstanceOf(ElementRef)
    expect(value.e).toBe(value.d)
  })

  it('loses no key when two would look alike', () => {
    expect(thaw("$D = {'\xc3\xa9' => 1,'\xe9' => 2};")).toEqual({ 'Ã©': 1, é: 2 })
    expect(thaw("$D = {'x' => 0,'\xe9' => 2,'\xc3\xa9' => 1};")).toEqual({ x: 0, 'Ã©': 1, é: 2 })
  })
})

describe('what DataDumper refuses', () => {
  const broken: [string, number, string, string][] = [
    ["$D = {'a' => 1,'b' => [1,", 25, 'the record ends', 'line 1, column 26'],
    ["$D = {'a' => 1\n 'b' => 2};", 16, 'comma', 'line 2, column 2'],
    ["$D = {'a' => 'abc", 13, 'does not end', 'line 1, column 14'],
    ['$D = {\'a\' => "x $y"};', 16, 'variable', 'line 1, column 17'],
    ["$D = {'a' => sub { 1 }};", 0, 'code', 'line 1'],
    ["$D = {'a' => bless( 'x', 'C' )};", 23, 'bless', 'line 1, column 24'],
    ['$D = {}; $E->{1} = 2', 10, 'variable', 'line 1, column 11'],
    ['$D = "\\x{110000}";', 6, 'U+10FFFF', 'line 1, column 7'],
    ['$D = "\\x{d83d}\\x{de00}";', 14, 'surrogates', 'line 1, column 15'],
    ['$D = [v1.1114112];', 6, 'U+10FFFF', 'line 1, column 7'],
    ['$D = {}; $D = {};', 9, 'second value', 'line 1, column 10'],
    ['$D = []; $D->[4294967296] = 1;', 13, 'behind the end', 'line 1, column 14'],
    ["$D = {}; $D->{'constructor'}{'prototype'} = 1;", 28, 'not a hash', 'line 1, column 29'],
  ]

  for (const [record, offset, reason, place] of broken) {
    it(`says where: ${reason} in ${JSON.stringify(record)}`, () => {
      const error = refusal(() => thaw(record))
      expect(error.code).toBe('ERR_SESSION_THAW')
      expect(error.message).toContain(reason)
      expect(error.message).toContain(place)
      if (offset > 0) expect(error.offset).toBe(offset)
      expect(error.message).toContain(`at byte ${error.offset}`)
    })
  }

  it('reads underscores in numbers as Perl does, and no number without digits', () => {
    expect(thaw('$D = [0_,0_7,0x_1f,0b_1,1_000];')).toEqual([0, 7, 31, 1, 1000])
    for (const number of ['0x', '0x_', '0b', '0b_', '_0']) {
      expect(refusal(() => thaw(`$D = [${number}];`)).code).toBe('ERR_SESSION_THAW')
    }
  })

  it('keeps prototypes clean', () => {
    thaw("$D = {'__proto__' => {'polluted' => 1}};$D->{'__proto__'}{'more'} = 1;$D->{'x'} = $D->{'__proto__'};")
    expect(({} as Record<string, unknown>).polluted).toBeUndefined()
    expect(({} as Record<string, unknown>).more).toBeUndefined()
    expect(refusal(() => thaw("$D = {};$D->{'__proto__'}{'x'} = 1;")).code).toBe('ERR_SESSION_THAW')
  })

  it('limits the depth of everything that nests', () => {
    const many = 100_000
    const endless = ['[', '{1,', '\\', 'bless([', '[bless(\\', 'do{\\(my $o =', '"'].map((piece) => piece.repeat(many))
    for (const text of [...endless.slice(0, 6), `[];${'${'.repeat(many)}`, `[];${'$'.repeat(many)}D`]) {
      expect(refusal(() => thaw(`$D = ${text}`)).code, text.slice(0, 20)).toBe('ERR_SESSION_LIMIT')
    }
  })

  it('keeps a number that is too large for a double, and refuses a new Infinity', () => {
    const value = dumper.thaw(Buffer.from("$D = {'a' => 1e999,'b' => -1e999};"))
    expect(value).toEqual({ a: Number.POSITIVE_INFINITY, b: Number.NEGATIVE_INFINITY })
    expect(Buffer.from(dumper.freeze(value)).toString()).toBe("$D = {'a' => 1e999,'b' => -1e999};;$D")
    expect(refusal(() => freeze({ a: Number.POSITIVE_INFINITY })).path).toBe('a')
  })

  it('does not run out of stack on long version strings and globs', () => {
    for (const long of [
      `v1${'.1'.repeat(1_900_000)}`,
      `1.2${'.1'.repeat(1_900_000)}`,
      `*::${'a::'.repeat(1_200_000)}a`,
    ]) {
      expect(refusal(() => thaw(`$D = [${long}]`)).code).toBe('ERR_SESSION_THAW')
    }
    expect(() => new PerlVString(`v1${'.1'.repeat(300_000)}`)).toThrow(TypeError)
  })

  it('reads a long text of escapes in one go', () => {
    const text = '\u0436ar\u{1f600}'.repeat(100_000)
    expect(dumper.thaw(dumper.freeze({ text }))).toEqual({ text })
  })

  it('takes time in proportion to the length', () => {
    const time = (text: string): number => {
      const start = performance.now()
      try {
        thaw(text)
      } catch (error) {
        if (!(error instanceof SerializeError)) throw error
      }
      return performance.now() - start
    }
    const pieces = [
      "'\\\\',",
      "'a'.",
      '"\\x{263a}",',
      '"@ ",',
      '1.5.',
      '1_',
      ' ',
      '#\n',
      'q(',
      "'\\'",
      "{'a',",
      '-',
      '0x1',
    ]
    for (const piece of pieces) {
      const texts = [20_000, 80_000].map((count) => `$D = [${piece.repeat(count)}`)
      time(texts[0]!)
      const [short, long] = texts.map((text) => Math.min(time(text), time(text), time(text))) as [number, number]
      // Four times the length: a quadratic reader would take sixteen times as long.
      expect(long, JSON.stringify(piece)).toBeLessThan(short * 10 + 20)
    }
  })

  describe('a way to a value in two places that leads over a key with a NUL', () => {
    const shared = { x: 1 }
    const self: Record<string, unknown> = {}
    self['\0'] = [self]
    it.each([
      ['first', { a: { 'k\0': shared }, b: shared }],
      ['second', { a: shared, b: { 'k\0': [shared] } }],
      ['in a cycle', { self }],
      ['to an element', { a: { 'k\0': [new ElementRef(shared, 'x')] }, b: shared }],
    ])('%s', (_title, value) => {
      expect(refusal(() => freeze(value)).message).toMatch(/key with a NUL/)
    })

    it('and nothing else that such a key leads to', () => {
      const value = { a: { 'k\0': [1, { b: 'text' }] }, b: shared, c: shared }
      expect(thaw(freeze(value))).toEqual(value)
    })

    describeWith('perl', 'as Perl', () => {
      it('writes it so that it cannot read it itself', () => {
        const program =
          'my $s = {}; my $d = { "k\\0" => [$s], b => $s }; my $t = Data::Dumper->new([$d], ["D"])->Purity(1)->Sortkeys(1)->Dump; ' +
          'my $D; print eval($t) ? "read" : "broken"'
        // Where Perl can, this refusal is of no more use.
        expect(execFileSync('perl', ['-MData::Dumper', '-e', program], { encoding: 'latin1' })).toBe('broken')
      })
    })
  })

  it('writes no container that is two things', () => {
    const inner = {}
    expect(refusal(() => freeze({ a: inner, b: new PerlObject('X', inner) })).path).toBe('b')
    expect(refusal(() => freeze([new PerlObject('X', 'text')])).path).toBe('[0]')
    expect(refusal(() => freeze([new PerlRegExp('(?{ 1 })')])).path).toBe('[0]')
    expect(refusal(() => freeze({ big: 2n ** 64n })).path).toBe('big')
    expect(refusal(() => freeze(null)).code).toBe('ERR_SESSION_FREEZE')
  })
})
