import { isUtf8 } from 'node:buffer'
import { describe, expect, it } from 'vitest'
import { SerializeError } from '../../lib/errors.js'
import { readOptions } from '../../lib/options.js'
import { ElementRef, PerlObject, PerlRegExp, PerlVString, ScalarRef } from '../../lib/perl-values.js'
import type { SerializerOptions } from '../../serialize/shared/options.js'
import YamlSerializer from '../../serialize/YAML.js'
import { serializerSuite } from '../suite/serializer.js'
import { type Fixture, fixtures } from '../support/fixtures.js'
import { type PerlCase, verifyByPerl } from '../support/perl-check.js'
import { buildValue, describeValue, type Node, NotRepresentable } from '../support/perl-notation.js'
import { refusal } from '../support/refusal.js'
import { describeWith, missing } from '../support/requirements.js'
import { perlReads, randomDocuments, randomTexts } from '../support/yaml-tiny.js'

function create(options: Partial<SerializerOptions> = {}): YamlSerializer {
  return new YamlSerializer(readOptions(YamlSerializer.options, options))
}

const yaml = create()
const latin1 = create({ encoding: 'latin1' })

serializerSuite({
  describe,
  it,
  name: 'YAML',
  create,
  holds: {
    numbers: false,
    negativeZero: false,
    bigints: false,
    booleans: false,
    sharing: false,
    loneSurrogates: false,
    // Each level is one line, and indented: 9000 levels would take 80 MB.
    depth: 2000,
  },
})

/** The value of a text; its characters beyond U+00FF are written in UTF-8. */
function thaw(text: string, options: Partial<SerializerOptions> = {}): unknown {
  return create(options).thaw(Buffer.from(text, /[^\x00-\xff]/.test(text) ? 'utf8' : 'latin1'))
}

function freeze(value: unknown, options: Partial<SerializerOptions> = {}): string {
  return Buffer.from(create(options).freeze(value)).toString('latin1')
}

/** What YAML::Tiny makes of a value that Perl holds so: text with the UTF8 flag. */
function inTiny(node: Node): Node {
  if (typeof node === 'string') return flagged(node)
  if (node === null || node.long !== undefined) return node
  if (node.h !== undefined) {
    return { h: node.h.map(([key, item]) => [inTiny(key), inTiny(item)] as const).sort(([a], [b]) => inOrder(a, b)) }
  }
  if (node.a !== undefined) return { a: node.a.map(inTiny) }
  if (node.b !== undefined) return node.b ? '1' : ''
  return node.u === undefined ? (node.i ?? (node.n === '-0' ? '0' : node.n) ?? null) : node
}

/** The same of a new value of JavaScript: characters that YAML::Tiny does not know come as UTF-8 bytes. */
function written(value: unknown): Node {
  const node = JSON.stringify(describeValue(value), (_, part) => {
    if (typeof part?.u !== 'string') return part
    return needsBytes(part.u) ? utf8(part.u) : part.u
  })
  return inTiny(JSON.parse(node))
}

function flagged(text: string): Node {
  return /[^\x00-\x7f]/.test(text) ? { u: text } : text
}

function needsBytes(text: string): boolean {
  return /[^\x00-\xff]/.test(text) || (/[^\x00-\x7f]/.test(text) && isUtf8(Buffer.from(text, 'latin1')))
}

function inOrder(a: Node, b: Node): number {
  const [x, y] = [a, b].map((key) => (typeof key === 'string' ? key : (key as { u: string }).u)) as [string, string]
  return x < y ? -1 : 1
}

/** The same without the kinds of strings, of which YAML has but one. */
function plain(node: Node): string {
  return JSON.stringify(node, (key, value) => (key === 'long' ? 's' : (value?.u ?? value?.i ?? value)))
}

const files = fixtures(['YAML', 'cgi-yaml', 'cgi-yaml-pm'])
const records = files.filter((file) => file.bytes !== undefined)

/** All of the record is UTF-8, and where a byte of it is white space in Latin-1 (or a byte order mark) Perl stumbles. */
const stumbling = ['read-yaml/accepted YAML bom', 'scalars/blank-characters YAML']

/** Tags and anchors, which js-yaml reads. */
function isTagged({ bytes }: Fixture): boolean {
  return /: !!perl|: &\d/.test(bytes!.toString('latin1'))
}

const hasJsYaml = missing('js-yaml') === undefined

describe('records that Perl wrote or reads', () => {
  it('are there', () => {
    expect(records.filter((file) => 'value' in file.thaw!).length).toBeGreaterThan(120)
    expect(records.filter((file) => 'error' in file.thaw!).length).toBeGreaterThan(25)
    expect(records.filter(isTagged).length).toBe(5)
  })

  for (const file of records.filter((record) => hasJsYaml || !isTagged(record))) {
    const { name, title, bytes, thaw: perl, thawText, serializer } = file
    const isWide = serializer === 'YAML' && thawText !== undefined && 'value' in thawText && isUtf8(bytes!)
    if (isWide) {
      it(`${name}, decoded: ${title}`, () => {
        // A clone has no notes on bytes.
        expect(plain(describeValue(structuredClone(yaml.thaw(bytes!))))).toBe(plain(thawText.value))
      })
    }
    if ('value' in perl!) {
      it(`${name}: ${title}`, () => {
        if (!stumbling.includes(name)) expect(plain(describeValue(yaml.thaw(bytes!)))).toBe(plain(perl.value))
        expect(plain(describeValue(latin1.thaw(bytes!), { encoding: 'latin1' }))).toBe(plain(perl.value))
      })
    } else if (!isWide) {
      it(`${name} is refused: ${title}`, () => {
        const error = refusal(() => yaml.thaw(bytes!))
        expect(error.code).toBe('ERR_SESSION_THAW')
        expect(error.offset).toBeLessThanOrEqual(bytes!.length)
      })
    }
  }
})

function sourceOf({ source }: Fixture): { value: unknown } | undefined {
  if (source === undefined) return undefined
  try {
    return { value: buildValue(source) }
  } catch (error) {
    if (error instanceof NotRepresentable) return undefined
    throw error
  }
}

/** Perl's error is SQLite's there. */
function isRefusedByPerl({ case: name, freezeError }: Fixture): boolean {
  return freezeError !== undefined && name !== 'sqlite-wide'
}

/** Tested by themselves: empty containers that repeat, which the notation cannot compare, and booleans, which Perl refuses. */
const byThemselves = ['shared-empty', 'json-booleans']

/** What Perl writes and we refuse: no JavaScript number comes of "Inf"; version strings lose what they are. */
const alsoRefused = ['float-infinity', 'float-nan', 'vstrings']

describeWith('yaml-tiny', 'real YAML::Tiny', () => {
  it('reads the same values from what is written after reading', () => {
    const cases = records.flatMap((file): PerlCase[] => {
      const { name, bytes, thaw: perl } = file
      if (!('value' in perl!) || isTagged(file)) return []
      const expected = inTiny(perl.value)
      const again = latin1.freeze(latin1.thaw(bytes!))
      const both = { name: `${name} latin1`, serializer: 'YAML', bytes: again, expected }
      if (stumbling.includes(name)) return [both]
      return [{ name, serializer: 'YAML', bytes: yaml.freeze(yaml.thaw(bytes!)), expected }, both]
    })
    expect(cases.length).toBeGreaterThan(230)
    expect(verifyByPerl(cases)).toEqual([])
  })

  it('reads what was written of every value of the fixtures, unless it is refused as Perl refuses it', () => {
    const cases = files.flatMap((file): PerlCase[] => {
      const { name, serializer, case: title } = file
      const source = sourceOf(file)
      if (serializer !== 'YAML' || source === undefined || byThemselves.includes(title)) return []
      if (isRefusedByPerl(file) || alsoRefused.includes(title)) {
        expect(refusal(() => yaml.freeze(source.value)).code, name).toBe('ERR_SESSION_FREEZE')
        return []
      }
      return [{ name, serializer, bytes: yaml.freeze(source.value), expected: written(source.value) }]
    })
    expect(cases.length).toBeGreaterThan(60)
    expect(verifyByPerl(cases)).toEqual([])
  })

  it('writes the same bytes where all is ASCII', () => {
    const same = records.filter(({ bytes, serializer, result }) => {
      return serializer === 'YAML' && result !== undefined && /^(?:same|equal)$/.test(result) && isAscii(bytes!)
    })
    const compared = same.filter((file) => {
      const source = sourceOf(file)
      // Perl has 15 digits of a double.
      if (source === undefined || /"n":"/.test(JSON.stringify(file.source))) return false
      expect(Buffer.from(yaml.freeze(source.value)).toString('latin1'), file.name).toBe(file.bytes!.toString('latin1'))
      return true
    })
    expect(compared.length).toBeGreaterThan(35)
  })

  it('agrees about random documents, and about those that it refuses', () => {
    const documents = randomDocuments(11, 6000)
    const perl = perlReads(documents)
    let read = 0
    for (const [index, document] of documents.entries()) {
      const expected = perl[index]
      const title = JSON.stringify(document)
      if (expected === undefined) {
        expect(refusal(() => latin1.thaw(Buffer.from(document, 'latin1'))).code, title).toBe('ERR_SESSION_THAW')
      } else {
        expect(latin1.thaw(Buffer.from(document, 'latin1')), title).toEqual(expected)
        read++
      }
    }
    expect(read).toBeGreaterThan(800)
    expect(read).toBeLessThan(5500)
  })

  /** Could Perl read it once only? */
  const isRefused = (value: unknown) => {
    try {
      yaml.freeze(value)
      return false
    } catch (error) {
      return error instanceof SerializeError
    }
  }

  it('reads random texts, as values and as keys', () => {
    const texts = randomTexts(12, 4000)
    const all = texts.map((text) => ({ v: text, list: [text, [text]], nested: { [text]: 'x' }, [`${text}k`]: text }))
    const values = all.filter((value) => !isRefused(value))
    expect(values.length).toBeGreaterThan(3500)
    const perl = perlReads(values.map((value) => Buffer.from(yaml.freeze(value)).toString('latin1')))
    for (const [index, value] of values.entries()) {
      expect(yaml.thaw(yaml.freeze(value))).toEqual(value)
      expect(perl[index]).toEqual(mapTexts(value, (text) => (needsBytes(text) ? utf8(text) : text)))
    }
  })

  it('sees that only the leaf that was changed has changed', () => {
    const record = records.find(({ name }) => name === 'sessions/shopping-cart YAML')!.bytes!
    const large = Buffer.concat([
      record,
      Buffer.from('latin: caf\xe9\nutf8: "\xe2\\x98\xba \xc3\xa9"\nnbsp: "\\xA0"\n', 'latin1'),
    ])
    const cases = leavesOf(yaml.thaw(large), []).map((path): PerlCase => {
      const value = yaml.thaw(large)
      const expected = latin1.thaw(large)
      change(value, path)
      change(expected, path)
      const name = path.join('.')
      const perl = inTiny(describeValue(expected, { encoding: 'latin1' }))
      return { name, serializer: 'YAML', bytes: yaml.freeze(value), expected: perl }
    })
    expect(cases.length).toBeGreaterThan(15)
    expect(verifyByPerl(cases)).toEqual([])
  })

  it('gives new text as characters or as UTF-8 bytes, and leaves alone what it wrote itself', () => {
    const old = 'byte: "\xc3\xa9"\nchar: "\xe9"\n'
    const results = (['chars', 'bytes'] as const).map((newText) => {
      const value = thaw(old, { newText }) as Record<string, string>
      expect(value).toEqual({ byte: 'é', char: 'é' })
      return freeze({ ...value, new: 'à', wide: '☺', copy: value.byte }, { newText })
    })
    expect(perlReads(results)).toEqual([
      { byte: 'é', char: 'é', new: 'à', wide: 'â\x98º', copy: 'é' },
      { byte: 'Ã©', char: 'Ã©', new: 'Ã\xa0', wide: 'â\x98º', copy: 'Ã©' },
    ])
    const untouched = Buffer.from(yaml.freeze(thaw(old))).toString('latin1')
    expect(perlReads([untouched])).toEqual([{ byte: 'Ã©', char: 'é' }])
  })
})

function isAscii(bytes: Buffer): boolean {
  return bytes.every((byte) => byte < 0x80)
}

function utf8(text: string): string {
  return Buffer.from(text).toString('latin1')
}

function mapTexts(value: unknown, map: (text: string) => string): unknown {
  if (typeof value === 'string') return map(value)
  if (Array.isArray(value)) return value.map((item) => mapTexts(item, map))
  return Object.fromEntries(Object.entries(value as object).map(([key, item]) => [map(key), mapTexts(item, map)]))
}

type Path = (string | number)[]

function leavesOf(value: unknown, path: Path): Path[] {
  if (typeof value !== 'object' || value === null) return [path]
  const keys: Path = Array.isArray(value) ? [...value.keys()] : Object.keys(value)
  return keys.flatMap((key) => leavesOf((value as Record<string, unknown>)[key], [...path, key]))
}

function change(value: unknown, path: Path): void {
  const container = path.slice(0, -1).reduce((at, key) => (at as Record<string, unknown>)[key], value)
  ;(container as Record<string, unknown>)[path.at(-1)!] = 'changed: #1\n'
}

describe('reading', () => {
  it('shows the text that the bytes of a string are, whatever stands around it', () => {
    expect(thaw('a: "caf\\xC3\\xA9"\nb: caf\xc3\xa9\nc: caf\xe9\nd: "\xe2\\x98\xba"\n')).toEqual({
      a: 'café',
      b: 'café',
      c: 'café',
      d: '☺',
    })
    expect(thaw('a: caf\xe9\nb: caf\xc3\xa9\n', { encoding: 'latin1' })).toEqual({ a: 'café', b: 'cafÃ©' })
    expect(thaw('a: caf\xe9\nb: x\n', { encoding: 'bytes' })).toEqual({ a: Buffer.from('caf\xe9', 'latin1'), b: 'x' })
  })

  it('keeps the last byte of a character that is white space in Latin-1', () => {
    expect(thaw('a: voil\xc3\xa0\nb: \xe2\x98\x85\n')).toEqual({ a: 'voilà', b: '★' })
    expect(thaw('a: x\xa0\nb: \xe9\n')).toEqual({ a: 'x', b: 'é' })
  })

  it('shows characters where Perl has escaped some among UTF-8', () => {
    expect(thaw('a: "é\\x85\\x7F"\nb: ☺\n')).toEqual({ a: 'é\x85\x7f', b: '☺' })
  })

  it('shows two keys that would look alike by their bytes', () => {
    const value = thaw('caf\xc3\xa9: bytes\n"caf\\xE9": char\nlater: x\nna\xefve: 2\n')
    expect(value).toEqual({ 'cafÃ©': 'bytes', café: 'char', later: 'x', naïve: '2' })
    expect(thaw(freeze(value))).toEqual(value)
  })

  it('keeps __proto__ an ordinary key', () => {
    const value = thaw('__proto__:\n  polluted: 1\nlist:\n  - __proto__: x\n') as Record<string, unknown>
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype)
    expect(Object.entries(value)[0]).toEqual(['__proto__', { polluted: '1' }])
    expect(value.polluted).toBe(undefined)
    expect(freeze(value)).toBe("---\n__proto__:\n  polluted: '1'\nlist:\n  -\n    __proto__: x\n")
  })

  for (const [text, offset] of [
    ['', 0],
    ['---\n', 0],
    ['--- ~\n', 0],
    ['a: 1\n  b: 2\n', 5],
    ['# c\n\na: 1\nsecret tiger\n', 10],
    ["a: 'x\n", 0],
    ['é: 1\na: [b: 1]\n', 6],
    ['é: ☺\na: @b\n', 8],
    ['- a\nb: 1\n', 4],
    ['a: |\n', 5],
    ['a: 1\n--- b\nc: 1\n', 11],
    ['--- !!perl/hash:X\n  a: 1\n b: 2\n', 26],
  ] as const) {
    it(`gives the offset ${offset} of what is wrong in ${JSON.stringify(text)}`, () => {
      const error = refusal(() => yaml.thaw(Buffer.from(text)))
      expect(error.code).toBe('ERR_SESSION_THAW')
      expect(error.offset).toBe(offset)
      expect(error.message).not.toMatch(/tiger/)
    })
  }

  it('keeps to its limits', () => {
    expect(thaw('a:\n  b:\n    c: 1\n', { maxDepth: 3, maxValues: 3 })).toEqual({ a: { b: { c: '1' } } })
    for (const options of [{ maxDepth: 2 }, { maxValues: 2 }, { maxBytes: 10 }]) {
      expect(refusal(() => thaw('a:\n  b:\n    c: 1\n', options)).code).toBe('ERR_SESSION_LIMIT')
    }
  })

  it('takes linear time, whatever the record is', () => {
    const size = 1 << 21
    const fill = (part: string, start = '', end = '') => start + part.repeat(size / part.length) + end
    const hostile = [
      ...[fill('\n'), fill('\r'), fill('#\n'), fill(' '), fill('-'), fill(' ', '- ', 'a: 1'), fill(' ', '- a', ': 1')],
      ...[
        fill(' ', 'a', 'x: 1'),
        fill(':', 'a'),
        fill(':: ', 'a'),
        fill(':: a', 'a'),
        fill(' :', 'a'),
        fill(' x#', 'a: b'),
      ],
      ...[
        fill(' ', 'a: b', 'x'),
        fill(' ', 'a: b', '#'),
        fill("'", "a: '"),
        fill("''", "a: '", "'"),
        fill('"', 'a: "'),
      ],
      ...[
        fill('\\', 'a: "'),
        fill('\\"', '"'),
        fill('\\x41', 'a: "', '"'),
        fill('---\n'),
        fill('--- a\n'),
        fill('...\n'),
      ],
    ]
    const start = performance.now()
    for (const text of hostile) {
      try {
        thaw(text)
      } catch (error) {
        if (!(error instanceof SerializeError)) throw error
      }
    }
    // 48 MB take a second; with any of them in quadratic time it would be hours.
    expect(performance.now() - start).toBeLessThan(20_000)
    expect(thaw(fill('\\x41', 'a: "', '"'))).toEqual({ a: 'A'.repeat(size / 4) })
    expect(thaw(fill("''", "a: '", "'"))).toEqual({ a: "'".repeat(size / 2) })
  })
})

describeWith('js-yaml', "records of CGI::Session with YAML::Syck's and YAML.pm's tags and anchors", () => {
  const session = '--- \n_SESSION_REMOTE_ADDR: 192.0.2.1\n'

  it('are read with objects, references and patterns', () => {
    const value = thaw(
      `${session}a: !!perl/array:My::Array \n  - 1\nh: !!perl/hash:My::Hash \n  k: v\ne: !!perl/hash:My::Empty {}\n` +
        "r: !!perl/regexp (?^i:a.b)\nref: !!perl/ref \n  =: text\ns: !!perl/scalar:My::Scalar x\nu: ~\nq: '~'\nz:\n",
    )
    expect(value).toEqual({
      _SESSION_REMOTE_ADDR: '192.0.2.1',
      a: new PerlObject('My::Array', ['1']),
      h: new PerlObject('My::Hash', { k: 'v' }),
      e: new PerlObject('My::Empty', {}),
      r: new PerlRegExp('(?^i:a.b)'),
      ref: new ScalarRef('text'),
      s: new PerlObject('My::Scalar', new ScalarRef('x')),
      u: null,
      q: '~',
      z: null,
    })
  })

  it('are read with what is shared, also through objects', () => {
    const value = thaw(
      `${session}list: &1 \n  - x\nagain: *1\nobject: !!perl/hash:My::Node &2 \n  self: *2\n  list: *1\nempty: &3 {}\nalso: *3\n` +
        'ref: &4 !!perl/ref \n  =: *4\n',
    ) as Record<string, unknown>
    expect(value.again).toBe(value.list)
    const object = value.object as PerlObject
    expect(object.className).toBe('My::Node')
    expect((object.value as Record<string, unknown>).self).toBe(object)
    expect((object.value as Record<string, unknown>).list).toBe(value.list)
    expect(value.also).toBe(value.empty)
    expect((value.ref as ScalarRef).value).toBe(value.ref)
  })

  it('show text as all records do, and keep what is bytes', () => {
    const text = `${session}o: !!perl/array:X \n  - caf\xe9\n  - caf\xc3\xa9\n  - "\\xE9"\n  - x\xa0\n  - \x85\n\xe9: 1\n\xc3\xa9: 2\n`
    const value = thaw(text) as Record<string, PerlObject>
    expect(value.o!.value).toEqual(['café', 'café', 'é', 'x\xa0', '\x85'])
    expect(Object.keys(value).sort()).toEqual(['_SESSION_REMOTE_ADDR', 'o', 'Ã©', 'é'])
    const plain = { list: value.o!.value }
    expect(freeze(plain)).toContain('\\xE9')
    expect(freeze({ l: (thaw(text, { encoding: 'bytes' }) as typeof value).o!.value }, { encoding: 'bytes' })).toBe(
      '---\nl:\n  - "caf\\xE9"\n  - "caf\\xC3\\xA9"\n  - "\\xE9"\n  - "x\\xA0"\n  - "\\N"\n',
    )
  })

  it('keep blank lines and comments in blocks, which YAML::Tiny drops', () => {
    const block = 'note: |\n  one\n\n  # two\n  three\n'
    expect(thaw(session + block)).toMatchObject({ note: 'one\n\n# two\nthree\n' })
    expect(thaw(`---\n_SESSION_REMOTE_ADDR: ''\n${block}`)).toMatchObject({ note: 'one\n\n# two\nthree\n' })
    expect(thaw(`---\n${block}`)).toEqual({ note: 'one\nthree\n' })
  })

  it('are refused with code, other tags and unknown anchors', () => {
    for (const bad of ['!!perl/code sub {}', '!!perl/glob x', '!!perl/hash:X text', '!!js/function x', '&1 x\nb: *2']) {
      expect(refusal(() => thaw(`${session}a: ${bad}\n`)).code, bad).toMatch(/^ERR_SESSION_THAW$/)
    }
    expect(refusal(() => thaw('a: !!str tiger\n')).code).toBe('ERR_SESSION_THAW')
  })

  it('keep to the limits', () => {
    const deep = `${session}a: !!perl/hash:X\n  b:\n    c:\n      d: 1\n`
    expect(thaw(deep, { maxDepth: 4 })).toMatchObject({ a: new PerlObject('X', { b: { c: { d: '1' } } }) })
    expect(refusal(() => thaw(deep, { maxDepth: 3 })).code).toBe('ERR_SESSION_LIMIT')
    expect(refusal(() => thaw(`${session}a: !!perl/array:X\n${'  - 1\n'.repeat(100)}`, { maxValues: 50 })).code).toBe(
      'ERR_SESSION_LIMIT',
    )
    expect(refusal(() => thaw(`${session}a: !!perl/hash:X ${'['.repeat(1 << 19)}`)).code).toBe('ERR_SESSION_LIMIT')
    expect(refusal(() => thaw(`${session}a: !!perl/array:X\n${'  - 1\n'.repeat(1 << 18)}`)).code).toBe(
      'ERR_SESSION_LIMIT',
    )
    expect(refusal(() => thaw(`${session}a: !!perl/array:X ${'['.repeat(50_000)}`, { maxDepth: 10_000 })).code).toBe(
      'ERR_SESSION_LIMIT',
    )
  })

  it('are written in the words of YAML::Tiny, or refused where it has none', () => {
    for (const name of ['shared.cgi-yaml', 'objects.cgi-yaml-pm']) {
      const record = records.find((file) => file.set === 'cgi' && `${file.case}.${file.serializer}` === name)!
      expect(refusal(() => yaml.freeze(yaml.thaw(record.bytes!))).path).toMatch(/^[abcr]/)
    }
    const value = thaw(`${session}o: !!perl/hash:X\n  a: 1\np: "two words"\n`) as Record<string, unknown>
    delete value.o
    expect(freeze(value)).toBe("---\n_SESSION_REMOTE_ADDR: 192.0.2.1\np: 'two words'\n")
  })
})

/** True as '1' and false as ''. */
function shownBooleans(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value), (_, part) => (typeof part === 'boolean' ? (part ? '1' : '') : part))
}

describe('writing', () => {
  it('writes ASCII as YAML::Tiny does', () => {
    const value = {
      z: [1, -2.5, '1', '007', 1e21, true, false, null, undefined, 12345678901234567890n],
      b: { nested: { deep: [[]], none: {} }, 'two words': "it's" },
      a: ['', 'null', 'Null', 'x: y', '~', '- a', 'a#b', 'a #b', '\n', 'é', 'Inf', 'true', '-', '-a'],
    }
    expect(freeze(value)).toBe(
      "---\na:\n  - ''\n  - 'null'\n  - Null\n  - 'x: y'\n  - '~'\n  - '- a'\n  - a#b\n  - 'a #b'\n" +
        "  - \"\\n\"\n  - \"\\xE9\"\n  - 'Inf'\n  - 'true'\n  - '-'\n  - -a\n" +
        "b:\n  nested:\n    deep:\n      - []\n    none: {}\n  'two words': \"it's\"\n" +
        "z:\n  - 1\n  - -2.5\n  - '1'\n  - '007'\n  - 1e+21\n  - '1'\n  - ''\n  - ~\n  - ~\n  - 12345678901234567890\n",
    )
  })

  it("writes JSON's booleans of another record as Perl's own", () => {
    const { source } = files.find((file) => file.case === 'json-booleans')!
    expect(shownBooleans(thaw(freeze(buildValue(source!))))).toEqual(shownBooleans(buildValue(source!)))
  })

  it('quotes what YAML::Tiny writes so that it cannot read it', () => {
    expect(freeze({ '-a': 1, h: { '- b': 1, '...': 2 }, n: 'x\xa0' })).toBe(
      `---\n'-a': 1\nh:\n  '- b': 1\n  '...': 2\nn: "x\\xA0"\n`,
    )
  })

  it.each([
    ['a number with a line end', { a: ['5\n'] }, 'a[0]'],
    ['a number behind a line end', { a: '\r-1.5e3' }, 'a'],
    ['a dash with a line end', { a: '-\n' }, 'a'],
    ['such a number as a key', { a: { '12\n': 1 } }, 'a["12\\n"]'],
    ['a key that begins with a dash, but at the top', { '-a': { '-b': 1 } }, '["-a"]["-b"]'],
    ['such a key that is not ASCII', { a: [{ '-¡': [] }] }, 'a[0]["-¡"]'],
    ['a key that begins with three dashes', { '---a': 1 }, '["---a"]'],
    ['a key that begins with three dots', { '...a': 1 }, '["...a"]'],
  ])('refuses %s, which makes a record unreadable for YAML::Tiny when Perl writes it again', (_title, value, path) => {
    const error = refusal(() => yaml.freeze(value))
    expect(error.code).toBe('ERR_SESSION_FREEZE')
    expect(error.path).toBe(path)
  })

  it('writes any root', () => {
    for (const root of ['text', 'two words', '', [], {}, ['a'], [['b'], { c: 'd' }]])
      expect(thaw(freeze(root))).toEqual(root)
    expect(refusal(() => freeze(null)).path).toBe('the whole session')
    expect(refusal(() => freeze(undefined)).code).toBe('ERR_SESSION_FREEZE')
  })

  it('sorts keys as Perl does, by the bytes', () => {
    expect(freeze({ '\ufffd': 1, '😀': 2, b: 3, B: 4, é: 5 })).toBe(
      '---\nB: 4\nb: 3\n"\\xE9": 5\n"\\xEF\\xBF\\xBD": 1\n"\\xF0\\x9F\\x98\\x80": 2\n',
    )
  })

  it('lets what is empty repeat', () => {
    const [list, hash]: [unknown[], object] = [[], {}]
    expect(freeze({ a: list, b: list, c: hash, d: [hash, hash] })).toBe(
      '---\na: []\nb: []\nc: {}\nd:\n  - {}\n  - {}\n',
    )
  })

  const shared = ['x']
  const cycle: Record<string, unknown> = { name: 'c' }
  cycle.self = cycle
  for (const [what, value, path] of [
    ['a list that stands in two places', [shared, { again: shared }], '[1].again'],
    ['a cycle', cycle, '.self'],
    ['an object', new PerlObject('DateTime', {}), ''],
    ['a reference', new ScalarRef('x'), ''],
    ['a reference to an element', new ElementRef({ a: 1 }, 'a'), ''],
    ['a pattern', new PerlRegExp('x'), ''],
    ['a version', new PerlVString('v1.2'), ''],
    ['bytes', Buffer.from('x'), ''],
    ['half of a surrogate pair', 'x\ud800', ''],
    ['half of a surrogate pair in a key', { '\udc00': 1 }, '["\\udc00"]'],
    ['too big an integer', 2n ** 64n, ''],
    ['Infinity', Number.POSITIVE_INFINITY, ''],
    ['NaN', Number.NaN, ''],
    ['a date', new Date(0), ''],
  ] as const) {
    it(`refuses ${what} and says where it is`, () => {
      const error = refusal(() => freeze({ cart: { items: [1, 'a', value] } }))
      expect(error.code).toBe('ERR_SESSION_FREEZE')
      expect(error.path).toBe(`cart.items[2]${path}`)
    })
  }

  it('takes new keys beside two that would look alike, unless they would look alike too', () => {
    const hash = thaw('\xc3\xa9: 1\n"\\xE9": 2\n') as Record<string, string>
    expect(Object.keys(hash)).toEqual(['Ã©', 'é'])
    Object.assign(hash, { é: 'changed', ü: 'new', a: 'b' })
    expect(thaw(freeze(hash))).toEqual(hash)
    hash['☺'] = 'x'
    expect(refusal(() => freeze({ list: [hash] })).path).toBe('list[0]["☺"]')
  })

  it('refuses text that the encoding could not read back', () => {
    expect(freeze({ a: 'cafÃ©' }, { encoding: 'latin1' })).toBe('---\na: "caf\\xC3\\xA9"\n')
    expect(refusal(() => freeze({ a: ['☺'] }, { encoding: 'latin1' })).path).toBe('a[0]')
    expect(refusal(() => freeze({ a: { '☺': 1 } }, { encoding: 'bytes' })).path).toBe('a["☺"]')
    expect(freeze({ a: '☺' }, { encoding: 'bytes' })).toBe('---\na: "\\xE2\\x98\\xBA"\n')
  })

  it('keeps to its limits', () => {
    const value = { a: [['x']] }
    expect(freeze(value, { maxDepth: 3, maxValues: 3 })).toContain('- x')
    for (const options of [{ maxDepth: 2 }, { maxValues: 2 }, { maxBytes: 15 }]) {
      expect(refusal(() => freeze(value, options)).code).toBe('ERR_SESSION_LIMIT')
    }
  })
})
