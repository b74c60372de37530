/** How CGI::Session reaches the stores that it can share. */

import type { ManagerOptions } from '../../../lib/index.js'

/** CGI::Session's driver and its arguments, and the part of t/support/requirements.ts that it needs. */
export interface PerlStore {
  readonly needs: string
  readonly driver: string
  arguments(options: ManagerOptions): Record<string, string | undefined>
}

const connection = ({ dataSource, username, password, tableName }: Record<string, string>) => ({
  DataSource: dataSource,
  User: username,
  Password: password,
  TableName: tableName,
})

/** By the name of the driver of ours. */
export const perlStores: Readonly<Record<string, PerlStore>> = {
  File: {
    needs: 'perl',
    driver: 'file',
    arguments: ({ directory }) => ({ Directory: directory }),
  },
  SQLite: {
    needs: 'perl-sqlite',
    driver: 'sqlite',
    arguments: (options) => connection(options as Record<string, string>),
  },
  Pg: {
    needs: 'perl-pg',
    driver: 'postgresql',
    arguments: (options) => ({ ...connection(options as Record<string, string>), ColumnType: 'binary' }),
  },
  mysql: {
    needs: 'perl-mysql',
    driver: 'mysql',
    arguments: (options) => connection(options as Record<string, string>),
  },
}
