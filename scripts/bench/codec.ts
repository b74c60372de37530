/**
 * Freezes and thaws a second, of each serializer here and of the Perl module behind Data::Session's serializer of that name.
 *
 * The same session, in sizes of about 1, 10 and 100 KB; Node and Perl take turns, and the median of the rounds counts:
 * `npm run bench:codec -- --rounds 5 --seconds 0.3 --serialize DataDumper,JSON`.
 */

import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Serializer } from 'data-session'
import { parametersOf } from './measure.js'

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '0.3' },
    serialize: { type: 'string', default: 'DataDumper,FreezeThaw,JSON,Storable,YAML' },
  },
})
const seconds = Number(options.seconds)

/** How Data::Session's serializers use the modules behind them. */
const perlCodecs: Record<string, string> = {
  DataDumper: `use Data::Dumper; use Safe;
    $freeze = sub { my $d = Data::Dumper->new([$_[0]], ['D']); $d->Indent(0); $d->Purity(1); $d->Useqq(0); $d->Deepcopy(0); $d->Quotekeys(1); $d->Terse(0); $d->Dump };
    $thaw = sub { my ($d) = Safe->new->reval($_[0]); $d }`,
  FreezeThaw:
    'use FreezeThaw; $freeze = sub { FreezeThaw::freeze($_[0]) }; $thaw = sub { (FreezeThaw::thaw($_[0]))[0] }',
  JSON: 'use JSON; $freeze = sub { JSON->new->encode($_[0]) }; $thaw = sub { JSON->new->decode($_[0]) }',
  Storable: 'use Storable; $freeze = sub { Storable::freeze($_[0]) }; $thaw = sub { Storable::thaw($_[0]) }',
  YAML: 'use YAML::Tiny; $freeze = sub { YAML::Tiny::freeze($_[0]) }; $thaw = sub { (YAML::Tiny::thaw($_[0]))[0] }',
}

/** Reads a session (as JSON), and prints freezes and thaws a second. */
const perlProgram = `
  use strict; use warnings; use Time::HiRes 'time'; use JSON ();
  our ($freeze, $thaw);
  CODEC;
  open my $in, '<', $ARGV[0] or die; local $/; my $session = JSON->new->decode(<$in>);
  my $frozen = $freeze->($session);
  sub rate { my ($run) = @_; my ($n, $start) = (0, time); do { $run->() for 1 .. 5; $n += 5 } while (time - $start < $ARGV[1]); $n / (time - $start) }
  printf "%f %f\\n", rate(sub { $freeze->($session) }), rate(sub { $thaw->($frozen) });
`

/** A session of about so many KB. */
function session(kilobytes: number): Record<string, unknown> {
  const id = '0123456789abcdef0123456789abcdef'
  const reserved = { _SESSION_ID: id, _SESSION_CTIME: 1600000000, _SESSION_ATIME: 1600000100, _SESSION_ETIME: 3600 }
  const entries = Math.max(1, Math.round(kilobytes * 3 - 1))
  return { ...reserved, _SESSION_PTIME: { cart: 600 }, ...parametersOf(entries) }
}

function rate(run: () => void): number {
  const start = process.hrtime.bigint()
  const end = start + BigInt(Math.round(seconds * 1e9))
  let count = 0
  let now = start
  do {
    for (let i = 0; i < 5; i++) run()
    count += 5
    now = process.hrtime.bigint()
  } while (now < end)
  return count / (Number(now - start) / 1e9)
}

interface Rates {
  freeze: number
  thaw: number
}

function nodeRates(serializer: Serializer, value: unknown): Rates {
  const record = serializer.freeze(value)
  return { freeze: rate(() => serializer.freeze(value)), thaw: rate(() => serializer.thaw(record)) }
}

/** What a JSON session costs without this package. */
const plainJson: Serializer = {
  output: 'text',
  padding: true,
  freeze: (value) => Buffer.from(JSON.stringify(value)),
  thaw: (record) => JSON.parse((record as Buffer).toString()),
}

function perlRates(name: string, file: string): Rates | undefined {
  const program = perlProgram.replace('CODEC', () => perlCodecs[name]!)
  const run = spawnSync('perl', ['-e', program, file, `${seconds}`], { encoding: 'utf8' })
  if (run.status !== 0) return undefined
  const [freeze, thaw] = run.stdout.split(' ').map(Number)
  return { freeze: freeze!, thaw: thaw! }
}

function median(rates: readonly (Rates | undefined)[], which: keyof Rates): number | undefined {
  const sorted = rates.map((rate) => rate?.[which]).filter((value) => value !== undefined)
  return sorted.sort((a, b) => a - b)[Math.floor(sorted.length / 2)]
}

const show = (value: number | undefined) => (value === undefined ? '-' : Math.round(value).toLocaleString('en'))

const ratio = (own?: number, other?: number) => (own && other ? `${(own / other).toFixed(2)} x` : '-')

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'data-session-codec-'))
  console.log('| serializer | KB | freeze/s | Perl | | thaw/s | Perl | |\n|---|---:|---:|---:|---:|---:|---:|---:|')
  try {
    for (const name of options.serialize.split(',')) await measure(name, folder)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** A serializer with its default options, from dist/. */
async function loadSerializer(name: string): Promise<Serializer> {
  const { default: Plugin } = createRequire(import.meta.url)(`../../serialize/${name}.js`)
  const readers = Object.entries<(value: unknown, option: string) => unknown>(Plugin.options)
  return new Plugin(Object.fromEntries(readers.map(([option, read]) => [option, read(undefined, option)])))
}

async function measure(name: string, folder: string): Promise<void> {
  const serializer = await loadSerializer(name)
  for (const kilobytes of [1, 10, 100]) {
    const value = session(kilobytes)
    const file = join(folder, 'session.json')
    writeFileSync(file, JSON.stringify(value))
    const node: Rates[] = []
    const perl: (Rates | undefined)[] = []
    const plain: Rates[] = []
    for (let round = 0; round < Number(options.rounds); round++) {
      node.push(nodeRates(serializer, value))
      perl.push(perlRates(name, file))
      if (name === 'JSON') plain.push(nodeRates(plainJson, value))
    }
    row(name, kilobytes, node, perl)
    if (name === 'JSON') row('JSON against JSON.stringify + Buffer.from', kilobytes, node, plain)
  }
}

function row(name: string, kilobytes: number, own: readonly Rates[], other: readonly (Rates | undefined)[]): void {
  const cells = (['freeze', 'thaw'] as const).flatMap((which) => {
    const [mine, theirs] = [median(own, which), median(other, which)]
    return [show(mine), show(theirs), ratio(mine, theirs)]
  })
  console.log(`| ${name} | ${kilobytes} | ${cells.join(' | ')} |`)
}

main()
