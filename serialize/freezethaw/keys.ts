/** The keys of hashes, in the order in which Perl sorts them: that of their bytes. */

import { cannotFreeze } from '../shared/failure.js'
import { originOf } from '../shared/origin.js'
import { hasNonAscii } from '../shared/text.js'
import { serializerName } from './cursor.js'
import { counted, notBytes, type TextWriter } from './strings.js'

/** The keys of one hash: as JavaScript has them, and as they are written. */
interface WrittenKeys {
  readonly names: readonly string[]
  readonly text: string
}

type Path = () => readonly (string | number)[]

/** Writes the keys of one record. */
export class KeyWriter {
  private readonly texts: TextWriter
  /** Rows of a table have the same keys: each is looked at once. */
  private readonly known = new Map<string, string>()

  constructor(texts: TextWriter) {
    this.texts = texts
  }

  /** The keys that have a value; `path` leads to the hash. */
  of(hash: Record<string, unknown>, path: Path): WrittenKeys {
    const names = sortedKeys(hash)
    const text = this.ascii(names)
    return text === undefined ? this.wide(names, hash, path) : { names, text }
  }

  private ascii(names: readonly string[]): string | undefined {
    let text = ''
    for (const name of names) {
      const known = this.known.get(name) ?? this.learn(name)
      if (known === undefined) return undefined
      text += known
    }
    return text
  }

  private learn(name: string): string | undefined {
    if (hasNonAscii(name)) return undefined
    const text = counted(name)
    this.known.set(name, text)
    return text
  }

  private wide(names: readonly string[], hash: object, path: Path): WrittenKeys {
    const origin = originOf(hash)
    const bytes = new Map<string, string>()
    for (const name of names) {
      const perl = this.texts.key(name, origin)
      if (perl === undefined) throw cannotFreeze(serializerName, [...path(), name], notBytes)
      if (bytes.has(perl)) throw cannotFreeze(serializerName, [...path(), name], 'another key has the same bytes')
      bytes.set(perl, name)
    }
    const sorted = [...bytes.keys()].sort()
    return { names: sorted.map((perl) => bytes.get(perl)!), text: sorted.map(counted).join('') }
  }
}

/** The keys that have a value, sorted. */
function sortedKeys(hash: Record<string, unknown>): string[] {
  const keys = Object.keys(hash)
  let isSorted = true
  for (let i = 0; i < keys.length; i++) {
    if (hash[keys[i]!] === undefined) return keys.filter((key) => hash[key] !== undefined).sort()
    if (i > 0 && keys[i]! < keys[i - 1]!) isSorted = false
  }
  return isSorted ? keys : keys.sort()
}
