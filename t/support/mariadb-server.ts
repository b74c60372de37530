/** A private MariaDB for a test run, or an existing MariaDB or MySQL that the environment names. */

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PASSWORD, programPath, type RunningServer, startServer } from './server.js'

/** How the server is reached, by a user who may create databases and users. */
export interface MariadbSettings {
  readonly host: string
  readonly port: number
  /** Its Unix socket; '' where it has none. */
  readonly socket: string
  readonly username: string
  readonly password: string
}

/** Names an existing server in place of a private one, as `mysql://user:password@host:port`. */
const existing = process.env.DATA_SESSION_TEST_MYSQL ?? ''

const programNames = ['mariadbd', 'mariadb-install-db', 'mariadb-admin'] as const

/** Why there is no server; undefined when there is one. */
export function mariadbMissing(): string | undefined {
  const lacks = programNames.find((name) => programPath(name) === undefined)
  return existing !== '' || lacks === undefined
    ? undefined
    : `${lacks} is not installed, and DATA_SESSION_TEST_MYSQL names no server`
}

/** Starts a server of the run's own, or names the existing one. */
export async function startMariadb(): Promise<RunningServer<MariadbSettings>> {
  return existing === '' ? startPrivate() : { settings: settingsOfUrl(existing), stop: async () => undefined }
}

function settingsOfUrl(text: string): MariadbSettings {
  const url = new URL(text)
  return {
    host: url.hostname,
    port: Number(url.port || 3306),
    socket: '',
    username: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
  }
}

function startPrivate(): Promise<RunningServer<MariadbSettings>> {
  const [server, install, admin] = programNames.map((name) => programPath(name)!)
  const socketOf = (folder: string) => join(folder, 'socket')
  return startServer(
    {
      stopSignal: 'TERM',
      prepare: ({ folder, run }) => {
        const user = `'tester'@'%' identified by '${PASSWORD.replaceAll("'", "''")}'`
        writeFileSync(join(folder, 'init.sql'), `grant all on *.* to ${user} with grant option;\n`, { mode: 0o644 })
        const kind = ['--auth-root-authentication-method=normal', '--skip-test-db', '--skip-name-resolve']
        run(install!, ['--no-defaults', `--datadir=${folder}/data`, `--tmpdir=${folder}`, ...kind, ...fewFiles])
      },
      command: ({ folder, port }) => [
        server!,
        '--no-defaults',
        ...settings(folder, port, socketOf(folder)),
        ...fewFiles,
      ],
      probe: ({ folder, run }) =>
        Promise.resolve(run(admin!, ['--no-defaults', `--socket=${socketOf(folder)}`, '--user=root', 'ping'])),
    },
    ({ folder, port }) => ({
      host: '127.0.0.1',
      port,
      socket: socketOf(folder),
      username: 'tester',
      password: PASSWORD,
    }),
  )
}

/** What makes it small: nothing has to outlive the run. */
const fewFiles = ['--innodb-log-file-size=8M', '--innodb-buffer-pool-size=16M', '--innodb-flush-log-at-trx-commit=0']

function settings(folder: string, port: number, socket: string): string[] {
  return [
    `--datadir=${folder}/data`,
    `--socket=${socket}`,
    `--pid-file=${folder}/pid`,
    `--init-file=${folder}/init.sql`,
    // A server that starts removes the temporary tables that it finds there: those of another one too, which then crashes.
    `--tmpdir=${folder}`,
    `--port=${port}`,
    '--bind-address=127.0.0.1',
    '--skip-name-resolve',
    '--skip-log-bin',
    '--innodb-doublewrite=0',
    '--performance-schema=0',
    '--max-connections=300',
  ]
}
