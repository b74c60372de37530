/**
 * How long a CGI-like process takes: start, open a stored session, raise a counter, flush, exit.
 *
 * Whole processes, all contenders once in each round, in random order. What counts is the ratio to bare `node` of the same
 * round: `npm run bench:cold -- --rounds 21`.
 */

import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

const id = '0123456789abcdef0123456789abcdef'

/** One thing to run: a command, and the file with the record that it changes (absent where it changes none). */
interface Contender {
  readonly name: string
  readonly command: readonly string[]
  readonly file?: string
  readonly record?: string
}

// Node 20 reads this bundle at every start, which takes twice as long as all the rest.
const { NODE_EXTRA_CA_CERTS: _, ...environment } = process.env

/** A session of about 1 KB. */
function parameters(): Record<string, unknown> {
  const text = 'The quick brown fox jumps over the lazy dog. '
  return {
    visits: 0,
    user: { name: 'Alice', roles: ['reader', 'writer'] },
    text: text.repeat(15),
    list: [1, 2, 3, 'four'],
  }
}

const reserved = {
  _SESSION_ID: id,
  _SESSION_CTIME: 1600000000,
  _SESSION_ATIME: 1600000000,
  _SESSION_ETIME: 0,
  _SESSION_PTIME: {},
}

const json = JSON.stringify({ ...reserved, ...parameters() })
const dumped = `$D = ${json.replaceAll('":', '" => ')};;$D`

function nodePrograms(folder: string): Contender[] {
  const library = join(__dirname, '../../index.js')
  const file = join(folder, `cgisess_${id}`)
  const use = (
    type: string,
  ) => `Session.open({ type: '${type}', directory: ${JSON.stringify(folder)}, id: '${id}' }).then((session) => {
    session.param('visits', session.param('visits') + 1)
    return session.close()
  })`
  const programs: [name: string, file: string, source: string, record?: string][] = [
    ['bare node', 'empty.cjs', ''],
    ['bare node, module', 'empty.mjs', ''],
    [
      'fs by hand, no lock',
      'fs.cjs',
      `const fs = require('node:fs')
       const data = JSON.parse(fs.readFileSync('${file}', 'utf8'))
       data.visits++
       fs.writeFileSync('${file}', JSON.stringify(data))`,
      json,
    ],
    [
      'data-session, require',
      'require.cjs',
      `const { Session } = require('${library}')\n${use('driver:File;serialize:JSON')}`,
      json,
    ],
    [
      'data-session, import',
      'import.mjs',
      `import { Session } from '${library}'\nawait ${use('driver:File;serialize:JSON')}`,
      json,
    ],
    [
      'data-session, DataDumper',
      'dumper.cjs',
      `const { Session } = require('${library}')\n${use('driver:File')}`,
      dumped,
    ],
  ]
  return programs.map(([name, program, source, record]) => {
    writeFileSync(join(folder, program), source)
    const command = [process.execPath, join(folder, program)]
    return record === undefined ? { name, command } : { name, command, file, record }
  })
}

function perlPrograms(folder: string): Contender[] {
  const file = join(folder, `cgisess_${id}`)
  const raise = '$s->param(visits => $s->param("visits") + 1); $s->flush'
  const cgi = `my $s = CGI::Session->new("driver:file;serializer:default;id:md5", "${id}", {Directory => "${folder}"}); ${raise}`
  const own = (serializer: string) =>
    `my $s = Data::Session->new(type => "driver:File;id:MD5;serialize:${serializer}", id => "${id}", directory => "${folder}"); ${raise}`
  const programs: [name: string, module: string, program: string, record: string][] = [
    ['Perl CGI::Session, default', 'CGI::Session', cgi, dumped],
    ['Perl Data::Session, DataDumper', 'Data::Session', own('DataDumper'), dumped],
    ['Perl Data::Session, JSON', 'Data::Session', own('JSON'), json],
  ]
  return programs
    .filter(([, module]) => spawnSync('perl', [`-M${module}`, '-e', '1']).status === 0)
    .map(([name, module, program, record]) => ({ name, command: ['perl', `-M${module}`, '-e', program], file, record }))
}

/** Milliseconds of one run. @throws when the program fails or did not raise the counter */
function time({ name, command, file, record }: Contender): number {
  if (file !== undefined) writeFileSync(file, record!, { mode: 0o600 })
  const start = process.hrtime.bigint()
  const run = spawnSync(command[0]!, command.slice(1), { env: environment, encoding: 'utf8' })
  const took = Number(process.hrtime.bigint() - start) / 1e6
  if (run.status !== 0) throw new Error(`${name}: ${run.stderr}`)
  if (file !== undefined && !/["']visits["'](?::| => )["']?1\b/.test(readFileSync(file, 'latin1'))) {
    throw new Error(`${name} did not raise the counter`)
  }
  return took
}

function shuffle<Item>(items: readonly Item[]): Item[] {
  return items
    .map((item) => ({ item, key: Math.random() }))
    .sort((a, b) => a.key - b.key)
    .map(({ item }) => item)
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)]!
}

function main(): void {
  const { values } = parseArgs({ options: { rounds: { type: 'string', default: '21' } } })
  const folder = mkdtempSync(join(tmpdir(), 'data-session-cold-'))
  try {
    const contenders = [...nodePrograms(folder), ...perlPrograms(folder)]
    for (const contender of contenders) time(contender)
    const times = new Map<string, number[]>(contenders.map(({ name }) => [name, []]))
    for (let round = 0; round < Number(values.rounds); round++) {
      for (const contender of shuffle(contenders)) times.get(contender.name)!.push(time(contender))
    }
    report(times)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function report(times: ReadonlyMap<string, readonly number[]>): void {
  const bare = times.get('bare node')!
  console.log('| program | ms (median) | x bare node (median of the rounds) |\n|---|---:|---:|')
  for (const [name, own] of times) {
    const ratio = median(own.map((value, round) => value / bare[round]!))
    console.log(`| ${name} | ${median(own).toFixed(1)} | ${ratio.toFixed(2)} |`)
  }
}

main()
