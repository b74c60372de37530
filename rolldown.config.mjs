/**
 * One implementation for `import` and `require`: CommonJS in dist/, an entry for each thing that is loaded by itself, what
 * they share in chunks. The layout follows from measured cold starts: see scripts/bench/README.md.
 */

import { builtinModules } from 'node:module'
import { resolve } from 'node:path'
import { defineConfig } from 'rolldown'
import { pluginFiles } from './scripts/dev/catalogue.mjs'

const folders = ['drivers', 'id', 'serialize']
const plugins = folders.flatMap((folder) => pluginFiles('.', folder).map((name) => `${folder}/${name}`))
/** What a program imports by itself: an adapter for its web framework, or a front end. */
const hosts = ['adapters', 'compat'].flatMap((folder) => pluginFiles('lib', folder).map((name) => `${folder}/${name}`))
/** Programs to run with node. They import the package by its name, so that there is one copy of it. */
const scripts = [
  'scripts/demo',
  'scripts/cgi/counter',
  'scripts/cgi/cgi.demo',
  'scripts/cgi/cgi.sha1',
  'scripts/cgi/cookie',
  'scripts/create-table',
  'scripts/digest',
  'scripts/import-berkeleydb',
  'scripts/bench/cold',
  'scripts/bench/codec',
  'scripts/bench/steady',
  'scripts/bench/million',
  'scripts/bench/http',
  'scripts/bench/http/server',
]
const input = Object.fromEntries([
  ['index', 'lib/index.ts'],
  ['testing', 't/suite/index.ts'],
  ...hosts.map((name) => [name, `lib/${name}.ts`]),
  ...[...plugins, ...scripts].map((name) => [name, `${name}.ts`]),
])

/**
 * Paths, the compiler's helpers (for `await using`) and the package itself; every other name is a package or built in.
 * @param {string} id
 */
const isResolved = (id) => /^(?:[./\0]|@oxc-project\/runtime\/|data-session(?:$|[/]))/.test(id)
/** @param {string} id */
const isExternal = (id) => builtinModules.includes(id.replace('node:', '')) || !isResolved(id)

/**
 * Programs import the package by its name, as users do. In dist/ that is a built entry by path: the package.json of dist/
 * hides the one that knows the name.
 * @type {import('rolldown').Plugin}
 */
const ownName = {
  name: 'own-name',
  resolveId(id) {
    const [, entry = 'index'] = /^data-session(?:\/(.+))?$/.exec(id) ?? [undefined, null]
    return entry === null ? null : { id: resolve(`${entry}.js`), external: 'relative' }
  },
}

export default defineConfig({
  input,
  plugins: [ownName],
  platform: 'node',
  external: isExternal,
  treeshake: { moduleSideEffects: false },
  transform: { target: 'node20.19' },
  output: {
    dir: 'dist',
    format: 'cjs',
    entryFileNames: '[name].js',
    // What only programs share is no part of the package.
    chunkFileNames: ({ moduleIds }) =>
      moduleIds.every((id) => id.includes('/scripts/')) ? 'scripts/shared/[name].js' : 'shared/[name].js',
    cleanDir: true,
    exports: 'named',
    // All of the engine in one file, and all that drivers of a kind share: each file more costs a cold start 0.3 ms and more.
    codeSplitting: {
      groups: [
        {
          name: 'engine',
          test: /[\\/](?:lib(?![\\/](?:adapters|compat|query[\\/](?:cgi|form|body)\.))|(?<!adapters[\\/])shared[\\/](?:failure|hex|options|origin|record-serializer|text))[\\/.]/,
        },
        { name: 'adapters', test: /[\\/]lib[\\/]adapters[\\/]shared[\\/](?!node-response\.)/ },
        { name: 'keyed', test: /[\\/]drivers[\\/]keyed[\\/]/ },
        { name: 'stores', test: /[\\/]drivers[\\/]shared[\\/]/ },
        { name: 'sql', test: /[\\/]drivers[\\/]sql[\\/](?!(?:create-table|knex-client)\.|(?:dialects|odbc|pg)[\\/])/ },
      ],
    },
  },
})
