import { describe, expect, it } from 'vitest'
import { SerializeError } from '../../lib/errors.js'
import { readOptions } from '../../lib/options.js'
import { ElementRef, PerlObject, PerlRegExp, PerlVString, ScalarRef, StorableHook } from '../../lib/perl-values.js'
import Storable from '../../serialize/Storable.js'
import { originOf } from '../../serialize/shared/origin.js'
import { serializerSuite } from '../suite/serializer.js'
import { type Fixture, fixtures } from '../support/fixtures.js'
import { countDifferences, leavesOf } from '../support/leaves.js'
import { perl } from '../support/perl.js'
import { type PerlCase, verifyByPerl } from '../support/perl-check.js'
import { buildValue, describeValue, type Node, NotRepresentable } from '../support/perl-notation.js'
import { randomNumbers, randomSessions } from '../support/random-values.js'
import { refusal } from '../support/refusal.js'
import { describeWith } from '../support/requirements.js'

const defaults = readOptions(Storable.options, {})
const storable = new Storable(defaults)

serializerSuite({ describe, it, name: 'Storable', create: (options) => new Storable({ ...defaults, ...options }) })

function thaw(record: Uint8Array | string, options: object = {}): unknown {
  const bytes = typeof record === 'string' ? Buffer.from(record, 'latin1') : record
  return new Storable({ ...defaults, ...options }).thaw(bytes)
}

/** The image as a binary string. */
function freeze(value: unknown, options: object = {}): string {
  return Buffer.from(new Storable({ ...defaults, ...options }).freeze(value)).toString('latin1')
}

function describeAll(value: unknown, options: object = {}): Node {
  return describeValue(value, { storable: true, ...options })
}

/** A value whose members are looked at by the tests. */
// biome-ignore lint/suspicious/noExplicitAny: tests reach into values of any shape
type Loose = any

const native = '\x04\x0b\x0812345678\x04\x08\x08\x08'
const network = '\x05\x0b'

const encodings = ['utf8', 'latin1', 'bytes'] as const

const serializers = ['nfreeze', 'store', 'nstore', 'v2.20', 'v2.49', 'v3.32'].map((name) => `Storable-${name}`)
const files = fixtures(['Storable', 'cgi-storable', ...serializers])
const records = files.filter(({ bytes }) => bytes !== undefined)

/** What Perl refuses, or cannot show, and is read here. */
const readHere: Readonly<Record<string, Node>> = {
  'big-endian': { h: [['a', { i: '1' }]] },
  '32-bit': { h: [['a', { i: '1' }]] },
  '32-bit-long': { h: [['a', { i: '1' }]] },
  'long-double': { h: [['a', { i: '1' }]] },
  'file-as-memory': { h: [['a', { i: '1' }]] },
  'memory-as-file': { h: [['a', { i: '1' }]] },
  'boolean-true': { h: [['a', { b: true }]] },
  'boolean-false': { h: [['a', { b: false }]] },
  'overload-unknown': { h: [['t', { h: [], bless: 'No::Such::Class' }]] },
}

/** What is refused here, though Perl reads something. */
const refusedHere = ['bare', 'major-1', 'utf8-invalid', 'tied-array', 'tied-hash', 'tied-scalar']

/** Objects that only their class can read. */
const isHook = ({ case: name, input }: Fixture) => /^storable-(?:hook|attach)$/.test(name) || input === 'hook'

/** What must be read; undefined: it must be refused. */
function meaning(file: Fixture): Node | undefined {
  const { input, port, thaw, source } = file
  if (refusedHere.includes(input ?? file.case)) return undefined
  if (input !== undefined && input in readHere) return readHere[input]
  if (port === 'source') return source!
  return 'value' in thaw! ? thaw.value : undefined
}

const data = records.filter((file) => !isHook(file))

describe('records that Perl wrote or reads', () => {
  it('are there', () => {
    expect(data.filter((file) => meaning(file) !== undefined).length).toBeGreaterThan(270)
    expect(data.filter((file) => meaning(file) === undefined).length).toBeGreaterThan(20)
  })

  for (const file of data) {
    const expected = meaning(file)
    if (expected === undefined) {
      it(`${file.name} is refused: ${file.title}`, () => {
        const error = refusal(() => storable.thaw(file.bytes!))
        expect(error.code).toBe('ERR_SESSION_THAW')
        expect(error.offset).toBeLessThanOrEqual(file.bytes!.length)
      })
      continue
    }
    it(`${file.name}: ${file.title}`, () => {
      for (const encoding of encodings) {
        const value = thaw(file.bytes!, { encoding })
        expect(JSON.stringify(describeAll(value, { encoding }))).toBe(JSON.stringify(expected))
        // What is written is in another byte order perhaps, but the same to every reader.
        const again = thaw(new Storable({ ...defaults, encoding }).freeze(value), { encoding })
        expect(JSON.stringify(describeAll(again, { encoding }))).toBe(JSON.stringify(expected))
      }
    })
  }

  for (const file of records.filter(isHook)) {
    it(`${file.name}: what a class wrote is kept, and written back`, () => {
      const value = storable.thaw(file.bytes!) as Loose
      const [object] = Object.values(value) as PerlObject[]
      expect(object).toBeInstanceOf(PerlObject)
      expect(object!.value).toBeInstanceOf(StorableHook)
      expect(storable.thaw(storable.freeze(value))).toEqual(value)
    })
  }

  it('objects of hooks share what they refer to', () => {
    const hook = records.find(({ case: name }) => name === 'storable-hook')!
    const { a, b } = storable.thaw(hook.bytes!) as Record<string, { className: string; value: StorableHook }>
    expect(a).toEqual(
      new PerlObject(
        'Demo::Hooked',
        new StorableHook('hash', Buffer.from('days:737681|secs:44800'), [{ name: 'UTC' }]),
      ),
    )
    expect(b!.value.values[0]).toBe(a!.value.values[0])
  })
})

/** Only newer Perls have these opcodes, or only Perls with a class that does not exist here. */
const notForPerl =
  /^(?:read-storable\/scalars Storable boolean-|storable\/booleans Storable-v3|read-storable\/sharing Storable overload-unknown|objects\/overloaded)/

describeWith('perl', 'real Perl', () => {
  it('reads the same values from what is written after reading', () => {
    const cases = data.flatMap((file): PerlCase[] => {
      const expected = meaning(file)
      if (expected === undefined || notForPerl.test(file.name)) return []
      // Most records come out the same, however they are shown.
      const images = new Set(encodings.map((encoding) => freeze(thaw(file.bytes!, { encoding }), { encoding })))
      return [...images].map((image) => {
        return { name: file.name, serializer: 'Storable', bytes: Buffer.from(image, 'latin1'), expected }
      })
    })
    expect(cases.length).toBeGreaterThan(270)
    expect(verifyByPerl(cases)).toEqual([])
  })

  it('reads what was written of every value of the fixtures, unless the format cannot hold it', () => {
    const refused: string[] = []
    const cases = files.flatMap((file): PerlCase[] => {
      const value = sourceOf(file)
      if (value === undefined) return []
      if (file.case === 'regexp-wide') {
        refused.push(refusal(() => storable.freeze(value)).path!)
        return []
      }
      const bytes = storable.freeze(value)
      return [{ name: file.name, serializer: 'Storable', bytes, expected: inPerl(file.source!) }]
    })
    expect(refused).toEqual(['literal'])
    expect(cases.length).toBeGreaterThan(200)
    expect(verifyByPerl(cases)).toEqual([])
  })

  it('reads any session', () => {
    const cases = randomSessions(20260701, 300).map((session, index): PerlCase => {
      const bytes = storable.freeze(session)
      const read = storable.thaw(bytes)
      return { name: `session ${index}`, serializer: 'Storable', bytes, expected: inPerl(describeAll(read)) }
    })
    expect(verifyByPerl(cases)).toEqual([])
  })
})

/** Perl code around classes that write their objects themselves. */
const hookClasses = `
  use Storable (); $Storable::canonical = 1;
  package Place; sub STORABLE_freeze { my ($self) = @_; return ("at:$self->{at}", @{$self->{near}}) }
  sub STORABLE_thaw { my ($self, $cloning, $frozen, @near) = @_; $self->{at} = substr $frozen, 3; $self->{near} = \\@near }
  package Point; sub STORABLE_freeze { my ($self) = @_; return join ',', @$self }
  sub STORABLE_thaw { my ($self, $cloning, $frozen) = @_; @$self = split /,/, $frozen }
  package main;
  my $tree = {leaf => 1}; my $text = 'x' x 300; my $scalar = 'shared'; my $point = bless [3, 4], 'Point';
  my $data = {
    first => bless({at => 'home', near => [$tree, [1, 2], \\$scalar, $point]}, 'Place'),
    second => bless({at => $text, near => [$tree, $point, map { {} } 1 .. 300]}, 'Place'),
    point => $point, scalar => \\$scalar, tree => $tree,
  };
  $data->{first}{near}[4] = $data->{first};
  sub hex_of { print unpack('H*', $_[0]) }
  sub check {
    my ($read) = @_;
    my ($one, $two) = @$read{qw(first second)};
    my @wrong = grep { !$_->[1] } ['at', $one->{at} eq 'home' && $two->{at} eq $text], ['count', @{$two->{near}} == 302],
      ['tree', $one->{near}[0] == $read->{tree} && $two->{near}[0] == $read->{tree} && $read->{tree}{leaf} == 1],
      ['array', "@{$one->{near}[1]}" eq '1 2'], ['scalar', $one->{near}[2] == $read->{scalar} && \${$read->{scalar}} eq 'shared'],
      ['point', $one->{near}[3] == $read->{point} && "@{$two->{near}[1]}" eq '3 4' && ref $read->{point} eq 'Point'],
      ['cycle', $one->{near}[4] == $one];
    print map { "$_->[0] " } @wrong;
    print 'done';
  }
`

/** Sessions of all kinds of values: no two leaves are equal. */
const everything = `
  use Storable (); use Hash::Util (); $Storable::canonical = 1;
  my $shared = [map { {id => $_, name => "item $_", price => $_ + 0.25, tags => ["caf\\xc3\\xa9 $_", "\\x{263a} $_"]} } 1 .. 25];
  my $data = {_SESSION_ID => 'abc', _SESSION_CTIME => 1600000000, shared => $shared, again => $shared, big => 12345678901,
    huge => 9223372036854775806, object => bless({a => [1, {b => 'deep'}], n => -1.5}, 'My::Class'),
    scalar => \\'text', nothing => undef, empty => {}, "k\\xe9y" => {"\\x{263a}" => 'wide'}, long => 'y' x 400};
  $data->{self} = $data; $data->{element} = \\$shared->[3]{name};
  Hash::Util::lock_keys(%{$data->{locked} = {x => 7, y => [8]}});
  print unpack 'H*', Storable::freeze($data);
`

describeWith('perl', 'real Perl and what only Storable has', () => {
  it('gets its objects with hooks back, and what they share', () => {
    const image = Buffer.from(perl(`${hookClasses} hex_of(Storable::freeze($data))`), 'hex')
    const value = storable.thaw(image) as Loose
    expect(value.first.value.values).toHaveLength(5)
    expect(value.second.value.values[1]).toBe(value.point)
    expect(value.first.value.values[4]).toBe(value.first)
    const hex = Buffer.from(storable.freeze(value)).toString('hex')
    expect(perl(`${hookClasses} check(Storable::thaw(pack 'H*', $ARGV[0]))`, [hex])).toBe('done')
    // The other way round: what they refer to is written before them.
    const turned = {
      tree: value.tree,
      point: value.point,
      second: value.second,
      first: value.first,
      scalar: value.scalar,
    }
    const other = Buffer.from(storable.freeze(turned)).toString('hex')
    expect(perl(`${hookClasses} check(Storable::thaw(pack 'H*', $ARGV[0]))`, [other])).toBe('done')
  })

  it('sees a change of one leaf as that alone', () => {
    const image = Buffer.from(perl(everything), 'hex')
    const count = leavesOf(storable.thaw(image)).length
    expect(count).toBeGreaterThan(130)
    const cases = Array.from({ length: count }, (_, index): PerlCase => {
      const value = storable.thaw(image)
      const before = JSON.stringify(describeAll(value))
      const [container, key] = leavesOf(value)[index]!
      container[key] = 'changed leaf'
      const bytes = storable.freeze(value)
      const expected = describeAll(storable.thaw(bytes))
      expect(countDifferences(JSON.parse(before), expected)).toBe(1)
      return { name: `leaf ${index} ${key}`, serializer: 'Storable', bytes, expected }
    })
    expect(verifyByPerl(cases)).toEqual([])
  })

  it('can assign to an element that is a new boolean, and takes it for true or false', () => {
    const hex = Buffer.from(storable.freeze({ on: true, off: false, list: [false] })).toString('hex')
    const program = `use Storable (); my $data = Storable::thaw(pack 'H*', $ARGV[0]);
      print $data->{on} ? 'on' : 'off', $data->{off} ? 'on' : 'off', " $data->{on}$data->{off} ";
      $data->{on} = 'new'; $data->{list}[0] .= 'x'; print "$data->{on} $data->{list}[0]"`
    expect(perl(program, [hex])).toBe('onoff 10 new 0x')
  })

  it('loads the class of overloaded objects, where it did so before', () => {
    const program = `use Storable (); use Math::BigInt; print unpack 'H*', Storable::freeze({n => Math::BigInt->new('123456789012345678901'), m => 1})`
    const value = storable.thaw(Buffer.from(perl(program), 'hex'))
    const hex = Buffer.from(storable.freeze(value)).toString('hex')
    const check = `use Storable (); my $data = Storable::thaw(pack 'H*', $ARGV[0]); print ref $data->{n}, exists $INC{'Math/BigInt.pm'} ? ' loaded' : ''`
    expect(perl(check, [hex])).toBe('Math::BigInt loaded')
  })

  it('reads nested containers as deep as they may be', () => {
    let value: unknown = 'deep'
    for (let level = 0; level < 1999; level++) value = level % 2 ? [value] : { a: value }
    const hex = Buffer.from(storable.freeze([value])).toString('hex')
    const program = `use Storable (); my $data = Storable::thaw(pack 'H*', <STDIN>); my $n = 0;
      while (ref $data) { $data = ref $data eq 'ARRAY' ? $data->[0] : $data->{a}; $n++ } print "$n $data"`
    expect(perl(program.replace('<STDIN>', `'${hex}'`))).toBe('2000 deep')
  })
})

describe('reading', () => {
  it('keeps __proto__ and constructor ordinary keys', () => {
    const image = `${network}\x03\0\0\0\x02\x04\x03\0\0\0\x01\x08\x81\0\0\0\x08polluted\0\0\0\x09__proto__\x05\0\0\0\x0bconstructor`
    const value = thaw(image) as Loose
    expect(Object.keys(value)).toEqual(['__proto__', 'constructor'])
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype)
    expect(value.polluted).toBe(undefined)
    expect(freeze(value).slice(2)).toBe(image.slice(2))
  })

  it('reads any Uint8Array, and a record with anything behind it', () => {
    const bytes = new TextEncoder().encode(`..${network}\x02\0\0\0\x01\x0a\x01x\n\n`)
    expect(thaw(bytes.subarray(2))).toEqual(['x'])
  })

  it('says where a record goes wrong, without showing it', () => {
    const error = refusal(() => thaw(`${network}\x02\0\0\0\x02\x0a\x06secret\x1a\x0a\x01x`))
    expect(error.message).toBe('Not a Storable record: code is never read at byte 15')
    expect(error.offset).toBe(15)
    expect(error.code).toBe('ERR_SESSION_THAW')
  })

  for (const [what, image, offset] of [
    ['text', '$D = {};', 0],
    ['an unknown byte order', '\x04\x0b\x0887654312\x04\x08\x08\x08\x05', 2],
    ['a header cut short', '\x04\x0b\x0812345678\x04', 12],
    ['a record without a value', network, 2],
    ['a string that is too short', `${network}\x02\0\0\0\x01\x0a\x05abc`, 9],
    ['a long string that is not there', `${network}\x02\0\0\0\x01\x01\xff\xff\xff\xffabc`, 12],
    ['an array that is not there', `${network}\x02\x7f\xff\xff\xff\x05`, 7],
    ['a hash that is not there', `${network}\x03\0\0\0\x03\x05\0\0\0\x01a`, 7],
    ['a large array that is not there', `${native}\x21\x02\0\0\0\0\x01\0\0\0\x05`, 25],
    ['two classes', `${network}\x11\x01A\x11\x01B\x03\0\0\0\0`, 5],
    ['a class without a name', `${network}\x11\0\x03\0\0\0\0`, 4],
    ['a tag of a thing that comes later', `${network}\x02\0\0\0\x02\x04\0\0\0\0\x02\x05`, 8],
    ['a container in an element', `${network}\x02\0\0\0\x01\x03\0\0\0\0`, 7],
    ['a container again in an element', `${network}\x02\0\0\0\x01\0\0\0\0\0`, 7],
    ['an integer of 16 bytes', '\x04\x0b\x0812345678\x04\x08\x08\x10\x02\x01\0\0\0\x07\0\0\0\0\0\0\0\0', 21],
    ['a key that is a value', `${network}\x19\0\0\0\0\x01\x05\x08\0\0\0\x01a`, 14],
    ['a pattern with odd flags', `${network}\x11\x06Regexp\x20\0\x01a\x01!`, 15],
    ['a version string that is none', `${network}\x02\0\0\0\x01\x1d\x03abc\x0a\x01x`, 9],
    ['two surrogates that are two characters', `${network}\x02\0\0\0\x01\x17\x06\xed\xa0\xbd\xed\xb8\x80`, 9],
    ['a character beyond Unicode', `${network}\x02\0\0\0\x01\x17\x04\xf4\x90\x80\x80`, 9],
    ['a tied hash with a hook', `${network}\x13\x03\x06`, 3],
  ] as const) {
    it(`gives the offset of ${what}`, () => {
      const error = refusal(() => thaw(image))
      expect(error.code).toBe('ERR_SESSION_THAW')
      expect(error.offset).toBe(offset)
    })
  }

  it('shows bytes as the encoding says', () => {
    const image = `${network}\x02\0\0\0\x02\x0a\x05caf\xc3\xa9\x0a\x04caf\xe9`
    expect(thaw(image)).toEqual(['café', 'café'])
    expect(thaw(image, { encoding: 'latin1' })).toEqual(['cafÃ©', 'café'])
    expect(thaw(image, { encoding: 'bytes' })).toEqual([Buffer.from('café'), Buffer.from('café', 'latin1')])
    expect(freeze(thaw(image)).slice(2)).toBe(image.slice(2))
    expect(freeze((thaw(image) as string[]).reverse()).slice(2)).toBe(
      `${network}\x02\0\0\0\x02\x0a\x05caf\xc3\xa9\x0a\x04caf\xe9`.slice(2),
    )
  })

  it('keeps two elements one scalar until one of them changes', () => {
    const image = `${network}\x02\0\0\0\x03\x0a\x01x\0\0\0\0\x01\0\0\0\0\x01`
    const value = thaw(image) as string[]
    expect(value).toEqual(['x', 'x', 'x'])
    expect(freeze(value).slice(2)).toBe(image.slice(2))
    value[0] = 'y'
    expect(freeze(value).slice(2)).toBe('\x02\0\0\0\x03\x0a\x01y\x0a\x01x\0\0\0\0\x02')
  })

  it('shows references to elements, whether they stand before the element or behind it', () => {
    const before = `${network}\x03\0\0\0\x02\x04\x0a\x01x\0\0\0\x01a\0\0\0\0\x02\0\0\0\x01b`
    const value = thaw(before) as Loose
    expect(value.a).toEqual(new ElementRef(value, 'b'))
    value.b = 'new'
    expect(value.a.value).toBe('new')
    expect(freeze(thaw(before)).slice(2)).toBe(before.slice(2))
    const behind = `${network}\x03\0\0\0\x02\x0a\x01x\0\0\0\x01b\x04\0\0\0\0\x01\0\0\0\x01a`
    expect(thaw(behind)).toEqual(thaw(before))
    expect(freeze(thaw(behind)).slice(2)).toBe(behind.slice(2))
  })

  it('shows an element that is an object through the references to it', () => {
    const image = `${network}\x03\0\0\0\x02\x11\x01C\x0a\x01x\0\0\0\x01b\x04\0\0\0\0\x01\0\0\0\x01a`
    const value = thaw(image) as Loose
    expect(value.b).toBe('x')
    expect(value.a).toEqual(new PerlObject('C', new ElementRef(value, 'b')))
    expect(freeze(value).slice(2)).toBe(image.slice(2))
  })

  it('keeps weak references, locks and overloaded classes of what is not touched', () => {
    const weak = `${network}\x03\0\0\0\x01\x1b\0\0\0\0\0\0\0\0\x01a`
    const locked = `${network}\x19\x01\0\0\0\x03\x08\x81\x04\0\0\0\x01a\x08\x82\0\0\0\0\x01b\x0e\x10\0\0\0\x01c`
    const overloaded = `${network}\x02\0\0\0\x01\x14\x11\x01C\x02\0\0\0\0`
    for (const image of [weak, locked, overloaded]) expect(freeze(thaw(image)).slice(2)).toBe(image.slice(2))
    const value = thaw(locked) as Loose
    value.c = 5
    delete value.a
    expect(freeze(value).slice(2)).toBe('\x19\x01\0\0\0\x02\x08\x82\0\0\0\0\x01b\x08\x85\0\0\0\0\x01c')
  })

  it('keeps the kinds of booleans, also where true becomes false', () => {
    const image = `${network}\x03\0\0\0\x03\x0f\0\0\0\x01a\x22\0\0\0\x01b\x14\x11\x11JSON::PP::Boolean\x08\x81\0\0\0\x01c`
    const value = thaw(image) as Loose
    expect(value).toEqual({ a: true, b: true, c: true })
    expect(freeze(value).slice(2)).toBe(image.slice(2))
    const changed = image.replace('\x0f', '\x10').replace('\x22', '\x23').replace('\x08\x81', '\x08\x80')
    expect(freeze(Object.assign(value, { a: false, b: false, c: false })).slice(2)).toBe(changed.slice(2))
  })

  it('keeps to its limits', () => {
    const nested = freeze([[[1]]])
    expect(thaw(nested, { maxDepth: 3, maxValues: 3, maxBytes: nested.length })).toEqual([[[1]]])
    expect(refusal(() => thaw(nested, { maxDepth: 2 })).code).toBe('ERR_SESSION_LIMIT')
    expect(refusal(() => thaw(nested, { maxValues: 2 })).code).toBe('ERR_SESSION_LIMIT')
    expect(refusal(() => thaw(nested, { maxBytes: nested.length - 1 })).code).toBe('ERR_SESSION_LIMIT')
  })

  it('is not hurt by hostile records', () => {
    const million = 1 << 20
    for (const piece of ['\x04', '\x1b', '\x02\0\0\0\x01\x04', '\x03\0\0\0\x01\x04', '\x13\x40', '\x11\x01A\x04']) {
      const image = `${network}\x02\0\0\0\x01\x04${piece.repeat(million)}${'\0'.repeat(100)}`
      for (const maxDepth of [2000, 10_000]) {
        expect(refusal(() => thaw(image, { maxDepth })).code).toMatch(/^ERR_SESSION_(?:LIMIT|THAW)$/)
      }
    }
    expect(
      refusal(() => thaw(`${network}\x02\x00\xff\xff\xff${'\x05'.repeat(0xffffff)}`, { maxBytes: 1e8 })).code,
    ).toBe('ERR_SESSION_LIMIT')
    const lone = `${network}\x02\0\0\0\x01\x18\x00\x30\0\0${'\xed\xa0\x80'.repeat(million)}`
    expect(thaw(lone)).toEqual(['\ud800'.repeat(million)])
  })

  it('refuses damaged records with a SerializeError, or reads something', { timeout: 120_000 }, () => {
    const random = randomNumbers(7)
    const images = data.filter((file) => file.bytes!.length < 2000).map((file) => file.bytes!)
    let refused = 0
    for (let round = 0; round < 30_000; round++) {
      const image = Buffer.from(images[Math.floor(random() * images.length)]!)
      for (let hits = 1 + Math.floor(random() * 3); hits > 0; hits--) {
        image[Math.floor(random() * image.length)] = random() < 0.5 ? random() * 36 : random() * 256
      }
      try {
        const value = storable.thaw(image)
        if (typeof value === 'object' && value !== null) storable.freeze(value)
      } catch (error) {
        if (!(error instanceof SerializeError)) throw error
        refused++
      }
    }
    expect(refused).toBeGreaterThan(10_000)
    expect(refused).toBeLessThan(29_000)
  })
})

describe('writing', () => {
  it('is in network order, of the lowest minor version that will do', () => {
    const head = (value: unknown) => Buffer.from(freeze(value).slice(0, 2), 'latin1').toString('hex')
    expect(head({ a: [1, 'x', '☺', null, -70000, true, new ScalarRef(new PerlObject('C', {}))] })).toBe('0507')
    expect(head([new PerlVString('v1.2')])).toBe('0508')
    expect(head([new PerlRegExp('x', 'i')])).toBe('050b')
  })

  it('is in native order where there are numbers that network order does not have', () => {
    for (const value of [0.5, 2 ** 31, -(2 ** 31) - 1, 2n ** 62n, -0, 1e300, 2 ** 60]) {
      const image = freeze({ a: 'x', b: [value], c: 1 })
      expect(image.startsWith('\x04\x07\x0812345678\x04\x08\x08\x08')).toBe(true)
      expect(thaw(image)).toEqual({ a: 'x', b: [value], c: 1 })
    }
    for (const value of [2 ** 31 - 1, -(2 ** 31), 5n, 0]) expect(freeze([value]).slice(0, 1)).toBe('\x05')
  })

  it('gives back numbers as they are', () => {
    const numbers = [
      0,
      -1,
      127,
      128,
      -128,
      -129,
      65536,
      2 ** 31 - 1,
      2 ** 53 - 1,
      -(2 ** 53) + 1,
      2n ** 53n,
      2n ** 63n - 1n,
    ]
    expect(thaw(freeze(numbers))).toEqual(numbers)
    expect(thaw(freeze([2n ** 64n - 1n, 2n ** 63n]))).toEqual(['18446744073709551615', '9223372036854775808'])
  })

  it('writes whole floating point numbers of Perl as such, until they change', () => {
    const image = `${native.replace('\x0b', '\x07')}\x02\x02\0\0\0\x07\0\0\0\0\0\0\x08\x40\x08\x83`
    const value = thaw(image) as number[]
    expect(value).toEqual([3, 3])
    expect(freeze(value)).toBe(image)
    value[0] = 4
    expect(freeze(value)).toBe(`\x05\x07\x02\0\0\0\x02\x08\x84\x08\x83`)
  })

  it('writes back numbers of Perl that are none, but no new ones', () => {
    const image = `${native.replace('\x0b', '\x07')}\x02\x02\0\0\0\x07\0\0\0\0\0\0\xf0\x7f\x07\0\0\0\0\0\0\xf8\x7f`
    const value = thaw(image) as number[]
    expect(value).toEqual([Infinity, Number.NaN])
    expect(freeze(value)).toBe(image)
    expect(refusal(() => freeze([...value])).path).toBe('[0]')
    value[1] = -Infinity
    expect(refusal(() => freeze(value)).path).toBe('[1]')
  })

  it('keeps holes in arrays, and leaves out what is undefined in objects', () => {
    const sparse: unknown[] = [1, undefined, null]
    sparse[5] = 2
    const read = thaw(freeze({ a: undefined, sparse })) as Loose
    expect(Object.keys(read)).toEqual(['sparse'])
    expect(Object.keys(read.sparse)).toEqual(['0', '1', '2', '5'])
    expect(read.sparse).toHaveLength(6)
  })

  it('gives Perl new text as characters or as bytes', () => {
    expect(freeze(['é'])).toBe('\x05\x07\x02\0\0\0\x01\x17\x02\xc3\xa9')
    expect(freeze(['é'], { newText: 'bytes' })).toBe('\x05\x07\x02\0\0\0\x01\x0a\x02\xc3\xa9')
    expect(freeze({ é: 1 })).toBe('\x05\x07\x19\0\0\0\0\x01\x08\x81\x02\0\0\0\x01\xe9')
    expect(freeze({ '☺': 1 })).toBe('\x05\x07\x19\0\0\0\0\x01\x08\x81\x01\0\0\0\x03\xe2\x98\xba')
    expect(freeze({ é: 1 }, { newText: 'bytes' })).toBe('\x05\x07\x03\0\0\0\x01\x08\x81\0\0\0\x02\xc3\xa9')
  })

  it('gives back texts of all lengths and kinds', () => {
    const texts = [0, 1, 39, 40, 41, 63, 64, 65, 255, 256, 257, 70_000].flatMap((length) =>
      ['a', 'é', '☺', '😀', '\ud800'].map((char) => `${'b'.repeat(Math.max(0, length - char.length))}${char}`),
    )
    const session = Object.fromEntries(texts.map((text) => [text, text]))
    expect(thaw(freeze(session))).toEqual(session)
  })

  it('keeps identity, cycles included', () => {
    const list = [1]
    const object = new PerlObject('My::Class', { list })
    const scalar = new ScalarRef(list)
    const session: Loose = { list, object, scalar, again: [list, object, scalar] }
    session.self = session
    const read = thaw(freeze(session)) as Loose
    expect(read.self).toBe(read)
    expect(read.object.value.list).toBe(read.list)
    expect(read.again).toEqual([read.list, read.object, read.scalar])
    for (const [index, key] of ['list', 'object', 'scalar'].entries()) expect(read.again[index]).toBe(read[key])
    expect(read.scalar.value).toBe(read.list)
  })

  it('keeps objects that their class wrote, with long names and many classes', () => {
    const names = ['L'.repeat(300), ...Array.from({ length: 300 }, (_, index) => `C${index}`), 'L'.repeat(300), 'C299']
    const hooks = names.map((name) => new PerlObject(name, new StorableHook('array', Buffer.from(name), [[name]])))
    expect(thaw(freeze(hooks))).toEqual(hooks)
    const plain = names.map((name) => new PerlObject(name, {}))
    expect(thaw(freeze(plain))).toEqual(plain)
  })

  it('leaves no trace of a record in the next', () => {
    refusal(() => freeze({ a: 'x'.repeat(50_000), b: () => 1 }))
    expect(freeze({ a: 1 })).toBe('\x05\x07\x03\0\0\0\x01\x08\x81\0\0\0\x01a')
    const outer = {
      get a() {
        return freeze({ b: 2 }).length
      },
      c: 'x',
    }
    expect(thaw(freeze(outer))).toEqual({ a: 14, c: 'x' })
  })

  it('takes plain objects without a prototype or of another realm', async () => {
    const { runInNewContext } = await import('node:vm')
    expect(freeze(runInNewContext('({ a: [1, { b: 2 }] })'))).toBe(freeze({ a: [1, { b: 2 }] }))
    expect(freeze(Object.assign(Object.create(null), { a: 1 }))).toBe(freeze({ a: 1 }))
  })

  class Person {
    name = 'Eve'
  }
  const twice = {}
  const refused: [string, unknown][] = [
    ['a date', new Date(0)],
    ['a Map', new Map()],
    ['a boxed string', Object('x')],
    ['an instance', new Person()],
    ['NaN', Number.NaN],
    ['Infinity', Infinity],
    ['a function', () => 1],
    ['a symbol', Symbol('s')],
    ['too big an integer', 2n ** 64n],
    ['too small an integer', -(2n ** 63n) - 1n],
    ['a pattern of wide characters', new PerlRegExp('☺')],
    ['an object of no class', new PerlObject('', {})],
    ['an object that is a plain value', new PerlObject('C', 'x')],
    ['an object of undef', new PerlObject('C', null)],
    ['an object of an object', new PerlObject('C', new PerlObject('D', {}))],
    ['an object of two classes', [new PerlObject('C', twice), new PerlObject('D', twice)]],
    ['a hook without an object', new StorableHook('hash', Buffer.from(''), [])],
    ['a hook with a plain value', new PerlObject('C', new StorableHook('hash', Buffer.from(''), ['x']))],
  ]
  for (const [what, value] of refused) {
    it(`refuses ${what} and says where it is`, () => {
      const error = refusal(() => freeze({ cart: { items: [1, 'a', value] } }))
      expect(error.code).toBe('ERR_SESSION_FREEZE')
      expect(error.path).toMatch(/^cart\.items\[2\]/)
      expect(error.message).toMatch(/^Storable cannot hold cart\.items\[2\].*: ./)
    })
  }

  for (const value of [undefined, null, 'x', 1, true, Buffer.from('x'), new PerlVString('v1.2')]) {
    it(`refuses ${String(value)} as a session`, () => {
      expect(refusal(() => freeze(value)).message).toMatch(/^Storable cannot hold the whole session: /)
    })
  }

  it('keeps to its limits, and never runs out of stack', () => {
    let deep: unknown = 1
    for (let level = 0; level < 10_000; level++)
      deep = level % 3 ? [deep] : level % 2 ? { a: deep } : new ScalarRef(deep)
    expect(refusal(() => freeze(deep)).code).toBe('ERR_SESSION_LIMIT')
    const image = freeze(deep, { maxDepth: 10_000 })
    expect(refusal(() => thaw(image)).code).toBe('ERR_SESSION_LIMIT')
    expect(freeze(thaw(image, { maxDepth: 10_000 }), { maxDepth: 10_000 })).toBe(image)
    const size = freeze(['x'.repeat(100_000)]).length
    expect(freeze(['x'.repeat(100_000)], { maxBytes: size })).toHaveLength(size)
    expect(refusal(() => freeze(['x'.repeat(100_000)], { maxBytes: size - 1 })).code).toBe('ERR_SESSION_LIMIT')
  })

  it('notes nothing on what it writes', () => {
    const session = { a: [1.5, 'é'] }
    freeze(session)
    expect(originOf(session)).toBe(undefined)
    expect(originOf(session.a)).toBe(undefined)
  })
})

function sourceOf({ source }: Fixture): unknown {
  if (source === undefined) return undefined
  try {
    return buildValue(source, { storable: true })
  } catch (error) {
    if (error instanceof NotRepresentable) return undefined
    throw error
  }
}

/** New booleans are JSON's, and integers from 2^63 on are digits. */
function inPerl(node: Node): Node {
  return JSON.parse(JSON.stringify(node), (_, each) => {
    if (typeof each?.b === 'boolean') {
      const { b, ...others } = each
      return { jb: b, ...others }
    }
    return typeof each?.i === 'string' && BigInt(each.i) >= 2n ** 63n ? each.i : each
  })
}
