/**
 * How long a CGI-like process takes: start, open a stored session, raise a counter, flush, exit.
 *
 * Whole processes, all contenders once in each round, in random order. What counts is the ratio to bare `node` of the same
 * round: `npm run bench:cold -- --rounds 21`.
 */

import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { median, shuffle } from './measure.js'

const id = '0123456789abcdef0123456789abcdef'

/** Where the session is. */
interface Place {
  /** Put the session there, as it was. */
  reset(): void
  /** The record that is there now. */
  read(): string
}

/** One thing to run: a command, the place of what it changes (absent where it changes nothing), and what does the same by hand. */
interface Contender {
  readonly name: string
  readonly command: readonly string[]
  readonly place?: Place
  readonly byHand?: string
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

/** A record in a file. */
function filePlace(file: string, record: string): Place {
  return { reset: () => writeFileSync(file, record, { mode: 0o600 }), read: () => readFileSync(file, 'latin1') }
}

/** A program for node, written into the folder. */
function nodeProgram(folder: string, file: string, source: string): readonly string[] {
  writeFileSync(join(folder, file), source)
  return [process.execPath, join(folder, file)]
}

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
    const command = nodeProgram(folder, program, source)
    if (record === undefined) return { name, command }
    return { name, command, place: filePlace(file, record), byHand: 'fs by hand, no lock' }
  })
}

/** What is used of better-sqlite3. */
interface Database {
  exec(sql: string): void
  prepare(sql: string): { run(...values: unknown[]): unknown; pluck(): { get(): Buffer } }
}

/** The same in SQLite, with its default journal: by better-sqlite3 alone, and by this package over it. */
function sqlitePrograms(folder: string): Contender[] {
  const require = createRequire(import.meta.url)
  let client: string
  try {
    client = require.resolve('better-sqlite3')
  } catch {
    console.log('without SQLite: `better-sqlite3` is not installed\n')
    return []
  }
  const file = join(folder, 'sessions.sqlite')
  const db: Database = new (require(client))(file)
  db.exec('create table sessions (id varchar(32) not null primary key, a_session blob not null)')
  const replace = db.prepare('replace into sessions values (?, ?)')
  const fetch = db.prepare('select a_session from sessions').pluck()
  const place = { reset: () => void replace.run(id, Buffer.from(json)), read: () => fetch.get().toString() }
  const name = 'better-sqlite3 by hand'
  const byHand = `const db = new (require('${client}'))('${file}')
    const record = db.prepare('select a_session from sessions where id = ?').pluck().get('${id}')
    const data = JSON.parse(record.toString())
    data.visits++
    db.prepare('update sessions set a_session = ? where id = ? and a_session = ?').run(Buffer.from(JSON.stringify(data)), '${id}', record)
    db.close()`
  const library = join(__dirname, '../../index.js')
  const own = `require('${library}').Session.open({ type: 'driver:SQLite;serialize:JSON', dataSource: '${file}', id: '${id}' }).then((session) => {
    session.param('visits', session.param('visits') + 1)
    return session.close()
  })`
  const programs: [name: string, file: string, source: string][] = [
    [name, 'by-hand.cjs', byHand],
    [`${name}, again (control)`, 'control.cjs', byHand],
    ['data-session, SQLite', 'sqlite.cjs', own],
  ]
  return programs.map(([title, program, source]) => {
    return { name: title, command: nodeProgram(folder, program, source), place, byHand: name }
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
    .map(([name, module, program, record]) => {
      return { name, command: ['perl', `-M${module}`, '-e', program], place: filePlace(file, record) }
    })
}

/** Milliseconds of one run. @throws when the program fails or did not raise the counter */
function time({ name, command, place }: Contender): number {
  place?.reset()
  const start = process.hrtime.bigint()
  const run = spawnSync(command[0]!, command.slice(1), { env: environment, encoding: 'utf8' })
  const took = Number(process.hrtime.bigint() - start) / 1e6
  if (run.status !== 0) throw new Error(`${name}: ${run.stderr}`)
  if (place !== undefined && !/["']visits["'](?::| => )["']?1\b/.test(place.read())) {
    throw new Error(`${name} did not raise the counter`)
  }
  return took
}

function main(): void {
  const { values } = parseArgs({ options: { rounds: { type: 'string', default: '21' } } })
  const folder = mkdtempSync(join(tmpdir(), 'data-session-cold-'))
  try {
    const contenders = [...nodePrograms(folder), ...sqlitePrograms(folder), ...perlPrograms(folder)]
    for (const contender of contenders) time(contender)
    const times = new Map<string, number[]>(contenders.map(({ name }) => [name, []]))
    for (let round = 0; round < Number(values.rounds); round++) {
      for (const contender of shuffle(contenders)) times.get(contender.name)!.push(time(contender))
    }
    report(contenders, times)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function report(contenders: readonly Contender[], times: ReadonlyMap<string, readonly number[]>): void {
  console.log('| program | ms (median) | x bare node | x by hand |\n|---|---:|---:|---:|')
  for (const { name, byHand } of contenders) {
    const own = times.get(name)!
    const ratioTo = (other: string) => median(own.map((value, round) => value / times.get(other)![round]!)).toFixed(2)
    const cells = [median(own).toFixed(1), ratioTo('bare node'), byHand === undefined ? '' : ratioTo(byHand)]
    console.log(`| ${name} | ${cells.join(' | ')} |`)
  }
}

main()
