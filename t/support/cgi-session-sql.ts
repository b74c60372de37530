/** One table under CGI::Session of Perl and this package: each reads and changes what the other wrote. */

import { afterEach, beforeEach, expect, it } from 'vitest'
import { type ManagerOptions, PerlObject, SessionManager } from '../../lib/index.js'
import { perl } from './perl.js'

/** A table of one test, as both sides name it. */
export interface SharedTable {
  /** Node's options, with the driver's name in `type`. */
  readonly options: ManagerOptions
  /** Arguments of CGI::Session->new for its driver, as Perl writes a hash. */
  readonly perlArguments: string
  /** Remove everything. */
  remove?(): Promise<void>
}

/** How the tests are made for a driver. */
export interface SharedTableTests {
  /** CGI::Session's name of the driver: `sqlite`, `postgresql`, `mysql`. */
  readonly perlDriver: string
  /** CGI::Session's name of the serializer and ours. */
  readonly serializer: readonly ['default', 'DataDumper'] | readonly ['storable', 'Storable']
  /** A new, empty table. */
  table(): Promise<SharedTable>
}

const show = `
  use Scalar::Util qw(blessed);
  sub show {
    my ($v) = @_;
    return 'undef' if !defined $v;
    return (blessed($v) ? blessed($v) . ' ' : '') . '{' . join(',', map { show($_) . '=' . show($v->{$_}) } sort keys %$v) . '}' if ref $v && "$v" =~ /HASH/;
    return '[' . join(',', map { show($_) } @$v) . ']' if ref $v;
    return join('', map { $_ > 126 || $_ < 32 ? sprintf('<%x>', $_) : chr } map { ord } split //, $v);
  }
`

/** Define the tests of one driver and one serializer. */
export function sharedTableTests({
  perlDriver,
  serializer: [perlSerializer, serialize],
  table,
}: SharedTableTests): void {
  let shared: SharedTable
  let sessions: SessionManager
  let now: number

  beforeEach(async () => {
    shared = await table()
    now = Date.now()
    const { type, ...options } = shared.options
    sessions = await SessionManager.create({
      type: `driver:${type};serialize:${serialize}`,
      dialect: 'cgi-session',
      clock: () => now,
      ...options,
    })
  })

  afterEach(async () => {
    await sessions.close()
    await shared.remove?.()
  })

  /** Runs a program with the session of an id as `$s`. */
  const runPerl = (program: string, id = '') =>
    perl(
      `${show} use CGI::Session; my ($id) = @ARGV;
      my $s = CGI::Session->new('driver:${perlDriver};serializer:${perlSerializer};id:md5', $id || undef, { ${shared.perlArguments} }) or die CGI::Session->errstr;
      die "not the session that was asked for\\n" if $id && $s->id ne $id;
      ${program}`,
      [id],
    )

  it('a session of Perl is read by Node, changed, and read by Perl again', async () => {
    const id = runPerl(`
      $s->param(number => 42); $s->param(text => "O'Reilly \\\\ \\"x\\""); $s->param(nothing => undef);
      $s->param(bytes => "caf\\xc3\\xa9"); $s->param(nested => { list => [1, 'two', { deep => 'x' }] });
      $s->param(item => bless { qty => 2 }, 'Shop::Item'); $s->param(long => 'x' x 5000);
      $s->flush; print $s->id;`)
    const session = await sessions.open({ id })
    expect(session.isNew()).toBe(false)
    expect([session.param('number'), session.param('text'), session.param('nothing')]).toEqual([
      42,
      'O\'Reilly \\ "x"',
      null,
    ])
    expect(session.param('bytes')).toBe('café')
    expect(session.param('item')).toEqual(new PerlObject('Shop::Item', { qty: 2 }))
    session.param('number', 43).clear('nothing')
    session.param('nested').list[1] = 'deux'
    session.param('item').value.qty++
    expect(await session.flush()).toBe(true)
    const print =
      'print map { "$_: " . show($s->param($_)) . "\\n" } grep { $_ ne "long" } sort $s->param; print length $s->param("long")'
    expect(runPerl(print, id).split('\n')).toEqual([
      'bytes: caf<c3><a9>',
      'item: Shop::Item {qty=3}',
      'nested: {list=[1,deux,{deep=x}]}',
      'number: 43',
      'text: O\'Reilly \\ "x"',
      '5000',
    ])
  })

  it('a session of Node is read by Perl, changed, and read by Node again', async () => {
    const session = await sessions.open()
    session.param({ n: 1, list: ['a', { b: [] }], text: 'Zoë ☺', quoted: 'it\'s "$x" @y \\ \n\t' })
    expect(await session.flush()).toBe(true)
    const id = session.id()
    expect(runPerl('print map { "$_: " . show($s->param($_)) . "\\n" } sort $s->param', id).split('\n')).toEqual([
      'list: [a,{b=[]}]',
      'n: 1',
      'quoted: it\'s "$x" @y \\ <a><9>',
      'text: Zo<eb> <263a>',
      '',
    ])
    runPerl("$s->param(n => $s->param('n') + 1); $s->param(added => 'by Perl'); $s->clear('list'); $s->flush", id)
    const again = await sessions.open({ id })
    expect([again.param('n'), again.param('added'), again.param('list'), again.param('text')]).toEqual([
      2,
      'by Perl',
      undefined,
      'Zoë ☺',
    ])
  })

  it('changes that Perl made meanwhile are kept when Node flushes', async () => {
    const session = await sessions.open()
    await session.param({ mine: 1, theirs: 1 }).flush()
    runPerl("$s->param(theirs => 2); $s->param(added => 'by Perl'); $s->flush", session.id())
    expect(await session.param('mine', 2).flush()).toBe(true)
    const again = await sessions.open({ id: session.id() })
    expect([again.param('mine'), again.param('theirs'), again.param('added')]).toEqual([2, 2, 'by Perl'])
  })

  it('a session that Perl deleted stays deleted', async () => {
    const session = await sessions.open()
    await session.param('a', 1).flush()
    runPerl('$s->delete; $s->flush', session.id())
    expect([await session.param('late', 1).flush(), session.deleted()]).toEqual([false, true])
    expect((await sessions.open({ clientId: session.id() })).isNew()).toBe(true)
  })

  it('a session that Node deleted is a new one for Perl', async () => {
    const session = await sessions.open()
    await session.param('a', 1).flush()
    await session.delete()
    await session.flush()
    const found = perl(
      `use CGI::Session; my $s = CGI::Session->load('driver:${perlDriver};serializer:${perlSerializer}', $ARGV[0], { ${shared.perlArguments} }) or die CGI::Session->errstr; print $s->is_empty ? 'none' : 'there'`,
      [session.id()],
    )
    expect(found).toBe('none')
  })

  it('expiry is obeyed across, and a purge never ends a session that Perl prolonged or began', async () => {
    const id = runPerl("$s->param(a => 1); $s->expire('1h'); $s->flush; print $s->id")
    const mine = await sessions.open()
    await mine.param('a', 1).expire('10m').flush()
    // Perl does not know a column of expiry times: this session lives for an hour from now.
    runPerl("$s->expire('1h'); $s->flush", mine.id())
    now += 1_800_000
    expect(await sessions.purge()).toMatchObject({ removed: 0, unreadable: 0 })
    expect((await sessions.open({ id: mine.id() })).param('a')).toBe(1)
    now += 3_601_000
    expect(await sessions.purge()).toMatchObject({ removed: 2, unreadable: 0 })
    expect((await sessions.open({ clientId: id })).isNew()).toBe(true)
    expect((await sessions.open({ clientId: mine.id() })).isNew()).toBe(true)
  })
}
