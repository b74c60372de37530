/** Tables in PostgreSQL that CGI::Session and this package share. */

import { expect, it } from 'vitest'
import { SessionManager } from '../../lib/index.js'
import { type SharedTable, sharedTableTests } from '../support/cgi-session-sql.js'
import { perl } from '../support/perl.js'
import { newSchema, type TestSchema } from '../support/postgres.js'
import { describeWith } from '../support/requirements.js'

/** What a Perl program needs to connect, as it writes a hash. */
function perlConnection({ server, name, options }: TestSchema): string {
  const quoted = server.password.replace(/[\\']/g, '\\$&')
  return (
    `DataSource => 'dbi:Pg:dbname=${server.database};host=${server.host};port=${server.port}', ` +
    `User => '${server.username}', Password => '${quoted}', TableName => '${name}.${options.tableName.split('.')[1]}'`
  )
}

/** The table as CGI::Session and Data::Session document it, or one of ours. */
const tables = {
  bytes: 'create table sessions (id char(32) not null primary key, a_session bytea not null)',
  text: 'create table sessions (id char(32) not null primary key, a_session text not null)',
  ours: undefined,
}

async function sharedTable(kind: keyof typeof tables): Promise<SharedTable & { schema: TestSchema }> {
  const schema = await newSchema()
  const options = { type: 'Pg', ...schema.options, ...(kind === 'text' && { pgText: true }) }
  const sql = tables[kind]
  if (sql !== undefined) await schema.run(sql)
  else {
    await using sessions = await SessionManager.create({ ...options, type: 'driver:Pg' })
    await sessions.createTable({ expires: true })
  }
  return {
    schema,
    options,
    perlArguments: `${perlConnection(schema)}${kind === 'text' ? '' : ", ColumnType => 'binary'"}`,
    remove: () => schema.drop(),
  }
}

for (const [kind, serializer] of [
  ['bytes', ['default', 'DataDumper']],
  ['bytes', ['storable', 'Storable']],
  ['text', ['default', 'DataDumper']],
  ['ours', ['default', 'DataDumper']],
  ['ours', ['storable', 'Storable']],
] as const) {
  describeWith('postgres,perl-pg', `a table of ${kind}, ${serializer[1]}`, () => {
    sharedTableTests({ perlDriver: 'postgresql', serializer, table: () => sharedTable(kind) })
  })
}

describeWith('postgres,perl-pg', 'characters of Perl in a text column', () => {
  /** Stores parameters with Perl, and gives the id. */
  const storeWithPerl = (perlArguments: string, parameters: string): string =>
    perl(
      `use CGI::Session; my $s = CGI::Session->new('driver:postgresql;id:md5', undef, { ${perlArguments} }) or die CGI::Session->errstr;
      $s->param(%$_) for ${parameters}; $s->flush; print $s->id`,
    )

  it.each([
    ['bytes beyond ASCII', '"caf\\xe9"', 'café'],
    ['UTF-8 as bytes', '"caf\\xc3\\xa9 \\xe2\\x98\\xba"', 'café ☺'],
    ['characters', '"caf\\x{e9} \\x{263a} \\x{1f600}"', 'café ☺ 😀'],
  ])('%s are read, compared and replaced', async (_title, value, text) => {
    const { options, perlArguments, remove } = await sharedTable('text')
    const id = storeWithPerl(perlArguments, `{ v => ${value} }, { other => ${value} }`)
    const { type, ...rest } = options
    await using sessions = await SessionManager.create({ type: `driver:${type}`, dialect: 'cgi-session', ...rest })
    const session = await sessions.open({ id })
    expect([session.isNew(), session.param('v')]).toEqual([false, text])
    // The record is expected to be exactly what was read.
    expect(await session.param('v', 'changed').flush()).toBe(true)
    const print = `use CGI::Session; my $s = CGI::Session->new('driver:postgresql;id:md5', $ARGV[0], { ${perlArguments} }) or die CGI::Session->errstr;
      print $s->param('v'), $s->param('other') eq ${value} ? ' same' : ' other'`
    expect(perl(print, [id])).toBe('changed same')
    await remove?.()
  })

  it('a text with wide characters is read as the UTF-8 that Perl meant', async () => {
    const { schema, options, remove } = await sharedTable('text')
    const { type, ...rest } = options
    await using sessions = await SessionManager.create({ type: `driver:${type}`, ...rest })
    const id = '0123456789abcdef0123456789abcdef'
    const program = `use DBI; use utf8; my ($source, $user, $password, $table, $id) = @ARGV;
      my $db = DBI->connect($source, $user, $password, { RaiseError => 1 });
      $db->do("insert into $table values (?, ?)", {}, $id, "\\$D = {'_SESSION_ID' => '$id','v' => '\\x{e9}\\x{263a}'};;\\$D")`
    const { dataSource, username, password, tableName } = schema.options
    perl(program, [dataSource, username, password, tableName, id])
    const session = await sessions.open({ id })
    expect(session.param('v')).toBe('é☺')
    expect(await session.param('n', 1).flush()).toBe(true)
    await remove?.()
  })
})
