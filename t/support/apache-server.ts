/** A private Apache httpd: CGI programs, and other servers behind its proxy. */

import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { answerTo, type Place, programPath, type RunningServer, startServer } from './server.js'

/** What a site consists of. */
export interface ApacheSite {
  /** What runs for an address under `/cgi-bin/`: a program and its arguments. */
  readonly programs: Readonly<Record<string, readonly string[]>>
  /** The environment of those programs, beside what the server tells them. */
  readonly env: Readonly<Record<string, string>>
  /** Which paths another server answers, such as `/app/` one at `http://127.0.0.1:8080/app/`. */
  readonly proxied: Readonly<Record<string, string>>
}

/** How the server is reached. */
export interface ApacheSettings {
  readonly url: string
  /** What the server and its programs complained of is in this file. */
  readonly errorLog: string
}

/** Where Debian has them. */
const MODULES = '/usr/lib/apache2/modules'

const modules = ['mpm_prefork', 'authz_core', 'alias', 'cgi', 'headers', 'proxy', 'proxy_http']

/** Start a server for a site. */
export function startApache(site: ApacheSite): Promise<RunningServer<ApacheSettings>> {
  return startServer(
    {
      // Its programs are files of the project.
      asOurselves: true,
      stopSignal: 'TERM',
      prepare: (place) => prepare(place, site),
      // At its end it signals its whole group of processes, which is to have nobody else in it.
      command: ({ folder }) => [
        'setsid',
        ...asOrdinaryUser(),
        programPath('apache2')!,
        ...['-D', 'FOREGROUND', '-d', folder, '-f', join(folder, 'httpd.conf')],
      ],
      probe: ({ port }) => answerTo(port, 'HEAD / HTTP/1.0\r\n', /^HTTP\/1\.1 /),
    },
    ({ folder, port }) => ({ url: `http://127.0.0.1:${port}`, errorLog: join(folder, 'error.log') }),
  )
}

/**
 * Apache refuses to serve pages as root: it is somebody else then, who may read what root wrote, and root what he wrote.
 */
function asOrdinaryUser(): string[] {
  if (process.getuid?.() !== 0) return []
  const rights = '+dac_override,+fowner'
  const user = ['--reuid=nobody', '--regid=nogroup', '--clear-groups']
  return ['setpriv', ...user, `--inh-caps=${rights}`, `--ambient-caps=${rights}`]
}

function prepare({ folder, port }: Place, { programs, env, proxied }: ApacheSite): void {
  const cgiFolder = join(folder, 'cgi-bin')
  mkdirSync(cgiFolder)
  mkdirSync(join(folder, 'pages'))
  for (const [name, command] of Object.entries(programs)) {
    const file = join(cgiFolder, name)
    const settings = Object.entries(env).map(([key, value]) => `export ${key}=${quoted(value)}\n`)
    writeFileSync(file, `#!/bin/sh\n${settings.join('')}exec ${command.map(quoted).join(' ')}\n`)
    chmodSync(file, 0o755)
  }
  writeFileSync(join(folder, 'httpd.conf'), configuration({ folder, port }, proxied))
}

function configuration({ folder, port }: Pick<Place, 'folder' | 'port'>, proxied: ApacheSite['proxied']): string {
  return `
    ${modules.map((name) => `LoadModule ${name}_module ${MODULES}/mod_${name}.so`).join('\n')}
    Listen 127.0.0.1:${port}
    ServerName 127.0.0.1:${port}
    DefaultRuntimeDir "${folder}"
    DocumentRoot "${folder}/pages"
    PidFile "${folder}/httpd.pid"
    ErrorLog "${folder}/error.log"
    LogLevel warn
    Mutex posixsem default
    # A connection without a request would keep a process.
    KeepAlive Off
    StartServers 8
    MinSpareServers 8
    MaxSpareServers 16
    MaxRequestWorkers 16
    ScriptAlias "/cgi-bin/" "${folder}/cgi-bin/"
    RequestHeader set X-Forwarded-Proto http
    ${Object.entries(proxied)
      .map(([path, url]) => `ProxyPass "${path}" "${url}"\nProxyPassReverse "${path}" "${url}"`)
      .join('\n')}
  `
}

/** As a shell takes it for one word. */
const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`

/** What the server and its programs complained of since the log had so many characters. */
export function complaints({ errorLog }: ApacheSettings, since = 0): { text: string; end: number } {
  const log = readFileSync(errorLog, 'utf8')
  const lines = log.slice(since).split('\n')
  const told = lines.filter((line) => line !== '' && !/^\[[^\]]+\] \[\w+:(?:notice|info)\]/.test(line))
  return {
    text: told.map((line) => line.replace(/^\[.*?\] (\[\w+:\w+\]) .*?(?=AH\d+:)/, '$1 ')).join('\n'),
    end: log.length,
  }
}
