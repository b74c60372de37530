import { inspect } from 'node:util'
import { expect, it } from 'vitest'
import { DriverError, type ManagerOptions, SessionManager } from '../../lib/index.js'
import { newDatabase } from '../support/mariadb.js'
import { newSchema } from '../support/postgres.js'
import { describeWith } from '../support/requirements.js'

const id = '0123456789abcdef0123456789abcdef01234567'

/** What the error of a write says, all in all. */
async function failureOn(options: ManagerOptions): Promise<{ error: DriverError; shown: string }> {
  await using sessions = await SessionManager.create({ ...options, timeout: 300 })
  const session = await sessions.open({ id })
  session.param('secret', 'hunter2')
  const error = await session.flush().catch((reason) => reason)
  await session.clear().delete()
  expect(error).toBeInstanceOf(DriverError)
  return { error, shown: inspect(error, { depth: 9, showHidden: true }) + error.stack + error.cause.stack }
}

function expectNothingOf(shown: string): void {
  const hex = (text: string) => Buffer.from(text).toString('hex')
  for (const part of [id, id.slice(8, 16), 'hunter2', hex('hunter2'), hex('hunter2').toUpperCase()]) {
    expect(shown).not.toContain(part)
  }
}

const postgresTable = 'create table sessions (id varchar(40) primary key, a_session bytea not null)'

/** A trigger that raises this. */
const postgresTrigger = (raised: string): string =>
  `${postgresTable}; create function refuse() returns trigger language plpgsql as
   $$ begin raise exception ${raised}; end $$;
   create trigger refuse before insert on sessions for each row execute function refuse()`

describeWith('postgres', 'errors of PostgreSQL show no id and no record', () => {
  it.each([
    ['id and record', `'no % %', new.id, encode(new.a_session, 'escape') using hint = new.id, errcode = '42501'`],
    ['record in hex', `'no %', new.a_session using errcode = '57014'`],
    ['other fields', `'no' using errcode = '42501', column = new.id, constraint = encode(new.a_session, 'escape')`],
    ['a part of the id', `'no %', substr(new.id, 9, 8) using errcode = '53100'`],
    ['an unknown code', `'no %', new.id`],
  ])('%s', async (_title, raised) => {
    const schema = await newSchema()
    try {
      await schema.run(postgresTrigger(raised))
      const { shown } = await failureOn({ type: 'driver:Pg;id:SHA1;serialize:JSON', ...schema.options })
      expectNothingOf(shown)
    } finally {
      await schema.drop()
    }
  })

  it('what quotes nothing is kept', async () => {
    const schema = await newSchema()
    try {
      await schema.run(postgresTrigger(`'not on a Sunday' using errcode = '42501'`))
      const { error } = await failureOn({ type: 'driver:Pg;id:SHA1;serialize:JSON', ...schema.options })
      expect(error.cause).toMatchObject({ message: 'not on a Sunday', code: '42501' })
    } finally {
      await schema.drop()
    }
  })
})

describeWith('mariadb', 'errors of MySQL show no id and no record', () => {
  it.each([
    ['an unknown code', `'45000' set message_text = m`],
    ['the code of a lock', `'42000' set message_text = m, mysql_errno = 1205`],
    ['the code of rights', `'42000' set message_text = m, mysql_errno = 1142, constraint_name = m`],
  ])('%s', async (_title, signal) => {
    const database = await newDatabase()
    try {
      await database.run('create table sessions (id varchar(64) primary key, a_session longtext not null)')
      await database.run(
        `create trigger refuse before insert on sessions for each row
         begin declare m varchar(128); set m = left(concat(new.id, ' ', new.a_session), 128); signal sqlstate ${signal}; end`,
      )
      const { shown } = await failureOn({ type: 'driver:mysql;id:SHA1;serialize:JSON', ...database.options })
      expectNothingOf(shown)
    } finally {
      await database.drop()
    }
  })
})
