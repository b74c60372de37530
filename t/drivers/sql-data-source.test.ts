import { describe, expect, it } from 'vitest'
import { readDataSource } from '../../drivers/sql/data-source.js'
import { sqlOptions } from '../../drivers/sql/options.js'
import { OptionError } from '../../lib/errors.js'
import { readOptions } from '../../lib/options.js'

type DriverName = Parameters<typeof readDataSource>[0]

const nothing = { database: '', host: '', port: 0, socket: '', username: '', password: '', extra: {} }

const read = (driver: DriverName, dataSource: string, more: object = {}) =>
  readDataSource(driver, readOptions(sqlOptions, { dataSource, ...more }))

describe('dataSource', () => {
  it.each<[DriverName, string, object]>([
    ['SQLite', 'dbi:SQLite:dbname=/tmp/s.sqlite', { database: '/tmp/s.sqlite' }],
    ['SQLite', 'dbi:SQLite:database=s.sqlite', { database: 's.sqlite' }],
    ['SQLite', 'dbi:SQLite:/tmp/s.sqlite', { database: '/tmp/s.sqlite' }],
    ['SQLite', 'DBI:sqlite:/tmp/a=b.sqlite', { database: '/tmp/a=b.sqlite' }],
    ['SQLite', 'dbi:SQLite(RaiseError=>1):dbname=x', { database: 'x' }],
    ['SQLite', 'sqlite:///tmp/a%20b.sqlite', { database: '/tmp/a b.sqlite' }],
    ['SQLite', 'sqlite:///tmp/100%25%3F.sqlite', { database: '/tmp/100%?.sqlite' }],
    ['SQLite', '/tmp/100%?.sqlite', { database: '/tmp/100%?.sqlite' }],
    ['SQLite', 'file:/tmp/x.sqlite', { database: '/tmp/x.sqlite' }],
    ['SQLite', 'sqlite:x.sqlite', { database: 'x.sqlite' }],
    ['SQLite', '/tmp/s.sqlite', { database: '/tmp/s.sqlite' }],
    ['SQLite', ':memory:', { database: ':memory:' }],
    ['SQLite', 'C:\\data\\s.sqlite', { database: 'C:\\data\\s.sqlite' }],
    ['SQLite', 'dbi:SQLite:dbname=C:/data/s.sqlite', { database: 'C:/data/s.sqlite' }],
    ['Pg', 'dbi:Pg:dbname=x;host=h;port=5433', { database: 'x', host: 'h', port: 5433 }],
    ['Pg', 'dbi:Pg:db=x;user=u;password=p', { database: 'x', username: 'u', password: 'p' }],
    ['Pg', "dbi:Pg:dbname='a b;\\'c\\'' ; host = /run/pg ", { database: "a b;'c'", host: '/run/pg' }],
    ['Pg', 'dbi:Pg:dbname=x;sslmode=require', { database: 'x', extra: { sslmode: 'require' } }],
    [
      'Pg',
      'postgres://us%40er:p%2Fw@[::1]:5433/data%20base?sslmode=disable',
      {
        database: 'data base',
        host: '::1',
        port: 5433,
        username: 'us@er',
        password: 'p/w',
        extra: { sslmode: 'disable' },
      },
    ],
    ['Pg', 'postgresql:///x?host=/run/pg', { database: 'x', host: '/run/pg' }],
    ['mysql', 'dbi:mysql:database=x;mysql_socket=/run/m.sock', { database: 'x', socket: '/run/m.sock' }],
    ['mysql', 'dbi:mysql:x', { database: 'x' }],
    ['mysql', 'dbi:mysql:x:h:3307', { database: 'x', host: 'h', port: 3307 }],
    ['mysql', 'dbi:mysql:x;host=h;port=3307', { database: 'x', host: 'h', port: 3307 }],
    ['mysql', 'dbi:mysql:x:h;port=3307;', { database: 'x', host: 'h', port: 3307 }],
    ['mysql', 'dbi:MariaDB:database=x;host=h', { database: 'x', host: 'h' }],
    ['mysql', 'mysql://u:p@h/x', { database: 'x', host: 'h', username: 'u', password: 'p' }],
    ['Oracle', 'dbi:Oracle:host=h;port=1521;service_name=s', { database: 's', host: 'h', port: 1521 }],
    ['ODBC', 'dbi:ODBC:DSN=web', { database: 'DSN=web' }],
    ['ODBC', 'dbi:ODBC:Driver={SQLite3};Database=/tmp/x', { database: 'Driver={SQLite3};Database=/tmp/x' }],
    ['ODBC', 'dbi:ODBC:web', { database: 'web' }],
  ])('%s: %s', (driver, dataSource, expected) => {
    expect(read(driver, dataSource)).toEqual({ ...nothing, ...expected })
  })

  it.each<[DriverName, string]>([
    ['SQLite', ''],
    ['SQLite', 'dbi:SQLite:'],
    ['SQLite', 'dbi:SQLite:dbname='],
    ['SQLite', 'dbi:Pg:dbname=x'],
    ['SQLite', 'postgres://h/x'],
    ['SQLite', 'a\0b'],
    ['Pg', 'dbi:Pg:x'],
    ['Pg', 'dbi:Pg:dbname=x;secret'],
    ['Pg', 'dbi:Pg:dbname=x;port=secret'],
    ['Pg', 'dbi:Pg:dbname=x;port=70000'],
    ['Pg', 'dbi:Pg:host=secret'],
    ['Pg', 'dbi:Pg:dbname=x;pasword=secret'],
    ['Pg', 'mysql://u:secret@h/x'],
    ['Pg', 'postgres://u:secret@h:port/x'],
    ['Pg', 'postgres://u:%zz@h/secret'],
    ['Pg', 'secret'],
    ['mysql', 'dbi:mysql:database=x;unknown=secret'],
    ['mysql', 'dbi:mysql:database=d;user=u;password=s3;secret=1'],
    ['Pg', 'postgres://u@h/x?secret=1'],
    ['SQLite', 'sqlite:///tmp/100%secret.db'],
    ['SQLite', 'file:/secret.db?mode=ro'],
    ['SQLite', 'sqlite:secret.db#x'],
    ['mysql', 'dbi:mysql:x:h:secret'],
    ['mysql', 'dbi:mysql:x;secret'],
    ['mysql', 'dbi:mysql:;host=secret'],
    ['mysql', 'mysql://h'],
  ])('%s: %j is refused with the forms that are accepted, and without what was given', (driver, dataSource) => {
    const error = attempt(() => read(driver, dataSource))
    expect(error).toBeInstanceOf(OptionError)
    expect(error.message).toMatch(new RegExp(`driver:${driver}.* written as dbi:${driver}:`))
    expect(error.message).not.toContain('secret')
  })

  it('with an attribute that is not known is answered with those that are', () => {
    expect(() => read('mysql', 'dbi:mysql:database=x;hots=h')).toThrow(
      /not known \(there are database, .*mysql_socket, .*mysql_ssl\); settings .* dataSourceAttr/,
    )
  })

  it('is outweighed by options of their own', () => {
    const options = { host: 'h2', port: '5444', socket: '/s', username: 'u2', password: 'p2' }
    expect(read('mysql', 'mysql://u:p@h:1/x', options)).toEqual({ ...nothing, database: 'x', ...options, port: 5444 })
  })
})

describe('other options', () => {
  it.each([
    ['port', 'x'],
    ['port', 70_000],
    ['port', -1],
    ['timeout', 0],
    ['dataSourceAttr', 5],
    ['dataSourceAttr', { AutoCommit: 0 }],
    ['dbh', 'dbi:Pg:x'],
  ])('%s: %j is refused', (name, value) => {
    expect(() => readOptions(sqlOptions, { [name]: value })).toThrow(`Option '${name}'`)
  })

  it("DBI's own attributes are accepted as Data::Session sets them, and not handed to a client", () => {
    const given = { AutoCommit: 1, PrintError: 0, RaiseError: 1, ssl: true }
    expect(readOptions(sqlOptions, { dataSourceAttr: given }).dataSourceAttr).toEqual({ ssl: true })
  })
})

function attempt(call: () => unknown): Error {
  try {
    call()
  } catch (error) {
    return error as Error
  }
  throw new Error('it should have been refused')
}
