/** The five serializers with the options that a program gets, and the records of each that real Perl wrote. */

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { PluginClass, Serializer } from '../../lib/contracts.js'
import DataDumper from '../../serialize/DataDumper.js'
import FreezeThaw from '../../serialize/FreezeThaw.js'
import Json from '../../serialize/JSON.js'
import Storable from '../../serialize/Storable.js'
import Yaml from '../../serialize/YAML.js'

const serializers: Record<string, PluginClass<Serializer>> = {
  DataDumper,
  FreezeThaw,
  JSON: Json,
  Storable,
  YAML: Yaml,
}

/** Their names. */
export const serializerNames: readonly string[] = Object.keys(serializers)

/** A serializer with its defaults. */
export function makeSerializer(name: string): Serializer {
  const Plugin = serializers[name]!
  const options = Object.entries(Plugin.options).map(([option, read]) => [option, read(undefined, option)])
  return new Plugin(Object.fromEntries(options), { now: () => 0, padding: false })
}

/** The records of a format below t/fixtures/perl, those of CGI::Session too. */
export function recordsOf(name: string, folder: string): Buffer[] {
  const cgi: Record<string, string> = {
    DataDumper: 'default',
    FreezeThaw: 'freezethaw',
    Storable: 'storable',
    YAML: 'yaml',
  }
  const isOurs = new RegExp(`\\.(?:${name}|cgi-${cgi[name] ?? name})(?:-[^.]+)*\\.bin$`)
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => isOurs.test(file))
  return files.sort().map((file) => readFileSync(join(folder, file)))
}
