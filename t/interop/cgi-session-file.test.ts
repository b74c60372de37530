/** One session file under CGI::Session of Perl and this package: each reads and changes what the other wrote. */

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type ManagerOptions, PerlObject, SessionManager } from '../../lib/index.js'
import { temporaryFolder } from '../support/folders.js'
import { perl } from '../support/perl.js'
import { describeWith } from '../support/requirements.js'

/** Opens the session of $ARGV[1] in the folder $ARGV[0] as $s, with helpers that print values and their kinds. */
const open = `
  use CGI::Session; use Scalar::Util qw(blessed);
  my ($folder, $id) = @ARGV;
  my $s = CGI::Session->new('driver:file;serializer:default;id:md5', $id, { Directory => $folder }) or die CGI::Session->errstr;
  die "not the session that was asked for\\n" if $id && $s->id ne $id;
  sub show {
    my ($v) = @_;
    return 'undef' if !defined $v;
    return (blessed($v) ? blessed($v) . ' ' : '') . '{' . join(',', map { show($_) . '=' . show($v->{$_}) } sort keys %$v) . '}' if ref $v && "$v" =~ /HASH/;
    return '[' . join(',', map { show($_) } @$v) . ']' if ref $v;
    return join('', map { $_ > 126 || $_ < 32 ? sprintf('<%x>', $_) : chr } map { ord } split //, $v) . ($v =~ /[^\\x00-\\x7f]/ ? (utf8::is_utf8($v) ? 'C' : 'B') : '');
  }
`

/** Prints all parameters of the session, one a line. */
const printAll = 'print map { "$_: " . show($s->param($_)) . "\\n" } sort $s->param; $s->flush;'

let folder: string
let sessions: SessionManager
let now: number

beforeEach(async () => {
  folder = temporaryFolder()
  now = Date.now()
  sessions = await SessionManager.create(options())
})

afterEach(async () => {
  await sessions.close()
})

function options(more: ManagerOptions = {}): ManagerOptions {
  return { directory: folder, dialect: 'cgi-session', clock: () => now, ...more }
}

const runPerl = (program: string, id = '') => perl(open + program, [folder, id])

const textOf = (id: string) => readFileSync(join(folder, `cgisess_${id}`), 'latin1')

describeWith('perl', 'a session that Perl created', () => {
  const create = `
    my $object = bless { qty => 2, tags => ['a', 'b'] }, 'Shop::Item';
    $s->param(number => 42); $s->param(text => "O'Reilly \\\\ \\"x\\""); $s->param(nothing => undef);
    $s->param(bytes => "caf\\xc3\\xa9"); $s->param(latin => "caf\\xe9"); $s->param(chars => "caf\\x{e9} \\x{263a}");
    $s->param(nested => { list => [1, 'two', { deep => "\\xe2\\x98\\xba" }] }); $s->param(item => $object); $s->param(same => $object);
    $s->flush; print $s->id;`

  it('is read by Node, changed and given back with every other value as it was', async () => {
    const id = runPerl(create)
    const session = await sessions.open({ id })
    expect(session.isNew()).toBe(false)
    expect(Object.fromEntries(session.param().map((name) => [name, session.param(name)]))).toEqual({
      number: 42,
      text: 'O\'Reilly \\ "x"',
      nothing: null,
      bytes: 'café',
      latin: 'café',
      chars: 'café ☺',
      nested: { list: [1, 'two', { deep: '☺' }] },
      item: new PerlObject('Shop::Item', { qty: 2, tags: ['a', 'b'] }),
      same: new PerlObject('Shop::Item', { qty: 2, tags: ['a', 'b'] }),
    })
    expect(session.param('item')).toBe(session.param('same'))

    session.param('number', 43).param('added', 'by Node').clear('nothing')
    session.param('nested').list[1] = 'deux'
    session.param('item').value.qty++
    await session.flush()
    expect(textOf(id)).toMatch(/^[\x20-\x7e]*;\$D$/)

    expect(runPerl(printAll, id).split('\n')).toEqual([
      'added: by Node',
      'bytes: caf<c3><a9>B',
      'chars: caf<e9> <263a>C',
      'item: Shop::Item {qty=3,tags=[a,b]}',
      'latin: caf<e9>B',
      'nested: {list=[1,deux,{deep=<e2><98><ba>B}]}',
      'number: 43',
      'same: Shop::Item {qty=3,tags=[a,b]}',
      'text: O\'Reilly \\ "x"',
      '',
    ])
    expect(runPerl("print $s->param('item') == $s->param('same') ? 'one' : 'two'", id)).toBe('one')
  })

  it('keeps the kind of a string that Node changes: bytes stay bytes, characters stay characters', async () => {
    const id = runPerl(create)
    const session = await sessions.open({ id })
    session.param('bytes', 'thé').param('latin', 'thé').param('chars', 'thé')
    await session.flush()
    expect(runPerl("print map { show($s->param($_)) . ' ' } qw(bytes latin chars)", id)).toBe(
      'th<c3><a9>B th<e9>B th<e9>C ',
    )
  })

  it('has its lifetimes obeyed by Node', async () => {
    const id = runPerl(
      "$s->param(a => 1); $s->param(b => 2); $s->expire('1h'); $s->expire(a => '10m'); $s->flush; print $s->id",
    )
    const session = await sessions.open({ id })
    expect([session.etime(), session.ptime()]).toEqual([3600, { a: 600 }])
    now += 601_000
    const later = await sessions.open({ id })
    expect(later.param()).toEqual(['b'])
    await later.flush()
    expect(runPerl(printAll, id)).toBe('b: 2\n')
    now += 3_601_000
    expect((await sessions.open({ clientId: id })).expired()).toBe(true)
    expect(existsSync(join(folder, `cgisess_${id}`))).toBe(false)
  })

  it('is found removed by Perl, and not brought back', async () => {
    const id = runPerl(create)
    const session = await sessions.open({ id })
    session.param('late', 1)
    runPerl('$s->delete; $s->flush', id)
    expect([await session.flush(), session.deleted()]).toEqual([false, true])
  })
})

describeWith('perl', 'a session that Node created', () => {
  it('is read by Perl, changed, and read by Node again', async () => {
    const session = await sessions.open()
    const id = session.id()
    const shared = ['x']
    session.param({
      n: 1,
      f: 0.5,
      big: 1795225530123,
      big2: 2n ** 63n,
      no: false,
      yes: true,
      text: 'Zoë',
      snow: '☺ Ã©',
      list: shared,
      again: shared,
    })
    session.param({ object: new PerlObject('My::Class', { a: [] }), quoted: 'it\'s "$x" @y \\ \n\t', nothing: null })
    await session.flush()
    expect(runPerl(printAll, id).split('\n')).toEqual([
      'again: [x]',
      'big: 1795225530123',
      'big2: 9223372036854775808',
      'f: 0.5',
      'list: [x]',
      'n: 1',
      'no: ',
      'nothing: undef',
      'object: My::Class {a=[]}',
      'quoted: it\'s "$x" @y \\ <a><9>',
      'snow: <263a> <c3><a9>C',
      'text: Zo<eb>C',
      'yes: 1',
      '',
    ])
    runPerl("$s->param(n => $s->param('n') + 1); push @{ $s->param('list') }, 'y'; $s->clear('f'); $s->flush", id)
    const again = await sessions.open({ id })
    expect([again.param('n'), again.param('again'), again.param('text'), again.param('f')]).toEqual([
      2,
      ['x', 'y'],
      'Zoë',
      undefined,
    ])
  })

  it('has its lifetimes obeyed by Perl', async () => {
    const session = await sessions.open()
    await session.param({ a: 1, b: 2 }).expire({ a: '10m' }).expire('1h').flush()
    const back = 'no warnings; BEGIN { *CORE::GLOBAL::time = sub { CORE::time() + 1000 } }'
    expect(perl(back + open + printAll, [folder, session.id()])).toBe('b: 2\n')
    const late = 'no warnings; BEGIN { *CORE::GLOBAL::time = sub { CORE::time() + 10000 } }'
    expect(
      perl(`${late}${open.replace('die "not the session', '0 && die "not the session')} print $s->is_new ? 1 : 0`, [
        folder,
        session.id(),
      ]),
    ).toBe('1')
  })
})

describeWith('perl', 'the dialect', () => {
  it('of a new record is what the option says, and a stored record keeps its own', async () => {
    const own = await sessions.open()
    await own.param('a', 1).flush()
    expect(textOf(own.id())).toContain("'_SESSION_REMOTE_ADDR' => ''")
    expect(textOf(own.id())).not.toContain('_SESSION_PTIME')

    await using perlish = await SessionManager.create(options({ dialect: 'data-session' }))
    const session = await perlish.open({ id: own.id() })
    await session.expire('a', '1h').flush()
    expect(textOf(own.id())).toContain("'_SESSION_EXPIRE_LIST' => {'a' => 3600}")
    const other = await perlish.open()
    await other.param('b', 1).flush()
    expect(textOf(other.id())).toContain("'_SESSION_PTIME' => {}")
  })
})

describeWith('perl', 'a session that Node gave a new id', () => {
  it('is for Perl what it was, and under its old id nobody is logged in', async () => {
    const id = runPerl(`$s->param(user => 'ann'); $s->expire('1h'); $s->flush; print $s->id`)
    const session = await sessions.open({ id })
    await session.param('cart', ['apple']).regenerate({ grace: 30 })
    expect(runPerl(printAll, session.id())).toBe('cart: [apple]\nuser: ann\n')
    expect(runPerl('print $s->expire, " ", $s->ctime', session.id())).toBe(`3600 ${session.ctime()}`)

    // A page that Perl serves meanwhile finds an empty session, changes it, and does not lead Node astray.
    expect(runPerl(printAll, id)).toBe('')
    runPerl(`$s->param(visits => 1); $s->flush`, id)
    const parallel = await sessions.open({ clientId: id })
    expect([parallel.id(), parallel.param()]).toEqual([session.id(), ['cart', 'user']])
    now += 31_000
    expect((await sessions.open({ clientId: id })).param()).toEqual([])
    expect((await sessions.open({ clientId: session.id() })).param('user')).toBe('ann')
  })
})
