/** Items in memcached that Perl's Cache::Memcached and this package share. */

import { afterEach, beforeEach, expect, it } from 'vitest'
import { SessionManager } from '../../lib/index.js'
import { newNamespace } from '../support/keyed.js'
import { startPrivateMemcached } from '../support/memcached-server.js'
import { perl } from '../support/perl.js'
import { describeWith } from '../support/requirements.js'
import { linesOf } from '../support/text-lines.js'

/**
 * What CGI::Session's driver for memcached does, which is on CPAN alone: the id is the key, the frozen session is the value, and
 * nothing expires. And what Data::Session's does: the same, with the session's lifetime.
 */
const drivers = `
  use Cache::Memcached; use CGI::Session;
  BEGIN {
    package CGI::Session::Driver::memcached;
    require CGI::Session::Driver;
    our @ISA = ('CGI::Session::Driver');
    $INC{'CGI/Session/Driver/memcached.pm'} = 'in this program';
    sub init { 1 }
    sub retrieve { my ($self, $id) = @_; my $v = $self->{Memcached}->get($id); defined $v ? $v : '' }
    sub store { my ($self, $id, $record) = @_; $self->{Memcached}->set($id, $record) }
    sub remove { my ($self, $id) = @_; $self->{Memcached}->delete($id); 1 }
    sub traverse { 1 }
  }
  sub cache {
    my ($servers, $namespace, %more) = @_;
    return Cache::Memcached->new({ servers => [split /,/, $servers], namespace => $namespace, %more });
  }
  sub store_as_data_session {
    my ($cache, $serializer, $data) = @_;
    eval "require CGI::Session::Serialize::$serializer" or die $@;
    my $frozen = "CGI::Session::Serialize::$serializer"->freeze($data);
    $cache->set($data->{_SESSION_ID}, $frozen, $data->{_SESSION_ETIME}) or die 'not stored';
  }
`

let options: { dataSource: string; namespace: string }
let sessions: SessionManager

/** What a Perl program prints that has a session of an id, or a new one, as `$s`, and the cache as `$cache`. */
function runPerl(program: string, { id = '', serializer = 'default', more = '' } = {}): string {
  return perl(
    `${drivers}
    my ($servers, $namespace, $id) = @ARGV;
    my $cache = cache($servers, $namespace, ${more});
    my $s = CGI::Session->new("driver:memcached;serializer:${serializer};id:md5", $id || undef, { Memcached => $cache })
      or die CGI::Session->errstr;
    die "not the session that was asked for\\n" if $id && $s->id ne $id;
    ${program}`,
    [options.dataSource, options.namespace, id],
  )
}

async function open(
  serializer: string,
  dialect: 'cgi-session' | 'data-session' = 'cgi-session',
): Promise<SessionManager> {
  sessions = await SessionManager.create({ type: `driver:Memcached;serialize:${serializer}`, dialect, ...options })
  return sessions
}

beforeEach(async () => {
  options = await newNamespace()
})

afterEach(() => sessions?.close())

for (const [perlSerializer, serializer] of [
  ['default', 'DataDumper'],
  ['storable', 'Storable'],
] as const) {
  describeWith('memcached,perl-memcached', `items of CGI::Session, ${serializer}`, () => {
    it.each([
      ['', ''],
      [' with a compress_threshold', 'compress_threshold => 100'],
    ])('a session of Perl%s is read by Node, changed, and read by Perl again', async (_title, more) => {
      const id = runPerl(
        `$s->param(number => 42); $s->param(list => [1, 'two', { deep => "caf\\xc3\\xa9" }]); $s->param(long => 'x' x 5000);
        $s->flush; print $s->id`,
        { serializer: perlSerializer, more },
      )
      const [host, port] = options.dataSource.split(':') as [string, string]
      const [head] = await linesOf({ host, port: Number(port) }, `get ${options.namespace}${id}`, 'END')
      expect(head!.split(' ')[2]).toBe(more === '' ? '0' : '2')
      const session = await (await open(serializer)).open({ id })
      expect([session.isNew(), session.param('number')]).toEqual([false, 42])
      expect(session.param('list')[2].deep).toBe('café')
      expect(session.param('long')).toBe('x'.repeat(5000))
      session.param('number', 43).param('list')[1] = 'deux'
      expect(await session.flush()).toBe(true)
      const print = `print join ' ', $s->param('number'), $s->param('list')->[1], length $s->param('long')`
      expect(runPerl(print, { id, serializer: perlSerializer, more })).toBe('43 deux 5000')
    })

    it('a session of Node is read by Perl, changed, and read by Node again', async () => {
      const session = await (await open(serializer)).open()
      await session.param({ n: 1, text: 'it\'s "$x"', list: ['a', { b: [] }] }).flush()
      const change = `$s->param(n => $s->param('n') + 1); $s->param(added => $s->param('text')); $s->flush; print ref $s->param('list')->[1]`
      expect(runPerl(change, { id: session.id(), serializer: perlSerializer })).toBe('HASH')
      const again = await sessions.open({ id: session.id() })
      expect([again.param('n'), again.param('added')]).toEqual([2, 'it\'s "$x"'])
    })

    it('changes that Perl made meanwhile are kept when Node flushes', async () => {
      const session = await (await open(serializer)).open()
      await session.param({ mine: 1, theirs: 1 }).flush()
      const change = `$s->param(theirs => 2); $s->param(added => 'by Perl'); $s->flush`
      runPerl(change, { id: session.id(), serializer: perlSerializer })
      expect(await session.param('mine', 2).flush()).toBe(true)
      const again = await sessions.open({ id: session.id() })
      expect([again.param('mine'), again.param('theirs'), again.param('added')]).toEqual([2, 2, 'by Perl'])
    })

    it('a session that Perl deleted stays deleted, and one that Node deleted is a new one for Perl', async () => {
      const manager = await open(serializer)
      const one = await manager.open()
      await one.param('a', 1).flush()
      runPerl('$s->delete; $s->flush', { id: one.id(), serializer: perlSerializer })
      expect([await one.param('late', 1).flush(), one.deleted()]).toEqual([false, true])
      const two = await manager.open()
      await two.param('a', 1).flush()
      await two.delete()
      await two.flush()
      expect(runPerl('print $cache->get($ARGV[3] // "") ? "there" : "none"', { serializer: perlSerializer })).toBe(
        'none',
      )
      expect(
        perl(`${drivers} print defined cache(@ARGV[0, 1])->get($ARGV[2]) ? 'there' : 'none'`, [
          options.dataSource,
          options.namespace,
          two.id(),
        ]),
      ).toBe('none')
    })

    it('an item of Data::Session, with its lifetime, is read and written back', async () => {
      const id = '0123456789abcdef0123456789abcdef'
      perl(
        `${drivers} my $now = time; store_as_data_session(cache(@ARGV[0, 1]), '${perlSerializer}',
          { _SESSION_ID => $ARGV[2], _SESSION_ATIME => $now, _SESSION_CTIME => $now, _SESSION_ETIME => 3600, _SESSION_PTIME => {}, n => 1 })`,
        [options.dataSource, options.namespace, id],
      )
      const session = await (await open(serializer, 'data-session')).open({ id })
      expect([session.isNew(), session.param('n'), session.expire()]).toEqual([false, 1, 3600])
      expect(await session.param('n', 2).expire('31d').flush()).toBe(true)
      const read = perl(
        `${drivers} require CGI::Session::Serialize::${perlSerializer};
        my $d = CGI::Session::Serialize::${perlSerializer}->thaw(cache(@ARGV[0, 1])->get($ARGV[2]));
        print join ' ', $d->{n}, $d->{_SESSION_ETIME}`,
        [options.dataSource, options.namespace, id],
      )
      expect(read).toBe(`2 ${31 * 86_400}`)
    })
  })
}

describeWith('memcached,perl-memcached', 'items of Cache::Memcached', () => {
  it('that are no strings are an error for Node', async () => {
    perl(`${drivers} cache(@ARGV)->set('structure', { a => 1 }) or die`, [options.dataSource, options.namespace])
    await expect((await open('DataDumper')).open({ id: 'structure' })).rejects.toThrow(/frozen \(flags 1\)/)
  })

  it('without a namespace have the id as their key', async () => {
    const id = `${options.namespace}alone`
    await using manager = await SessionManager.create({ type: 'driver:Memcached', dataSource: options.dataSource })
    await (await manager.open({ id })).param('a', 1).flush()
    const found = perl(`${drivers} print cache($ARGV[0], '')->get($ARGV[1])`, [options.dataSource, id])
    expect(found).toMatch(/^\$D = \{.*'a' => 1/)
  })
})

describeWith('memcached-program,perl-memcached', 'several servers of Cache::Memcached', () => {
  it('are shared by a live client that chooses them as Perl does', async () => {
    const servers = await Promise.all([startPrivateMemcached(), startPrivateMemcached()])
    try {
      const dataSource = servers.map(({ settings }) => `${settings.host}:${settings.port}`).join()
      const names = Array.from({ length: 30 }, (_, index) => `session${index}`)
      perl(`${drivers} my $cache = cache(shift @ARGV, 'app.'); $cache->set($_, $_) or die for @ARGV`, [
        dataSource,
        ...names,
      ])
      const { readOptions } = await import('../../lib/options.js')
      const { default: Memcached } = await import('../../drivers/Memcached.js')
      const { crc32 } = await import('node:zlib')
      const { createRequire } = await import('node:module')
      const cache = createRequire(import.meta.url)('memjs').Client.create(dataSource)
      const driver = new Memcached(readOptions(Memcached.options, { cache, namespace: 'app.' }))
      const found = async (): Promise<number> => {
        const records = await Promise.all(names.map((name) => driver.retrieve(name)))
        return records.filter((record, index) => record !== undefined && String(record) === names[index]).length
      }
      expect(await found()).toBeLessThan(30)
      // As in docs/keyed.md: Perl hashes the id, without the namespace.
      cache.getServer = (key: string) => ((crc32(key.slice('app.'.length)) >>> 16) & 0x7fff) % cache.servers.length
      expect(await found()).toBe(30)
      cache.close()
    } finally {
      await Promise.all(servers.map(({ stop }) => stop()))
    }
  })
})
