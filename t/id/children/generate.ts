/** A process that makes ten ids: prints them, or the code of the error, and which packages were loaded for them. */

import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import AutoIncrement from '../../../id/AutoIncrement.js'
import MD5 from '../../../id/MD5.js'
import SHA1 from '../../../id/SHA1.js'
import SHA256 from '../../../id/SHA256.js'
import SHA512 from '../../../id/SHA512.js'
import Static from '../../../id/Static.js'
import UUID16 from '../../../id/UUID16.js'
import UUID34 from '../../../id/UUID34.js'
import UUID36 from '../../../id/UUID36.js'
import UUID64 from '../../../id/UUID64.js'
import type { IdGenerator } from '../../../lib/contracts.js'
import { readOptions } from '../../../lib/options.js'

const folder = mkdtempSync(join(tmpdir(), 'data-session-ids-'))

const generators: Record<string, () => IdGenerator> = {
  AutoIncrement: () => new AutoIncrement(readOptions(AutoIncrement.options, { idFile: join(folder, 'counter') })),
  MD5: () => new MD5(),
  SHA1: () => new SHA1(),
  SHA256: () => new SHA256(),
  SHA512: () => new SHA512(),
  Static: () => new Static({ id: 'static' }),
  UUID16: () => new UUID16(),
  UUID34: () => new UUID34(),
  UUID36: () => new UUID36(),
  UUID64: () => new UUID64(),
}

const worlds: Record<string, () => void> = {
  '--frozen': () => {
    Date.now = () => 1_700_000_000_000
    Math.random = () => 0.5
    Object.defineProperty(process, 'pid', { value: 4242 })
  },
  '--no-randomness': () => {
    const broken = (): never => {
      throw new Error('no entropy')
    }
    const crypto = process.getBuiltinModule('node:crypto') as unknown as Record<string, unknown>
    for (const name of ['randomBytes', 'randomFillSync', 'randomUUID', 'getRandomValues']) crypto[name] = broken
  },
}

/** Of the modules that cost time at a cold start, those that are loaded. */
function loadedModules(): string[] {
  const builtIn = (process as unknown as { moduleLoadList: string[] }).moduleLoadList
  const loaded = builtIn.includes('NativeModule crypto') ? ['crypto'] : []
  return Object.keys(createRequire(import.meta.url).cache).some((file) => /[\\/]uuid[\\/]/.test(file))
    ? [...loaded, 'uuid']
    : loaded
}

async function main([name, mode = '']: string[]): Promise<void> {
  worlds[mode]?.()
  const generator = generators[name!]!()
  const ids: string[] = []
  let error: unknown
  try {
    for (let i = 0; i < 10 && mode !== '--only-create'; i++) ids.push(await generator.generate())
  } catch (caught) {
    error = (caught as { code?: string }).code
  }
  process.stdout.write(JSON.stringify({ ids, error, loaded: loadedModules() }))
}

main(process.argv.slice(2)).finally(() => rmSync(folder, { recursive: true, force: true }))
