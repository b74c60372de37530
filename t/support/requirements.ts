/**
 * What a test needs beside Node: looked for once, and named when it is missing.
 *
 * An absent part skips its tests with the reason in their title. DATA_SESSION_REQUIRE (names with commas, as CI sets it)
 * turns that into a failure.
 */

import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { describe } from 'vitest'
import { chromiumPath } from './browser.js'
import { opensslMissing } from './certificate.js'
import { mariadbMissing } from './mariadb-server.js'
import { memcachedMissing, memcachedProgramMissing, memcachedSaslMissing } from './memcached-server.js'
import { postgresMissing, tlsMissing } from './postgres-server.js'
import { redisMissing, redisTlsMissing } from './redis-server.js'
import { programPath } from './server.js'

/** How each part is looked for: the reason why it is missing, or undefined when it is there. */
const probes: Record<string, () => string | undefined> = {
  perl: () => perlMissing(['CGI::Session', 'JSON', 'Storable', 'Data::Dumper']),
  'perl-data-session': () => perlMissing(['Data::Session']),
  'perl-sqlite': () => perlMissing(['CGI::Session', 'Storable', 'DBI', 'DBD::SQLite']),
  freezethaw: () => perlMissing(['FreezeThaw']),
  'yaml-tiny': () => perlMissing(['YAML::Tiny']),
  'fs-ext': () => packageMissing('fs-ext'),
  'better-sqlite3': () => packageMissing('better-sqlite3'),
  strace: () => straceMissing(),
  koffi: () => packageMissing('koffi'),
  chromium: () => (chromiumPath() === undefined ? 'Chromium is not installed' : packageMissing('playwright-core')),
  apache: () => (programPath('apache2') === undefined ? 'Apache httpd (apache2) is not installed' : undefined),
  'perl-cgi': () => perlMissing(['CGI']),
  openssl: opensslMissing,
  odbc: () => packageMissing('odbc'),
  'odbc-sqlite': () => odbcDriverMissing('SQLite3'),
  'odbc-postgresql': () => odbcDriverMissing('PostgreSQL Unicode', 'PostgreSQL ANSI') ?? missing('postgres'),
  'odbc-mariadb': () => odbcDriverMissing('MariaDB Unicode') ?? missing('mariadb'),
  'js-yaml': () => packageMissing('js-yaml'),
  oracledb: () => packageMissing('oracledb'),
  oracle: () => packageMissing('oracledb') ?? oracleMissing(),
  pg: () => packageMissing('pg'),
  postgres: () => packageMissing('pg') ?? postgresMissing(),
  'postgres-tls': () => packageMissing('pg') ?? postgresMissing() ?? tlsMissing(),
  'perl-pg': () => perlMissing(['CGI::Session', 'Storable', 'DBI', 'DBD::Pg']),
  mariadb: () => packageMissing('mysql2') ?? mariadbMissing(),
  memcached: () => packageMissing('memjs') ?? memcachedMissing(),
  'memcached-program': () => packageMissing('memjs') ?? memcachedProgramMissing(),
  'memcached-sasl': () => packageMissing('memjs') ?? memcachedSaslMissing(),
  'perl-memcached': () => perlMissing(['CGI::Session', 'Cache::Memcached']),
  redis: () => packageMissing('ioredis') ?? redisMissing(),
  'redis-tls': () => packageMissing('ioredis') ?? redisTlsMissing(),
  lmdb: () => packageMissing('lmdb'),
  'perl-berkeleydb': () => perlMissing(['CGI::Session', 'DB_File', 'BerkeleyDB']),
  'db5.3-util': () => (programPath('db5.3_dump') === undefined ? 'db5.3_dump is not installed' : undefined),
  'perl-mysql': () => perlMissing(['CGI::Session', 'Storable', 'DBI', 'DBD::mysql']),
}

function perlMissing(modules: readonly string[]): string | undefined {
  const run = spawnSync('perl', [...modules.map((module) => `-M${module}`), '-e', '1'], { encoding: 'utf8' })
  if (run.error !== undefined) return 'perl is not installed'
  return run.status === 0 ? undefined : `perl lacks one of ${modules.join(', ')}`
}

function straceMissing(): string | undefined {
  const run = spawnSync('strace', ['-o', '/dev/null', 'true'])
  if (run.error !== undefined) return 'strace is not installed'
  return run.status === 0 ? undefined : 'strace may not trace here'
}

function packageMissing(name: string): string | undefined {
  try {
    createRequire(import.meta.url)(name)
    return undefined
  } catch {
    return `the package ${name} is not installed`
  }
}

/** There is no free Oracle server to start: tests take one that is there. */
function oracleMissing(): string | undefined {
  return (process.env.DATA_SESSION_TEST_ORACLE ?? '') === ''
    ? 'DATA_SESSION_TEST_ORACLE names no server (oracle://user:password@host:1521/service)'
    : undefined
}

/** ODBC drivers, as the driver manager of unixODBC knows them; and the package that calls them. */
function odbcDriverMissing(...names: readonly string[]): string | undefined {
  const reason = missing('odbc')
  if (reason !== undefined) return reason
  const { error, stdout } = spawnSync('odbcinst', ['-q', '-d'], { encoding: 'utf8' })
  if (error !== undefined) return 'unixODBC is not installed'
  const absent = names.find((name) => !stdout.includes(`[${name}]`))
  return absent === undefined ? undefined : `the ODBC driver ${absent} is not installed`
}

const found = new Map<string, string | undefined>()

/** Why a part is missing, or undefined when it is there. */
export function missing(part: string): string | undefined {
  if (!found.has(part)) found.set(part, probes[part]!())
  return found.get(part)
}

/** The parts that must be there. */
export const required: ReadonlySet<string> = new Set(
  (process.env.DATA_SESSION_REQUIRE ?? '').split(',').filter((name) => name !== ''),
)

/** Like `describe`, for tests that need a part, or several (names with commas). */
export function describeWith(parts: string, title: string, body: () => void): void {
  const part = parts.split(',').find((one) => missing(one) !== undefined)
  if (part === undefined) {
    describe(title, body)
    return
  }
  const reason = missing(part)
  if (required.has(part)) throw new Error(`DATA_SESSION_REQUIRE names ${part}, but ${reason}`)
  console.warn(`skipped: ${title}: ${reason}`)
  describe.skip(`${title} (skipped: ${reason})`, body)
}
