/** Random texts for YAML::Tiny, and what it reads in them. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { perl } from './perl.js'
import { randomNumbers } from './random-values.js'

const program = `use YAML::Tiny; use JSON::PP; no warnings;
  my $json = JSON::PP->new->ascii->allow_nonref->max_depth(10_000);
  local $SIG{__WARN__} = sub {};
  open(my $in, '<', $ARGV[0]) || die; local $/;
  for my $document (@{JSON::PP->new->decode(<$in>)}) {
    my ($value) = eval { YAML::Tiny::thaw($document) };
    print defined($value) && ! $@ ? $json->encode([$value]) : '[]', "\\n";
  }`

/** The values that YAML::Tiny reads (characters are bytes); undefined: none, or it dies. */
export function perlReads(documents: readonly string[]): unknown[] {
  const folder = mkdtempSync(join(tmpdir(), 'yaml-tiny-'))
  try {
    const toEscape = (char: string) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`
    writeFileSync(join(folder, 'in'), JSON.stringify(documents).replace(/[\x7f-\uffff]/g, toEscape))
    const lines = perl(program, [join(folder, 'in')])
      .trimEnd()
      .split('\n')
    if (lines.length !== documents.length) throw new Error(`Perl read ${lines.length} of ${documents.length} documents`)
    return lines.map((line) => JSON.parse(line)[0])
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const signs = [
  ...[
    "'",
    '"',
    "''",
    '\\',
    '\\"',
    '\\\\',
    '\\x41',
    '\\N',
    '\\q',
    '#',
    ' #',
    '~',
    '{}',
    '[]',
    '|',
    '>',
    '|-',
    '>-',
    '?',
  ],
  ...[':', ': ', ' :', '::', ':::', '-', '- ', '--', '---', '...', '!', '&', '*a', '@', '`', '%', ',', '=', '[1, 2]'],
  ...[
    'a',
    'b',
    'foo',
    '0',
    '1',
    'e5',
    '.',
    'null',
    'true',
    'Inf',
    ' ',
    '  ',
    '\t',
    '\r',
    '\xa0',
    '\x85',
    '\xe9',
    '\x0b',
  ],
]
const breaks = ['\n', '\n', '\r\n', '\n  ', '\n    ', '\n- ', '\n  - ', '\n-', '\nkey: value', "\n'k': v", '\n"k": "v"']
const lines = [
  ...[
    'a: 1',
    'b:',
    'c: x',
    '- x',
    '-',
    '- a: 1',
    '- - x',
    "- 'q'",
    '-  a: 2',
    'd: |',
    'e: >-',
    '# c',
    '',
    '...',
    '---',
  ],
  ...['--- t', "'k':", '"k": {}', '- []', 'f: ~', '-x', '- b:', 'text', '- c: |', 'a::b: 1', 'a:: b: 2', 'a b : 3'],
  ...['--- # c', '--- |', '%YAML 1.2', 'a: !!str x', 'a: &x y', 'a: *x', '  - deep', '    deeper: 1'],
]
const keySigns = ['a', 'b', ':', '::', ':::', '::::', ' ', ': ', '#', "'", '-', '\t', '"']
const wideSigns = ['é', 'Ã', '©', '☺', '😀', '\u2028', '\ufeff', '\u3000', '\0', '\x7f', '\n']

/** The same for the same seed; characters up to U+00FF. Documents that only YAML.pm or YAML::Syck write are left out. */
export function randomDocuments(seed: number, count: number): string[] {
  const random = randomNumbers(seed)
  const pick = (list: readonly string[]) => list[Math.floor(random() * list.length)]!
  const some = (most: number, part: () => string) =>
    Array.from({ length: 1 + Math.floor(random() * most) }, part).join('')
  const kinds = [
    () => pick(['', '---\n']) + some(14, () => pick(random() < 0.7 ? signs : breaks)),
    () => some(7, () => `${' '.repeat(Math.floor(random() * 5))}${pick(lines)}\n`),
    () => pick(['', '', ' ', '- ']) + some(9, () => pick(keySigns)),
  ]
  const documents: string[] = []
  while (documents.length < count) {
    const document = kinds[documents.length % 3]!()
    if (!isLenient.test(document)) documents.push(document)
  }
  return documents
}

/** Documents that are read though YAML::Tiny refuses them: by js-yaml; and a quoted item behind two blanks. */
const isLenient = /^--- \r?\n|&\d|-[ \t\xa0\x85\x0b]{2,}['"]/

/** Texts with what is special in YAML and outside of ASCII. */
export function randomTexts(seed: number, count: number): string[] {
  const random = randomNumbers(seed)
  const all = [...signs, ...wideSigns]
  return Array.from({ length: count }, () =>
    Array.from({ length: Math.floor(random() * 5) }, () => all[Math.floor(random() * all.length)]).join(''),
  )
}
