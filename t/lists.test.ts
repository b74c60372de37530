/** The lists of plug-ins that must say the same: folders, catalogue, package exports, README. */

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { pluginNames } from '../lib/index.js'
import { catalogue, pluginFiles } from '../scripts/dev/catalogue.mjs'

const root = join(import.meta.dirname, '..')
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const readme = readFileSync(join(root, 'README.md'), 'utf8')

const kinds = [
  { folder: 'drivers', kind: 'driver', heading: '### Drivers' },
  { folder: 'id', kind: 'id', heading: '### Ids' },
  { folder: 'serialize', kind: 'serialize', heading: '### Serializers' },
] as const

/** The names in the first column of the table below a heading of the README; rows for what is to come are in italics. */
function tableNames(heading: string): string[] {
  const section = readme.split(`${heading}\n`)[1]?.split('\n#')[0] ?? ''
  return [...section.matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name!).sort()
}

const squeeze = (text: string) => text.replace(/\s+/g, ' ').replaceAll('( ', '(')

describe.each(kinds)('$folder', ({ folder, kind, heading }) => {
  const files = pluginFiles(root, folder)

  it('has the plug-ins that the registry knows', () => {
    expect(pluginNames(kind)).toEqual(files)
  })

  it('has the plug-ins that package.json exports', () => {
    const exported = Object.keys(manifest.exports)
      .filter((path) => path.startsWith(`./${folder}/`))
      .map((path) => path.split('/').at(-1))
    expect(exported.sort()).toEqual(files)
  })

  it('has the plug-ins of the README table', () => {
    expect(tableNames(heading)).toEqual(files)
  })

  it('has a test for each plug-in', () => {
    const tests = readdirSync(join(root, 't', folder)).filter((file) => file.endsWith('.test.ts'))
    const texts = tests.map((file) => readFileSync(join(root, 't', folder, file), 'utf8')).join('\n')
    for (const name of files) expect(new RegExp(`\\b${name}\\b`).test(texts), name).toBe(true)
  })
})

describe.each(['adapters', 'compat'])('lib/%s', (folder) => {
  const files = pluginFiles(join(root, 'lib'), folder).map((name) => `data-session/${folder}/${name}`)

  it('has the files that package.json exports', () => {
    const exported = Object.keys(manifest.exports).filter((path) => path.startsWith(`./${folder}/`))
    expect(exported.map((path) => path.replace('.', 'data-session')).sort()).toEqual(files)
  })

  it('has the files that docs/http.md tells of, and no others', () => {
    const page = readFileSync(join(root, 'docs/http.md'), 'utf8')
    const told = page.match(new RegExp(`data-session/${folder}/[\\w-]+`, 'g')) ?? []
    expect([...new Set(told)].sort()).toEqual(files)
  })
})

describe('the catalogue', () => {
  it('is what `npm run catalogue` writes', () => {
    expect(squeeze(readFileSync(join(root, 'lib/catalogue.ts'), 'utf8'))).toBe(squeeze(catalogue(root)))
  })
})

/** All files in a tree of export conditions. */
function filesOf(target: string | object): string[] {
  return typeof target === 'string' ? [target] : Object.values(target).flatMap(filesOf)
}

describe('package.json', () => {
  it('exports only files that the build makes', () => {
    for (const file of filesOf(manifest.exports)) expect(existsSync(join(root, file)), file).toBe(true)
  })

  it('has each optional peer as optional', () => {
    expect(Object.keys(manifest.peerDependenciesMeta)).toEqual(Object.keys(manifest.peerDependencies))
    expect(Object.keys(manifest.dependencies)).toEqual(['@fastify/busboy', 'cookie'])
  })
})

describe('README', () => {
  it('lists every error code', () => {
    const codes = readFileSync(join(root, 'lib/errors.ts'), 'utf8').match(/ERR_SESSION_\w+/g)!
    for (const code of new Set(codes)) expect(readme).toContain(`\`${code}\``)
  })
})

describe('npm install', () => {
  it('makes nobody install a client: there are no dependencies, and every peer is optional', () => {
    expect(Object.keys(manifest.dependencies)).toEqual(['@fastify/busboy', 'cookie'])
    expect(manifest.optionalDependencies).toBeUndefined()
    const peers = Object.keys(manifest.peerDependencies)
    expect(manifest.peerDependenciesMeta).toEqual(Object.fromEntries(peers.map((name) => [name, { optional: true }])))
  })

  it('makes nobody who works on it compile one: what is compiled is optional in a workspace', () => {
    const clients = JSON.parse(readFileSync(join(root, 't/clients/package.json'), 'utf8'))
    expect([clients.dependencies, clients.devDependencies]).toEqual([undefined, undefined])
    for (const name of ['better-sqlite3', 'fs-ext', 'odbc']) {
      expect(clients.optionalDependencies).toHaveProperty(name)
      expect(manifest.devDependencies).not.toHaveProperty(name)
    }
  })
})

describe('t/prove', () => {
  it('has the proofs that SECURITY.md lists', () => {
    const proofs = readdirSync(join(root, 't/prove')).filter((file) => file.endsWith('.ts'))
    const listed = readFileSync(join(root, 'SECURITY.md'), 'utf8')
      .split('## Proofs')[1]!
      .matchAll(/^\| `([\w-]+)` \|/gm)
    expect([...listed].map(([, name]) => `${name}.ts`).sort()).toEqual(proofs.sort())
  })
})
