/** Berkeley DB files with sessions, made by real Perl, and the import of them as a program of its own. */

import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import type { ManagerOptions } from '../../lib/index.js'
import { bundle, type Child, start } from './child.js'
import { temporaryFolder } from './folders.js'
import { perl } from './perl.js'

/** Every byte there is, as the text that it is read as. */
export const everyByte = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte)).join('')

/** What each session holds, beside its number `n`. */
export const parameters = { bytes: everyByte, text: 'café', list: [1, 'two', { deep: null }] }

const parametersInPerl = String.raw`my %parameters = (
  bytes => join('', map chr, 0 .. 255), text => "caf\xc3\xa9", list => [1, 'two', { deep => undef }]);`

/** How Perl has a database open, as `$db`. `file` is what the import is told. */
interface Layout {
  readonly open: string
  readonly file: string
}

const environment = `use BerkeleyDB;
  my $env = BerkeleyDB::Env->new(-Home => $folder, -Flags => DB_CREATE | DB_INIT_CDB | DB_INIT_MPOOL) or die;`

const inEnvironment = (type: string): Layout => ({
  open: `${environment} my $db = BerkeleyDB::${type}->new(-Env => $env, -Filename => 's.db', -Flags => DB_CREATE) or die;
    my $put = sub { my $lock = $db->cds_lock; $db->db_put(@_) == 0 or die; $lock->cds_unlock };`,
  file: 's.db',
})

const tied = (type: string): Layout => ({
  open: `use DB_File; my %db; tie(%db, 'DB_File', "$folder/s.db", O_RDWR | O_CREAT, 0600, ${type}) or die;
    my $put = sub { $db{$_[0]} = $_[1] };`,
  file: 's.db',
})

/** How Perl's programs keep databases. Data::Session's driver has a hash in an environment with locks. */
export const layouts = {
  'a BerkeleyDB::Hash in an environment': inEnvironment('Hash'),
  'a BerkeleyDB::Btree in an environment': inEnvironment('Btree'),
  'a DB_File btree': tied('$DB_BTREE'),
  'a DB_File hash': tied('$DB_HASH'),
} as const satisfies Record<string, Layout>

export type LayoutName = keyof typeof layouts

/** A file of CGI::Session's own driver, and the ids of its sessions, the first of which has `n` 1. */
export function cgiSessionFile(serializer: 'default' | 'storable', count: number): { file: string; ids: string[] } {
  const file = join(temporaryFolder(), 'cgisess.db')
  const printed = perl(
    String.raw`use CGI::Session; ${parametersInPerl} my ($file, $serializer, $count) = @ARGV;
      for my $n (1 .. $count) {
        my $s = CGI::Session->new("driver:db_file;serializer:$serializer", undef, { FileName => $file }) or die;
        $s->param(n => $n); $s->param($_ => $parameters{$_}) for keys %parameters;
        $s->expire('1h'); $s->flush; print $s->id, "\n";
      }`,
    [file, serializer, String(count)],
  )
  return { file, ids: printed.trim().split('\n') }
}

/** A session as Perl is to write it. */
export interface PerlSession {
  readonly id: string
  /** Its own `_SESSION_ID`; by default the id. */
  readonly own?: string
  /** Seconds since the last access, and the lifetime. */
  readonly idle?: number
  readonly lifetime?: number
  /** In place of a frozen session. */
  readonly garbage?: string
}

/** A database with sessions as Data::Session has them; ids and garbage have one character a byte. */
export function perlDatabase(
  name: LayoutName,
  serializer: 'default' | 'storable',
  sessions: readonly PerlSession[],
): { folder: string; file: string } {
  const folder = temporaryFolder()
  const hex = (text: string | undefined) => (text === undefined ? '' : Buffer.from(text, 'latin1').toString('hex'))
  const lines = sessions.map(({ id, own, idle = 0, lifetime = 0, garbage }) =>
    [hex(id), hex(own ?? id), idle, lifetime, hex(garbage)].join(','),
  )
  perl(
    `use CGI::Session::Serialize::${serializer}; ${parametersInPerl} my $folder = shift; ${layouts[name].open}
      my $n = 0;
      for (@ARGV) {
        my ($id, $own, $idle, $lifetime, $garbage) = split /,/, $_, -1; $_ = pack 'H*', $_ for $id, $own, $garbage;
        my $session = { %parameters, n => ++$n, _SESSION_ID => $own, _SESSION_CTIME => time - $idle,
          _SESSION_ATIME => time - $idle, _SESSION_ETIME => $lifetime, _SESSION_PTIME => {} };
        $put->($id, $garbage eq '' ? CGI::Session::Serialize::${serializer}->freeze($session) : $garbage);
      }`,
    [folder, ...lines],
  )
  return { folder, file: join(folder, layouts[name].file) }
}

/** A database with many small sessions of Storable. @returns the environment and the file */
export function bigDatabase(count: number): { home: string; file: string } {
  const folder = temporaryFolder()
  perl(
    `use CGI::Session::Serialize::storable; my ($folder, $count) = @ARGV; ${environment}
      my $db = BerkeleyDB::Hash->new(-Env => $env, -Filename => 's.db', -Flags => DB_CREATE) or die;
      for my $n (1 .. $count) {
        my $id = sprintf '%032x', $n;
        my $session = { _SESSION_ID => $id, _SESSION_ATIME => time, _SESSION_CTIME => time, text => 'x' x 500 };
        $db->db_put($id, CGI::Session::Serialize::storable->freeze($session)) == 0 or die;
      }`,
    [folder, String(count)],
  )
  return { home: folder, file: join(folder, 's.db') }
}

/** A Perl program that has stored a session in an environment, says `ready`, and is there until its standard input ends. */
export function startPerlSession(home: string, id: string): Child {
  const script = `use strict; use warnings; use CGI::Session::Serialize::storable; $| = 1; my ($folder, $id) = @ARGV;
    ${inEnvironment('Hash').open}
    my $session = { _SESSION_ID => $id, _SESSION_ATIME => time, _SESSION_CTIME => time };
    $put->($id, CGI::Session::Serialize::storable->freeze($session)); print "ready"; <STDIN>;`
  return start('perl', ['-e', script, home, id])
}

/** What Perl does to get on with its work in an environment; it gives up when somebody has left a lock. */
export function writeInEnvironment(home: string): void {
  perl(`my $folder = shift; alarm 20; ${inEnvironment('Hash').open} $put->('f' x 32, 'x')`, [home])
}

/** Options of a manager as arguments; the password goes into the environment. */
export function argumentsFor(type: string, options: ManagerOptions): { args: string[]; env: NodeJS.ProcessEnv } {
  const { password = '', ...others } = options as Record<string, unknown>
  const given = Object.entries(others).flatMap(([name, value]) => ['--option', `${name}=${JSON.stringify(value)}`])
  return { args: ['--type', type, ...given], env: { DATA_SESSION_PASSWORD: String(password) } }
}

/** How an import ended, and what it said. */
export interface ImportRun {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

const program = () => bundle('scripts/import-berkeleydb.ts')

/** Run an import to its end. */
export async function runImport(
  args: readonly string[],
  { input = '', env = {} }: { input?: string | Buffer; env?: NodeJS.ProcessEnv } = {},
): Promise<ImportRun> {
  const { status, stdout, stderr } = spawnSync(process.execPath, [await program(), ...args], {
    encoding: 'utf8',
    input,
    env: { ...process.env, NODE_EXTRA_CA_CERTS: undefined, ...env },
  })
  return { status, stdout, stderr }
}

/** Start an import that is not left to its end, or is watched by what Node is told. */
export async function startImport(
  args: readonly string[],
  forNode: readonly string[] = [],
  env: NodeJS.ProcessEnv = {},
): Promise<Child> {
  return start(process.execPath, [...forNode, await program(), ...args], env)
}

/** The line of counts. */
export function counts(given: Partial<Record<'wrote' | 'there' | 'kept' | 'expired' | 'refused', number>>): string {
  const { wrote = 0, there = 0, kept = 0, expired = 0, refused = 0 } = given
  const read = wrote + there + kept + expired + refused
  return `read ${read}, wrote ${wrote}, already there ${there}, kept ${kept}, expired ${expired}, refused ${refused}\n`
}
