/** Tables in MariaDB that CGI::Session and this package share. */

import { SessionManager } from '../../lib/index.js'
import { sharedTableTests } from '../support/cgi-session-sql.js'
import { newDatabase } from '../support/mariadb.js'
import { describeWith } from '../support/requirements.js'

/** The table as CGI::Session documents it, the same with a blob, or one of ours with a column of expiry times. */
const tables = {
  "Perl's table": 'create table sessions (id char(32) not null primary key, a_session text not null)',
  "Perl's table in latin1":
    'create table sessions (id char(32) not null primary key, a_session text not null) character set latin1',
  'a table with a blob': 'create table sessions (id char(32) not null primary key, a_session blob not null)',
  'a table with expiry times': undefined,
}

const serializers = [
  ['default', 'DataDumper'],
  ['storable', 'Storable'],
] as const

for (const [title, sql] of Object.entries(tables)) {
  for (const serializer of serializers) {
    // Storable's bytes do not fit into text, not in Perl either.
    if (serializer[1] === 'Storable' && sql?.includes('text')) continue
    describeWith('mariadb,perl-mysql', `${title}, ${serializer[1]}`, () => {
      sharedTableTests({
        perlDriver: 'mysql',
        serializer,
        table: async () => {
          const database = await newDatabase()
          const options = { type: 'mysql', ...database.options }
          if (sql !== undefined) await database.run(sql)
          else {
            await using sessions = await SessionManager.create({ ...options, type: 'driver:mysql' })
            await sessions.createTable({ expires: true })
          }
          const { dataSource, username, password } = database.options
          return {
            options,
            perlArguments: `DataSource => '${dataSource}', User => '${username}', Password => q{${password}}`,
            remove: () => database.drop(),
          }
        },
      })
    })
  }
}
