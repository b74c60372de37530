/** The type string: `driver:File;id:MD5;serialize:DataDumper` (Data::Session: `parse_options`). */

import type { PluginKind } from './errors.js'
import { OptionError } from './errors.js'

/** The three names of a type string. */
export type TypeNames = Record<PluginKind, string>

/** What each part is when the type string does not name it. */
const defaults: TypeNames = { driver: 'File', id: 'MD5', serialize: 'DataDumper' }

function isKind(name: string): name is PluginKind {
  return Object.hasOwn(defaults, name)
}

/**
 * The names in a type string. Parts may be left out and come in any order; spaces and the case of letters do not matter
 * (the registry puts the case of plug-in names right).
 * @throws {OptionError} for a part that is not driver, id or serialize, that has no name, or that comes twice
 */
export function parseType(type: string): TypeNames {
  const names = { ...defaults }
  const seen = new Set<string>()
  for (const part of type.replace(/\s+/g, '').split(';')) {
    if (part === '') continue
    const [kind = '', name = '', ...rest] = part.split(':')
    const word = kind.toLowerCase()
    if (!isKind(word) || name === '' || rest.length > 0 || seen.has(word)) throw badPart(part, seen.has(word))
    seen.add(word)
    names[word] = name
  }
  return names
}

function badPart(part: string, twice: boolean): OptionError {
  const shown = part.slice(0, 40)
  const reason = twice ? 'comes twice' : 'is not one of driver:NAME, id:NAME and serialize:NAME'
  return new OptionError(
    'type',
    `The part '${shown}' of the type string ${reason}; a type string looks like driver:File;id:MD5;serialize:DataDumper`,
  )
}

/** The type string of three names, as Data::Session prints it. */
export function formatType(names: TypeNames): string {
  return `driver:${names.driver};id:${names.id};serialize:${names.serialize}`
}
