/** Writes lib/catalogue.ts from the folders drivers/, id/ and serialize/: run it when a plug-in file comes or goes. */

import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

/**
 * The folders of plug-ins, what the catalogue calls each, the contract that its plug-ins keep, and the options that they share
 * (in shared/options.ts).
 */
const folders = [
  { folder: 'drivers', list: 'drivers', contract: 'Driver' },
  { folder: 'id', list: 'ids', contract: 'IdGenerator' },
  { folder: 'serialize', list: 'serializers', contract: 'Serializer', shared: 'SerializerOptions' },
]

/**
 * The plug-ins of a folder: every file directly in it.
 * @param {string} root
 * @param {string} folder
 * @returns {string[]}
 */
export function pluginFiles(root, folder) {
  return readdirSync(join(root, folder))
    .filter((file) => file.endsWith('.ts'))
    .map((file) => file.slice(0, -'.ts'.length))
    .sort()
}

/**
 * The name of the options type that a plug-in's file exports, if it exports one.
 * @param {string} root
 * @param {string} folder
 * @param {string} name
 */
function optionsType(root, folder, name) {
  const source = readFileSync(join(root, folder, `${name}.ts`), 'utf8')
  return /^export (?:interface|type) (\w+Options)\b/m.exec(source)?.[1]
}

/**
 * The text of lib/catalogue.ts.
 * @param {string} root
 * @returns {string}
 */
export function catalogue(root) {
  const imports = []
  const types = []
  const lists = []
  for (const { folder, list, contract, shared } of folders) {
    const names = pluginFiles(root, folder)
    if (shared !== undefined) {
      imports.push(`import type { ${shared} } from '../${folder}/shared/options.js'`)
      types.push(`Partial<${shared}>`)
    }
    // In the order that biome wants imports to have.
    for (const name of names.toSorted((a, b) => a.localeCompare(b, 'en', { sensitivity: 'base' }))) {
      const type = optionsType(root, folder, name)
      if (type === undefined) continue
      imports.push(`import type { ${type} } from '../${folder}/${name}.js'`)
      types.push(`Partial<${type}>`)
    }
    const rows = names.map((name) => `  ${name}: () => import('../${folder}/${name}.js'),\n`).join('')
    lists.push(`export const ${list}: Readonly<Record<string, PluginLoader<${contract}>>> = {\n${rows}}\n`)
  }
  return `/**
 * Every plug-in of this package and the options that it knows.
 * Written by scripts/dev/catalogue.mjs (\`npm run catalogue\`) from the folders drivers/, id/ and serialize/.
 */

${imports.join('\n')}
import type { Driver, IdGenerator, PluginLoader, Serializer } from './contracts.js'

${lists.join('\n')}
/** The options of all plug-ins together. */
export type PluginOptions = ${types.length > 0 ? types.sort().join(' &\n  ') : 'Record<never, never>'}
`
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  writeFileSync(join(process.cwd(), 'lib/catalogue.ts'), catalogue(process.cwd()))
}
