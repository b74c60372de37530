/** The golden data below t/fixtures/perl: bytes that real Perl wrote, and what real Perl reads in them. */

import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Node } from './perl-notation.js'

/** The folder of the manifests. */
export const fixtureFolder = join(__dirname, '..', 'fixtures', 'perl')

/** What Perl got: a value, or an error. */
export type Outcome = { readonly value: Node } | { readonly error: string }

/** One file of a manifest. */
export interface Fixture {
  readonly set: string
  readonly case: string
  /** Reader cases: which input of the file. */
  readonly input: string | undefined
  /** For test titles: `set/case serializer` and the input, if there is one. */
  readonly name: string
  readonly title: string
  readonly serializer: string
  /** The record; undefined where Perl could not freeze the source. */
  readonly bytes: Buffer | undefined
  readonly freezeError: string | undefined
  /** What was frozen (reader cases have none). */
  readonly source: Node | undefined
  /** What real Perl gets from the bytes. */
  readonly thaw: Outcome | undefined
  /** The same with the bytes decoded as UTF-8 first. */
  readonly thawText: Outcome | undefined
  /** DataDumper: the value of `$D`, where it is not `thaw`. */
  readonly variable: Outcome | undefined
  readonly result: string | undefined
  readonly port: string | undefined
  readonly encoding: string | undefined
}

interface ManifestFile {
  serializer: string
  bin?: string
  size?: number
  offset?: number
  input?: string
  title?: string
  thaw?: number | { error: string }
  thaw_text?: number | { error: string }
  variable?: number | { error: string }
  result?: string
  port?: string
  encoding?: string
  freeze_error?: string
}

interface Manifest {
  set: string
  case: string
  title: string
  source?: number
  values: Node[]
  files: ManifestFile[]
}

function manifests(): Manifest[] {
  const folders = readdirSync(fixtureFolder).filter((name) => statSync(join(fixtureFolder, name)).isDirectory())
  const paths = folders.flatMap((folder) =>
    readdirSync(join(fixtureFolder, folder))
      .filter((name) => name.endsWith('.json'))
      .map((name) => join(fixtureFolder, folder, name)),
  )
  return paths.map((path) => JSON.parse(readFileSync(path, 'utf8')) as Manifest)
}

function fixture(manifest: Manifest, file: ManifestFile): Fixture {
  const outcome = (at: ManifestFile['thaw']): Outcome | undefined =>
    typeof at === 'number' ? { value: manifest.values[at] as Node } : at
  const input = file.input === undefined ? '' : ` ${file.input}`
  return {
    set: manifest.set,
    case: manifest.case,
    input: file.input,
    name: `${manifest.set}/${manifest.case} ${file.serializer}${input}`,
    title: file.title ?? manifest.title,
    serializer: file.serializer,
    bytes: bytesOf(manifest, file),
    freezeError: file.freeze_error,
    source: manifest.source === undefined ? undefined : manifest.values[manifest.source],
    thaw: outcome(file.thaw),
    thawText: outcome(file.thaw_text),
    variable: outcome(file.variable),
    result: file.result,
    port: file.port,
    encoding: file.encoding,
  }
}

function bytesOf(manifest: Manifest, file: ManifestFile): Buffer | undefined {
  if (file.bin === undefined) return undefined
  const all = readFileSync(join(fixtureFolder, manifest.set, file.bin))
  return file.offset === undefined ? all : all.subarray(file.offset, file.offset + file.size!)
}

/** All files of the manifests that these serializers (named as in the fixtures' README) wrote or read. */
export function fixtures(serializers: readonly string[]): Fixture[] {
  return manifests().flatMap((manifest) =>
    manifest.files.filter((file) => serializers.includes(file.serializer)).map((file) => fixture(manifest, file)),
  )
}
