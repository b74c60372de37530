/** Tables in SQLite that CGI::Session and this package share. */

import { createRequire } from 'node:module'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { SessionManager } from '../../lib/index.js'
import { sharedTableTests } from '../support/cgi-session-sql.js'
import { temporaryFolder } from '../support/folders.js'
import { perl } from '../support/perl.js'
import { describeWith } from '../support/requirements.js'

/** The table as CGI::Session documents it, or one of ours with a column of expiry times. */
async function tableFile(kind: 'perl' | 'node'): Promise<string> {
  const file = join(temporaryFolder(), 'sessions.sqlite')
  if (kind === 'node') {
    await using sessions = await SessionManager.create({ type: 'driver:SQLite', dataSource: file })
    await sessions.createTable({ expires: true })
  } else {
    const Database = createRequire(import.meta.url)('better-sqlite3')
    const db = new Database(file)
    db.exec('CREATE TABLE sessions (id CHAR(32) NOT NULL PRIMARY KEY, a_session TEXT NOT NULL)')
    db.close()
  }
  return file
}

for (const kind of ['perl', 'node'] as const) {
  for (const serializer of [
    ['default', 'DataDumper'],
    ['storable', 'Storable'],
  ] as const) {
    describeWith(
      'better-sqlite3,perl-sqlite',
      `${kind === 'perl' ? "Perl's table" : 'a table with expiry times'}, ${serializer[1]}`,
      () => {
        sharedTableTests({
          perlDriver: 'sqlite',
          serializer,
          table: async () => {
            const file = await tableFile(kind)
            return {
              options: { type: 'SQLite', dataSource: file },
              perlArguments: `DataSource => 'dbi:SQLite:dbname=${file}'`,
            }
          },
        })
      },
    )
  }
}

describeWith('better-sqlite3,perl-sqlite', 'a table in WAL mode', () => {
  it('is used by Perl too', async () => {
    const file = await tableFile('perl')
    await using sessions = await SessionManager.create({ type: 'driver:SQLite', dataSource: file, journalMode: 'wal' })
    const session = await sessions.open()
    await session.param('a', 1).flush()
    const program = `use DBI; my $db = DBI->connect("dbi:SQLite:dbname=$ARGV[0]", '', '', { RaiseError => 1 });
      print join ' ', $db->selectrow_array('pragma journal_mode'), $db->selectrow_array('select id, typeof(a_session) from sessions')`
    expect(perl(program, [file])).toBe(`wal ${session.id()} blob`)
  })
})
