/** The drivers of scripts/perl, which keep the lock of a session's file from load to the object's end: with real Perl, beside Node. */

import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type ManagerOptions, SessionManager } from '../../lib/index.js'
import { type Child, start } from '../support/child.js'
import { temporaryFolder } from '../support/folders.js'
import { perl } from '../support/perl.js'
import { describeWith } from '../support/requirements.js'

/** What both modules of Perl are told apart by. */
interface Module {
  readonly needs: string
  readonly locked: string
  readonly plain: string
  readonly dialect: ManagerOptions['dialect']
  /** Perl: session($driver, $id, %more) opens, delete_session($session) removes, why($session) flushes and says why it could not. */
  readonly helpers: string
  /** Perl's names of arguments. */
  readonly noFlock: string
  readonly umask: string
  /** Perl: a variable whose object flushes when it ends; that of Data::Session does not do it when the program ends. */
  readonly variable: string
}

const modules: Readonly<Record<string, Module>> = {
  'CGI::Session': {
    needs: 'perl',
    locked: 'lockedfile',
    plain: 'file',
    dialect: 'cgi-session',
    noFlock: 'NoFlock',
    umask: 'UMask',
    variable: 'our $s',
    helpers: `
      use CGI::Session;
      sub session {
        my ($driver, $id, %more) = @_;
        return CGI::Session->new("driver:$driver;serializer:default;id:md5", $id, { Directory => $folder, %more }) || die CGI::Session->errstr;
      }
      sub delete_session { $_[0]->delete; $_[0]->flush or die $_[0]->errstr }
      sub why { my ($s) = @_; return $s->flush ? 'written' : $s->errstr }`,
  },
  'Data::Session': {
    needs: 'perl-data-session',
    locked: 'LockedFile',
    plain: 'File',
    dialect: 'data-session',
    noFlock: 'no_flock',
    umask: 'umask',
    variable: 'my $s',
    helpers: `
      use Data::Session; use Data::Session::Driver::LockedFile;
      sub session {
        my ($driver, $id, %more) = @_;
        my $type = "driver:$driver;serialize:DataDumper;id:MD5";
        return Data::Session->new(type => $type, id => $id, directory => $folder, query => bless({}, 'NoQuery'), %more) || die $Data::Session::errstr;
      }
      sub NoQuery::param { undef }
      sub delete_session { $_[0]->delete }
      sub why { my ($s) = @_; return eval { $s->flush; 1 } ? 'written' : do { my $why = $@; $s->modified(0); $why } }`,
  },
}

let folder: string
let sessions: SessionManager

beforeEach(() => {
  folder = temporaryFolder()
})

afterEach(async () => {
  await sessions.close()
})

/** The text of a session file. Times are all the same; ten digits within an id are none. */
const textOf = (id: string): string =>
  readFileSync(join(folder, `cgisess_${id}`), 'latin1').replace(/\b\d{10}\b/g, 'TIME')

for (const [name, module] of Object.entries(modules)) {
  const { needs, locked, plain, dialect, helpers } = module
  const prelude = `use strict; use warnings; use lib 'scripts/perl'; my ($folder, $id) = @ARGV; $| = 1; ${helpers}`
  const runPerl = (program: string, id = ''): string => perl(`${prelude} ${program}`, [folder, id])
  const startPerl = (program: string, id: string): Child => start('perl', ['-we', `${prelude} ${program}`, folder, id])

  /** A session that Node made. */
  const newSession = async (values: object): Promise<string> => {
    const session = await sessions.open()
    await session.param(values).flush()
    return session.id()
  }
  const storedValue = async (id: string, key: string): Promise<unknown> => (await sessions.open({ id })).param(key)

  describeWith(needs, `${name} with driver:${locked}`, () => {
    beforeEach(async () => {
      sessions = await SessionManager.create({ directory: folder, dialect })
    })

    it('reads and changes what Node and the plain driver wrote, and they what it wrote', async () => {
      const id = await newSession({ n: 1, text: 'x'.repeat(9000) })
      runPerl(
        `my $s = session('${locked}', $id); $s->param(n => $s->param('n') + 1); $s->param(text => 'short'); $s->flush`,
        id,
      )
      expect([await storedValue(id, 'n'), await storedValue(id, 'text')]).toEqual([2, 'short'])
      runPerl(`my $s = session('${plain}', $id); $s->param(n => $s->param('n') + 1); $s->flush`, id)
      expect(runPerl(`print session('${locked}', $id)->param('n')`, id)).toBe('3')
      expect(runPerl(`print session('${plain}', $id)->param('n')`, id)).toBe('3')
    })

    it('makes the same files as the plain driver', () => {
      const make = (driver: string, more = ''): string =>
        runPerl(
          `my $s = session('${driver}', undef${more}); $s->param(a => "caf\\xe9"); $s->param(b => { c => 1 }); $s->flush; print $s->id`,
        )
      const [mine, theirs, open] = [make(locked), make(plain), make(locked, `, ${module.umask} => 0600`)]
      const anonymous = (id: string): string[] => textOf(id).replaceAll(id, 'ID').split(/[{},]/).sort()
      expect(anonymous(mine)).toEqual(anonymous(theirs))
      const modeOf = (id: string): number => statSync(join(folder, `cgisess_${id}`)).mode & 0o777
      expect([modeOf(mine), modeOf(open)]).toEqual([modeOf(theirs), 0o600])
    })

    it('stays the same file, and is cut to its length', async () => {
      const id = await newSession({ text: 'x'.repeat(20_000) })
      const before = statSync(join(folder, `cgisess_${id}`))
      runPerl(
        `my $s = session('${locked}', $id); $s->param(text => 'short'); $s->flush; $s->param(text => 'y' x 50_000); $s->flush; $s->param(text => 'end'); $s->flush`,
        id,
      )
      const after = statSync(join(folder, `cgisess_${id}`))
      expect([after.ino, after.size < 500, textOf(id).endsWith('\n\n')]).toEqual([before.ino, true, false])
      expect(readdirSync(folder)).toEqual([`cgisess_${id}`])
      expect(await storedValue(id, 'text')).toBe('end')
    })

    it('keeps others waiting from load to the end of the object', async () => {
      const id = await newSession({ n: 1 })
      const impatient = await SessionManager.create({ directory: folder, lockTimeout: 1 })
      const holder = startPerl(
        `my $s = session('${locked}', $id); print "loaded\\n"; <STDIN>;
        $s->param(perl => 1); $s->flush; print "flushed\\n"; <STDIN>;
        undef $s; print "ended\\n"; <STDIN>`,
        id,
      )
      for (const said of ['loaded\n', 'flushed\n']) {
        await holder.said(said)
        await expect(impatient.open({ id })).rejects.toMatchObject({ code: 'ERR_SESSION_LOCK_TIMEOUT' })
        holder.process.stdin.write('\n')
      }
      await holder.said('ended\n')
      expect((await impatient.open({ id })).param('perl')).toBe(1)
      holder.process.stdin.end()
      await holder.done
      await impatient.close()
    })

    it('loses no update among processes of both languages', async () => {
      const id = await newSession({ n: 0 })
      const count = `for (1 .. 60) { my $s = session('${locked}', $id); $s->param(n => $s->param('n') + 1); $s->flush }`
      const others = [startPerl(count, id), startPerl(count, id)]
      for (let done = 0; done < 60; done++) {
        const session = await sessions.open({ id })
        session.increment('n')
        expect(await session.flush()).toBe(true)
      }
      await Promise.all(others.map((child) => child.done))
      expect(Number(await storedValue(id, 'n'))).toBe(180)
    })

    it('shares the lock with a second object of the process, also under another spelling of the folder', async () => {
      const id = await newSession({ n: 1 })
      mkdirSync(join(folder, 'sub'))
      const said = runPerl(
        `alarm 20; my $first = session('${locked}', $id); $first->param(n => 2); $first->flush;
        my $second; $folder .= "/sub/.."; $second = session('${locked}', $id);
        print $second->param('n'); undef $first; $second->param(n => 3); print ' ', why($second)`,
        id,
      )
      expect(said).toBe('2 written')
      expect(await storedValue(id, 'n')).toBe(3)
    })

    it('does not bring back a session that was removed meanwhile', async () => {
      const id = await newSession({ n: 1 })
      const said = runPerl(
        `my $s = session('${locked}', $id); unlink "$folder/cgisess_$id" or die; $s->param(n => 2); print why($s);`,
        id,
      )
      expect(said).toMatch(/the session was removed meanwhile/)
      expect(readdirSync(folder)).toEqual([])
    })

    it('waits for a session that is removed then, and finds none', async () => {
      const id = await newSession({ n: 1 })
      const holder = startPerl(`my $s = session('${locked}', $id); print "loaded\\n"; <STDIN>; delete_session($s)`, id)
      await holder.said('loaded\n')
      const waiter = startPerl(
        `print "waiting\\n"; my $s = session('${locked}', $id); print defined $s->param('n') ? 'found' : 'none'`,
        id,
      )
      await waiter.said('waiting\n')
      holder.process.stdin.end()
      expect(await waiter.done).toBe('waiting\nnone')
      await holder.done
      expect(existsSync(join(folder, `cgisess_${id}`))).toBe(false)
      expect((await sessions.open({ clientId: id })).isNew()).toBe(true)
    })

    it('removes an expired session, and begins anew', async () => {
      const session = await sessions.open()
      await session.param('n', 1).expire(1).atime(1_700_000_000).flush()
      expect(
        runPerl(`my $s = session('${locked}', $id); print defined $s->param('n') ? 'found' : 'none'`, session.id()),
      ).toBe('none')
      expect(existsSync(join(folder, `cgisess_${session.id()}`))).toBe(false)
    })

    it('finds no session that Node removed', async () => {
      const id = await newSession({ n: 1 })
      runPerl(`my $s = session('${locked}', $id); $s->param(n => 2); $s->flush`, id)
      await (await sessions.open({ id })).delete()
      expect(runPerl(`my $s = session('${locked}', $id); print defined $s->param('n') ? 'found' : 'none'`, id)).toBe(
        'none',
      )
    })

    it('writes at its end what was not flushed', async () => {
      const id = await newSession({ n: 1 })
      runPerl(`{ ${module.variable} = session('${locked}', $id); $s->param(n => 5) }`, id)
      expect(await storedValue(id, 'n')).toBe(5)
    })

    it('ends its lock with a process that never flushes', async () => {
      const id = await newSession({ n: 1 })
      runPerl(`use POSIX (); my $s = session('${locked}', $id); $s->param(n => 5); POSIX::_exit(0)`, id)
      expect(await storedValue(id, 'n')).toBe(1)
    })

    it('belongs to one process after a fork, and the other may open it in its turn', async () => {
      const id = await newSession({ n: 1 })
      const said = runPerl(
        `use POSIX (); alarm 20;
        my $s = session('${locked}', $id);
        pipe my $read, my $write;
        my $child = fork // die;
        if (!$child) {
          $s->param(n => 100);
          my $why = why($s);
          undef $s;
          print $why =~ /opened by another process/ ? "refused\\n" : "not refused: $why\\n";
          close $write; <$read>;
          my $own = session('${locked}', $id);
          $own->param(n => $own->param('n') + 1); $own->flush;
          undef $own;
          POSIX::_exit(0);
        }
        close $read;
        $s->param(n => $s->param('n') + 1); $s->flush; undef $s;
        close $write; waitpid $child, 0;`,
        id,
      )
      expect(said).toBe('refused\n')
      expect(await storedValue(id, 'n')).toBe(3)
    })

    it('takes no lock when it is not to', async () => {
      const id = await newSession({ n: 1 })
      const said = runPerl(
        `alarm 20; my $s = session('${locked}', $id, ${module.noFlock} => 1);
        open my $file, '+<', "$folder/cgisess_$id" or die; use Fcntl ':flock'; print flock($file, LOCK_EX | LOCK_NB) ? 'free' : 'locked'; close $file;
        $s->param(n => 2); print ' ', why($s)`,
        id,
      )
      expect(said).toBe('free written')
      expect(await storedValue(id, 'n')).toBe(2)
    })
  })
}
