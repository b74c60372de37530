/** The stores that the shop is tested with, each as Perl and as Node name it. */

import { join } from 'node:path'
import { type ManagerOptions, SessionManager } from '../../lib/index.js'
import { temporaryFolder } from '../support/folders.js'
import { newSchema } from '../support/postgres.js'

/** A new, empty store. */
export interface ShopStore {
  readonly options: ManagerOptions
  /** What CGI::Session->new takes: the data source, and the driver's arguments. */
  readonly perl: readonly [dsn: string, args: Readonly<Record<string, string>>]
  remove(): Promise<void>
}

/** A kind of store; a new one is one more row. */
interface StoreKind {
  readonly name: string
  /** Parts that must be there: see t/support/requirements.ts. */
  readonly needs: string
  open(): Promise<ShopStore>
}

const nothing = async (): Promise<void> => undefined
const node = (driver: string): ManagerOptions => ({
  type: `driver:${driver};id:MD5;serialize:DataDumper`,
  dialect: 'cgi-session',
  trustProxy: true,
})
const perl = (driver: string): string => `driver:${driver};serializer:default;id:md5`

async function createTable(options: ManagerOptions): Promise<void> {
  await using sessions = await SessionManager.create(options)
  await sessions.createTable()
}

export const storeKinds: readonly StoreKind[] = [
  {
    name: 'File',
    needs: 'perl',
    async open() {
      const directory = temporaryFolder()
      return {
        options: { ...node('File'), directory },
        perl: [perl('file'), { Directory: directory }],
        remove: nothing,
      }
    },
  },
  {
    name: 'SQLite',
    needs: 'better-sqlite3,perl-sqlite',
    async open() {
      const dataSource = join(temporaryFolder(), 'sessions.sqlite')
      const options = { ...node('SQLite'), dataSource }
      await createTable(options)
      return { options, perl: [perl('sqlite'), { DataSource: `dbi:SQLite:dbname=${dataSource}` }], remove: nothing }
    },
  },
  {
    name: 'Pg',
    needs: 'postgres,perl-pg',
    async open() {
      const schema = await newSchema()
      const options = { ...node('Pg'), ...schema.options }
      await createTable(options)
      const { dataSource, username, password, tableName } = schema.options
      const args = {
        DataSource: dataSource,
        User: username,
        Password: password,
        TableName: tableName,
        ColumnType: 'binary',
      }
      return { options, perl: [perl('postgresql'), args], remove: schema.drop }
    },
  },
]
