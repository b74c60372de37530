/** A certificate for servers that speak TLS, made by openssl: Node alone makes none. */

import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** What `createServer` of https takes, and the file of the certificate, by which a client knows the server. */
export interface Certificate {
  readonly key: string
  readonly cert: string
}

/** Why there can be no certificate; undefined when there can. */
export function opensslMissing(): string | undefined {
  return spawnSync('openssl', ['version']).error === undefined ? undefined : 'openssl is not installed'
}

/**
 * Makes a certificate of `localhost` that signs itself.
 * @param folder where `certificate.pem` and its `key.pem` go
 * @param run runs a program
 */
export function makeCertificate(folder: string, run: (command: string, args: readonly string[]) => unknown): void {
  const name = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost']
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
  const files = ['-keyout', join(folder, 'key.pem'), '-out', join(folder, 'certificate.pem')]
  run('openssl', ['req', '-x509', ...kind, ...name, ...files])
}

export function newCertificate(): Certificate {
  const folder = mkdtempSync(join(tmpdir(), 'data-session-certificate-'))
  try {
    makeCertificate(folder, (command, args) => execFileSync(command, args, { stdio: 'pipe' }))
    const read = (name: string): string => readFileSync(join(folder, name), 'utf8')
    return { key: read('key.pem'), cert: read('certificate.pem') }
  } finally {
    rmSync(folder, { recursive: true })
  }
}
